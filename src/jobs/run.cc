// SPDX-License-Identifier: Apache-2.0
//
// The threads that run jobs: one takes the oldest that waits, runs its trainer to the end, and
// writes down what became of it.
#include <pthread.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/status.h"
#include "jobs/job_rows.h"
#include "jobs/jobs.h"
#include "jobs/report_items.h"
#include "jobs/request_json.h"
#include "jobs/training_set.h"
#include "nlohmann/json.hpp"

namespace bowerbird::jobs {

using store::Connection;
using Json = nlohmann::json;

namespace {

// Lines and points that are kept until they are written down; what comes faster is dropped.
constexpr size_t kMostKept = 2000;
// Of a report that is shown with its job; the file itself is the model's.
constexpr uint64_t kMaxReportBytes = uint64_t{4} << 20;
constexpr uint64_t kMaxPageBytes = uint64_t{32} << 20;
constexpr uint64_t kMaxLabelsBytes = uint64_t{1} << 20;
constexpr std::chrono::minutes kLogSweep{60};
// A job that is put back loses nothing by a short end.
constexpr std::chrono::seconds kStopGrace{1};
// Between attempts to write down what became of a job.
constexpr std::chrono::seconds kRetry{2};

std::string LevelOf(std::string_view level) {
  for (const std::string_view known : {"debug", "info", "warn", "error"}) {
    if (level == known) return std::string(known);
  }
  return level == "warning" ? "warn" : "info";
}

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) lines.push_back(std::move(line));
    at = end + 1;
  }
  return lines;
}

// What the report says of the base model.
std::string BaseHashOf(const std::string& report) {
  const Json read = Json::parse(report, nullptr, /*allow_exceptions=*/false);
  const Json::json_pointer at("/base/sha256");
  return read.is_object() && read.contains(at) && read[at].is_string() ? read[at].get<std::string>()
                                                                       : "";
}

std::string CardOf(const Job& job, const std::string& report) {
  Json card = {{"origin", "training job"},
               {"job_id", job.id},
               {"dataset_id", job.request.dataset_id},
               {"snapshot_id", job.snapshot_id},
               {"seed", job.request.choices.seed},
               {"base_hash", job.base_hash},
               {"program_version", job.program_version}};
  const Json read = Json::parse(report, nullptr, /*allow_exceptions=*/false);
  if (read.is_object()) {
    auto metrics = Json::object();
    for (const char* key : {"accuracy", "macro_f1", "ece", "map", "exact_match", "ap", "ap50",
                            "voc_ap50", "split", "candidates"}) {
      if (read.contains(key)) metrics[key] = read[key];
    }
    card["metrics"] = std::move(metrics);
  }
  return card.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

// Gathers what a trainer says and writes it down twice a second, in one transaction.
class Jobs::Listener : public TrainerListener {
 public:
  Listener(Jobs& jobs, std::string id, std::pair<int64_t, int64_t> last)
      : jobs_(jobs), id_(std::move(id)), point_number_(last.second), number_(last.first) {}

  void Log(std::string_view level, std::string_view message) override {
    MutexLock lock(mutex_);
    if (entries_.size() >= kMostKept) return;
    entries_.push_back({.number = ++number_,
                        .time = jobs_.Now(),
                        .level = LevelOf(level),
                        .message = std::string(message)});
  }

  void Progress(Point point) override {
    ++point_number_;
    // The longer it takes, the fewer points are kept, so that a curve stays bounded.
    const int64_t stride = int64_t{1} << std::min<int64_t>(point_number_ / (kMostPoints / 2), 40);
    if (points_.size() >= kMostKept || point_number_ % stride != 0) return;
    point.number = point_number_;
    point.time = jobs_.Now();
    points_.push_back(std::move(point));
  }

  void Tick() override {
    const auto now = std::chrono::steady_clock::now();
    if (now - written_ < std::chrono::milliseconds(400)) return;
    written_ = now;
    Write();
  }

  // What cannot be written down is lost, and does not stop the training.
  void Write() {
    std::vector<LogEntry> entries;
    {
      MutexLock lock(mutex_);
      entries.swap(entries_);
    }
    for (LogEntry& entry : entries) entry.message = jobs_.Named(id_, entry.message);
    const std::vector<Point> points = std::exchange(points_, {});
    if (entries.empty() && points.empty()) return;
    const absl::Status done = jobs_.database().Write([&](Connection& connection) -> absl::Status {
      RETURN_IF_ERROR(AppendLog(connection, id_, entries));
      return AppendPoints(connection, id_, points);
    });
    if (!done.ok()) LogWarning("jobs", "the log of training job " + id_ + ": " + MessageOf(done));
    jobs_.Tell();
  }

 private:
  Jobs& jobs_;
  const std::string id_;
  std::chrono::steady_clock::time_point written_{};
  int64_t point_number_;
  std::vector<Point> points_;
  Mutex mutex_;
  int64_t number_ ABSL_GUARDED_BY(mutex_);
  std::vector<LogEntry> entries_ ABSL_GUARDED_BY(mutex_);
};

void Jobs::Start() {
  for (int i = 0; i < options_.at_a_time; ++i) threads_.emplace_back([this, i] { Loop(i); });
  threads_.emplace_back([this] { BeatLoop(); });
}

Jobs::~Jobs() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    for (const auto& [id, run] : running_) run->Stop(kStopGrace);
    changed_.NotifyAll();
  }
  for (std::thread& thread : threads_) thread.join();
}

