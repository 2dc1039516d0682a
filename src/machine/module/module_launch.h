// SPDX-License-Identifier: Apache-2.0
//
// How a module of the config is started: its program, folder, environment, address and limits.
// Private to this folder; what is agreed on with modules is in docs/modules.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "machine/config.h"
#include "machine/module/module_program.h"

namespace bowerbird::machine {

using Variables = std::vector<std::pair<std::string, std::string>>;

// What all modules of a machine have in common, and what the config has for this one.
struct ModuleHost {
  std::string data_dir;       // module-data/ is below it
  std::string socket_folder;  // exists
  std::string parent_address;
  bool debug = false;
  std::chrono::nanoseconds start_time = std::chrono::minutes(5);
  std::string part_id = "local";
  PackageFolders folders{};
  Variables environment{};  // for modules that do not have it otherwise
  Mutex* claims = nullptr;  // held by who adds models: of two modules one has them
};

struct ModuleLaunch {
  std::vector<std::string> argv;
  std::string directory;
  Variables environment;
  std::string address;  // where the module listens: a path, or 127.0.0.1:PORT
  std::vector<std::pair<int, uint64_t>> limits;  // RLIMIT_..., value
  int nice = 0;

  bool tcp() const { return !address.starts_with('/'); }
};

// Makes the module's data folder. INVALID_ARGUMENT: the entry is wrong.
absl::StatusOr<ModuleLaunch> PlanLaunch(const ModuleConfig& module, const ModuleProgram& program,
                                        const ModuleHost& host);

// `folder`/NAME-SUFFIX.sock, where the name is cut and told apart by a hash if the system allows no
// path so long (103 bytes).
std::string ModuleSocketPath(const std::string& folder, const std::string& name,
                             const std::string& suffix);

}  // namespace bowerbird::machine
