// SPDX-License-Identifier: Apache-2.0
//
// Every gRPC service of the machine role.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "machine/machine.h"
#include "machine/module/module_manager.h"
#include "machine/module/remote_manager.h"
#include "serve/operations.h"
#include "serve/rpc.h"
#include "serve/sessions.h"

namespace bowerbird::serve {

// All of them outlive the server.
struct MachineServicesOptions {
  const machine::Machine& machine;
  Admission& admission;
  OperationRegistry& operations;
  Sessions& sessions;
  Metrics& metrics;
  std::string version;             // of the program
  std::function<void()> shutdown;  // see RobotRpcOptions
  machine::ModuleManager* modules = nullptr;
  const machine::RemoteManager* remotes = nullptr;
};

// Robot, camera, sensor, generic (component and service), mlmodel (also as KServe), vision, data
// manager, discovery:
// to be registered with a grpc::ServerBuilder, and to be kept until its server is gone.
std::vector<std::unique_ptr<RpcService>> MakeMachineServices(const MachineServicesOptions& options);

}  // namespace bowerbird::serve
