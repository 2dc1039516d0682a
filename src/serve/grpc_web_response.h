// SPDX-License-Identifier: Apache-2.0
//
// The HTTP response of one gRPC-Web call, piece by piece, as bytes on their way out. Internal to
// the port.
#pragma once

#include <string>

#include "grpcpp/support/byte_buffer.h"
#include "serve/grpc_web.h"
#include "serve/out_queue.h"

namespace bowerbird::serve {

class GrpcWebResponse {
 public:
  // `chunked`: HTTP/1.1. A client of HTTP/1.0 gets a body that ends with the connection.
  GrpcWebResponse(GrpcWebFormat format, bool chunked) : format_(format), chunked_(chunked) {}

  bool head_sent() const { return head_sent_; }
  // Once, and first. `headers`: those of the call and of CORS, fit for HTTP.
  void Head(const Headers& headers, bool keep_alive, OutQueue& out);
  // INTERNAL if the message cannot be carried; nothing is appended then.
  absl::Status Message(const grpc::ByteBuffer& message, OutQueue& out);
  // Once, and last. `trailers`: what GrpcWebTrailers made.
  void End(std::string trailers, OutQueue& out);

 private:
  void Chunk(std::string bytes, OutQueue& out);

  const GrpcWebFormat format_;
  const bool chunked_;
  bool head_sent_ = false;
};

}  // namespace bowerbird::serve
