// SPDX-License-Identifier: Apache-2.0
//
// The worker's side of Syncer: one file, and what becomes of it.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/status.h"
#include "capture/capture_files.h"
#include "capture/capture_writer.h"
#include "capture/sequences.h"
#include "capture/syncer.h"

namespace bowerbird::capture {
namespace {

constexpr std::chrono::seconds kRateWindow{10};

// What a hub will say again to the same bytes, and damage that stays.
bool IsTerminal(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsDataLoss(status);
}

}  // namespace

void Syncer::RunWorker() {
  for (;;) {
    Job job;
    {
      MutexLock lock(mutex_);
      while (!stopping_ && queue_.empty()) changed_.Wait(mutex_);
      if (stopping_) return;
      job = std::move(queue_.front());
      queue_.pop_front();
      queue_gauge_.Set(static_cast<double>(queue_.size()));
      running_[job.path] = job;
      changed_.NotifyAll();
    }
    const absl::Status status = Send(job);
    Finish(job, status);
  }
}

absl::Status Syncer::Send(const Job& job) {
  const auto before = files_.Stat(job.path);
  absl::Status status;
  if (job.path.ends_with(kClosedSuffix)) {
    const auto records = uploader_.UploadCapture(job.path);
    status = records.status();
    if (records.ok() && *records == 0)
      LogWarning("sync", job.path + " holds no readings: it is removed");
  } else if (job.path.ends_with(kSequenceSuffix)) {
    status = uploader_.UploadSequence(job.path);
  } else {
    status = uploader_.UploadFile(job.path, {options_.config.tags, {}}).status();
  }
  // Somebody else removed it: there is nothing to send any more.
  if (absl::IsNotFound(status)) return absl::OkStatus();
  if (IsTerminal(status)) return SetAside(job.path, status);
  RETURN_IF_ERROR(status);
  // A file of somebody else can grow meanwhile: one that is written slowly, or that looks old since
  // the clock jumped. What came later would be lost with it.
  const auto after = files_.Stat(job.path);
  if (before.ok() && after.ok() &&
      (before->size != after->size || before->modified != after->modified)) {
    return absl::AbortedError("it was changed while it was sent: it stays, and is sent again");
  }
  const absl::Status removed = files_.Remove(job.path);
  if (removed.ok() || absl::IsNotFound(removed)) return absl::OkStatus();
  return Annotate(removed, "the hub has the file, but it stays here");
}

absl::Status Syncer::SetAside(const std::string& path, const absl::Status& why) {
  const bool is_capture = path.ends_with(kClosedSuffix) || path.ends_with(kSequenceSuffix);
  const std::string folder = is_capture ? options_.config.capture_dir : ParentDirectory(path);
  const absl::Status moved = Quarantine(files_, path, FailedPath(folder, path), MessageOf(why));
  // Where it cannot be put aside it must not be sent again and again at once.
  if (!moved.ok()) return absl::InternalError(ToAbsl(MessageOf(why) + "; " + MessageOf(moved)));
  return why;
}

void Syncer::Finish(const Job& job, const absl::Status& status) {
  bool drop_queue = false;
  const bool ready = !absl::IsUnavailable(status) || uploader_.Ready();
  {
    MutexLock lock(mutex_);
    const auto running = running_.extract(job.path);
    auto rounds = std::move(running.mapped().rounds);
    if (status.ok()) {
      retries_.erase(job.path);
      unavailable_in_a_row_ = 0;
      ++progress_.files_sent;
      progress_.last_success = std::chrono::system_clock::now();
      files_counter_.Add();
    } else if (!absl::IsCancelled(status) || !stopping_) {
      ++progress_.files_failed;
      progress_.last_error = job.path + ": " + MessageOf(status);
      progress_.last_error_time = std::chrono::system_clock::now();
      errors_counter_.Add();
      if (IsTerminal(status)) retries_.erase(job.path);
      if (!IsTerminal(status)) PlanRetry(job.path, status);
    }
    if (status.ok() || IsTerminal(status)) {
      if (progress_.files_waiting > 0) --progress_.files_waiting;
      progress_.bytes_waiting -= std::min(progress_.bytes_waiting, job.size);
    }
    if (absl::IsUnavailable(status)) {
      // The others would meet the same silence; they are found again at the next round.
      drop_queue = true;
      Pause(ready);
      for (const Job& waiting : queue_) {
        rounds.insert(rounds.end(), waiting.rounds.begin(), waiting.rounds.end());
        const auto retry = retries_.find(waiting.path);
        if (retry != retries_.end()) retry->second.due = {};  // the end of the pause
      }
      queue_.clear();
      queue_gauge_.Set(0);
    }
    for (const auto& round : rounds) {
      if (!status.ok() && round->first_error.ok()) round->first_error = Annotate(status, job.path);
      --round->left;
    }
    changed_.NotifyAll();
  }
  if (status.ok()) return;
  LogWarning("sync", job.path + ": " + MessageOf(status) +
                         (drop_queue ? "; all files wait until the hub is back" : ""));
}

// A hub that died and is back at once may never be seen without a connection, so the first pauses
// are short.
void Syncer::Pause(bool connected) {
  const auto now = std::chrono::steady_clock::now();
  if (now >= paused_until_) unavailable_in_a_row_ = std::min(unavailable_in_a_row_ + 1, 16);
  const auto pause = options_.first_pause * (1 << (unavailable_in_a_row_ - 1));
  paused_until_ = now + std::min<std::chrono::nanoseconds>(pause, options_.longest_pause);
  lost_ = !connected;
}

void Syncer::PlanRetry(const std::string& path, const absl::Status& status) {
  const auto now = std::chrono::steady_clock::now();
  if (retries_.size() >= kMaxRetries && retries_.count(path) == 0) return;  // the next round's
  Retry& retry = retries_[path];
  if (!absl::IsUnavailable(status))
    retry.delay = retry.delay.count() == 0 ? options_.first_retry
                                           : std::min(2 * retry.delay, options_.longest_retry);
  // The pause is for all files; this one has done nothing wrong.
  retry.due = absl::IsUnavailable(status) ? now : now + retry.delay;
}

void Syncer::CountSent(uint64_t bytes) {
  bytes_counter_.Add(static_cast<double>(bytes));
  MutexLock lock(mutex_);
  progress_.bytes_sent += bytes;
  rate_bytes_ += bytes;
  const auto now = std::chrono::steady_clock::now();
  const auto time = now - rate_since_;
  if (time < std::chrono::seconds(1)) return;
  // After a rest the rate starts anew.
  const double seconds = std::chrono::duration<double>(time).count();
  const double rate = static_cast<double>(rate_bytes_) / seconds;
  progress_.bytes_per_second = time > kRateWindow ? static_cast<double>(bytes)
                                                  : 0.5 * progress_.bytes_per_second + 0.5 * rate;
  rate_since_ = now;
  rate_bytes_ = 0;
}

}  // namespace bowerbird::capture
