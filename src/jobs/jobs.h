// SPDX-License-Identifier: Apache-2.0
//
// The queue of training jobs: kept in the database, run by child processes, so many at a time.
//
//   pending -> in progress -> completed | failed
//   pending -> canceled;  in progress -> canceling -> canceled
//
// - A job takes its dataset as it is when it is submitted: a new snapshot, and the trainer's own
//   list of it, made before Submit returns.
// - Completed means: its model is in the registry.
// - What ran when the server stopped is put back and runs again from its beginning. What ran when
//   the server died, too, but once: the second time it is failed.
// - A trainer that dies, of whatever, fails its job only.
// - Hubs may share a database: each runs the jobs that were submitted to it, whose training sets
// lie
//   in its folder, and nobody else takes them up. A hub says every half minute that it is there;
//   the jobs of one that was not heard of for an hour are failed by the others.
// Threads "train-0"…, one for each job that may run, and "train-beat". Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "base/context.h"
#include "base/file_system.h"
#include "base/mutex.h"
#include "data/catalog.h"
#include "jobs/job.h"
#include "jobs/trainer.h"
#include "registry/registry.h"

namespace bowerbird::jobs {

struct JobsOptions {
  data::Catalog* catalog = nullptr;  // these three must outlive the jobs
  registry::Registry* models = nullptr;
  FileSystem* files = nullptr;
  std::string directory{};    // of the running jobs' folders; an absolute path
  std::string blob_folder{};  // see TrainingSetOptions
  // The file of a base model by its name, "" = the default. Empty: there are none.
  std::function<absl::StatusOr<std::string>(const std::string& name)> find_base{};
  TrainerCommand trainer{};
  int at_a_time = 1;
  size_t most_pending = 1000;  // RESOURCE_EXHAUSTED beyond
  std::string program_version{};
  std::function<Time()> now{};  // empty = the system's clock
  // How often other hubs are looked after, and how long one may be silent.
  std::chrono::nanoseconds beat = std::chrono::seconds(5);
  std::chrono::nanoseconds most_silence = std::chrono::hours(1);
};

class Jobs {
 public:
  static absl::StatusOr<std::unique_ptr<Jobs>> Open(JobsOptions options);
  // Stops the trainers; their jobs are put back.
  ~Jobs();
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  // Begins to run jobs.
  void Start();

  // The id. NOT_FOUND: no such dataset. FAILED_PRECONDITION: it cannot be trained on.
  // ALREADY_EXISTS: the version. INVALID_ARGUMENT: the request.
  absl::StatusOr<std::string> Submit(const data::Caller& caller, NewJob request);
  absl::StatusOr<Job> Get(const data::Caller& caller, const std::string& id);
  // Newest first, without their reports; nullopt = whatever their status.
  absl::StatusOr<std::vector<Job>> List(const data::Caller& caller,
                                        std::optional<JobStatus> status = std::nullopt);
  // FAILED_PRECONDITION once it has ended.
  absl::Status Cancel(const data::Caller& caller, const std::string& id);
  // Ends a running job early; the best model that it has is kept. FAILED_PRECONDITION: it does not
  // run.
  absl::Status Finish(const data::Caller& caller, const std::string& id);
  // FAILED_PRECONDITION while it has not ended. Its model stays.
  absl::Status Delete(const data::Caller& caller, const std::string& id);

  // Up to 100 lines of the last 7 days. INVALID_ARGUMENT: a token that is none.
  absl::StatusOr<LogPage> Logs(const data::Caller& caller, const std::string& id,
                               const std::string& token);
  // Those behind number `after`.
  absl::StatusOr<std::vector<Point>> Curve(const data::Caller& caller, const std::string& id,
                                           int64_t after = 0);
  // Pictures that a model learnt from and that look to it most like another one, nearest first.
  // Runs the trainer for it, a second or so, few at a time. FAILED_PRECONDITION: the model has no
  // features (docs/formats/features.md); INVALID_ARGUMENT: no picture; NOT_FOUND: no such item;
  // RESOURCE_EXHAUSTED: too many ask.
  absl::StatusOr<std::vector<Neighbour>> FindNeighbours(const data::Caller& caller,
                                                        const registry::ModelVersion& model,
                                                        const NeighbourQuery& query);
  // Until something was written about some job, a second has passed, or the caller is gone.
  void WaitForNews(const Context& context);

 private:
  class Listener;
  explicit Jobs(JobsOptions options) : options_(std::move(options)) {}
  Time Now() const { return options_.now(); }
  store::Database& database() { return options_.catalog->database(); }
  std::string FolderOf(const std::string& id) const { return options_.directory + "/" + id; }

  // jobs.cc
  absl::Status CheckRequest(const data::Caller& caller, const NewJob& request);
  absl::Status Insert(const Job& job);
  absl::Status Prepare(const data::Caller& caller, Job& job);
  absl::Status Change(const std::string& id,
                      const std::function<absl::Status(store::Connection&, Job&)>& change);
  void Tell();

  // hubs.cc
  absl::Status Introduce();
  void BeatLoop();
  absl::Status Beat(bool write);
  absl::Status StopCanceled();
  absl::Status FailSilent();

  // recovery.cc
  absl::Status Recover();
  absl::Status RecoverOne(Job job);
  absl::Status SweepFolders();
  void RemoveFolder(const std::string& path);

  // neighbours.cc
  absl::Status FetchFile(const registry::ModelVersion& model, const std::string& name,
                         const std::string& folder);
  absl::StatusOr<std::vector<Neighbour>> AskTrainer(const std::string& folder, uint32_t count);
  absl::StatusOr<std::vector<Neighbour>> Compare(const data::Caller& caller,
                                                 const registry::ModelVersion& model,
                                                 const NeighbourQuery& query,
                                                 const std::string& folder);
  absl::Status AddItems(const registry::ModelVersion& model, std::vector<Neighbour>& neighbours);

  // run.cc
  void Loop(int number);
  absl::StatusOr<std::optional<Job>> TakeNext();
  void Run(const Job& job);
  absl::Status Train(const Job& job, Listener& listener);
  absl::StatusOr<std::vector<std::string>> ArgumentsOf(const Job& job, uint32_t threads) const;
  absl::Status Register(const Job& job);
  // The trainer knows files of contents, people know items.
  std::string Named(const std::string& id, const std::string& text) const;
  void End(const std::string& id, const absl::Status& status);
  // What a job is after its run.
  JobStatus StatusAfter(JobStatus before, const absl::Status& run);
  // Takes `step` until it succeeds, fails of something that does not pass, or the server stops.
  absl::Status Insist(const std::string& what, const std::function<absl::Status()>& step,
                      const std::function<bool(const absl::Status&)>& passes);

  const JobsOptions options_;
  std::string hub_;  // our name in the database; set by Open
  Mutex mutex_;
  CondVar changed_;
  uint64_t news_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // Those that run, by job; owned by the thread that runs them.
  std::map<std::string, TrainerRun*> running_ ABSL_GUARDED_BY(mutex_);
  int queries_ ABSL_GUARDED_BY(mutex_) = 0;  // FindNeighbours that run or wait
  uint64_t last_query_ ABSL_GUARDED_BY(mutex_) = 0;
  int running_queries_ ABSL_GUARDED_BY(mutex_) = 0;
  Mutex submit_mutex_;  // one version is given out once
  std::vector<std::thread> threads_;
};

}  // namespace bowerbird::jobs
