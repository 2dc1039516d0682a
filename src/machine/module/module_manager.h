// SPDX-License-Identifier: Apache-2.0
//
// The modules of a machine: programs that bring models of their own. Each is kept running, and its
// models are in the catalog while it does.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "machine/catalog.h"
#include "machine/config.h"
#include "machine/name.h"

namespace bowerbird::machine {

struct ModuleManagerOptions {
  std::string data_dir;
  std::string socket_folder;  // of the modules' sockets; exists, and only this user may enter it
  std::string
      parent_address;  // where modules reach this machine: path of a Unix socket, or host:port
  bool debug = false;
  std::string part_id;  // of this machine, where the config names one
};

enum class ModuleState { kStarting, kReady, kFailed };

struct ModuleStatus {
  std::string name;
  ModuleState state = ModuleState::kStarting;
  std::string error;
  int failures = 0;  // in a row
  std::chrono::system_clock::time_point last_updated;
  std::vector<std::pair<Api, ModelName>> models;  // that are in the catalog now
};

// Thread-safe. One thread a module, "module".
class ModuleManager {
 public:
  // `catalog` outlives it.
  ModuleManager(Catalog& catalog, ModuleManagerOptions options);
  // Stops all modules: at the same time, within 15 s.
  ~ModuleManager();

  // Makes the modules of `config` those that run. Those whose entry and package have not changed go
  // on running; waits until those that go have ended.
  void Apply(const Config& config);

  // Stops the process and starts it again. NOT_FOUND.
  absl::Status Restart(const std::string& name);

  std::vector<ModuleStatus> Status() const;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace bowerbird::machine
