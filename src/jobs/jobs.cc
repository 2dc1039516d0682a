// SPDX-License-Identifier: Apache-2.0
#include "jobs/jobs.h"

#include <sys/random.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <ctime>

#include "annotation/values.h"
#include "base/sha256.h"
#include "base/status.h"
#include "jobs/job_rows.h"
#include "jobs/training_set.h"

namespace bowerbird::jobs {

using store::Connection;
using store::Value;

namespace {

constexpr int64_t kLogPage = 100;
constexpr double kValidationFraction = 0.2;

// 24 hex digits, as the platform's.
std::string RandomId() {
  std::array<unsigned char, 12> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) std::abort();
  return HexOf(bytes);
}

// "2026-05-06T14-30-33", UTC.
std::string VersionOf(Time time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(
      std::chrono::time_point_cast<std::chrono::system_clock::duration>(time));
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  const size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H-%M-%S", &parts);
  return std::string(text.data(), length);
}

absl::Status Ended(const Job& job) {
  return FailedPrecondition("the training job " + job.id + " has ended: it is " +
                            std::string(NameOf(job.status)));
}

absl::Status CheckChoices(const Choices& choices) {
  if (!(choices.minutes >= 0 && choices.minutes <= 7 * 24 * 60))
    return InvalidArgument("the minutes of a training job are 0 to 10080: choose fewer");
  if (choices.threads > 1024) return InvalidArgument("a training job has up to 1024 threads");
  if (choices.base.size() > 1000) return InvalidArgument("the name of the base model is too long");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Jobs>> Jobs::Open(JobsOptions options) {
  if (options.now == nullptr) {
    options.now = [] {
      return std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now());
    };
  }
  std::unique_ptr<Jobs> jobs(new Jobs(std::move(options)));
  RETURN_IF_ERROR(Annotate(MakeTables(jobs->database()), "the tables of training jobs"));
  RETURN_IF_ERROR(jobs->options_.files->MakeDirectories(jobs->options_.directory));
  RETURN_IF_ERROR(Annotate(jobs->Introduce(), "the training jobs of this hub"));
  RETURN_IF_ERROR(Annotate(jobs->Recover(), "the training jobs that ran before"));
  return jobs;
}

void Jobs::Tell() {
  MutexLock lock(mutex_);
  ++news_;
  changed_.NotifyAll();
}

absl::Status Jobs::CheckRequest(const data::Caller& caller, const NewJob& request) {
  if (request.task == registry::ModelTask::kUnknown)
    return InvalidArgument(
        "a training job needs a model type: single label, multi label or "
        "object detection");
  for (const std::string& label : request.labels) RETURN_IF_ERROR(annotation::CheckLabel(label));
  RETURN_IF_ERROR(registry::CheckModelName("model name", request.model_name, /*dots=*/false));
  if (!request.model_version.empty())
    RETURN_IF_ERROR(registry::CheckModelName("model version", request.model_version, true));
  RETURN_IF_ERROR(CheckChoices(request.choices));
  if (options_.find_base == nullptr)
    return FailedPrecondition("no base models are kept here, and training starts from one");
  RETURN_IF_ERROR(options_.find_base(request.choices.base).status());
  const std::vector<std::string> ids = {request.dataset_id};
  ASSIGN_OR_RETURN(const auto datasets, options_.catalog->datasets().Get(caller, ids));
  if (datasets.empty())
    return NotFound("there is no dataset with the id " + request.dataset_id +
                    ": see `bowerbird dataset list`");
  return absl::OkStatus();
}

// Whether a job that has not failed makes or made that version, looked at and written in one
// transaction.
absl::Status Jobs::Insert(const Job& job) {
  return database().Write([&](Connection& connection) -> absl::Status {
    const std::vector<Value> version{job.organization_id, job.request.model_name,
                                     job.request.model_version};
    ASSIGN_OR_RETURN(const auto rivals, ReadJobs(connection,
                                                 "WHERE org = $1 AND name = $2 AND version = $3 AND"
                                                 " status IN (1, 2, 6)",
                                                 version));
    if (!rivals.empty()) {
      return absl::AlreadyExistsError(ToAbsl("the training job " + rivals.front().id +
                                             " makes version " + job.request.model_version +
                                             " of " + job.request.model_name + " already"));
    }
    ASSIGN_OR_RETURN(const auto pending, ReadJobs(connection, "WHERE status = 1", {}));
    if (pending.size() >= options_.most_pending) {
      return ResourceExhausted(std::to_string(pending.size()) +
                               " training jobs are waiting: cancel some, or try later");
    }
    return InsertJob(connection, job);
  });
}

absl::Status Jobs::Prepare(const data::Caller& caller, Job& job) {
  data::SplitOptions split;
  split.seed = job.request.choices.seed;
  split.validation_fraction = kValidationFraction;
  ASSIGN_OR_RETURN(const auto created,
                   options_.catalog->snapshots().Create(
                       caller, job.request.dataset_id,
                       job.request.model_name + " " + job.request.model_version, split));
  job.snapshot_id = created.snapshot.id;
  const TrainingSetOptions set{.items = options_.catalog->items(),
                               .snapshots = options_.catalog->snapshots(),
                               .files = *options_.files,
                               .blob_folder = options_.blob_folder};
  const std::string folder = FolderOf(job.id);
  auto counts = WriteTrainingSet(set, caller, created.snapshot, job.request, folder);
  RETURN_IF_ERROR(counts.status());
  return CheckTrainable(*counts, job.request);
}

absl::StatusOr<std::string> Jobs::Submit(const data::Caller& caller, NewJob request) {
  RETURN_IF_ERROR(CheckRequest(caller, request));
  MutexLock lock(submit_mutex_);
  const std::string timed = VersionOf(Now());
  const bool named = !request.model_version.empty();
  if (!named) request.model_version = timed;
  for (int number = 2;; ++number) {
    const absl::Status free = options_.models->CheckFree(caller.organization_id, request.model_name,
                                                         request.model_version);
    if (!free.ok() && (named || !absl::IsAlreadyExists(free))) return free;
    Job job{.id = RandomId(),
            .organization_id = caller.organization_id,
            .created_by = caller.name,
            .hub = hub_,
            .request = request,
            .created = Now(),
            .modified = Now(),
            .program_version = options_.program_version};
    absl::Status made = free.ok() ? Prepare(caller, job) : free;
    if (made.ok()) made = Insert(job);
    if (made.ok()) {
      Tell();
      return job.id;
    }
    RemoveFolder(FolderOf(job.id));
    // Two within a second.
    if (named || !absl::IsAlreadyExists(made)) return made;
    request.model_version = timed + "-" + std::to_string(number);
  }
}

absl::StatusOr<Job> Jobs::Get(const data::Caller& caller, const std::string& id) {
  absl::StatusOr<Job> job = Internal("not read");
  RETURN_IF_ERROR(database().Read([&](Connection& connection) {
    job = LoadJob(connection, caller.organization_id, id);
    return job.status();
  }));
  return job;
}

absl::StatusOr<std::vector<Job>> Jobs::List(const data::Caller& caller,
                                            std::optional<JobStatus> status) {
  absl::StatusOr<std::vector<Job>> jobs = Internal("not read");
  std::string where = "WHERE org = $1";
  std::vector<Value> values{caller.organization_id};
  if (status.has_value()) {
    where += " AND status = $2";
    values.emplace_back(static_cast<int64_t>(*status));
  }
  RETURN_IF_ERROR(database().Read([&](Connection& connection) {
    jobs = ReadJobs(connection, where + " ORDER BY t DESC, id", values, Reports::kLeave);
    return jobs.status();
  }));
  return jobs;
}

absl::Status Jobs::Change(const std::string& id,
                          const std::function<absl::Status(Connection&, Job&)>& change) {
  absl::Status done = database().Write([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(Job job, LoadJob(connection, "", id));
    RETURN_IF_ERROR(change(connection, job));
    job.modified = Now();
    return UpdateJob(connection, job);
  });
  Tell();
  return done;
}

absl::Status Jobs::Cancel(const data::Caller& caller, const std::string& id) {
  RETURN_IF_ERROR(Get(caller, id).status());
  bool waited = false;
  RETURN_IF_ERROR(Change(id, [&](Connection&, Job& job) -> absl::Status {
    if (HasEnded(job.status)) return Ended(job);
    waited = job.status == JobStatus::kPending;
    job.status = waited ? JobStatus::kCanceled : JobStatus::kCanceling;
    if (waited) job.ended = Now();
    return absl::OkStatus();
  }));
  if (waited) RemoveFolder(FolderOf(id));
  MutexLock lock(mutex_);
  if (const auto run = running_.find(id); run != running_.end())
    run->second->Stop(options_.trainer.grace);
  return absl::OkStatus();
}

absl::Status Jobs::Finish(const data::Caller& caller, const std::string& id) {
  ASSIGN_OR_RETURN(const Job job, Get(caller, id));
  if (HasEnded(job.status)) return Ended(job);
  if (job.hub != hub_)
    return FailedPrecondition("the training job " + id +
                              " belongs to another hub of this database: finish it there");
  MutexLock lock(mutex_);
  const auto run = running_.find(id);
  if (run == running_.end())
    return FailedPrecondition("the training job " + id + " does not run yet: cancel it instead");
  run->second->Stop(options_.trainer.finish_grace);
  return absl::OkStatus();
}

absl::Status Jobs::Delete(const data::Caller& caller, const std::string& id) {
  RETURN_IF_ERROR(Get(caller, id).status());
  return database().Write([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const Job job, LoadJob(connection, caller.organization_id, id));
    if (!HasEnded(job.status)) {
      return FailedPrecondition("the training job " + id + " has not ended, it is " +
                                std::string(NameOf(job.status)) + ": cancel it first");
    }
    return DeleteJob(connection, id);
  });
}

