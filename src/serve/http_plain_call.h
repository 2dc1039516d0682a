// SPDX-License-Identifier: Apache-2.0
//
// An HTTP request that stands for a gRPC call and whose answer is plain HTTP: KServe's protocol,
// downloads. Decides what goes out; knows nothing of connections. Belongs to one request.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "grpcpp/support/byte_buffer.h"
#include "serve/http_message.h"

namespace bowerbird::serve {

class HttpPlainCall {
 public:
  // What one message of the call adds to the answer.
  struct Piece {
    // Begins the answer; its own body is empty. Once, and first.
    std::optional<HttpResponse> head{};
    uint64_t content_length = 0;  // with `head`: bytes of the whole body
    std::string body{};
  };

  virtual ~HttpPlainCall() = default;

  // An error after the head has gone out can only be shown by breaking off.
  virtual absl::StatusOr<Piece> Message(const grpc::ByteBuffer& message) = 0;
  // The call has ended. The whole answer, if none was begun; otherwise nothing, and an answer whose
  // call ended with an error is broken off.
  virtual std::optional<HttpResponse> End(const absl::Status& status) = 0;
};

}  // namespace bowerbird::serve
