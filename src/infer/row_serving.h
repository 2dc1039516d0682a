// SPDX-License-Identifier: Apache-2.0
//
// Leases for callers that find all instances taken, of a model that is faster with several calls in
// one run: each has memory of its own for its inputs and outputs, and Invoke puts it into a run.
// Private to this room.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "infer/batch_plan.h"
#include "infer/batcher.h"
#include "infer/model.h"

namespace bowerbird::infer {

class ShapeGate;

// Thread-safe. `pool` and `loaded` outlive it, and it outlives its leases.
class RowServing {
 public:
  RowServing(BatchPlan plan, const LoadedTflite& loaded, const TfliteOptions& options,
             ShapeGate* gate, Pool& pool);

  // Does not wait. RESOURCE_EXHAUSTED if too many have a lease already.
  absl::StatusOr<std::unique_ptr<Lease>> Acquire(const Context& context)
      ABSL_LOCKS_EXCLUDED(mutex_);

  int waiting() const { return batcher_.waiting(); }

 private:
  class RowLease;

  std::unique_ptr<BatchRow> TakeRow() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void GiveBack(std::unique_ptr<BatchRow> row) ABSL_LOCKS_EXCLUDED(mutex_);
  void RunRows(TfliteInstance& instance, std::span<BatchRow* const> rows) const;
  absl::Status RunAsOne(TfliteInstance& instance, std::span<BatchRow* const> rows) const;
  static Batcher::Options BatcherOptions(const BatchPlan& plan, const TfliteOptions& options);

  const BatchPlan plan_;
  const LoadedTflite& loaded_;
  const std::string name_;
  const int most_rows_;    // leases at a time
  ShapeGate* const gate_;  // may be null
  Pool& pool_;
  Batcher batcher_;
  Mutex mutex_;
  int rows_ ABSL_GUARDED_BY(mutex_) = 0;                                  // in leases
  std::vector<std::unique_ptr<BatchRow>> spare_ ABSL_GUARDED_BY(mutex_);  // at most one run's
};

}  // namespace bowerbird::infer