absl::StatusOr<LogPage> Jobs::Logs(const data::Caller& caller, const std::string& id,
                                   const std::string& token) {
  int64_t after = 0;
  const char* const end = token.data() + token.size();
  if (!token.empty()) {
    const auto [last, error] = std::from_chars(token.data(), end, after);
    if (error != std::errc() || last != end || after < 0)
      return InvalidArgument("that is no page token: begin without one");
  }
  RETURN_IF_ERROR(Get(caller, id).status());
  LogPage page;
  RETURN_IF_ERROR(database().Read([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(page.entries, ReadLog(connection, id, after, Now() - kLogLife, kLogPage + 1));
    return absl::OkStatus();
  }));
  if (page.entries.size() > static_cast<size_t>(kLogPage)) {
    page.entries.pop_back();
    page.next = std::to_string(page.entries.back().number);
  }
  return page;
}

absl::StatusOr<std::vector<Point>> Jobs::Curve(const data::Caller& caller, const std::string& id,
                                               int64_t after) {
  RETURN_IF_ERROR(Get(caller, id).status());
  std::vector<Point> points;
  RETURN_IF_ERROR(database().Read([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(points, ReadPoints(connection, id, after));
    return absl::OkStatus();
  }));
  return points;
}

void Jobs::WaitForNews(const Context& context) {
  MutexLock lock(mutex_);
  const uint64_t seen = news_;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (news_ == seen && !stopping_ && std::chrono::steady_clock::now() < end &&
         context.Check().ok())
    changed_.WaitFor(mutex_, std::chrono::milliseconds(50));
}

}  // namespace bowerbird::jobs
