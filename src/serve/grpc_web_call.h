// SPDX-License-Identifier: Apache-2.0
//
// One gRPC-Web call on its way through the server's in-process channel: messages in, headers,
// messages and a status out. Knows nothing of HTTP connections.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "grpcpp/generic/generic_stub.h"
#include "serve/http_message.h"

namespace bowerbird::serve {

// Who started the call. Called from gRPC's threads, one call at a time, in this order: OnHeaders at
// most once, OnMessage any number of times, OnEnd exactly once and last.
class GrpcWebSink {
 public:
  virtual ~GrpcWebSink() = default;
  virtual void OnHeaders(Headers metadata) = 0;
  // The next message is read only after Resume().
  virtual void OnMessage(grpc::ByteBuffer message) = 0;
  virtual void OnEnd(grpc::Status status, Headers trailing_metadata) = 0;
};

struct GrpcWebCallOptions {
  std::string method;  // "/package.Service/Method"
  Headers metadata;
  std::string peer;  // for the list of operations
  std::optional<std::chrono::nanoseconds> timeout;
  std::vector<grpc::ByteBuffer> messages;  // all of the request; then the client's side is closed
};

class GrpcWebCall {
 public:
  // Starts at once. The call keeps `sink` alive until OnEnd has returned.
  static std::shared_ptr<GrpcWebCall> Start(const std::shared_ptr<grpc::Channel>& channel,
                                            GrpcWebCallOptions options,
                                            std::shared_ptr<GrpcWebSink> sink);
  virtual ~GrpcWebCall() = default;

  // Exactly once for each OnMessage, from any thread, whether the message was of use or not.
  virtual void Resume() = 0;
  // The client is gone. OnEnd still comes. From any thread.
  virtual void Cancel() = 0;
};

}  // namespace bowerbird::serve
