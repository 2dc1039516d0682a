// SPDX-License-Identifier: Apache-2.0
//
// What bodies of requests take of the memory that all connections share. Internal to the port.
#pragma once

#include <cstddef>
#include <utility>

#include "serve/http_session.h"

namespace bowerbird::serve {

// The part of HttpContext::body_bytes that one request holds.
class BodyShare {
 public:
  explicit BodyShare(HttpContext& context) : context_(context) {}
  ~BodyShare() { Release(); }
  BodyShare(const BodyShare&) = delete;
  BodyShare& operator=(const BodyShare&) = delete;

  bool Take(size_t bytes) {
    held_ = bytes;
    const size_t before = context_.body_bytes.fetch_add(bytes);
    // One request alone always fits.
    return bytes == 0 || before == 0 || before + bytes <= context_.limits.max_bodies;
  }
  void Release() { context_.body_bytes.fetch_sub(std::exchange(held_, 0)); }

 private:
  HttpContext& context_;
  size_t held_ = 0;
};

}  // namespace bowerbird::serve
