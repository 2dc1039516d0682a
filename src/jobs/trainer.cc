// SPDX-License-Identifier: Apache-2.0
#include "jobs/trainer.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include "base/spawn.h"
#include "base/status.h"
#include "nlohmann/json.hpp"

namespace bowerbird::jobs {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxLineBytes = size_t{16} << 10;
constexpr std::chrono::milliseconds kTick{500};

std::optional<double> NumberIn(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

uint64_t CountIn(const Json& json, const char* key) {
  const auto number = NumberIn(json, key);
  return number.has_value() && *number > 0 && *number < 1e15 ? static_cast<uint64_t>(*number) : 0;
}

std::string TextIn(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

// Whole lines of what a child writes to stderr: a part of a line waits for its end.
class ErrorLines {
 public:
  explicit ErrorLines(TrainerListener& listener) : listener_(listener) {}
  void Take(std::string_view bytes) {
    for (const char c : bytes) {
      if (c != '\n' && rest_.size() < kMaxLineBytes) rest_ += c;
      if (c != '\n' && rest_.size() < kMaxLineBytes) continue;
      if (!rest_.empty()) listener_.Log(LevelOf(rest_), rest_);
      rest_.clear();
    }
  }

 private:
  // The runtime writes what it is pleased about there, too.
  static std::string_view LevelOf(std::string_view line) {
    if (line.starts_with("INFO:")) return "debug";
    return line.starts_with("WARNING:") ? "warn" : "error";
  }

  TrainerListener& listener_;
  std::string rest_;
};

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

void TrainerRun::TakeLine(std::string_view line) {
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    if (!line.empty()) listener_.Log("info", line);
    return;
  }
  if (const std::string phase = TextIn(json, "phase"); !phase.empty()) {
    if (phase != phase_) listener_.Log("info", phase);
    phase_ = phase;
    listener_.Progress({.phase = phase,
                        .step = CountIn(json, "done"),
                        .steps = CountIn(json, "total"),
                        .loss = NumberIn(json, "loss"),
                        .score = NumberIn(json, "score"),
                        .seconds_left = NumberIn(json, "seconds_left")});
  } else if (json.contains("error")) {
    // Also on stderr, which is the log.
    failure_ = TextIn(json, "error");
  } else if (json.contains("warning")) {
    listener_.Log("warn", TextIn(json, "warning"));
  } else {
    listener_.Log("info", line);
  }
}

void TrainerRun::Take(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    line_.append(part.substr(0, kMaxLineBytes - std::min(kMaxLineBytes, line_.size())));
    if (end == std::string_view::npos) return;
    TakeLine(line_);
    line_.clear();
    bytes.remove_prefix(end + 1);
  }
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
    Take(std::string_view(buffer.data(), *count));
  }
  if (!line_.empty()) TakeLine(std::exchange(line_, ""));
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
  const std::string why = failure_.empty() ? child_->LastStderrLine() : failure_;
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
