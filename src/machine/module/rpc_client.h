// SPDX-License-Identifier: Apache-2.0
//
// Calls of another process, ended with the context of whoever waits. Private to this folder.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/context.h"

namespace google::protobuf {
class Message;
}
namespace grpc {
class Channel;
}

namespace bowerbird::machine {

// Thread-safe.
class RpcClient {
 public:
  static constexpr int kMaxMessage = 32 << 20;

  // `path` of a Unix socket, or host:port. Connects with the first call, and again when it must.
  explicit RpcClient(const std::string& address);
  explicit RpcClient(std::shared_ptr<grpc::Channel> channel);

  // A header of the answer, asked for by its key in lower case.
  struct Header {
    std::string key, value;
  };

  // `method`: "viam.module.v1.ModuleService/Ready". The callee's status, with its words; what was
  // sent beyond 32 MiB is RESOURCE_EXHAUSTED. CANCELLED and DEADLINE_EXCEEDED by the context.
  absl::Status Call(const Context& context, const std::string& method,
                    const google::protobuf::Message& request, google::protobuf::Message& response,
                    Header* header = nullptr) const;

  // One request, any number of responses: `take` looks at each in `response`; false ends the call,
  // which is OK.
  absl::Status Stream(const Context& context, const std::string& method,
                      const google::protobuf::Message& request, google::protobuf::Message& response,
                      const std::function<bool()>& take) const;

  // Any number of requests, one response: `next` writes each into `request`, false ends the
  // sending. It may wait, but not longer than the context.
  absl::Status Send(const Context& context, const std::string& method,
                    google::protobuf::Message& request, google::protobuf::Message& response,
                    const std::function<bool()>& next) const;

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  const std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace bowerbird::machine
