// SPDX-License-Identifier: Apache-2.0
#include "infer/pool.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/log.h"
#include "base/status.h"

namespace bowerbird::infer {
namespace {

void Change(Metrics::Gauge* gauge, int change) {
  if (gauge != nullptr) gauge->Add(change);
}

}  // namespace

Pool::Pool(Options options, std::unique_ptr<Instance> first, Factory factory)
    : options_(std::move(options)),
      factory_(std::move(factory)),
      limit_(std::max(1, options_.instances)) {
  MutexLock lock(mutex_);
  CountExisting(1);
  Rest(std::move(first));
}

Pool::~Pool() {
  MutexLock lock(mutex_);
  assert(waiters_.empty() && static_cast<int>(idle_.size()) == existing_ &&
         "a lease outlives its model");
  while (TakeIdle() != nullptr) CountExisting(-1);
}

std::unique_ptr<Instance> Pool::TakeIdle() {
  if (idle_.empty()) return nullptr;
  std::unique_ptr<Instance> instance = std::move(idle_.back().instance);
  idle_.pop_back();
  Change(options_.metrics.idle, -1);
  return instance;
}

void Pool::Rest(std::unique_ptr<Instance> instance) {
  idle_.push_back({std::move(instance), std::chrono::steady_clock::now()});
  Change(options_.metrics.idle, 1);
}

void Pool::CountExisting(int change) {
  existing_ += change;
  Change(options_.metrics.existing, change);
}

void Pool::Enqueue(Waiter& waiter, bool in_front) {
  if (in_front) {
    waiters_.push_front(&waiter);
  } else {
    waiters_.push_back(&waiter);
  }
  Change(options_.metrics.waiting, 1);
}

Pool::Waiter& Pool::Dequeue() {
  Waiter& waiter = *waiters_.front();
  waiters_.pop_front();
  Change(options_.metrics.waiting, -1);
  return waiter;
}

absl::StatusOr<std::unique_ptr<Instance>> Pool::Take(const Context& context) {
  {
    MutexLock lock(mutex_);
    if (auto instance = TakeIdle(); instance != nullptr) return instance;
  }
  RETURN_IF_ERROR(context.Check());
  PhaseTimer timer(context.phases, Phase::kQueue);
  return TakeSlowly(context);
}

absl::StatusOr<std::unique_ptr<Instance>> Pool::TakeUnlessBusy(const Context& context) {
  {
    MutexLock lock(mutex_);
    if (auto instance = TakeIdle(); instance != nullptr) return instance;
    if (existing_ >= limit_) return nullptr;
  }
  return Take(context);
}

absl::StatusOr<std::unique_ptr<Instance>> Pool::TakeSlowly(const Context& context) {
  Waiter waiter;
  bool refused_once = false;
  while (true) {
    {
      MutexLock lock(mutex_);
      if (auto instance = TakeIdle(); instance != nullptr) return instance;
      if (existing_ < limit_) {
        CountExisting(1);
        waiter.may_make = true;
      } else {
        // Who had a turn already goes to the front.
        if (!refused_once && static_cast<int>(waiters_.size()) >= options_.max_waiting) {
          return QueueFull();
        }
        Enqueue(waiter, /*in_front=*/refused_once);
        RETURN_IF_ERROR(Wait(context, waiter));
      }
    }
    if (waiter.instance != nullptr) return std::move(waiter.instance);
    waiter.may_make = false;
    bool alone = false;
    absl::StatusOr<std::unique_ptr<Instance>> made = Make(&alone);
    if (made.ok() || alone) return made;
    refused_once = true;
  }
}

absl::Status Pool::Wait(const Context& context, Waiter& waiter) {
  while (!waiter.served()) {
    const auto until =
        context.cancelled
            ? std::min(context.deadline, std::chrono::steady_clock::now() + kCancellationPoll)
            : context.deadline;
    waiter.changed.WaitUntil(mutex_, until);
    if (waiter.served()) break;
    if (absl::Status status = context.Check(); !status.ok()) {
      const std::string queue = std::to_string(waiters_.size()) + " callers waiting for " +
                                std::to_string(existing_) + " instances";
      waiters_.erase(std::find(waiters_.begin(), waiters_.end(), &waiter));
      Change(options_.metrics.waiting, -1);
      return Annotate(status, "model " + options_.name + " (" + queue + ")");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Instance>> Pool::Make(bool* alone) {
  absl::StatusOr<std::unique_ptr<Instance>> made = factory_();
  if (made.ok()) {
    if (options_.on_grown) options_.on_grown();
    return made;
  }
  int existing = 0;
  {
    MutexLock lock(mutex_);
    CountExisting(-1);
    existing = existing_;
    *alone = existing == 0;
    if (!*alone) {
      limit_ = existing;
    } else if (!waiters_.empty()) {
      // Nobody is left to give anything back: the next in the queue must try for itself.
      CountExisting(1);
      Waiter& next = Dequeue();
      next.may_make = true;
      next.changed.NotifyOne();
    }
  }
  if (!*alone) {
    LogWarning("infer", "model " + options_.name + " stays at " + std::to_string(existing) +
                            " instances, another one cannot be made: " + MessageOf(made.status()));
  }
  return made;
}

void Pool::GiveBack(std::unique_ptr<Instance> instance) {
  if (instance->broken) instance.reset();
  MutexLock lock(mutex_);
  if (waiters_.empty()) {
    if (instance != nullptr) {
      Rest(std::move(instance));
    } else {
      CountExisting(-1);
    }
    return;
  }
  // Straight to the one that waits longest, so that nobody who comes later can overtake. In place
  // of a broken instance the waiter gets the right to make one.
  Waiter& waiter = Dequeue();
  waiter.may_make = instance == nullptr;
  waiter.instance = std::move(instance);
  waiter.changed.NotifyOne();
}

Pool::TimePoint Pool::Shrink(TimePoint now, std::vector<std::unique_ptr<Instance>>& retired) {
  MutexLock lock(mutex_);
  if (options_.idle_period.count() <= 0 || existing_ <= 1) return TimePoint::max();
  const auto period = std::chrono::duration_cast<TimePoint::duration>(options_.idle_period);
  while (existing_ > 1 && !idle_.empty() && idle_.front().since + period <= now) {
    retired.push_back(std::move(idle_.front().instance));
    idle_.erase(idle_.begin());
    Change(options_.metrics.idle, -1);
    CountExisting(-1);
    // What could not be made under load may be possible when the load comes back.
    limit_ = std::max(1, options_.instances);
  }
  if (existing_ <= 1) return TimePoint::max();
  return (idle_.empty() ? now : idle_.front().since) + period;
}

absl::Status Pool::QueueFull() const {
  return ResourceExhausted("model " + options_.name + ": " + std::to_string(waiters_.size()) +
                           " callers already wait for its " + std::to_string(existing_) +
                           " instances; retry later, send fewer calls at once, or raise "
                           "'instances'");
}

InstanceCounts Pool::counts() const {
  MutexLock lock(mutex_);
  return {.existing = existing_,
          .limit = limit_,
          .idle = static_cast<int>(idle_.size()),
          .waiting = static_cast<int>(waiters_.size())};
}

}  // namespace bowerbird::infer
