// SPDX-License-Identifier: Apache-2.0
#include "infer/probe_run.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "base/sanitized.h"
#include "base/status.h"
#include "nlohmann/json.hpp"

namespace bowerbird::infer {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxLine = 8192;
constexpr std::chrono::milliseconds kCancellationLook{50};

uint64_t MemoryLimit(const ProbeLimits& limits) {
  if (limits.memory_bytes > 0) return limits.memory_bytes;
  constexpr uint64_t kLeast = uint64_t{256} << 20;
  return std::max(kLeast, static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                              static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) / 2);
}

Subprocess::Options StartOptions(const ProcessProbeOptions& options,
                                 const ProbeChildOptions& child) {
  Subprocess::Options start;
  start.argv = options.command;
  for (std::string& argument : ToArguments(child)) start.argv.push_back(std::move(argument));
  start.name = "probe";
  start.grace = std::chrono::nanoseconds(0);  // it has nothing to save
  const auto seconds = static_cast<uint64_t>(options.limits.time.count());
  start.limits = {{RLIMIT_CPU, seconds * static_cast<uint64_t>(std::max(1, child.num_threads))}};
  if (Sanitized()) return start;
  // Writable private memory: what files and libraries map to read does not count.
  start.limits.emplace_back(RLIMIT_DATA, MemoryLimit(options.limits));
  if (!child.choose_form && !child.try_serving) {  // these have passed, and are measured
    // glibc's own checks of the heap: a file that makes the runtime write beyond a block ends the
    // child here, not some later call there. Where the library is missing, nothing is checked.
    start.environment = {{"LD_PRELOAD", "libc_malloc_debug.so.0"},
                         {"GLIBC_TUNABLES", "glibc.malloc.check=3"}};
  }
  return start;
}

// Follows the child until it ends its output; false: the limit of time came first.
absl::StatusOr<bool> Follow(const Context& context, Subprocess& child, Clock::time_point limit,
                            ProbeTale& tale) {
  std::array<char, 4096> buffer{};
  while (true) {
    RETURN_IF_ERROR(context.Check());
    const Clock::time_point now = Clock::now();
    if (now >= limit) return false;
    const absl::StatusOr<size_t> count =
        child.Read(buffer, std::min(limit, now + kCancellationLook));
    if (absl::IsDeadlineExceeded(count.status())) continue;
    RETURN_IF_ERROR(count.status());
    if (*count == 0) return true;
    tale.Add({buffer.data(), *count});
  }
}

}  // namespace

void ProbeTale::Add(std::string_view bytes) {
  for (size_t end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
    line_ += bytes.substr(0, std::min(end, kMaxLine));
    if (!is_too_long_) Line(line_);
    line_.clear();
    is_too_long_ = false;
    bytes.remove_prefix(end + 1);
  }
  line_ += bytes.substr(0, kMaxLine);
  if (line_.size() <= kMaxLine) return;
  is_too_long_ = true;
  line_.clear();
}

void ProbeTale::Line(std::string_view line) {
  const auto rest = [&](std::string_view word) {
    return line.starts_with(word) ? std::optional(line.substr(word.size())) : std::nullopt;
  };
  if (const auto text = rest("@stage ")) {
    stage_ = *text;
    operator_.clear();
  } else if (const auto name = rest("@operator ")) {
    operator_ = *name;
  } else if (line == "@done") {
    operator_.clear();
  } else if (line == "@memory") {
    out_of_memory_ = true;
  } else if (const auto preparation = rest("@preparation ")) {
    preparation_ = *preparation;
  } else if (const auto serving = rest("@serving ")) {
    serving_ = *serving;
  } else if (const auto answer = rest("@answer ")) {
    Answer(*answer);
  }
}

void ProbeTale::Answer(std::string_view text) {
  int code = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), code);
  if (problem != std::errc()) return;
  const auto message =
      nlohmann::json::parse(end, text.data() + text.size(), nullptr, /*allow_exceptions=*/false);
  if (!message.is_string()) return;
  answered_ = true;
  answer_ = absl::Status(static_cast<absl::StatusCode>(code),
                         ToAbsl(message.get_ref<const std::string&>()));
}

absl::StatusOr<ProbeEnd> RunProbe(const Context& context, const ProcessProbeOptions& options,
                                  const ProbeChildOptions& child) {
  absl::StatusOr<std::unique_ptr<Subprocess>> started =
      Subprocess::Start(StartOptions(options, child));
  if (!started.ok()) return Annotate(started.status(), "the probe of a model file");
  Subprocess& process = **started;
  ProbeEnd end;
  const Clock::time_point limit = Clock::now() + options.limits.time;
  ASSIGN_OR_RETURN(const bool has_ended, Follow(context, process, limit, end.tale));
  if (!has_ended) {
    end.how = ProbeEnd::How::kTooSlow;
    end.exit = process.Kill();
    return end;
  }
  // It closes its output by ending; one that only closes it has the time that is left.
  const std::optional<ExitStatus> exit = process.Wait(limit);
  end.exit = exit ? *exit : process.Kill();
  if (!exit || end.exit.signal == SIGXCPU) {
    end.how = ProbeEnd::How::kTooSlow;
  } else if (end.tale.out_of_memory() || end.exit.signal == SIGKILL) {
    // Nobody of this program killed it: the kernel, out of memory or of processor time.
    end.how = ProbeEnd::How::kOutOfMemory;
  } else if (end.tale.answered() && end.exit.ok()) {
    end.how = ProbeEnd::How::kAnswered;
  } else {
    end.how = ProbeEnd::How::kCrashed;
  }
  if (end.how == ProbeEnd::How::kCrashed && end.exit.signal == 0) {
    const std::string line = process.LastStderrLine();
    return Internal("the probe of a model file " + end.exit.ToString() +
                    (line.empty() ? "" : ": " + line));
  }
  return end;
}

}  // namespace bowerbird::infer
