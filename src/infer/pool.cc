// SPDX-License-Identifier: Apache-2.0
#include "infer/pool.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/log.h"
#include "base/status.h"

namespace bowerbird::infer {

Pool::Pool(Options options, std::unique_ptr<Instance> first, Factory factory)
    : options_(std::move(options)),
      factory_(std::move(factory)),
      limit_(std::max(1, options_.instances)) {
  idle_.push_back(std::move(first));
}

Pool::~Pool() {
  MutexLock lock(mutex_);
  assert(waiters_.empty() && static_cast<int>(idle_.size()) == existing_ &&
         "a lease outlives its model");
}

absl::StatusOr<std::unique_ptr<Instance>> Pool::Take(const Context& context) {
  {
    MutexLock lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Instance> instance = std::move(idle_.back());
      idle_.pop_back();
      return instance;
    }
  }
  RETURN_IF_ERROR(context.Check());
  PhaseTimer timer(context.phases, Phase::kQueue);
  return TakeSlowly(context);
}

absl::StatusOr<std::unique_ptr<Instance>> Pool::TakeSlowly(const Context& context) {
  Waiter waiter;
  bool refused_once = false;
  while (true) {
    {
      MutexLock lock(mutex_);
      if (!idle_.empty()) {
        waiter.instance = std::move(idle_.back());
        idle_.pop_back();
      } else if (existing_ < limit_) {
        ++existing_;
        waiter.may_make = true;
      } else if (refused_once) {
        waiters_.push_front(&waiter);  // it had its turn already
        RETURN_IF_ERROR(Wait(context, waiter));
      } else {
        if (static_cast<int>(waiters_.size()) >= options_.max_waiting) return QueueFull();
        waiters_.push_back(&waiter);
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
      return Annotate(status, "model " + options_.name + " (" + queue + ")");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Instance>> Pool::Make(bool* alone) {
  absl::StatusOr<std::unique_ptr<Instance>> made = factory_();
  if (made.ok()) return made;
  int existing = 0;
  {
    MutexLock lock(mutex_);
    existing = --existing_;
    *alone = existing == 0;
    if (!*alone) {
      limit_ = existing;
    } else if (!waiters_.empty()) {
      // Nobody is left to give anything back: the next in the queue must try for itself.
      ++existing_;
      waiters_.front()->may_make = true;
      waiters_.front()->changed.NotifyOne();
      waiters_.pop_front();
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
      idle_.push_back(std::move(instance));
    } else {
      --existing_;
    }
    return;
  }
  // Straight to the one that waits longest, so that nobody who comes later can overtake. In place
  // of a broken instance the waiter gets the right to make one.
  Waiter* waiter = waiters_.front();
  waiters_.pop_front();
  waiter->may_make = instance == nullptr;
  waiter->instance = std::move(instance);
  waiter->changed.NotifyOne();
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
