// SPDX-License-Identifier: Apache-2.0
//
// A child process: started from an argv without a shell, watched, ended with everything it started.
//
// - The child leads its own process group and has no descriptor of ours but its three standard
//   ones, default signal handling, and an empty signal mask.
// - It does not outlive us, even if we are killed: it is started through setpriv(1) with a parent
//   death signal. That signal is tied to the thread that starts the child, so each child has one
//   thread of its own ("child-NAME"), which also collects stderr and the exit status.
// - When it ends, whatever is left of its process group is killed.
// posix_spawn, never fork: other threads may hold locks.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/spawn.h"

namespace bowerbird {

// How a child ended.
struct ExitStatus {
  int code = 0;    // meaningful when signal == 0
  int signal = 0;  // that killed it, or 0
  bool ok() const { return code == 0 && signal == 0; }
  // "exited with 1", "killed by SIGSEGV"
  std::string ToString() const;
};

// Thread-safe, but only one thread may Read and one may Write at a time.
class Subprocess {
 public:
  using Deadline = std::chrono::steady_clock::time_point;
  using Stream = ChildStream;

  struct Options {
    std::vector<std::string> argv;  // argv[0] as FindProgram takes it
    std::string name;               // in messages and of the thread; "" = argv[0] without folder
    Stream input = Stream::kNull;
    Stream output = Stream::kPipe;
    std::vector<std::pair<std::string, std::string>> environment;  // on top of ours
    std::string directory;                                         // "" = ours
    size_t stderr_tail = 4096;                                     // bytes kept of its stderr
    std::function<void(std::string_view)> on_stderr = {};          // is given all of it, too
    std::chrono::nanoseconds grace = std::chrono::seconds(2);      // between SIGTERM and SIGKILL
    std::vector<std::pair<int, uint64_t>> limits;                  // RLIMIT_..., value
  };

  // NOT_FOUND: no such program or directory.
  static absl::StatusOr<std::unique_ptr<Subprocess>> Start(Options options);
  ~Subprocess();  // Kill

  Subprocess(const Subprocess&) = delete;
  Subprocess& operator=(const Subprocess&) = delete;

  pid_t pid() const;

  // Up to buffer.size() bytes of its stdout, as soon as there are any; 0 at the end of stdout.
  // DEADLINE_EXCEEDED, or CANCELLED after Interrupt.
  absl::StatusOr<size_t> Read(std::span<char> buffer, Deadline deadline = Deadline::max());

  // All of `bytes` to its stdin. UNAVAILABLE when the child has closed it.
  absl::Status Write(std::string_view bytes, Deadline deadline = Deadline::max());
  void CloseInput();  // not while a Write runs

  // Reads and writes return CANCELLED from now on.
  void Interrupt();

  // Waits for its end; nullopt when `deadline` passes first. Once it returned a status, stderr() is
  // complete.
  std::optional<ExitStatus> Wait(Deadline deadline = Deadline::max()) const;
  bool running() const { return !Wait(Deadline::min()).has_value(); }

  // A signal to its whole group; nothing happens once it has ended.
  void Signal(int signal);

  // SIGTERM to its group, after the grace SIGKILL; waits for the end.
  ExitStatus Kill();

  // The last bytes that it wrote to stderr, and the last line of them that is not empty, in UTF-8.
  std::string Stderr() const;
  std::string LastStderrLine() const;

 private:
  struct Impl;
  explicit Subprocess(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bowerbird
