// SPDX-License-Identifier: Apache-2.0
//
// XML as it comes, piece by piece, from files that nobody vouches for. Internal to this room.
//
// Nothing outside is fetched, and a document that declares entities is refused: neither format
// needs them, and they are what makes a small file large. Depth and the size of a tag are bounded.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace bowerbird::annotation {

class XmlHandler {
 public:
  using Attributes = std::vector<std::pair<std::string_view, std::string_view>>;

  virtual ~XmlHandler() = default;
  // `path`: "annotation/object/name". An error ends the parsing.
  virtual absl::Status Start(const std::string& path, const Attributes& attributes) = 0;
  // With the text directly in the element, trimmed; at most 64 KiB of it.
  virtual absl::Status End(const std::string& path, std::string_view text) = 0;
};

// The value of an attribute, or "".
std::string_view AttributeOf(const XmlHandler::Attributes& attributes, std::string_view name);

class XmlParser {
 public:
  // Keeps a reference to the handler.
  explicit XmlParser(XmlHandler& handler);
  ~XmlParser();

  // INVALID_ARGUMENT: "line 3: mismatched tag"; or the handler's error. Nothing may follow an
  // error.
  absl::Status Feed(std::string_view bytes, bool last);
  uint64_t line() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Text with <, >, & and quotes escaped; must be UTF-8 without control characters.
std::string XmlText(std::string_view text);

}  // namespace bowerbird::annotation
