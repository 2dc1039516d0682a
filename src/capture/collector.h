// SPDX-License-Identifier: Apache-2.0
//
// One method of one resource, captured at its frequency: a thread ("cap-NAME") that reads, asks the
// trigger, and hands over to the write queue. It looks its resource up at each tick, so a resource
// that is rebuilt, or comes later, needs nothing here.
//
// The first capture is one interval after the start; ticks that pass while a read is slow are left
// out, reads never overlap. A read that says that there is nothing to store is no error.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"
#include "capture/config.h"
#include "capture/mongo_writer.h"
#include "capture/readers.h"
#include "capture/trigger.h"
#include "capture/write_queue.h"
#include "machine/catalog.h"

namespace bowerbird::capture {

struct CollectorOptions {
  CaptureMethod method;           // CheckMethod and CheckTrigger passed
  std::vector<std::string> tags;  // of the manager
  CaptureWriter::Options writer;
  MongoWriter* mongo = nullptr;  // gets the readings, too; outlives the collector
};

// Thread-safe.
class Collector {
 public:
  struct Status {
    uint64_t reads = 0;        // that succeeded
    uint64_t errors = 0;       // reads that failed
    uint64_t filtered = 0;     // by the resource itself
    uint64_t not_kept = 0;     // by capture_when
    uint64_t over_budget = 0;  // of these: by its max_per_hour alone
    std::string last_error;
    WriteQueue::LaneStatus writing;
  };

  // `finder`, `queue` and `metrics` outlive it.
  Collector(CollectorOptions options, const machine::ResourceFinder& finder, WriteQueue& queue,
            Metrics& metrics);
  // Stops; what was captured is written and its file closed when this returns.
  ~Collector();
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  const CaptureMethod& method() const { return options_.method; }
  const std::vector<std::string>& tags() const { return options_.tags; }
  Status status() const;

 private:
  void Run();
  bool WaitUntil(std::chrono::steady_clock::time_point time);
  void Tick();
  bool Keep(Capture& capture);
  void Fail(const absl::Status& status);

  const CollectorOptions options_;
  const machine::ResourceFinder& finder_;
  WriteQueue& queue_;
  const std::shared_ptr<WriteQueue::Lane> lane_;
  std::optional<Trigger> trigger_;  // of the thread
  ErrorLog errors_;                 // of the thread
  Time last_requested_{};           // of the thread
  int64_t sound_end_ns_ = 0;        // likewise
  Metrics::Counter& error_counter_;
  std::atomic<bool> stopping_ = false;
  mutable Mutex mutex_;
  CondVar stop_;
  Status status_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace bowerbird::capture
