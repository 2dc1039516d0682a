// SPDX-License-Identifier: Apache-2.0
#include "app/module_sockets.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/status.h"

namespace bowerbird::app {

absl::StatusOr<std::unique_ptr<ModuleSockets>> ModuleSockets::Make() {
  std::error_code error;
  std::string folder = std::filesystem::temp_directory_path(error).string();
  if (error) return FailedPrecondition("the folder for temporary files: " + error.message());
  // Sockets have short paths; that of a module must fit, too.
  constexpr size_t kLongestFolder = 60;
  if (folder.size() > kLongestFolder) folder = "/tmp";
  folder += "/viam-module-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) return ErrnoStatus(errno, "make " + folder);
  return std::unique_ptr<ModuleSockets>(new ModuleSockets(std::move(folder)));
}

ModuleSockets::~ModuleSockets() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace bowerbird::app
