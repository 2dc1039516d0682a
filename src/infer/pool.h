// SPDX-License-Identifier: Apache-2.0
//
// A bounded set of instances that callers borrow one at a time. Made on demand, up to a limit; the
// one that was given back last is taken first, because its memory is still warm. When all are
// taken, callers wait in order of arrival; beyond `max_waiting` of them a caller is refused at
// once. What has not been needed for a while is taken down again (see PoolSweeper), but for one.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/context.h"
#include "base/mutex.h"
#include "infer/serving.h"

namespace bowerbird::infer {

// What the pool holds. A broken instance is destroyed when it comes back.
class Instance {
 public:
  virtual ~Instance() = default;
  bool broken = false;
};

// Thread-safe. No lock is held while an instance is made or used. All instances must have been
// given back when the pool is destroyed.
class Pool {
 public:
  using Factory = std::function<absl::StatusOr<std::unique_ptr<Instance>>()>;

  using TimePoint = std::chrono::steady_clock::time_point;

  struct Options {
    std::string name = {};  // of the model, for messages
    int instances = 1;
    int max_waiting = 64;
    std::chrono::nanoseconds idle_period{0};  // 0: instances stay
    ServingMetrics metrics = {};
    std::function<void()> on_grown = {};  // called without a lock after one more was made
  };

  // `first` is idle from the start. If a later one cannot be made while others exist, the pool
  // stays at the size it has and says so in the log.
  Pool(Options options, std::unique_ptr<Instance> first, Factory factory);
  ~Pool();

  // Time spent waiting or making an instance goes to Phase::kQueue. Errors: RESOURCE_EXHAUSTED
  // (too many wait), DEADLINE_EXCEEDED, CANCELLED, what the factory says if there is no instance.
  absl::StatusOr<std::unique_ptr<Instance>> Take(const Context& context)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // The same for callers that have somewhere else to wait: null at once if all are taken.
  absl::StatusOr<std::unique_ptr<Instance>> TakeUnlessBusy(const Context& context)
      ABSL_LOCKS_EXCLUDED(mutex_);

  void GiveBack(std::unique_ptr<Instance> instance) ABSL_LOCKS_EXCLUDED(mutex_);

  // Moves what has been idle for the whole period to `retired`, to be destroyed by the caller while
  // the pool exists. One instance always stays. Tells when to look again; max() if there is nothing
  // to look for until the pool grows.
  TimePoint Shrink(TimePoint now, std::vector<std::unique_ptr<Instance>>& retired)
      ABSL_LOCKS_EXCLUDED(mutex_);

  InstanceCounts counts() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // A caller in the queue; lives on its stack. Served by exactly one of the two grants.
  struct Waiter {
    CondVar changed;
    std::unique_ptr<Instance> instance;
    bool may_make = false;
    bool served() const { return instance != nullptr || may_make; }
  };

  struct Idle {
    std::unique_ptr<Instance> instance;
    TimePoint since;
  };

  // Null if nothing is idle.
  std::unique_ptr<Instance> TakeIdle() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Rest(std::unique_ptr<Instance> instance) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Enqueue(Waiter& waiter, bool in_front) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Waiter& Dequeue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CountExisting(int change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::unique_ptr<Instance>> TakeSlowly(const Context& context)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits until `waiter`, which is in the queue, is served. On error it is out of the queue.
  absl::Status Wait(const Context& context, Waiter& waiter) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::unique_ptr<Instance>> Make(bool* alone) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status QueueFull() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  const Factory factory_;
  mutable Mutex mutex_;
  int limit_ ABSL_GUARDED_BY(mutex_);
  int existing_ ABSL_GUARDED_BY(mutex_) = 0;             // made, or being made
  std::vector<Idle> idle_ ABSL_GUARDED_BY(mutex_);       // the one idle for the longest time first
  std::deque<Waiter*> waiters_ ABSL_GUARDED_BY(mutex_);  // not empty: nothing is idle
};

}  // namespace bowerbird::infer
