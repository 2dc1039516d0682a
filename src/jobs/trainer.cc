// SPDX-License-Identifier: Apache-2.0
#include "jobs/trainer.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include "base/spawn.h"
#include "base/status.h"

namespace bowerbird::jobs {
namespace {

constexpr std::chrono::milliseconds kTick{500};

Subprocess::Options OptionsOf(const TrainerCommand& command,
                              const std::vector<std::string>& arguments,
                              TrainerListener& listener) {
  Subprocess::Options options;
  options.argv = {"nice", "-n", "10"};
  options.argv.insert(options.argv.end(), command.argv.begin(), command.argv.end());
  options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
  options.name = "trainer";
  options.environment = {{"OMP_WAIT_POLICY", "passive"},
                         {"OMP_NUM_THREADS", std::to_string(command.threads)}};
  options.grace = command.grace;
  if (command.memory_bytes > 0) options.limits = {{RLIMIT_DATA, command.memory_bytes}};
  // Copied with the function, which is called by one thread only.
  options.on_stderr = [lines = ErrorLines(listener)](std::string_view bytes) mutable {
    lines.Take(bytes);
  };
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TrainerRun>> TrainerRun::Start(
    const TrainerCommand& command, const std::vector<std::string>& arguments,
    TrainerListener& listener) {
  if (command.argv.empty())
    return FailedPrecondition("no trainer is installed: put bowerbird-train beside bowerbird");
  // Looked for here: nice(1) would only say so with its exit status.
  RETURN_IF_ERROR(FindProgram(command.argv.front()).status());
  std::unique_ptr<TrainerRun> run(new TrainerRun(listener));
  ASSIGN_OR_RETURN(run->child_, Subprocess::Start(OptionsOf(command, arguments, listener)));
  return run;
}

void TrainerRun::KillWhenDue() {
  MutexLock lock(mutex_);
  if (std::chrono::steady_clock::now() < kill_at_) return;
  child_->Signal(SIGKILL);
  kill_at_ = Subprocess::Deadline::max();
}

absl::Status TrainerRun::Wait() {
  std::array<char, 4096> buffer;
  for (;;) {
    KillWhenDue();
    const auto count = child_->Read(buffer, std::chrono::steady_clock::now() + kTick);
    listener_.Tick();
    if (absl::IsDeadlineExceeded(count.status())) continue;
    if (!count.ok() || *count == 0) break;
    lines_.Take(std::string_view(buffer.data(), *count));
  }
  lines_.Finish();
  for (;;) {
    KillWhenDue();
    const auto end = child_->Wait(std::chrono::steady_clock::now() + kTick);
    listener_.Tick();
    if (end.has_value()) return Ended(*end);
  }
}

absl::Status TrainerRun::Ended(const ExitStatus& end) const {
  if (end.ok()) return absl::OkStatus();
  if (end.signal != 0) {
    return absl::AbortedError(ToAbsl(
        "the trainer was " + end.ToString() +
        (end.signal == SIGKILL ? ": it may have run out of memory, use fewer or smaller pictures"
                               : ": see the job's log")));
  }
  const std::string why = lines_.failure().empty() ? child_->LastStderrLine() : lines_.failure();
  return FailedPrecondition("the trainer " + end.ToString() + (why.empty() ? "" : ": " + why));
}

void TrainerRun::Stop(std::chrono::nanoseconds grace) {
  MutexLock lock(mutex_);
  const bool first = kill_at_ == Subprocess::Deadline::max();
  kill_at_ = std::min(kill_at_,
                      std::chrono::steady_clock::now() +
                          std::chrono::duration_cast<std::chrono::steady_clock::duration>(grace));
  if (first) child_->Signal(SIGTERM);
}

}  // namespace bowerbird::jobs
