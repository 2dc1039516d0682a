// SPDX-License-Identifier: Apache-2.0
//
// Puts readings into MongoDB beside their capture files: a thread ("mongo") of its own, so that a
// server that is slow or gone delays no capture. What it does not take is on the disk and goes to
// the hub all the same; it is counted, logged and not tried again.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"
#include "capture/error_log.h"
#include "capture/mongo_engine.h"

namespace bowerbird::capture {

// Thread-safe.
class MongoWriter {
 public:
  // Readings that may wait; beyond them new ones are left out.
  static constexpr size_t kCapacity = 4096;
  // Of one request to the server.
  static constexpr size_t kBatch = 256;

  struct Status {
    uint64_t written = 0;
    uint64_t failed = 0;    // the server did not take them
    uint64_t left_out = 0;  // there was no room
    size_t waiting = 0;
    std::string last_error;
  };

  // `metrics` outlives it.
  MongoWriter(std::unique_ptr<MongoCollection> collection, Metrics& metrics);
  // Waits for the request that is on its way; what waits behind it counts as failed.
  ~MongoWriter();
  MongoWriter(const MongoWriter&) = delete;
  MongoWriter& operator=(const MongoWriter&) = delete;

  // Never waits. Only readings are taken; anything else is ignored.
  void Put(const Captured& captured);

  Status status() const;

 private:
  void Run();
  void Insert(std::span<const MongoReading> batch);

  const std::unique_ptr<MongoCollection> collection_;  // of the thread
  ErrorLog errors_;                                    // of the thread
  Metrics::Counter& written_counter_;
  Metrics::Counter& failed_counter_;
  Metrics::Gauge& waiting_gauge_;
  mutable Mutex mutex_;
  CondVar work_;
  std::deque<MongoReading> queue_ ABSL_GUARDED_BY(mutex_);
  Status status_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

// Loads the library and opens the collection.
absl::StatusOr<std::unique_ptr<MongoWriter>> StartMongoWriter(const MongoConfig& config,
                                                              Metrics& metrics);

}  // namespace bowerbird::capture
