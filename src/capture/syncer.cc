// SPDX-License-Identifier: Apache-2.0
#include "capture/syncer.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/status.h"
#include "capture/capture_files.h"
#include "capture/capture_writer.h"
#include "capture/sequences.h"

namespace bowerbird::capture {
namespace {

constexpr std::chrono::seconds kRateWindow{10};

double SecondsOf(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

// Seconds of the Unix clock, null before there was any.
nlohmann::json ShownTime(std::chrono::system_clock::time_point time) {
  if (time == std::chrono::system_clock::time_point()) return nullptr;
  return SecondsOf(time.time_since_epoch());
}

}  // namespace

Syncer::Syncer(FileSystem& files, Metrics& metrics, SyncerOptions options)
    : files_(files),
      options_(std::move(options)),
      files_counter_(metrics.GetCounter("bowerbird_sync_files_total", "Files that the hub took")),
      bytes_counter_(metrics.GetCounter("bowerbird_sync_bytes_total", "Bytes sent to the hub")),
      errors_counter_(metrics.GetCounter("bowerbird_sync_errors_total", "Uploads that failed")),
      files_gauge_(metrics.GetGauge("bowerbird_sync_waiting_files", "Files that wait to be sent")),
      bytes_gauge_(metrics.GetGauge("bowerbird_sync_waiting_bytes", "Bytes that wait to be sent")),
      queue_gauge_(metrics.GetGauge("bowerbird_sync_queue_files", "Files in the workers' queue")),
      uploader_(files, options_.hub, [this](uint64_t bytes) { CountSent(bytes); }) {
  threads_.emplace_back([this] {
    pthread_setname_np(pthread_self(), "sync");
    RunSchedule();
  });
  for (int i = 1; i <= options_.config.sync_threads; ++i) {
    threads_.emplace_back([this, i] {
      pthread_setname_np(pthread_self(), ("sync-" + std::to_string(i)).c_str());
      RunWorker();
    });
  }
}

Syncer::~Syncer() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  uploader_.Cancel();
  for (std::thread& thread : threads_) thread.join();
}

void Syncer::RunSchedule() {
  auto next_look = std::chrono::steady_clock::now() + options_.config.sync_interval;
  for (;;) {
    std::vector<std::string> due;
    {
      MutexLock lock(mutex_);
      auto wake = next_look;
      for (const auto& [path, retry] : retries_)
        wake = std::min(wake, std::max(retry.due, paused_until_));
      if (!stopping_ && std::chrono::steady_clock::now() < wake) changed_.WaitUntil(mutex_, wake);
      if (stopping_) return;
      const auto now = std::chrono::steady_clock::now();
      if (!Paused(now)) {
        for (auto& [path, retry] : retries_) {
          if (retry.due > now) continue;
          due.push_back(path);
          retry.due = Steady::max();  // until the try has ended
        }
      }
    }
    for (const std::string& path : due) {
      const auto info = files_.Stat(path);
      if (info.ok()) {
        Offer(path, info->size, nullptr, Context());
      } else {
        MutexLock lock(mutex_);
        retries_.erase(path);
      }
    }
    if (std::chrono::steady_clock::now() < next_look) continue;
    LookAround();
    next_look = std::chrono::steady_clock::now() + options_.config.sync_interval;
  }
}

// One scheduled round.
void Syncer::LookAround() {
  if (options_.config.sync_disabled || !uploader_.connected()) return Count();
  {
    MutexLock lock(mutex_);
    if (Paused(std::chrono::steady_clock::now())) return;
  }
  if (options_.may_sync && !options_.may_sync()) return Count();
  if (options_.flush) options_.flush();
  Count();
  Walk([&](const std::string& path, uint64_t size) {
    {
      MutexLock lock(mutex_);
      const auto now = std::chrono::steady_clock::now();
      if (Paused(now)) return false;
      if (!MaySendNow(path, now)) return !stopping_;
    }
    return Offer(path, size, nullptr, Context());
  });
}

bool Syncer::Paused(Steady now) {
  if (now >= paused_until_) return false;
  const bool ready = uploader_.Ready();
  if (!ready) lost_ = true;
  if (!lost_ || !ready) return true;
  // The line that was gone is back.
  paused_until_ = now;
  return false;
}

bool Syncer::MaySendNow(const std::string& path, Steady now) const {
  const auto retry = retries_.find(path);
  return retry == retries_.end() || retry->second.due <= now;
}

bool Syncer::IsReady(const std::string& path, const FileInfo& info) const {
  if (path.ends_with(kClosedSuffix)) return true;
  if (path.ends_with(kOpenSuffix) || path.ends_with(kOpenSequenceSuffix) ||
      path.ends_with(kSequenceSuffix))
    return false;
  const auto now =
      options_.now
          ? options_.now()
          : std::chrono::sys_time<std::chrono::nanoseconds>(std::chrono::system_clock::now());
  // A file of the future belongs to a clock that was wrong: nobody will touch it again.
  const auto age = now - info.modified;
  return info.size > 0 &&
         (age >= options_.config.file_last_modified || age < -std::chrono::hours(1));
}

void Syncer::Walk(const std::function<bool(const std::string&, uint64_t)>& offer) {
  const auto visit = [&](const std::string& path, const FileInfo& info) {
    return !IsReady(path, info) || offer(path, info.size);
  };
  if (!WalkFiles(files_, options_.config.capture_dir, visit)) return;
  const auto visit_sequence = [&](const std::string& path, const FileInfo& info) {
    return !path.ends_with(kSequenceSuffix) || offer(path, info.size);
  };
  const std::string sequences = options_.config.capture_dir + "/" + std::string(kSequencesFolder);
  if (!WalkFiles(files_, sequences, visit_sequence)) return;
  for (const std::string& folder : options_.config.additional_sync_paths)
    if (!WalkFiles(files_, folder, visit)) return;
}

void Syncer::Count() {
  uint64_t count = 0, bytes = 0;
  Walk([&](const std::string&, uint64_t size) {
    ++count;
    bytes += size;
    return count < kMaxCounted;
  });
  files_gauge_.Set(static_cast<double>(count));
  bytes_gauge_.Set(static_cast<double>(bytes));
  MutexLock lock(mutex_);
  progress_.files_waiting = count;
  progress_.bytes_waiting = bytes;
}

// Puts a file into the queue, waiting for room. False: stopped, or the caller gave up.
bool Syncer::Offer(const std::string& path, uint64_t size, const std::shared_ptr<Round>& round,
                   const Context& context) {
  MutexLock lock(mutex_);
  for (;;) {
    if (stopping_ || !context.Check().ok()) return false;
    const auto running = running_.find(path);
    const auto queued = std::find_if(queue_.begin(), queue_.end(),
                                     [&](const Job& job) { return job.path == path; });
    Job* known = running != running_.end() ? &running->second
                 : queued != queue_.end()  ? &*queued
                                           : nullptr;
    if (known != nullptr) {
      if (round != nullptr) {
        known->rounds.push_back(round);
        ++round->left;
      }
      return true;
    }
    if (queue_.size() < kMaxQueue) break;
    changed_.WaitFor(mutex_, kCancellationPoll * 10);
  }
  Job job{path, size, {}};
  if (round != nullptr) {
    job.rounds.push_back(round);
    ++round->left;
  }
  queue_.push_back(std::move(job));
  queue_gauge_.Set(static_cast<double>(queue_.size()));
  changed_.NotifyAll();
  return true;
}

absl::Status Syncer::SyncNow(const Context& context) {
  if (!uploader_.connected())
    return FailedPrecondition(
        "not connected to the cloud: serve with --hub URL, or with the hub's role");
  if (options_.flush) options_.flush();
  const auto round = std::make_shared<Round>();
  Count();
  Walk([&](const std::string& path, uint64_t size) { return Offer(path, size, round, context); });
  return Await(*round, context);
}

absl::Status Syncer::SendNow(const Context& context, const std::string& path) {
  if (!uploader_.connected()) return FailedPrecondition("not connected to the cloud");
  ASSIGN_OR_RETURN(const FileInfo info, files_.Stat(path));
  const auto round = std::make_shared<Round>();
  Offer(path, info.size, round, context);
  return Await(*round, context);
}

absl::Status Syncer::Await(const Round& round, const Context& context) {
  MutexLock lock(mutex_);
  while (round.left > 0 && !stopping_ && context.Check().ok())
    changed_.WaitFor(mutex_, kCancellationPoll * 5);
  if (stopping_) return absl::CancelledError("the data manager is being stopped");
  RETURN_IF_ERROR(context.Check());
  return round.first_error;
}

nlohmann::json Syncer::Status() const {
  MutexLock lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  const auto rate_time = now - rate_since_;
  const double rate = rate_time > 2 * kRateWindow ? 0 : progress_.bytes_per_second;
  nlohmann::json status = {{"connected", uploader_.connected()},
                           {"files_waiting", progress_.files_waiting},
                           {"bytes_waiting", progress_.bytes_waiting},
                           {"files_sent", progress_.files_sent},
                           {"bytes_sent", progress_.bytes_sent},
                           {"bytes_per_second", rate},
                           {"files_failed", progress_.files_failed},
                           {"last_success", ShownTime(progress_.last_success)},
                           {"last_error", progress_.last_error},
                           {"last_error_time", ShownTime(progress_.last_error_time)},
                           {"paused_seconds", std::max(0.0, SecondsOf(paused_until_ - now))}};
  if (progress_.files_waiting >= kMaxCounted) status["files_waiting_is_at_least"] = true;
  return status;
}

}  // namespace bowerbird::capture
