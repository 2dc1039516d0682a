// SPDX-License-Identifier: Apache-2.0
//
// Which program a module of the config is: an executable on this machine, or what an archive or a
// package holds. Private to this folder.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/context.h"
#include "machine/config.h"

namespace bowerbird::machine {

struct ModuleProgram {
  std::string executable;  // absolute
  std::string root;        // the folder of its files; where it is started
  std::string first_run;   // the script that prepares it, once; "" = none
};

// Where packages are on disk.
struct PackageFolders {
  std::string packages;   // data/TYPE/NAME-VERSION is below it
  std::string unpacked;   // of archives that the config names itself
  std::string of_module;  // the folder of the package that the config has for this module, or ""
};

// The folder, of a package that `packages` lists, which `module` means: of the same name, or of its
// module_id; "" if there is none.
std::string PackageFolderOf(const ModuleConfig& module, const std::vector<PackageConfig>& packages,
                            const std::string& packages_folder);

// Unpacks what must be unpacked. NOT_FOUND, INVALID_ARGUMENT, FAILED_PRECONDITION say what is
// missing or wrong, and what to do.
absl::StatusOr<ModuleProgram> FindModuleProgram(const ModuleConfig& module,
                                                const PackageFolders& folders);

// Runs `program.first_run`, unless it has succeeded before; its output goes to the log.
absl::Status RunFirst(const Context& context, const ModuleConfig& module,
                      const ModuleProgram& program,
                      const std::vector<std::pair<std::string, std::string>>& environment);

}  // namespace bowerbird::machine
