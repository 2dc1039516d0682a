// SPDX-License-Identifier: Apache-2.0
#include "base/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "base/status.h"

namespace bowerbird {
namespace {

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (auto& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

absl::StatusOr<std::string> FindProgram(const std::string& name) {
  const auto usable = [](const std::string& path) {
    struct stat info;
    return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
           access(path.c_str(), X_OK) == 0;
  };
  if (name.find('/') != std::string::npos) {
    std::error_code ignored;
    if (usable(name)) return std::filesystem::absolute(name, ignored).string();
    return NotFound("program " + name + ": there is no executable file of that name");
  }
  const char* path = std::getenv("PATH");
  std::string_view folders = path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path;
  while (!name.empty() && !folders.empty()) {
    const size_t end = std::min(folders.find(':'), folders.size());
    const std::string candidate = std::string(folders.substr(0, end)) + "/" + name;
    if (end > 0 && usable(candidate)) return candidate;
    folders.remove_prefix(std::min(end + 1, folders.size()));
  }
  return NotFound("program \"" + name + "\" not found in PATH");
}

std::vector<std::string> MergedEnvironment(
    const std::vector<std::pair<std::string, std::string>>& added) {
  std::vector<std::string> merged;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::string_view key = text.substr(0, text.find('='));
    if (std::none_of(added.begin(), added.end(), [&](const auto& a) { return a.first == key; }))
      merged.emplace_back(text);
  }
  for (const auto& [key, value] : added) merged.push_back(key + "=" + value);
  return merged;
}

SpawnPlan::SpawnPlan() {
  posix_spawn_file_actions_init(&actions_);
  posix_spawnattr_init(&attributes_);
  posix_spawnattr_setflags(&attributes_,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup(&attributes_, 0);
  sigset_t set;
  sigemptyset(&set);
  posix_spawnattr_setsigmask(&attributes_, &set);
  sigfillset(&set);
  posix_spawnattr_setsigdefault(&attributes_, &set);
}

SpawnPlan::~SpawnPlan() {
  posix_spawn_file_actions_destroy(&actions_);
  posix_spawnattr_destroy(&attributes_);
}

void SpawnPlan::Connect(int fd, ChildStream stream, int pipe_end) {
  if (stream == ChildStream::kPipe) {
    posix_spawn_file_actions_adddup2(&actions_, pipe_end, fd);
  } else if (stream == ChildStream::kNull) {
    posix_spawn_file_actions_addopen(&actions_, fd, "/dev/null",
                                     fd == STDIN_FILENO ? O_RDONLY : O_WRONLY, 0);
  }
}

void SpawnPlan::ChangeDirectory(const std::string& directory) {
  if (!directory.empty()) posix_spawn_file_actions_addchdir_np(&actions_, directory.c_str());
}

int SpawnPlan::Spawn(std::vector<std::string> argv, std::vector<std::string> environment,
                     pid_t* pid) {
  posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
  const auto arguments = Pointers(argv);
  const auto variables = Pointers(environment);
  return posix_spawn(pid, arguments[0], &actions_, &attributes_, arguments.data(),
                     variables.data());
}

}  // namespace bowerbird
