// SPDX-License-Identifier: Apache-2.0
//
// The queue with a trainer that is a few lines of shell: what it does to the server is what counts.
#include "jobs/jobs.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "data/testing_catalog.h"

namespace bowerbird::jobs {
namespace {

using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::SizeIs;

// What every script begins with: $out is the folder to make.
constexpr char kBegin[] = R"(#!/bin/sh
out=
while [ $# -gt 0 ]; do [ "$1" = --out ] && out=$2; shift; done
)";
constexpr char kModel[] = R"(mkdir "$out"
printf weights > "$out/model.tflite"
printf 'a\nb\n' > "$out/labels.txt"
printf '{"accuracy": 0.5, "base": {"sha256": "abc"}}' > "$out/report.json"
)";

class JobsTest : public data::CatalogTest {
 protected:
  void SetUp() override {
    CatalogTest::SetUp();
    if (IsSkipped()) return;
    dataset_ = *catalog_->datasets().Create(caller_, "things");
    std::vector<std::string> ids;
    ids.reserve(10);
    for (int i = 0; i < 10; ++i) ids.push_back(Add(i, {i % 2 == 0 ? "a" : "b"}));
    ASSERT_TRUE(catalog_->datasets().AddItems(caller_, dataset_, ids).ok());
  }
  void TearDown() override {
    jobs_.reset();
    models_.reset();
    CatalogTest::TearDown();
  }

  void Start(const std::string& script, int at_a_time = 1, bool run = true) {
    jobs_.reset();
    models_.reset();
    const std::string path = folder_ + "/trainer";
    std::ofstream(path) << kBegin << script;
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    auto models = registry::Registry::Open(
        {.database = &catalog_->database(), .files = &files_, .directory = folder_ + "/models"});
    ASSERT_TRUE(models.ok()) << models.status();
    models_ = *std::move(models);
    auto jobs = Jobs::Open({.catalog = catalog_.get(),
                            .models = models_.get(),
                            .files = &files_,
                            .directory = folder_ + "/jobs",
                            .find_base = [](const std::string&) { return std::string("base"); },
                            .trainer = {.argv = {path}, .grace = std::chrono::milliseconds(300)},
                            .at_a_time = at_a_time,
                            .most_pending = 3,
                            .program_version = "1"});
    ASSERT_TRUE(jobs.ok()) << jobs.status();
    jobs_ = *std::move(jobs);
    if (run) jobs_->Start();
  }

  NewJob Request(const std::string& version) const {
    return {.dataset_id = dataset_,
            .model_name = "things",
            .model_version = version,
            .task = registry::ModelTask::kSingleLabel};
  }
  std::string Submit(const std::string& version) {
    const auto id = jobs_->Submit(caller_, Request(version));
    EXPECT_TRUE(id.ok()) << id.status();
    return id.value_or("");
  }
  size_t FoldersOfJobs() const {
    size_t count = 0;
    for (const auto& one : std::filesystem::directory_iterator(folder_ + "/jobs"))
      count += one.is_directory() ? 1 : 0;
    return count;
  }
  // Another hub on the same database, with folders of its own.
  std::unique_ptr<Jobs> Neighbour(std::chrono::nanoseconds most_silence) {
    auto jobs = Jobs::Open({.catalog = catalog_.get(),
                            .models = models_.get(),
                            .files = &files_,
                            .directory = folder_ + "/other",
                            .find_base = [](const std::string&) { return std::string("base"); },
                            .trainer = {.argv = {folder_ + "/trainer"}},
                            .program_version = "1",
                            .beat = std::chrono::milliseconds(20),
                            .most_silence = most_silence});
    EXPECT_TRUE(jobs.ok()) << jobs.status();
    if (!jobs.ok()) return nullptr;
    (*jobs)->Start();
    return *std::move(jobs);
  }
  // What a server that died, or a database in trouble, leaves.
  void Execute(const std::string& sql) {
    const absl::Status done = catalog_->database().Write(
        [&](store::Connection& connection) { return connection.Execute(sql, {}).status(); });
    ASSERT_TRUE(done.ok()) << done;
  }
  Job WaitFor(const std::string& id, const std::function<bool(const Job&)>& good) {
    absl::StatusOr<Job> job = jobs_->Get(caller_, id);
    for (int i = 0; i < 2000 && job.ok() && !good(*job); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      job = jobs_->Get(caller_, id);
    }
    EXPECT_TRUE(job.ok() && good(*job)) << job.status();
    return job.value_or(Job());
  }
  Job Ended(const std::string& id) {
    return WaitFor(id, [](const Job& job) { return HasEnded(job.status); });
  }

