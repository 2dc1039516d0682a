// SPDX-License-Identifier: Apache-2.0
//
// How a module of the config is started: its program, folder, environment and socket. Private to
// this folder; what is agreed on with modules is in docs/modules.md.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "machine/config.h"

namespace bowerbird::machine {

// What all modules of a machine have in common.
struct ModuleHost {
  std::string data_dir;       // module-data/ is below it
  std::string socket_folder;  // exists
  std::string parent_address;
  bool debug = false;
  std::chrono::nanoseconds start_time = std::chrono::minutes(5);
};

struct ModuleLaunch {
  std::vector<std::string> argv;
  std::string directory;
  std::vector<std::pair<std::string, std::string>> environment;
  std::string socket;
};

// Makes the module's data folder. NOT_FOUND, FAILED_PRECONDITION: the executable is not there, or
// is none.
absl::StatusOr<ModuleLaunch> PlanLaunch(const ModuleConfig& module, const ModuleHost& host);

// `folder`/NAME-SUFFIX.sock, where the name is cut and told apart by a hash if the system allows no
// path so long (103 bytes).
std::string ModuleSocketPath(const std::string& folder, const std::string& name,
                             const std::string& suffix);

}  // namespace bowerbird::machine
