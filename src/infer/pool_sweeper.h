// SPDX-License-Identifier: Apache-2.0
//
// Takes instances down that nobody has needed for a while, and gives their memory back to the
// system: one thread ("pool-idle") for the pools of all models. It sleeps until something can be
// due.
#pragma once

#include <set>
#include <thread>

#include "base/mutex.h"
#include "infer/pool.h"

namespace bowerbird::infer {

// Thread-safe.
class PoolSweeper {
 public:
  PoolSweeper();
  // Every pool has been removed.
  ~PoolSweeper();

  void Add(Pool& pool) ABSL_LOCKS_EXCLUDED(mutex_);
  // Afterwards nothing of `pool` is in use here: it may go.
  void Remove(Pool& pool) ABSL_LOCKS_EXCLUDED(mutex_);
  // A pool has grown. Does not wait.
  void Look() ABSL_LOCKS_EXCLUDED(mutex_);
  // A whole model has gone: gives what the heap still keeps of it to the system. Does not wait.
  void Trim() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  // Both let the lock go while they take their time.
  Pool::TimePoint Sweep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TrimNow() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Mutex mutex_;
  CondVar changed_;
  std::set<Pool*> pools_ ABSL_GUARDED_BY(mutex_);
  bool look_ ABSL_GUARDED_BY(mutex_) = false;
  bool trim_ ABSL_GUARDED_BY(mutex_) = false;
  bool sweeping_ ABSL_GUARDED_BY(mutex_) = false;  // instances of some pool are being destroyed
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace bowerbird::infer
