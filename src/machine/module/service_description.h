// SPDX-License-Identifier: Apache-2.0
//
// What another process tells, by grpc.reflection, of a service that this program does not know:
// which of its methods are unary, so that they can be forwarded in one step each way, and the files
// that describe its messages, for clients that ask this machine. Private to this folder.
#pragma once

#include <memory>
#include <string>
#include <unordered_set>

#include "base/context.h"
#include "machine/module/rpc_client.h"

namespace google::protobuf {
class DescriptorPool;
}

namespace bowerbird::machine {

// Immutable.
class ServiceDescription {
 public:
  // Of `service`, "acme.component.echo.v1.EchoService", by reflection v1 or v1alpha. Null where the
  // server does not tell, or not within two seconds: then all methods count as streams, which is
  // right for any call but slower.
  static std::shared_ptr<const ServiceDescription> Ask(const Context& context,
                                                       const RpcClient& client,
                                                       const std::string& service);

  // `method` is bare: "Echo".
  bool IsUnary(const std::string& method) const { return unary_.contains(method); }
  // The service's file and all that it imports. Null if they do not fit together.
  const std::shared_ptr<const google::protobuf::DescriptorPool>& files() const { return files_; }

 private:
  ServiceDescription() = default;

  std::unordered_set<std::string> unary_;
  std::shared_ptr<const google::protobuf::DescriptorPool>
      files_;  // shared with who answers from it
};

}  // namespace bowerbird::machine
