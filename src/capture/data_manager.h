// SPDX-License-Identifier: Apache-2.0
//
// The data manager service: runs the collectors that the config and the control sensor want, and
// syncs what they wrote.
//
// Thread "capture" compares what is wanted with what runs ten times a second, and keeps the disk
// from filling up. Starting and stopping collectors happens on it alone.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "capture/capture.h"
#include "capture/collector.h"
#include "capture/config.h"
#include "capture/error_log.h"
#include "capture/mongo_writer.h"
#include "capture/sequences.h"
#include "capture/syncer.h"
#include "capture/write_queue.h"
#include "machine/catalog.h"
#include "machine/resource.h"

namespace bowerbird::capture {

class DataManager final : public machine::DataManager {
 public:
  // Recovers what an earlier process left open, then starts. `host` and `finder` outlive it.
  // FAILED_PRECONDITION: the folder cannot be made or written.
  static absl::StatusOr<std::shared_ptr<DataManager>> Start(ManagerConfig config,
                                                            const CaptureHost& host,
                                                            const machine::ResourceFinder& finder);
  // Stops collectors, with their files closed, and uploads, whose files stay.
  ~DataManager() override;

  absl::Status Sync(const Context& context, const machine::Json& extra) override;
  absl::Status UploadBinaryToDatasets(const Context& context,
                                      const machine::BinaryUpload& upload) override;
  // {"command": "flush"}: closes the files that are being written. {"command": "status"}.
  absl::StatusOr<machine::Json> DoCommand(const Context& context,
                                          const machine::Json& command) override;
  // {"capture": {...}, "sync": {...}}, docs/capture.md.
  absl::StatusOr<machine::Json> GetStatus(const Context& context) override;

 private:
  DataManager(ManagerConfig config, const CaptureHost& host, const machine::ResourceFinder& finder);

  void StartMongo();
  machine::Json MongoStatus() const;
  void Run();
  std::vector<CaptureMethod> WantedNow(const Wanted& wanted);
  void FollowSequences(const absl::StatusOr<machine::Json>& reading);
  void Reconcile(const std::vector<CaptureMethod>& wanted);
  bool IsRunnable(const CaptureMethod& method);
  bool MaySync();
  void Tell(const std::string& problem);
  Context StopContext() const;

  const ManagerConfig config_;
  const CaptureHost& host_;
  const machine::ResourceFinder& finder_;
  FileSystem& files_;
  // Null: not asked for, or not possible (mongo_error_ says why).
  std::unique_ptr<MongoWriter> mongo_;
  std::string mongo_error_;
  std::unique_ptr<WriteQueue> queue_;
  uint64_t seen_version_ = 0;   // of the thread
  std::set<std::string> told_;  // of the thread: problems of this version
  ErrorLog control_errors_;     // of the thread
  SequenceLog sequences_;       // of the thread
  ErrorLog selective_errors_;   // of the syncer's thread

  std::atomic<bool> stopping_ = false;
  mutable Mutex mutex_;
  CondVar stop_;
  std::map<std::string, std::unique_ptr<Collector>> collectors_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> problems_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Syncer> syncer_;
  std::thread thread_;
};

}  // namespace bowerbird::capture
