// SPDX-License-Identifier: Apache-2.0
//
// Hubs that share a database: whose job is whose, and what becomes of those of a hub that is gone.
#include <pthread.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>

#include "base/log.h"
#include "base/sha256.h"
#include "base/status.h"
#include "jobs/job_rows.h"
#include "jobs/jobs.h"

namespace bowerbird::jobs {

using store::Connection;
using store::Row;
using store::Value;

namespace {

constexpr size_t kNameDigits = 24;
// Between words of ours that we are there; a fraction of what silence is allowed.
constexpr int kBeatsAWord = 6;

bool IsName(const std::string& text) {
  return text.size() == kNameDigits && std::ranges::all_of(text, [](char c) {
           return std::isxdigit(static_cast<unsigned char>(c)) != 0;
         });
}

std::string NewName() {
  std::array<unsigned char, kNameDigits / 2> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) std::abort();
  return HexOf(bytes);
}

}  // namespace

// The name lies beside the training sets, so it goes where they go. Jobs of a program that knew of
// one hub only are ours.
absl::Status Jobs::Introduce() {
  const std::string path = options_.directory + "/" + kHubFile;
  const auto kept = ReadFile(*options_.files, path);
  if (!kept.ok() && !absl::IsNotFound(kept.status())) return kept.status();
  if (kept.ok() && IsName(*kept)) {
    hub_ = *kept;
  } else {
    hub_ = NewName();
    RETURN_IF_ERROR(WriteFileDurably(*options_.files, path, hub_));
  }
  RETURN_IF_ERROR(database().Write([&](Connection& connection) {
    return connection.Execute("UPDATE training_jobs SET hub = $1 WHERE hub = ''", {hub_}).status();
  }));
  return Beat(/*write=*/true);
}

void Jobs::BeatLoop() {
  pthread_setname_np(pthread_self(), "train-beat");
  for (int number = 1;; ++number) {
    {
      MutexLock lock(mutex_);
      const auto end =
          std::chrono::steady_clock::now() +
          std::chrono::duration_cast<std::chrono::steady_clock::duration>(options_.beat);
      while (!stopping_ && std::chrono::steady_clock::now() < end) changed_.WaitUntil(mutex_, end);
      if (stopping_) return;
    }
    const absl::Status done = Beat(number % kBeatsAWord == 0);
    if (!done.ok()) LogWarning("jobs", "the hubs of this database: " + MessageOf(done));
  }
}

absl::Status Jobs::Beat(bool write) {
  RETURN_IF_ERROR(StopCanceled());
  if (!write) return absl::OkStatus();
  int64_t waiting = 0;
  RETURN_IF_ERROR(database().Read([&](Connection& connection) {
    return connection.Query(
        "SELECT COUNT(*) FROM training_jobs WHERE status IN (1, 2, 6) AND hub = $1", {hub_},
        [&](const Row& row) {
          waiting = row.Integer(0);
          return absl::OkStatus();
        });
  }));
  if (waiting > 0) {
    RETURN_IF_ERROR(database().Write([&](Connection& connection) {
      return connection
          .Execute("UPDATE training_jobs SET heard = $1 WHERE status IN (1, 2, 6) AND hub = $2",
                   {Nanoseconds(Now()), hub_})
          .status();
    }));
  }
  return FailSilent();
}

// A job may have been canceled through another hub.
absl::Status Jobs::StopCanceled() {
  std::vector<Job> canceling;
  RETURN_IF_ERROR(database().Read([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(canceling, ReadJobs(connection, "WHERE status = 6 AND hub = $1",
                                         std::vector<Value>{hub_}, Reports::kLeave));
    return absl::OkStatus();
  }));
  MutexLock lock(mutex_);
  for (const Job& job : canceling) {
    if (const auto run = running_.find(job.id); run != running_.end())
      run->second->Stop(options_.trainer.grace);
  }
  return absl::OkStatus();
}

absl::Status Jobs::FailSilent() {
  const std::vector<Value> values{hub_, Nanoseconds(Now() - options_.most_silence)};
  const std::string silent = "WHERE status IN (1, 2, 6) AND hub <> $1 AND heard < $2";
  std::vector<Job> lost;
  RETURN_IF_ERROR(database().Read([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(lost, ReadJobs(connection, silent, values, Reports::kLeave));
    return absl::OkStatus();
  }));
  if (lost.empty()) return absl::OkStatus();
  const absl::Status done = database().Write([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(lost, ReadJobs(connection, silent, values));
    for (Job& job : lost) {
      const bool canceled = job.status == JobStatus::kCanceling;
      job.status = canceled ? JobStatus::kCanceled : JobStatus::kFailed;
      if (!canceled) {
        job.error_code = absl::StatusCode::kAborted;
        job.error = "the hub that had it was not heard of for a long time: submit it again";
      }
      job.ended = job.modified = Now();
      RETURN_IF_ERROR(UpdateJob(connection, job));
    }
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(done);
  for (const Job& job : lost) LogWarning("jobs", "training job " + job.id + ": its hub is gone");
  Tell();
  return absl::OkStatus();
}

}  // namespace bowerbird::jobs
