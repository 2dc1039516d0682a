// SPDX-License-Identifier: Apache-2.0
#include "capture/write_queue.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "base/status.h"

namespace bowerbird::capture {

// Fields above the line belong to the queue's lock, those below to its thread.
class WriteQueue::Lane {
 public:
  Lane(FileSystem& files, const std::string& lane_name, size_t lane_capacity,
       CaptureWriter::Options options, Metrics& metrics)
      : capacity(std::max<size_t>(lane_capacity, 1)),
        waiting_gauge(metrics.GetGauge("bowerbird_capture_queue_records",
                                       "Captured records that wait to be written",
                                       {{"collector", lane_name}})),
        written_counter(metrics.GetCounter("bowerbird_capture_records_total",
                                           "Captured records that were written",
                                           {{"collector", lane_name}})),
        failed_counter(metrics.GetCounter("bowerbird_capture_failed_records_total",
                                          "Captured records that the disk did not take",
                                          {{"collector", lane_name}})),
        writer(files, std::move(options)),
        errors("capture " + lane_name) {}

  const size_t capacity;
  std::deque<Captured> queue;
  size_t bytes = 0;
  bool interrupted = false;
  bool closing = false;
  bool closed = false;
  LaneStatus status;

  Metrics::Gauge& waiting_gauge;
  Metrics::Counter& written_counter;
  Metrics::Counter& failed_counter;
  // ---
  CaptureWriter writer;
  ErrorLog errors;
  absl::Status last;

  // One batch, outside of the lock. The number of records that failed.
  size_t Write(std::deque<Captured>& batch, bool close) {
    size_t failed = 0;
    for (const Captured& captured : batch) {
      const auto status_of_write = writer.Write(captured);
      if (status_of_write.ok()) continue;
      ++failed;
      Fail(status_of_write);
    }
    if (close) Fail(writer.Close());
    Fail(writer.Commit());
    return failed;
  }

 private:
  void Fail(const absl::Status& problem) {
    if (problem.ok()) return;
    last = problem;
    errors.Report(problem);
  }
};

WriteQueue::WriteQueue(FileSystem& files, Metrics& metrics) : files_(files), metrics_(metrics) {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "capture-write");
    Run();
  });
}

WriteQueue::~WriteQueue() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    work_.NotifyAll();
  }
  thread_.join();
}

std::shared_ptr<WriteQueue::Lane> WriteQueue::OpenLane(const std::string& name, size_t capacity,
                                                       CaptureWriter::Options options) {
  auto lane = std::make_shared<Lane>(files_, name, capacity, std::move(options), metrics_);
  MutexLock lock(mutex_);
  lanes_.push_back(lane);
  return lane;
}

bool WriteQueue::Push(Lane& lane, Captured captured) {
  const size_t bytes = captured.record.payload().size();
  MutexLock lock(mutex_);
  const auto full = [&] {
    return lane.queue.size() >= lane.capacity ||
           (!lane.queue.empty() && lane.bytes + bytes > kMaxLaneBytes);
  };
  while (!lane.interrupted && full()) room_.Wait(mutex_);
  if (lane.interrupted) return false;
  lane.bytes += bytes;
  lane.queue.push_back(std::move(captured));
  lane.waiting_gauge.Set(static_cast<double>(lane.queue.size()));
  work_.NotifyAll();
  return true;
}

void WriteQueue::Interrupt(Lane& lane) {
  MutexLock lock(mutex_);
  lane.interrupted = true;
  room_.NotifyAll();
}

void WriteQueue::CloseLane(const std::shared_ptr<Lane>& lane) {
  MutexLock lock(mutex_);
  lane->interrupted = true;
  lane->closing = true;
  work_.NotifyAll();
  room_.NotifyAll();
  while (!lane->closed) room_.Wait(mutex_);
  lanes_.erase(std::remove(lanes_.begin(), lanes_.end(), lane), lanes_.end());
}

void WriteQueue::Flush() {
  MutexLock lock(mutex_);
  const uint64_t mine = ++flushes_wanted_;
  work_.NotifyAll();
  while (flushes_done_ < mine) room_.Wait(mutex_);
}

WriteQueue::LaneStatus WriteQueue::StatusOf(const Lane& lane) const {
  MutexLock lock(mutex_);
  LaneStatus status = lane.status;
  status.waiting = lane.queue.size();
  return status;
}

bool WriteQueue::HasWork() const {
  return flushes_wanted_ > flushes_done_ ||
         std::any_of(lanes_.begin(), lanes_.end(), [](const auto& lane) {
           return !lane->queue.empty() || (lane->closing && !lane->closed);
         });
}

void WriteQueue::Run() {
  for (;;) {
    {
      MutexLock lock(mutex_);
      while (!HasWork() && !stopping_) work_.Wait(mutex_);
      if (!HasWork() && stopping_) return;
    }
    WriteBatch();
  }
}

// A round over all lanes.
void WriteQueue::WriteBatch() {
  std::vector<std::shared_ptr<Lane>> lanes;
  uint64_t flush = 0;
  bool flushing = false;
  {
    MutexLock lock(mutex_);
    lanes = lanes_;
    flush = flushes_wanted_;
    flushing = flushes_wanted_ > flushes_done_;
  }
  for (const auto& lane : lanes) {
    std::deque<Captured> batch;
    bool closing = false;
    {
      MutexLock lock(mutex_);
      batch.swap(lane->queue);
      lane->bytes = 0;
      closing = lane->closing && !lane->closed;
      lane->waiting_gauge.Set(0);
      room_.NotifyAll();
    }
    if (batch.empty() && !closing && !flushing) continue;
    const size_t failed = lane->Write(batch, closing || flushing);
    lane->written_counter.Add(static_cast<double>(batch.size() - failed));
    if (failed > 0) lane->failed_counter.Add(static_cast<double>(failed));
    MutexLock lock(mutex_);
    lane->status.written += batch.size() - failed;
    lane->status.failed += failed;
    if (!lane->last.ok()) lane->status.last_error = MessageOf(lane->last);
    if (closing) lane->closed = true;
    room_.NotifyAll();
  }
  MutexLock lock(mutex_);
  flushes_done_ = std::max(flushes_done_, flush);
  room_.NotifyAll();
}

}  // namespace bowerbird::capture
