// SPDX-License-Identifier: Apache-2.0
//
// What becomes of jobs that ran when the last server ended.
#include <set>

#include "base/log.h"
#include "base/status.h"
#include "jobs/job_rows.h"
#include "jobs/jobs.h"

namespace bowerbird::jobs {

using store::Connection;

namespace {

// A job whose run ended the server may do so again; more than twice it is not tried.
constexpr uint32_t kMostStarts = 2;

}  // namespace

absl::Status Jobs::Recover() {
  std::vector<Job> cut;
  RETURN_IF_ERROR(database().Read([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(cut, ReadJobs(connection, "WHERE status IN (2, 6) AND hub = $1 ORDER BY t",
                                   std::vector<store::Value>{hub_}));
    return absl::OkStatus();
  }));
  for (Job& job : cut) RETURN_IF_ERROR(RecoverOne(std::move(job)));
  RETURN_IF_ERROR(database().Write(
      [&](Connection& connection) { return DropOldLogs(connection, Now() - kLogLife); }));
  return SweepFolders();
}

absl::Status Jobs::RecoverOne(Job job) {
  const auto model = options_.models->OfJob(job.id);
  if (!model.ok() && !absl::IsNotFound(model.status())) return model.status();
  std::string what;
  if (model.ok()) {
    // Its model was registered; only the word of it was not written any more.
    job.status = JobStatus::kCompleted;
    job.ended = model->created;
    what = "its model had been registered";
  } else if (job.status == JobStatus::kCanceling) {
    job.status = JobStatus::kCanceled;
    job.ended = Now();
    what = "canceled";
  } else if (job.starts >= kMostStarts) {
    job.status = JobStatus::kFailed;
    job.error_code = absl::StatusCode::kAborted;
    job.error = "the server ended twice while it ran: see the server's log, then submit it again";
    job.ended = Now();
    what = job.error;
  } else {
    job.status = JobStatus::kPending;
    what = "the server ended while it ran: it is started again from its beginning";
  }
  LogWarning("jobs", "training job " + job.id + ": " + what);
  return database().Write([&](Connection& connection) -> absl::Status {
    job.modified = Now();
    RETURN_IF_ERROR(UpdateJob(connection, job));
    ASSIGN_OR_RETURN(const auto last, LastNumbers(connection, job.id));
    const std::vector<LogEntry> entries = {
        {.number = last.first + 1, .time = Now(), .level = "warn", .message = what}};
    return AppendLog(connection, job.id, entries);
  });
}

// Of jobs that have ended or were never finished making.
absl::Status Jobs::SweepFolders() {
  std::set<std::string> waiting;
  RETURN_IF_ERROR(database().Read([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const auto jobs, ReadJobs(connection, "WHERE status IN (1, 2, 6) AND hub = $1",
                                               std::vector<store::Value>{hub_}));
    for (const Job& job : jobs) waiting.insert(job.id);
    return absl::OkStatus();
  }));
  ASSIGN_OR_RETURN(const auto names, options_.files->List(options_.directory));
  for (const std::string& name : names) {
    if (name != kHubFile && !waiting.contains(name)) RemoveFolder(options_.directory + "/" + name);
  }
  return absl::OkStatus();
}

// As far as it goes: what is left is tried again at the next start.
void Jobs::RemoveFolder(const std::string& path) {
  FileSystem& files = *options_.files;
  const auto names = files.List(path);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    const std::string inside = path + "/" + name;
    const auto info = files.Stat(inside);
    if (info.ok() && info->kind == FileInfo::Kind::kDirectory) {
      RemoveFolder(inside);
    } else {
      (void)files.Remove(inside);
    }
  }
  (void)files.RemoveDirectory(path);
}

}  // namespace bowerbird::jobs
