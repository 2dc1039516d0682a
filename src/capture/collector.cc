// SPDX-License-Identifier: Apache-2.0
#include "capture/collector.h"

#include <pthread.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/status.h"

namespace bowerbird::capture {
namespace {

// "cam ReadImage": for logs and metrics.
std::string LabelOf(const CaptureMethod& method) {
  return method.resource.name + " " + method.method;
}

std::chrono::nanoseconds IntervalOf(double frequency_hz) {
  return std::chrono::nanoseconds(std::max<int64_t>(1, std::llround(1e9 / frequency_hz)));
}

}  // namespace

Collector::Collector(CollectorOptions options, const machine::ResourceFinder& finder,
                     WriteQueue& queue, Metrics& metrics)
    : options_(std::move(options)),
      finder_(finder),
      queue_(queue),
      lane_(queue.OpenLane(LabelOf(options_.method), options_.method.queue_size, options_.writer)),
      errors_("capture " + LabelOf(options_.method)),
      error_counter_(metrics.GetCounter("bowerbird_capture_errors_total",
                                        "Reads for capture that failed",
                                        {{"collector", LabelOf(options_.method)}})) {
  if (options_.method.when.has_value()) trigger_.emplace(options_.method, finder_);
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(),
                       ("cap-" + options_.method.resource.name).substr(0, 15).c_str());
    Run();
  });
}

Collector::~Collector() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    stop_.NotifyAll();
  }
  queue_.Interrupt(*lane_);
  thread_.join();
  queue_.CloseLane(lane_);
}

bool Collector::WaitUntil(std::chrono::steady_clock::time_point time) {
  MutexLock lock(mutex_);
  while (!stopping_ && std::chrono::steady_clock::now() < time) stop_.WaitUntil(mutex_, time);
  return !stopping_;
}

void Collector::Run() {
  const auto interval = IntervalOf(options_.method.frequency_hz);
  auto next = std::chrono::steady_clock::now() + interval;
  while (WaitUntil(next)) {
    Tick();
    const auto late = std::chrono::steady_clock::now() - next;
    next += interval * (1 + std::max<int64_t>(0, late / interval));
  }
}

void Collector::Tick() {
  Context context;
  context.cancelled = [this] { return stopping_.load(); };
  // Strictly later than the one before: the time is part of what a record is known by.
  last_requested_ = std::max(options_.writer.now(), last_requested_ + std::chrono::nanoseconds(1));
  // A clock that was set back by more than jitter is followed.
  if (const Time now = options_.writer.now(); last_requested_ - now > std::chrono::seconds(1))
    last_requested_ = now;
  auto capture =
      ReadOnce(context, finder_, options_.method, {options_.tags, last_requested_, &sound_end_ns_});
  if (stopping_) return;
  if (!capture.ok()) {
    if (!IsFiltered(capture.status())) return Fail(capture.status());
    MutexLock lock(mutex_);
    ++status_.filtered;
    return;
  }
  {
    MutexLock lock(mutex_);
    ++status_.reads;
  }
  if (!Keep(*capture)) return;
  for (Captured& item : capture->items) {
    if (options_.mongo != nullptr) options_.mongo->Put(item);
    if (!queue_.Push(*lane_, std::move(item))) return;
  }
}

// Asks the trigger and writes its answer into the tags.
bool Collector::Keep(Capture& capture) {
  if (!trigger_.has_value()) return true;
  Context context;
  context.cancelled = [this] { return stopping_.load(); };
  context.from_data_management = true;
  const auto tags = trigger_->Judge(context, capture, std::chrono::steady_clock::now());
  if (!tags.ok()) {
    Fail(tags.status());
    return false;
  }
  if (!tags->has_value()) {
    MutexLock lock(mutex_);
    ++status_.not_kept;
    status_.over_budget = trigger_->over_budget();
    return false;
  }
  for (Captured& item : capture.items)
    item.header.tags.insert(item.header.tags.end(), (*tags)->begin(), (*tags)->end());
  return true;
}

void Collector::Fail(const absl::Status& status) {
  errors_.Report(status);
  error_counter_.Add();
  MutexLock lock(mutex_);
  ++status_.errors;
  status_.last_error = MessageOf(status);
}

Collector::Status Collector::status() const {
  const auto writing = queue_.StatusOf(*lane_);
  MutexLock lock(mutex_);
  Status status = status_;
  status.writing = writing;
  return status;
}

}  // namespace bowerbird::capture
