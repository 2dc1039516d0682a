// SPDX-License-Identifier: Apache-2.0
//
// gRPC-Web calls on their way through the server's in-process channel: messages in, headers,
// messages and a status out. Knows nothing of HTTP connections.
//
// The asynchronous API is used, and the status asked for only after the last message: gRPC 1.51's
// in-process transport loses a message that is sent together with the status when the status is
// waited for at the same time, as the callback API does.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "grpcpp/generic/generic_stub.h"
#include "serve/http_message.h"

namespace bowerbird::serve {

// Who started the call. Called on the bridge's thread, in this order: OnHeaders at most once,
// OnMessage any number of times, OnEnd exactly once and last. Must not block.
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
  virtual ~GrpcWebCall() = default;
  // Exactly once for each OnMessage, from any thread, whether the message was of use or not.
  virtual void Resume() = 0;
  // The client is gone. OnEnd still comes. From any thread.
  virtual void Cancel() = 0;
};

// Of calls within this process: nothing comes of a socket, so the thread that waits need not watch
// those of all other calls, too, and be woken for theirs.
class InProcessQueue final : public grpc::CompletionQueue {
 public:
  InProcessQueue()
      : grpc::CompletionQueue(
            {GRPC_CQ_CURRENT_VERSION, GRPC_CQ_NEXT, GRPC_CQ_NON_POLLING, nullptr}) {}
};

// `channel` leads to this process. Thread-safe. Owns the thread "grpc-web".
class GrpcWebBridge {
 public:
  explicit GrpcWebBridge(const std::shared_ptr<grpc::Channel>& channel);
  // Every call has ended.
  ~GrpcWebBridge();

  // The call keeps `sink` alive until OnEnd has returned.
  std::shared_ptr<GrpcWebCall> Start(GrpcWebCallOptions options, std::shared_ptr<GrpcWebSink> sink);

 private:
  void Run();

  grpc::GenericStub stub_;
  InProcessQueue queue_;
  std::thread thread_;
};

}  // namespace bowerbird::serve
