// SPDX-License-Identifier: Apache-2.0
//
// Brings files from the capture folder, and from other folders, to a hub: finds them at every
// interval, sends them with a few workers, removes what the hub has, tries again what failed.
//
// A file is removed only after the hub's OK, so one that is sent and not removed (a crash, a cut
// line) is sent again, which the hub knows by its content and metadata. What can never be sent goes
// to failed/ with its reason. Whatever ends this object leaves the files where they are.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "base/context.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "capture/config.h"
#include "capture/uploader.h"
#include "nlohmann/json.hpp"

namespace bowerbird::capture {

struct SyncerOptions {
  ManagerConfig config;
  HubLink hub;
  std::function<void()> flush;     // closes the files that are being written
  std::function<bool()> may_sync;  // asked before each scheduled round; empty: always
  std::chrono::nanoseconds first_retry = std::chrono::milliseconds(200);  // then doubled
  std::chrono::nanoseconds longest_retry = std::chrono::hours(1);
  // Of all files, after UNAVAILABLE; doubled as long as nothing gets through.
  std::chrono::nanoseconds first_pause = std::chrono::seconds(1);
  std::chrono::nanoseconds longest_pause = std::chrono::seconds(60);
  std::function<std::chrono::sys_time<std::chrono::nanoseconds>()> now;  // of modification times
};

// Thread-safe. Threads: "sync", which looks, and "sync-N", which send.
class Syncer {
 public:
  static constexpr size_t kMaxQueue = 256;  // files that wait for a worker; beyond, looking waits
  static constexpr size_t kMaxRetries = 10000;   // files whose next try is remembered
  static constexpr size_t kMaxCounted = 100000;  // files that are counted for progress

  Syncer(FileSystem& files, Metrics& metrics, SyncerOptions options);
  ~Syncer();

  // Sends all that is there now, whatever the schedule and the retries say; returns when each file
  // was tried once, with the first error. FAILED_PRECONDITION "not connected to the cloud".
  absl::Status SyncNow(const Context& context);

  // The same for one file.
  absl::Status SendNow(const Context& context, const std::string& path);

  // files_waiting, bytes_waiting, files_sent, bytes_sent, bytes_per_second, files_failed,
  // last_success, last_error, last_error_time, paused_seconds, connected.
  nlohmann::json Status() const;

 private:
  using Steady = std::chrono::steady_clock::time_point;
  // Those who wait for a round of SyncNow.
  struct Round {
    size_t left = 0;
    absl::Status first_error;
  };
  struct Job {
    std::string path;
    uint64_t size = 0;
    std::vector<std::shared_ptr<Round>> rounds;  // shared by jobs and the caller that waits
  };
  struct Retry {
    Steady due;
    std::chrono::nanoseconds delay{};
  };
  struct Progress {
    uint64_t files_waiting = 0, bytes_waiting = 0;
    uint64_t files_sent = 0, bytes_sent = 0, files_failed = 0;
    double bytes_per_second = 0;
    std::string last_error;
    std::chrono::system_clock::time_point last_success{}, last_error_time{};
  };

  void RunSchedule();
  void RunWorker();
  void LookAround();
  void Walk(const std::function<bool(const std::string&, uint64_t)>& offer);
  bool IsReady(const std::string& path, const FileInfo& info) const;
  void Count();
  bool Offer(const std::string& path, uint64_t size, const std::shared_ptr<Round>& round,
             const Context& context);
  absl::Status Await(const Round& round, const Context& context);
  bool MaySendNow(const std::string& path, Steady now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Paused(Steady now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Status Send(const Job& job);
  absl::Status SetAside(const std::string& path, const absl::Status& why);
  void Finish(const Job& job, const absl::Status& status);
  void Pause(bool connected) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PlanRetry(const std::string& path, const absl::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CountSent(uint64_t bytes);

  FileSystem& files_;
  const SyncerOptions options_;
  Metrics::Counter& files_counter_;
  Metrics::Counter& bytes_counter_;
  Metrics::Counter& errors_counter_;
  Metrics::Gauge& files_gauge_;
  Metrics::Gauge& bytes_gauge_;
  Metrics::Gauge& queue_gauge_;
  Uploader uploader_;

  mutable Mutex mutex_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<Job> queue_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Job> running_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Retry> retries_ ABSL_GUARDED_BY(mutex_);
  Steady paused_until_ ABSL_GUARDED_BY(mutex_){};
  int unavailable_in_a_row_ ABSL_GUARDED_BY(mutex_) = 0;  // pauses since something got through
  bool lost_ ABSL_GUARDED_BY(mutex_) = false;             // paused, and the connection was gone
  Progress progress_ ABSL_GUARDED_BY(mutex_);
  Steady rate_since_ ABSL_GUARDED_BY(mutex_){};
  uint64_t rate_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::thread> threads_;
};

}  // namespace bowerbird::capture
