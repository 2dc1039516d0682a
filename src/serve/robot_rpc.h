// SPDX-License-Identifier: Apache-2.0
//
// viam.robot.v1.RobotService: the machine as a whole. Not here, and so answered UNIMPLEMENTED:
// GetStatus and StreamStatus (no machine answers them any more), TransformPCD, Tunnel,
// UploadDataFromPath.
#pragma once

#include <functional>
#include <string>

#include "base/metrics.h"
#include "machine/machine.h"
#include "machine/module/module_manager.h"
#include "machine/module/remote_manager.h"
#include "serve/operations.h"
#include "serve/robot_log.h"
#include "serve/rpc.h"
#include "serve/sessions.h"

namespace bowerbird::serve {

// All of them outlive the server.
struct RobotRpcOptions {
  const machine::Machine& machine;
  OperationRegistry& operations;
  Sessions& sessions;
  std::string version;  // of the program
  // Asks the program to stop; must return at once, for the answer is sent afterwards. Empty:
  // Shutdown is refused.
  std::function<void()> shutdown;
  machine::ModuleManager* modules = nullptr;  // null: there are none
  const machine::RemoteManager* remotes = nullptr;
};

class RobotRpc : public RpcService {
 public:
  RobotRpc(Admission& admission, RobotRpcOptions options);

 private:
  // Each registers the calls of one concern.
  void AddResources();
  void AddMachineStatus();
  void AddOperations();
  void AddSessions();
  void AddFrames();
  void AddControl();
  void AddWhatModulesCall();
  void AddModules();

  absl::Status StopAll(Call& call) const;

  const RobotRpcOptions options_;
  LogLimit log_limit_;
};

}  // namespace bowerbird::serve
