// SPDX-License-Identifier: Apache-2.0
//
// The web page: files below one folder, read at each request. Files below /assets/ carry a hash of
// their content in their name (Vite's convention), so browsers may keep them for ever; everything
// else is asked for again and answered with 304 while unchanged. A path that is no file and looks
// like none (no dot in its last part) gets index.html: the page does its own routing.
//
// Nothing outside of the folder is ever read: paths with "..", backslashes or hidden names are
// refused, and every part is opened beneath its parent without following symbolic links.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "serve/http_message.h"

namespace bowerbird::serve {

// The path of a request target, percent-decoded and without query; nothing if it is malformed or
// must not be looked up ("..", NUL, backslash, hidden names).
std::optional<std::string> SafePath(std::string_view target);

// "text/html; charset=utf-8" for "index.html"; "application/octet-stream" if unknown.
std::string_view ContentTypeOf(std::string_view file_name);

// Immutable; thread-safe.
class StaticFiles {
 public:
  static constexpr size_t kMaxFileSize = size_t{64} << 20;

  // "": there is no page.
  explicit StaticFiles(std::string root);

  bool has_root() const { return !root_.empty(); }

  // The answer to GET or HEAD (with body; the caller leaves it out for HEAD): 200, 304 or 404.
  HttpResponse Get(const HttpRequest& request) const;

 private:
  std::optional<HttpResponse> TryFile(const std::string& path, const HttpRequest& request) const;

  const std::string root_;
};

}  // namespace bowerbird::serve
