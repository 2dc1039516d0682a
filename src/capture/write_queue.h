// SPDX-License-Identifier: Apache-2.0
//
// Between collectors and the disk: one thread ("capture-write") that writes what all of them
// captured, in batches that share their folder syncs.
//
// Each collector has a Lane: a queue of its own, bounded in records and bytes, so that one that
// captures much cannot take the room of another. A full lane blocks its collector.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/file_system.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "capture/capture_writer.h"
#include "capture/error_log.h"

namespace bowerbird::capture {

class WriteQueue {
 public:
  // Beside the number of records; one record may be larger.
  static constexpr size_t kMaxLaneBytes = size_t{64} << 20;

  struct LaneStatus {
    uint64_t written = 0;  // records
    uint64_t failed = 0;   // records that the disk did not take
    size_t waiting = 0;
    std::string last_error;
  };

  class Lane;

  WriteQueue(FileSystem& files, Metrics& metrics);
  ~WriteQueue();  // every lane must be closed

  // `name`: for the log and as label of the metrics. Never null. Shared by the collector, who
  // pushes, and the thread, who may still write what is waiting.
  std::shared_ptr<Lane> OpenLane(const std::string& name, size_t capacity,
                                 CaptureWriter::Options options);

  // Waits while the lane is full. False: the lane is closed.
  bool Push(Lane& lane, Captured captured);
  // Makes Push return at once, with false.
  void Interrupt(Lane& lane);
  // Waits until everything is written and its file closed. The lane is of no use afterwards.
  void CloseLane(const std::shared_ptr<Lane>& lane);

  // Waits until all that was pushed before is in closed files.
  void Flush();

  LaneStatus StatusOf(const Lane& lane) const;

 private:
  void Run();
  void WriteBatch();
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  FileSystem& files_;
  Metrics& metrics_;
  mutable Mutex mutex_;
  CondVar work_;  // for the thread
  CondVar room_;  // for those who wait on it
  std::vector<std::shared_ptr<Lane>> lanes_ ABSL_GUARDED_BY(mutex_);
  uint64_t flushes_wanted_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t flushes_done_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace bowerbird::capture
