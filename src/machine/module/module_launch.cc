// SPDX-License-Identifier: Apache-2.0
#include "machine/module/module_launch.h"

#include <unistd.h>

#include <filesystem>
#include <random>
#include <system_error>

#include "base/sha256.h"
#include "base/status.h"

namespace bowerbird::machine {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxSocketPath = 103;  // of sockaddr_un, without the end

std::string RandomLetters() {
  std::random_device random;
  std::string letters;
  for (int i = 0; i < 5; ++i) letters += static_cast<char>('a' + random() % 26);
  return letters;
}

absl::StatusOr<fs::path> ExecutableOf(const ModuleConfig& module) {
  std::error_code error;
  const fs::path path = fs::absolute(module.executable_path, error);
  const std::string told = "module \"" + module.name + "\": " + module.executable_path;
  if (error || !fs::exists(path, error)) return NotFound(told + " does not exist");
  if (fs::is_directory(path, error))
    return FailedPrecondition(told + " is a folder; name the program in it");
  if (access(path.c_str(), X_OK) != 0)
    return FailedPrecondition(told + " may not be run; chmod +x it");
  return path;
}

absl::StatusOr<std::string> MakeDataFolder(const ModuleConfig& module, const ModuleHost& host) {
  const fs::path folder = fs::path(host.data_dir) / "module-data" / "local" / module.name;
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error) fs::permissions(folder, fs::perms(0750), error);
  if (error) return Internal("cannot make " + folder.string() + ": " + error.message());
  return folder.string();
}

}  // namespace

std::string ModuleSocketPath(const std::string& folder, const std::string& name,
                             const std::string& suffix) {
  std::string end = "-";
  end.append(suffix).append(".sock");
  std::string path = folder + "/" + name + end;
  if (path.size() <= kMaxSocketPath) return path;
  std::string hash = "-";
  hash += Sha256Hex(std::as_bytes(std::span(name))).substr(0, 5);
  const size_t fixed = folder.size() + 1 + hash.size() + end.size();
  const size_t left = fixed < kMaxSocketPath ? kMaxSocketPath - fixed : 0;
  path = folder + "/";
  path.append(name, 0, left).append(hash).append(end);
  return path;
}

absl::StatusOr<ModuleLaunch> PlanLaunch(const ModuleConfig& module, const ModuleHost& host) {
  ASSIGN_OR_RETURN(const fs::path executable, ExecutableOf(module));
  ASSIGN_OR_RETURN(const std::string data, MakeDataFolder(module, host));
  ModuleLaunch launch;
  launch.socket = ModuleSocketPath(host.socket_folder, module.name, RandomLetters());
  launch.argv = {executable.string(), launch.socket};
  const auto level = module.json.find("log_level");
  if (level != module.json.end() && level->is_string() && !level->get<std::string>().empty()) {
    launch.argv.push_back("--log-level=" + level->get<std::string>());
  } else if (host.debug) {
    launch.argv.emplace_back("--log-level=debug");
  }
  std::string root = executable.parent_path().string();
  launch.environment = {{"VIAM_HOME", host.data_dir},
                        {"VIAM_MODULE_DATA", data},
                        {"VIAM_MODULE_NAME", module.name},
                        {"VIAM_MODULE_ROOT", root}};
  for (const auto& [key, value] : module.env) {
    if (key == "VIAM_MODULE_ADDRESS") continue;
    if (key == "VIAM_MODULE_ROOT") root = value;
    std::erase_if(launch.environment, [&](const auto& entry) { return entry.first == key; });
    launch.environment.emplace_back(key, value);
  }
  launch.environment.emplace_back("VIAM_MODULE_ADDRESS", launch.socket);
  launch.directory = root;
  return launch;
}

}  // namespace bowerbird::machine
