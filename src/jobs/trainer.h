// SPDX-License-Identifier: Apache-2.0
//
// One run of the trainer: a child whose lines on stdout are its progress (docs/formats/trainer.md)
// and whose stderr is its log.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "base/subprocess.h"
#include "jobs/trainer_lines.h"

namespace bowerbird::jobs {

// How the trainer is started: these words, then the job's own arguments.
struct TrainerCommand {
  std::vector<std::string> argv{};
  uint32_t threads = 1;
  uint64_t memory_bytes = 0;  // of its data; 0 = no limit
  // Between SIGTERM and SIGKILL: of a run whose model nobody wants, and of one whose best model is
  // to be scored and written first.
  std::chrono::nanoseconds grace = std::chrono::seconds(20);
  std::chrono::nanoseconds finish_grace = std::chrono::minutes(10);
};

// Thread-safe.
class TrainerRun {
 public:
  // NOT_FOUND: the trainer is not installed.
  static absl::StatusOr<std::unique_ptr<TrainerRun>> Start(
      const TrainerCommand& command, const std::vector<std::string>& arguments,
      TrainerListener& listener);

  // Until the trainer has ended. Once, by one thread.
  absl::Status Wait();

  // Asks it to end with the best model that it has; it is killed if it does not within `grace`.
  void Stop(std::chrono::nanoseconds grace);

 private:
  explicit TrainerRun(TrainerListener& listener) : listener_(listener), lines_(listener) {}
  void KillWhenDue();
  absl::Status Ended(const ExitStatus& end) const;

  TrainerListener& listener_;
  ProgressLines lines_;
  mutable Mutex mutex_;
  Subprocess::Deadline kill_at_ ABSL_GUARDED_BY(mutex_) = Subprocess::Deadline::max();
  std::unique_ptr<Subprocess> child_;  // last: it calls the listener until it is gone
};

}  // namespace bowerbird::jobs