  std::string dataset_;
  std::unique_ptr<registry::Registry> models_;
  std::unique_ptr<Jobs> jobs_;
};

TEST_P(JobsTest, ATrainedModelIsRegisteredWithWhatItWasMadeOf) {
  Start(kModel);
  const Job job = Ended(Submit("1"));
  EXPECT_EQ(job.status, JobStatus::kCompleted) << job.error;
  EXPECT_EQ(job.base_hash, "abc");
  const auto model = models_->OfJob(job.id);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->snapshot_id, job.snapshot_id);
  EXPECT_THAT(model->labels, testing::ElementsAre("a", "b"));
  EXPECT_THAT(model->files, Contains(Field(&registry::ModelFile::name, registry::kItemsFile)));
  EXPECT_THAT(model->card, HasSubstr("\"accuracy\":0.5"));
  // Its folder goes after the word of its end.
  for (int i = 0; i < 500 && FoldersOfJobs() > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(FoldersOfJobs(), 0);
}

TEST_P(JobsTest, TheTrainersLinesAreItsCurveAndItsLog) {
  Start(R"(echo '{"phase":"train","done":1,"total":2,"loss":3.5}'
echo '{"warning":"careful"}'
echo 'no JSON'
echo 'from stderr' >&2
)" + std::string(kModel));
  const Job job = Ended(Submit("1"));
  const auto points = jobs_->Curve(caller_, job.id);
  ASSERT_TRUE(points.ok()) << points.status();
  ASSERT_THAT(*points, SizeIs(1));
  EXPECT_EQ((*points)[0].steps, 2);
  EXPECT_EQ((*points)[0].loss, 3.5);
  const auto log = jobs_->Logs(caller_, job.id, "");
  ASSERT_TRUE(log.ok()) << log.status();
  for (const char* line : {"train", "careful", "no JSON", "from stderr"})
    EXPECT_THAT(log->entries, Contains(Field(&LogEntry::message, line))) << line;
}

TEST_P(JobsTest, ATrainerThatFailsOrDiesFailsItsJobOnlyWithTheReason) {
  Start(R"(echo '{"error":"one label only"}'; exit 1)");
  const Job failed = Ended(Submit("1"));
  EXPECT_EQ(failed.status, JobStatus::kFailed);
  EXPECT_THAT(failed.error, HasSubstr("one label only"));
  Start("kill -SEGV $$");
  EXPECT_THAT(Ended(Submit("2")).error, HasSubstr("SIGSEGV"));
  Start("exit 0");
  EXPECT_THAT(Ended(Submit("3")).error, HasSubstr("output"));
  // The version of a job that failed is free.
  Start(kModel);
  EXPECT_EQ(Ended(Submit("1")).status, JobStatus::kCompleted);
}

TEST_P(JobsTest, AFloodOfLinesIsBounded) {
  Start(R"(i=0; while [ $i -lt 30000 ]; do echo "line $i"; i=$((i+1)); done
)" + std::string(kModel));
  const Job job = Ended(Submit("1"));
  EXPECT_EQ(job.status, JobStatus::kCompleted);
  size_t lines = 0;
  std::string token;
  do {
    const auto page = jobs_->Logs(caller_, job.id, token);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LE(page->entries.size(), 100);
    lines += page->entries.size();
    token = page->next;
  } while (!token.empty());
  EXPECT_LE(lines, 10'000);
  EXPECT_GT(lines, 0);
}

TEST_P(JobsTest, ACanceledTrainerThatDoesNotListenIsKilled) {
  Start("trap '' TERM; while :; do sleep 0.05; done");
  const std::string id = Submit("1");
  WaitFor(id, [](const Job& job) { return job.status == JobStatus::kInProgress; });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  ASSERT_TRUE(jobs_->Cancel(caller_, id).ok());
  EXPECT_EQ(Ended(id).status, JobStatus::kCanceled);
  EXPECT_TRUE(absl::IsFailedPrecondition(jobs_->Cancel(caller_, id)));
  EXPECT_TRUE(absl::IsNotFound(models_->OfJob(id).status()));
}

TEST_P(JobsTest, OneThatIsToFinishKeepsWhatItHas) {
  Start("trap 'stop=1' TERM; while [ -z \"$stop\" ]; do sleep 0.02; done\n" + std::string(kModel));
  const std::string id = Submit("1");
  EXPECT_TRUE(absl::IsNotFound(jobs_->Finish(stranger_, id)));
  absl::Status finished;
  for (int i = 0; i < 500; ++i) {
    finished = jobs_->Finish(caller_, id);
    if (finished.ok()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(finished.ok()) << finished;
  // The signal may come before the trap is set; then the job has failed, and nothing is kept.
  const Job job = Ended(id);
  EXPECT_EQ(job.status == JobStatus::kCompleted, models_->OfJob(id).ok());
}

TEST_P(JobsTest, TheQueueIsBoundedAndInOrder) {
  Start(kModel, 1, /*run=*/false);
  std::vector<std::string> ids;
  for (const char* version : {"1", "2", "3"}) ids.push_back(Submit(version));
  EXPECT_TRUE(absl::IsResourceExhausted(jobs_->Submit(caller_, Request("4")).status()));
  EXPECT_TRUE(absl::IsAlreadyExists(jobs_->Submit(caller_, Request("2")).status()));
  ASSERT_TRUE(jobs_->Cancel(caller_, ids[1]).ok());
  jobs_->Start();
  const Job first = Ended(ids[0]), third = Ended(ids[2]);
  EXPECT_LE(*first.ended, *third.started);
  EXPECT_EQ(jobs_->Get(caller_, ids[1])->status, JobStatus::kCanceled);
  EXPECT_THAT(*jobs_->List(caller_, JobStatus::kCompleted), SizeIs(2));
}

TEST_P(JobsTest, JobsOfOtherOrganizationsAreNotThere) {
  Start(kModel);
  const Job job = Ended(Submit("1"));
  EXPECT_TRUE(absl::IsNotFound(jobs_->Get(stranger_, job.id).status()));
  EXPECT_TRUE(absl::IsNotFound(jobs_->Delete(stranger_, job.id)));
  EXPECT_TRUE(absl::IsNotFound(jobs_->Logs(stranger_, job.id, "").status()));
  EXPECT_THAT(*jobs_->List(stranger_), SizeIs(0));
  ASSERT_TRUE(jobs_->Delete(caller_, job.id).ok());
  EXPECT_TRUE(absl::IsNotFound(jobs_->Get(caller_, job.id).status()));
}

TEST_P(JobsTest, AnOrderlyStopPutsARunningJobBackAndCountsNothing) {
  Start("sleep 30");
  const std::string id = Submit("1");
  WaitFor(id, [](const Job& job) { return job.status == JobStatus::kInProgress; });
  Start(kModel);
  const Job job = Ended(id);
  EXPECT_EQ(job.status, JobStatus::kCompleted) << job.error;
  EXPECT_EQ(job.starts, 1);
}

TEST_P(JobsTest, AJobRunsAgainAfterTheDeathOfTheServerButOnce) {
  Start(kModel, 1, /*run=*/false);
  const std::string once = Submit("1"), twice = Submit("2"), canceling = Submit("3");
  Execute("UPDATE training_jobs SET status = 2, starts = 1 WHERE id = '" + once + "'");
  Execute("UPDATE training_jobs SET status = 2, starts = 2 WHERE id = '" + twice + "'");
  Execute("UPDATE training_jobs SET status = 6, starts = 1 WHERE id = '" + canceling + "'");
  Start(kModel);
  const Job job = Ended(once);
  EXPECT_EQ(job.status, JobStatus::kCompleted) << job.error;
  EXPECT_EQ(job.starts, 2);
  const Job failed = Ended(twice);
  EXPECT_EQ(failed.status, JobStatus::kFailed);
  EXPECT_THAT(failed.error, HasSubstr("twice"));
  EXPECT_EQ(Ended(canceling).status, JobStatus::kCanceled);
}

TEST_P(JobsTest, AModelThatWasRegisteredWhenTheServerDiedIsNotTrainedAgain) {
  Start(kModel);
  const std::string id = Ended(Submit("1")).id;
  Execute("UPDATE training_jobs SET status = 2 WHERE id = '" + id + "'");
  Start("exit 1");
  const Job job = Ended(id);
  EXPECT_EQ(job.status, JobStatus::kCompleted) << job.error;
  EXPECT_EQ(job.starts, 1);
}

TEST_P(JobsTest, AnEndThatCannotBeWrittenIsWrittenLater) {
  Start("while [ ! -e " + folder_ + "/go ]; do sleep 0.02; done; exit 1");
  const std::string id = Submit("1");
  WaitFor(id, [](const Job& job) { return job.status == JobStatus::kInProgress; });
  Execute("ALTER TABLE training_jobs RENAME TO elsewhere");
  std::ofstream(folder_ + "/go") << "";
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  Execute("ALTER TABLE elsewhere RENAME TO training_jobs");
  EXPECT_EQ(Ended(id).status, JobStatus::kFailed);
}

TEST_P(JobsTest, OneLabelAloneIsToldFromPicturesWithoutIt) {
  Start("tr '\\0' '\\n' < /proc/$$/cmdline | grep unknown\n" + std::string(kModel));
  NewJob request = Request("1");
  request.labels = {"a"};
  request.choices.force = true;
  const auto id = jobs_->Submit(caller_, request);
  ASSERT_TRUE(id.ok()) << id.status();
  EXPECT_EQ(Ended(*id).status, JobStatus::kCompleted);
  const auto log = jobs_->Logs(caller_, *id, "");
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_THAT(log->entries, Contains(Field(&LogEntry::message, "--unknown")));
}

TEST_P(JobsTest, ADiskThatIsFullWhileAModelIsRegisteredFailsItsJobAndLeavesNoVersion) {
  Start(kModel);
  files_.Add({.operation = FileOperation::kAppend, .path = "/models/", .error = ENOSPC});
  const Job job = Ended(Submit("1"));
  EXPECT_EQ(job.status, JobStatus::kFailed);
  EXPECT_NE(job.error, "");
  EXPECT_TRUE(absl::IsNotFound(models_->OfJob(job.id).status()));
  EXPECT_EQ(Ended(Submit("1")).status, JobStatus::kCompleted);
}

TEST_P(JobsTest, ADiskThatIsFullWhileItIsSubmittedLeavesNoJob) {
  Start(kModel);
  files_.Add({.operation = FileOperation::kAppend, .path = "/jobs/", .after = 0, .error = ENOSPC});
  EXPECT_FALSE(jobs_->Submit(caller_, Request("1")).ok());
  EXPECT_THAT(*jobs_->List(caller_), SizeIs(0));
  EXPECT_EQ(FoldersOfJobs(), 0);
}

TEST_P(JobsTest, AHubLeavesTheJobsOfAnotherOneOnItsDatabaseAlone) {
  Start("while [ ! -e " + folder_ + "/go ]; do sleep 0.02; done\n" + std::string(kModel));
  const std::string running = Submit("1"), waiting = Submit("2");
  WaitFor(running, [](const Job& job) { return job.status == JobStatus::kInProgress; });
  const auto other = Neighbour(std::chrono::hours(1));
  ASSERT_NE(other, nullptr);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_EQ(jobs_->Get(caller_, running)->starts, 1);
  EXPECT_EQ(jobs_->Get(caller_, waiting)->status, JobStatus::kPending);
  EXPECT_TRUE(absl::IsFailedPrecondition(other->Finish(caller_, running)));
  std::ofstream(folder_ + "/go") << "";
  EXPECT_EQ(Ended(running).status, JobStatus::kCompleted);
  EXPECT_EQ(Ended(waiting).status, JobStatus::kCompleted);
  // Its own it runs.
  const auto own = other->Submit(caller_, Request("3"));
  ASSERT_TRUE(own.ok()) << own.status();
  EXPECT_EQ(Ended(*own).status, JobStatus::kCompleted);
}

TEST_P(JobsTest, AJobIsCanceledThroughAnotherHub) {
  Start("trap 'exit 1' TERM; while :; do sleep 0.02; done");
  const auto other = Neighbour(std::chrono::hours(1));
  ASSERT_NE(other, nullptr);
  const auto id = other->Submit(caller_, Request("1"));
  ASSERT_TRUE(id.ok()) << id.status();
  WaitFor(*id, [](const Job& job) { return job.status == JobStatus::kInProgress; });
  ASSERT_TRUE(jobs_->Cancel(caller_, *id).ok());
  EXPECT_EQ(Ended(*id).status, JobStatus::kCanceled);
}

TEST_P(JobsTest, JobsOfAHubThatIsGoneFail) {
  Start(kModel, 1, /*run=*/false);
  const std::string waiting = Submit("1"), canceling = Submit("2");
  Execute("UPDATE training_jobs SET status = 6 WHERE id = '" + canceling + "'");
  const auto other = Neighbour(std::chrono::milliseconds(1));
  ASSERT_NE(other, nullptr);
  const Job job = Ended(waiting);
  EXPECT_EQ(job.status, JobStatus::kFailed);
  EXPECT_THAT(job.error, HasSubstr("not heard of"));
  EXPECT_EQ(Ended(canceling).status, JobStatus::kCanceled);
}

INSTANTIATE_TEST_SUITE_P(Engines, JobsTest,
                         testing::Values(store::Engine::kSqlite, store::Engine::kPostgresql),
                         data::EngineName);

}  // namespace
}  // namespace bowerbird::jobs
