// SPDX-License-Identifier: Apache-2.0
//
// grpc.reflection: clients and tools ask which services there are and how their messages look. Our
// own rather than gRPC's plugin, because that one cannot pass the gate (it would answer without
// credentials), holds a thread per open stream, and knows v1alpha only. This one answers v1 and
// v1alpha alike: their messages are the same bytes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "grpcpp/impl/codegen/service_type.h"
#include "serve/admission.h"

namespace bowerbird::serve {

// Full names, as they are listed. Called from any thread.
using ServiceNames = std::function<std::vector<std::string>()>;

// One version of the service.
class ReflectionRpc : public grpc::Service {
 public:
  // `package`: "grpc.reflection.v1". The gate outlives it.
  ReflectionRpc(const std::string& package, ServiceNames services, CallGate& gate);

 private:
  const MethodInfo method_;
  const ServiceNames services_;
};

}  // namespace bowerbird::serve
