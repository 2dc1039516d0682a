// SPDX-License-Identifier: Apache-2.0
//
// How a child process is started: what subprocess.h is built from.
#pragma once

#include <spawn.h>
#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace bowerbird {

// The full path of a program: `name` itself if it contains a slash, else the first executable of
// that name in PATH. NOT_FOUND otherwise.
absl::StatusOr<std::string> FindProgram(const std::string& name);

// Our environment with `added` on top, as "KEY=value".
std::vector<std::string> MergedEnvironment(
    const std::vector<std::pair<std::string, std::string>>& added);

// What a stream of a child is connected to.
enum class ChildStream { kNull, kPipe, kInherit };

// posix_spawn's attributes and file actions: own process group, no signal blocked or ignored, no
// descriptor but the standard ones. For one start.
class SpawnPlan {
 public:
  SpawnPlan();
  ~SpawnPlan();
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  // The child's descriptor `fd` becomes our `pipe_end`, the null device, or stays ours.
  void Connect(int fd, ChildStream stream, int pipe_end);
  void ChangeDirectory(const std::string& directory);

  // argv[0] is a path. 0 or an errno value; when it returns, the child runs the program.
  int Spawn(std::vector<std::string> argv, std::vector<std::string> environment, pid_t* pid);

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

}  // namespace bowerbird