void Jobs::Loop(int number) {
  pthread_setname_np(pthread_self(), ("train-" + std::to_string(number)).c_str());
  auto swept = std::chrono::steady_clock::now();
  for (;;) {
    uint64_t seen = 0;
    {
      MutexLock lock(mutex_);
      if (stopping_) return;
      seen = news_;
    }
    const auto job = TakeNext();
    if (job.ok() && job->has_value()) {
      Run(**job);
      continue;
    }
    if (!job.ok()) LogError("jobs", "the queue of training jobs: " + MessageOf(job.status()));
    if (std::chrono::steady_clock::now() - swept > kLogSweep) {
      swept = std::chrono::steady_clock::now();
      const absl::Status dropped = database().Write(
          [&](Connection& connection) { return DropOldLogs(connection, Now() - kLogLife); });
      if (!dropped.ok()) LogWarning("jobs", "old logs of training: " + MessageOf(dropped));
    }
    MutexLock lock(mutex_);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (news_ == seen && !stopping_ && changed_.WaitUntil(mutex_, end)) {
    }
  }
}

absl::StatusOr<std::optional<Job>> Jobs::TakeNext() {
  std::optional<Job> taken;
  const absl::Status done = database().Write([&](Connection& connection) -> absl::Status {
    taken.reset();
    ASSIGN_OR_RETURN(auto waiting,
                     ReadJobs(connection, "WHERE status = 1 AND hub = $1 ORDER BY t, id LIMIT 1",
                              std::vector<store::Value>{hub_}));
    if (waiting.empty()) return absl::OkStatus();
    Job& job = waiting.front();
    job.status = JobStatus::kInProgress;
    job.started = job.modified = Now();
    ++job.starts;
    job.program_version = options_.program_version;
    RETURN_IF_ERROR(UpdateJob(connection, job));
    taken = std::move(job);
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(done);
  if (taken.has_value()) Tell();
  return taken;
}

void Jobs::Run(const Job& job) {
  std::pair<int64_t, int64_t> last;
  const absl::Status read = database().Read([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(last, LastNumbers(connection, job.id));
    return absl::OkStatus();
  });
  Listener listener(*this, job.id, last);
  listener.Log("info",
               "training begins: snapshot " + job.snapshot_id + ", program " + job.program_version);
  const absl::Status trained = read.ok() ? Train(job, listener) : read;
  listener.Log(trained.ok() ? "info" : "error",
               trained.ok() ? "the model is registered" : MessageOf(trained));
  listener.Write();
  End(job.id, trained);
}

absl::Status Jobs::Train(const Job& job, Listener& listener) {
  const std::string folder = FolderOf(job.id);
  RemoveFolder(folder + "/output");  // what an earlier run left there
  TrainerCommand command = options_.trainer;
  if (const uint32_t wanted = job.request.choices.threads; wanted > 0)
    command.threads = std::min(wanted, command.threads);
  ASSIGN_OR_RETURN(const auto arguments, ArgumentsOf(job, command.threads));
  ASSIGN_OR_RETURN(const auto run, TrainerRun::Start(command, arguments, listener));
  // A cancellation that came before the run could be found.
  data::Caller owner{.organization_id = job.organization_id, .name = job.created_by};
  {
    MutexLock lock(mutex_);
    running_[job.id] = run.get();
    if (stopping_) run->Stop(kStopGrace);
  }
  if (const auto now = Get(owner, job.id); now.ok() && now->status == JobStatus::kCanceling)
    run->Stop(options_.trainer.grace);
  const absl::Status ended = run->Wait();
  {
    MutexLock lock(mutex_);
    running_.erase(job.id);
    if (stopping_) return absl::CancelledError("the server stops");
  }
  if (!ended.ok()) return absl::Status(ended.code(), ToAbsl(Named(job.id, MessageOf(ended))));
  const auto keep = [&]() -> absl::Status {
    ASSIGN_OR_RETURN(const Job now, Get(owner, job.id));
    if (now.status == JobStatus::kCanceling) return absl::CancelledError("canceled");
    return Register(now);
  };
  return Insist("the model of training job " + job.id, keep,
                [](const absl::Status& status) { return absl::IsUnavailable(status); });
}

absl::Status Jobs::Insist(const std::string& what, const std::function<absl::Status()>& step,
                          const std::function<bool(const absl::Status&)>& passes) {
  for (;;) {
    absl::Status done = step();
    if (done.ok() || !passes(done)) return done;
    LogError("jobs", what + " is not written down, and tried again: " + MessageOf(done));
    MutexLock lock(mutex_);
    const auto end = std::chrono::steady_clock::now() + kRetry;
    while (!stopping_ && std::chrono::steady_clock::now() < end) changed_.WaitUntil(mutex_, end);
    if (stopping_) return done;
  }
}

absl::StatusOr<std::vector<std::string>> Jobs::ArgumentsOf(const Job& job, uint32_t threads) const {
  const Choices& choices = job.request.choices;
  const std::string folder = FolderOf(job.id);
  ASSIGN_OR_RETURN(const std::string base, options_.find_base(choices.base));
  std::vector<std::string> arguments = {folder + "/dataset.jsonl",
                                        "--format",
                                        "jsonl",
                                        "--pictures",
                                        PictureFolder(options_.blob_folder, folder),
                                        "--base",
                                        base,
                                        "--out",
                                        folder + "/output",
                                        "--type",
                                        std::string(NameOf(job.request.task)),
                                        "--seed",
                                        std::to_string(choices.seed),
                                        "--threads",
                                        std::to_string(threads)};
  if (choices.minutes > 0)
    arguments.insert(arguments.end(), {"--minutes", std::to_string(choices.minutes)});
  if (choices.steps > 0)
    arguments.insert(arguments.end(), {"--steps", std::to_string(choices.steps)});
  if (choices.int8) arguments.emplace_back("--int8");
  if (choices.force) arguments.emplace_back("--force");
  // One label alone is told from the pictures that have none.
  if (job.request.task == registry::ModelTask::kSingleLabel && job.request.labels.size() == 1)
    arguments.emplace_back("--unknown");
  return arguments;
}

std::string Jobs::Named(const std::string& id, const std::string& text) const {
  auto named = TextWithItems(*options_.files, text, FolderOf(id) + "/items.jsonl");
  return named.ok() ? *std::move(named) : text;
}

absl::Status Jobs::Register(const Job& job) {
  // An earlier attempt whose answer was lost.
  if (options_.models->OfJob(job.id).ok()) return absl::OkStatus();
  const std::string output = FolderOf(job.id) + "/output";
  const std::string items = FolderOf(job.id) + "/items.jsonl";
  ASSIGN_OR_RETURN(const auto names, options_.files->List(output));
  if (std::find(names.begin(), names.end(), "model.tflite") == names.end())
    return Internal("the trainer ended well but wrote no model.tflite: see the job's log");
  Job changed = job;
  registry::NewModel model{.organization_id = job.organization_id,
                           .name = job.request.model_name,
                           .version = job.request.model_version,
                           .task = job.request.task,
                           .labels = {},
                           .job_id = job.id,
                           .snapshot_id = job.snapshot_id,
                           .files = {}};
  for (const std::string& name : names) {
    const std::string path = output + "/" + name;
    ASSIGN_OR_RETURN(const FileInfo info, options_.files->Stat(path));
    if (info.kind == FileInfo::Kind::kFile && name != registry::kItemsFile)
      model.files.emplace_back(name, path);
    if (name == "labels.txt") {
      ASSIGN_OR_RETURN(const std::string labels, ReadFile(*options_.files, path, kMaxLabelsBytes));
      model.labels = LinesOf(labels);
    } else if (name == "report.json" && info.size <= kMaxReportBytes) {
      ASSIGN_OR_RETURN(changed.report, ReadFile(*options_.files, path, kMaxReportBytes));
      ASSIGN_OR_RETURN(changed.report, WithItems(*options_.files, changed.report, items));
      RETURN_IF_ERROR(WriteFileDurably(*options_.files, path, changed.report));
      changed.base_hash = BaseHashOf(changed.report);
    } else if (name == "report.html" && info.size <= kMaxPageBytes) {
      ASSIGN_OR_RETURN(const std::string page, ReadFile(*options_.files, path, kMaxPageBytes));
      RETURN_IF_ERROR(WriteFileDurably(*options_.files, path, Named(job.id, page)));
    }
  }
  // What it was made of stays with it, also when the snapshot is gone.
  model.files.emplace_back(registry::kItemsFile, items);
  model.card = CardOf(changed, changed.report);
  RETURN_IF_ERROR(Change(job.id, [&](Connection&, Job& kept) {
    kept.base_hash = changed.base_hash;
    kept.report = changed.report;
    return absl::OkStatus();
  }));
  return options_.models->Add(model).status();
}

void Jobs::End(const std::string& id, const absl::Status& status) {
  JobStatus now = JobStatus::kFailed;
  const auto settle = [&](Connection&, Job& job) {
    job.status = now = StatusAfter(job.status, status);
    if (now == JobStatus::kPending) --job.starts;  // an orderly stop counts for nothing
    if (now == JobStatus::kFailed) {
      job.error_code = status.code();
      job.error = MessageOf(status);
    }
    if (HasEnded(now)) job.ended = Now();
    return absl::OkStatus();
  };
  // A full disk, or a database that is away: the job must not be in progress for ever.
  const absl::Status written = Insist(
      "the end of training job " + id, [&] { return Change(id, settle); },
      [](const absl::Status& failure) { return !absl::IsNotFound(failure); });
  if (!written.ok()) {
    // It is still in progress for the database, and settled at the next start.
    LogError("jobs", "the end of training job " + id + ": " + MessageOf(written));
    return;
  }
  LogInfo("jobs", "training job " + id + " is " + std::string(NameOf(now)) +
                      (status.ok() ? "" : ": " + MessageOf(status)));
  if (HasEnded(now)) RemoveFolder(FolderOf(id));
}

JobStatus Jobs::StatusAfter(JobStatus before, const absl::Status& run) {
  if (run.ok()) return JobStatus::kCompleted;
  if (before == JobStatus::kCanceling) return JobStatus::kCanceled;
  MutexLock lock(mutex_);
  return stopping_ && absl::IsCancelled(run) ? JobStatus::kPending : JobStatus::kFailed;
}

}  // namespace bowerbird::jobs
