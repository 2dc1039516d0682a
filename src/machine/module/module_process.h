// SPDX-License-Identifier: Apache-2.0
//
// One run of a module: from its start until its process has ended. Private to this folder.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "base/context.h"
#include "base/subprocess.h"
#include "machine/module/line_log.h"
#include "machine/module/module_launch.h"
#include "machine/module/module_rpc.h"
#include "machine/module/rpc_client.h"

namespace bowerbird::machine {

// Thread-safe, but for Start. Resources share it, so that it lives until the last call on them
// ends; its process may have ended long before.
class ModuleProcess {
 public:
  // Finds and prepares the program, starts it and shakes hands. Errors tell what the module wrote
  // last.
  static absl::StatusOr<std::shared_ptr<ModuleProcess>> Start(const Context& context,
                                                              const ModuleConfig& module,
                                                              const ModuleHost& host);
  // Stops it.
  ~ModuleProcess();
  ModuleProcess(const ModuleProcess&) = delete;
  ModuleProcess& operator=(const ModuleProcess&) = delete;

  const std::string& name() const { return name_; }
  const RpcClient& client() const { return client_; }
  const ModuleRpc& rpc() const { return rpc_; }
  const std::vector<ModuleHandler>& handlers() const { return handlers_; }

  // Waits for its end; nothing when `deadline` passes first.
  std::optional<ExitStatus> Wait(std::chrono::steady_clock::time_point deadline) const;
  bool running() const { return child_->running(); }

  // SIGTERM, then SIGKILL to all that it has started, wherever that has gone; waits.
  void Stop();

 private:
  ModuleProcess(std::string name, std::string address);

  absl::Status Launch(const ModuleLaunch& launch);
  absl::Status AwaitSocket(const Context& context) const;
  bool tcp() const { return !address_.starts_with('/'); }
  absl::Status Ended(const ExitStatus& status) const;
  void ReadOutput();

  const std::string name_;
  const std::string address_;
  RpcClient client_;
  ModuleRpc rpc_{client_};
  LineLog output_, errors_;  // before the child: it writes there until it ends
  std::unique_ptr<Subprocess> child_;
  std::thread reader_;
  std::vector<ModuleHandler> handlers_;
};

}  // namespace bowerbird::machine
