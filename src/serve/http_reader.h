// SPDX-License-Identifier: Apache-2.0
//
// Requests out of the bytes of an HTTP/1.1 connection, whichever way they are cut. A thin front of
// Boost.Beast's parser, kept out of the connection so that it can be tested, and fuzzed, by itself.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "serve/http_message.h"

namespace bowerbird::serve {

class HttpReader {
 public:
  enum class Step {
    kNeedMore,  // more bytes are needed
    kHeader,    // the header is complete: once for each request
    kRequest,   // the request is complete
    kFailed,    // no further request can be made out
  };

  explicit HttpReader(size_t max_header);
  ~HttpReader();

  // Room for the next bytes of the connection, and how many came.
  std::span<char> Prepare();
  void Commit(size_t count);
  // Bytes that are there but belong to no request yet.
  bool has_bytes() const;

  // Goes on as far as the bytes allow.
  Step Next();
  // Makes ready for the next request on the connection; what came early is kept.
  void Reset();
  // Forgets the bytes that are there.
  void DropBytes();

  // From kHeader on.
  const HttpRequest& request() const { return request_; }
  bool keep_alive() const { return keep_alive_; }
  bool is_http_1_1() const { return is_http_1_1_; }
  bool expects_continue() const { return expects_continue_; }
  // Nothing where the request does not say it (chunked); 0 without a body.
  std::optional<uint64_t> content_length() const { return content_length_; }
  // A body beyond this fails with 413. To be set at kHeader; until then it is 0.
  void SetMaxBody(size_t bytes);

  // At kRequest.
  std::string TakeBody();

  // At kFailed: how to answer.
  const HttpResponse& failure() const { return failure_; }

 private:
  struct Parser;
  void ReadHeader();

  const size_t max_header_;
  std::unique_ptr<Parser> parser_;
  HttpRequest request_;
  bool header_seen_ = false;
  bool keep_alive_ = false;
  bool is_http_1_1_ = false;
  bool expects_continue_ = false;
  std::optional<uint64_t> content_length_;
  size_t max_body_ = 0;
  HttpResponse failure_;
};

}  // namespace bowerbird::serve
