// SPDX-License-Identifier: Apache-2.0
#include "capture/mongo_writer.h"

#include <pthread.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/status.h"

namespace bowerbird::capture {

MongoWriter::MongoWriter(std::unique_ptr<MongoCollection> collection, Metrics& metrics)
    : collection_(std::move(collection)),
      errors_("mongo"),
      written_counter_(metrics.GetCounter("bowerbird_mongo_readings_total",
                                          "Readings that a MongoDB server took")),
      failed_counter_(metrics.GetCounter("bowerbird_mongo_failed_readings_total",
                                         "Readings that no MongoDB server took, or for which there "
                                         "was no room")),
      waiting_gauge_(metrics.GetGauge("bowerbird_mongo_queue_readings",
                                      "Readings that wait for a MongoDB server")) {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "mongo");
    Run();
  });
}

MongoWriter::~MongoWriter() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    work_.NotifyAll();
  }
  thread_.join();
}

void MongoWriter::Put(const Captured& captured) {
  if (captured.header.kind != DataKind::kTabular) return;
  MutexLock lock(mutex_);
  if (queue_.size() >= kCapacity) {
    ++status_.left_out;
    failed_counter_.Add();
    return;
  }
  queue_.push_back(captured);
  waiting_gauge_.Set(static_cast<double>(queue_.size()));
  work_.NotifyAll();
}

MongoWriter::Status MongoWriter::status() const {
  MutexLock lock(mutex_);
  Status status = status_;
  status.waiting = queue_.size();
  return status;
}

void MongoWriter::Run() {
  for (;;) {
    std::vector<MongoReading> batch;
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !stopping_) work_.Wait(mutex_);
      if (stopping_) {
        status_.failed += queue_.size();
        failed_counter_.Add(static_cast<double>(queue_.size()));
        waiting_gauge_.Set(0);
        return;
      }
      const auto end = queue_.begin() + static_cast<ptrdiff_t>(std::min(queue_.size(), kBatch));
      std::move(queue_.begin(), end, std::back_inserter(batch));
      queue_.erase(queue_.begin(), end);
      waiting_gauge_.Set(static_cast<double>(queue_.size()));
    }
    Insert(batch);
  }
}

void MongoWriter::Insert(std::span<const MongoReading> batch) {
  const absl::Status inserted = collection_->Insert(batch);
  // The one that cannot be a document must not take the others with it.
  if (absl::IsInvalidArgument(inserted) && batch.size() > 1) {
    Insert(batch.first(batch.size() / 2));
    return Insert(batch.subspan(batch.size() / 2));
  }
  const auto count = static_cast<double>(batch.size());
  (inserted.ok() ? written_counter_ : failed_counter_).Add(count);
  if (!inserted.ok()) errors_.Report(inserted);
  MutexLock lock(mutex_);
  (inserted.ok() ? status_.written : status_.failed) += batch.size();
  if (!inserted.ok()) status_.last_error = MessageOf(inserted);
}

absl::StatusOr<std::unique_ptr<MongoWriter>> StartMongoWriter(const MongoConfig& config,
                                                              Metrics& metrics) {
  ASSIGN_OR_RETURN(MongoEngine* const engine, LoadMongoEngine());
  ASSIGN_OR_RETURN(auto collection, engine->Open(config));
  return std::make_unique<MongoWriter>(std::move(collection), metrics);
}

}  // namespace bowerbird::capture
