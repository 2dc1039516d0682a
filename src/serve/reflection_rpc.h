// SPDX-License-Identifier: Apache-2.0
//
// grpc.reflection: clients and tools ask which services there are and how their messages look. Our
// own rather than gRPC's plugin, because that one cannot pass the gate (it would answer without
// credentials), holds a thread per open stream, and knows v1alpha only. This one answers v1 and
// v1alpha alike: their messages are the same bytes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "grpcpp/impl/codegen/service_type.h"
#include "serve/admission.h"

namespace google::protobuf {
class DescriptorPool;
}

namespace bowerbird::serve {

// Called from any thread.
struct Reflected {
  // Full names, as they are listed.
  std::function<std::vector<std::string>()> services;
  // What describes services and messages that this program was not built with.
  std::function<std::vector<std::shared_ptr<const google::protobuf::DescriptorPool>>()> files;
};

// One version of the service.
class ReflectionRpc : public grpc::Service {
 public:
  // `package`: "grpc.reflection.v1". The gate outlives it.
  ReflectionRpc(const std::string& package, Reflected reflected, CallGate& gate);

 private:
  const MethodInfo method_;
  const Reflected reflected_;
};

}  // namespace bowerbird::serve
