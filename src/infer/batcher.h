// SPDX-License-Identifier: Apache-2.0
//
// Puts calls that wait for an instance anyway into one run of several rows. It has no thread: the
// caller that waits longest leads. It waits in the pool's queue for an instance, takes the rows
// that have come meanwhile with it, runs them all and hands the results out; as soon as it has
// taken its rows, the next caller leads. Where nobody has to wait nothing is batched.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/context.h"
#include "base/mutex.h"
#include "infer/pool.h"
#include "infer/serving.h"

namespace bowerbird::infer {

// One caller's part of a run. The caller owns it, fills `inputs`, and reads `outputs` after a run
// that succeeded; in between it belongs to the batcher.
struct BatchRow {
  std::vector<std::vector<std::byte>> inputs;
  std::vector<std::vector<std::byte>> outputs;
  absl::Status status;  // of its latest run
};

// Thread-safe. Outlived by the pool; no call is under way when it is destroyed.
class Batcher {
 public:
  // Runs `rows`, one or more, on `instance`: fills the outputs and sets the status of each.
  using Runner = std::function<void(Instance& instance, std::span<BatchRow* const> rows)>;

  struct Options {
    std::string name = {};  // of the model, for messages
    int max_rows = 8;
    int worth_rows = 2;  // fewer are faster one by one
    // How long a leader that has an instance may be held back while its run could be larger.
    std::chrono::nanoseconds max_delay{0};
    ServingMetrics metrics = {};
  };

  Batcher(Options options, Pool& pool, Runner runner);

  // Runs `row` with others or alone, whatever comes first. Waiting counts as Phase::kQueue, the run
  // as Phase::kInvoke. A caller that gives up while it waits takes its row away; a run that has
  // begun is waited for.
  absl::Status Run(const Context& context, BatchRow& row) ABSL_LOCKS_EXCLUDED(mutex_);

  // Rows that wait, without the leader's, which waits in the pool.
  int waiting() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  using Clock = std::chrono::steady_clock;

  // A row in the queue; lives on its caller's stack.
  struct Turn {
    enum class State { kWaits, kLeads, kRuns, kDone };
    explicit Turn(BatchRow& the_row) : row(&the_row) {}
    BatchRow* row;
    State state = State::kWaits;
    Clock::time_point deadline;
    Clock::time_point started;
    Clock::time_point ended;
    CondVar changed;
  };

  void Join(Turn& turn) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Until it leads or its run is done; on error it is out of the queue.
  absl::Status WaitForTurn(const Context& context, Turn& turn)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Lead(const Context& context, Turn& turn) ABSL_LOCKS_EXCLUDED(mutex_);
  void WaitForMore() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes the rows of the next run out of the queue, the leader's first.
  std::vector<Turn*> Gather() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropLate() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PassOn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Count(int waiting) const;

  const Options options_;
  Pool& pool_;
  const Runner runner_;
  mutable Mutex mutex_;
  CondVar arrived_;                                  // for a leader that waits for more
  std::deque<Turn*> queue_ ABSL_GUARDED_BY(mutex_);  // the first one leads
};

}  // namespace bowerbird::infer
