// SPDX-License-Identifier: Apache-2.0
#include "machine/module/module_leftovers.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string_view>

#include "base/descriptor.h"

namespace bowerbird::machine {
namespace {

// Processes may fork, or be in the middle of an exec, while they are looked for.
constexpr int kMostRounds = 5;
constexpr useconds_t kBetweenRoundsUs = 2000;

enum class Owner { kUs, kAnother, kNotYetKnown };

// Whether `variable`, as NAME=VALUE, is in that environment; it is another's where it may not be
// read. Between the moment when exec drops a program and the moment when the next one's stack
// stands, the kernel shows an empty environment: that is not known yet.
Owner OwnerOf(const std::string& folder, std::string_view variable) {
  std::ifstream file(folder + "/environ", std::ios::binary);
  if (!file) return Owner::kAnother;
  const std::string all{std::istreambuf_iterator<char>(file), {}};
  for (size_t at = all.find(variable); at != std::string::npos; at = all.find(variable, at + 1)) {
    const size_t end = at + variable.size();
    if ((at == 0 || all[at - 1] == '\0') && (end == all.size() || all[end] == '\0'))
      return Owner::kUs;
  }
  std::error_code error;
  // Threads of the kernel and processes that have ended have no program.
  const bool has_program =
      all.empty() && !std::filesystem::read_symlink(folder + "/exe", error).empty();
  return has_program ? Owner::kNotYetKnown : Owner::kAnother;
}

// False when there is none left.
bool KillRound(const std::string& variable, std::set<pid_t>& ended) {
  bool again = false;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename().string();
    if (!std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; }))
      continue;
    const pid_t pid = std::stoi(name);
    if (pid == getpid()) continue;
    // Before its environment is looked at: the number may become another's meanwhile.
    const Descriptor handle(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (handle.get() < 0) continue;
    const Owner owner = OwnerOf(entry.path().string(), variable);
    if (owner == Owner::kNotYetKnown) again = true;
    if (owner != Owner::kUs) continue;
    if (syscall(SYS_pidfd_send_signal, handle.get(), SIGKILL, nullptr, 0) != 0) continue;
    ended.insert(pid);
    again = true;
  }
  return again;
}

}  // namespace

int KillLeftovers(const std::string& address) {
  std::set<pid_t> ended;
  for (int round = 0; round < kMostRounds; ++round) {
    if (!KillRound("VIAM_MODULE_ADDRESS=" + address, ended)) break;
    usleep(kBetweenRoundsUs);
  }
  return static_cast<int>(ended.size());
}

}  // namespace bowerbird::machine
