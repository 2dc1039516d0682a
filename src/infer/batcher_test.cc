// SPDX-License-Identifier: Apache-2.0
#include "infer/batcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/status.h"
#include "infer/testing/eventually.h"

namespace bowerbird::infer {
namespace {

using testing::Eventually;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Rows of one byte; a run gives each its byte plus one and fails those of 255.
class BatcherTest : public ::testing::Test {
 protected:
  BatcherTest()
      : pool_({.name = "m", .instances = 1}, std::make_unique<Instance>(),
              []() -> absl::StatusOr<std::unique_ptr<Instance>> {
                return std::make_unique<Instance>();
              }) {}

  std::unique_ptr<Batcher> MakeBatcher(Batcher::Options options = {}) {
    options.name = "m";
    options.metrics = MetricsOf(metrics_, "m");
    return std::make_unique<Batcher>(
        options, pool_, [this](Instance&, std::span<BatchRow* const> rows) {
          {
            MutexLock lock(mutex_);
            sizes_.push_back(static_cast<int>(rows.size()));
          }
          for (BatchRow* row : rows) {
            const std::byte value = row->inputs[0][0];
            row->outputs = {{static_cast<std::byte>(static_cast<int>(value) + 1)}};
            row->status =
                value == std::byte{255} ? InvalidArgument("255 is not for me") : absl::OkStatus();
          }
        });
  }

  static BatchRow RowOf(int value) { return {{{static_cast<std::byte>(value)}}, {}, {}}; }

  // A caller on a thread of its own, queued before this returns.
  void Call(Batcher& batcher, int value, Context context = {}) {
    size_t index = 0;
    {
      MutexLock lock(mutex_);
      index = statuses_.size();
      statuses_.emplace_back();
      answers_.push_back(-1);
    }
    callers_.emplace_back([this, &batcher, index, value, context] {
      BatchRow row = RowOf(value);
      const absl::Status status = batcher.Run(context, row);
      MutexLock lock(mutex_);
      statuses_[index] = status;
      if (status.ok()) answers_[index] = static_cast<int>(row.outputs[0][0]);
    });
    const int queued = static_cast<int>(callers_.size());
    ASSERT_TRUE(Eventually([&] { return pool_.counts().waiting + batcher.waiting() == queued; }));
  }
  void Join() {
    for (std::thread& caller : callers_) caller.join();
    callers_.clear();
  }

  Metrics metrics_;
  Pool pool_;
  Mutex mutex_;
  std::vector<int> sizes_;  // of the runs
  std::deque<absl::Status> statuses_;
  std::deque<int> answers_;
  std::vector<std::thread> callers_;
};

TEST_F(BatcherTest, RunsACallerAtOnceWhereNobodyWaits) {
  const auto batcher = MakeBatcher();
  BatchRow row = RowOf(7);
  PhaseTimes phases;
  Context context;
  context.phases = &phases;
  ASSERT_TRUE(batcher->Run(context, row).ok());
  EXPECT_EQ(row.outputs[0][0], std::byte{8});
  EXPECT_THAT(sizes_, ElementsAre(1));
  EXPECT_GT(phases.Get(Phase::kInvoke).count(), 0);
}

TEST_F(BatcherTest, RunsTogetherWhoWaitsForAnInstanceAnyway) {
  const auto batcher = MakeBatcher({.max_rows = 3});
  auto busy = *pool_.Take(Context());
  for (int value = 10; value < 15; ++value) Call(*batcher, value);
  pool_.GiveBack(std::move(busy));
  Join();
  EXPECT_THAT(answers_, ElementsAre(11, 12, 13, 14, 15));
  EXPECT_THAT(sizes_, ElementsAre(3, 2));
  EXPECT_THAT(metrics_.Text(), HasSubstr("bowerbird_model_batches_total{model=\"m\"} 2"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("bowerbird_model_batched_calls_total{model=\"m\"} 5"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("bowerbird_model_waiting{model=\"m\"} 0"));
}

TEST_F(BatcherTest, RunsFewOneByOneWhereThatIsFaster) {
  const auto batcher = MakeBatcher({.max_rows = 8, .worth_rows = 3});
  auto busy = *pool_.Take(Context());
  for (int value = 0; value < 4; ++value) Call(*batcher, value);
  pool_.GiveBack(std::move(busy));
  Join();
  EXPECT_THAT(sizes_, ElementsAre(4));
  busy = *pool_.Take(Context());
  for (int value = 0; value < 2; ++value) Call(*batcher, value);
  pool_.GiveBack(std::move(busy));
  Join();
  EXPECT_THAT(sizes_, ElementsAre(4, 1, 1));
}

TEST_F(BatcherTest, OneCallersFaultIsNotTheOthers) {
  const auto batcher = MakeBatcher();
  auto busy = *pool_.Take(Context());
  for (const int value : {1, 255, 3}) Call(*batcher, value);
  pool_.GiveBack(std::move(busy));
  Join();
  EXPECT_THAT(answers_, ElementsAre(2, -1, 4));
  EXPECT_EQ(MessageOf(statuses_[1]), "255 is not for me");
}

TEST_F(BatcherTest, AFollowerThatGivesUpTakesItsRowAway) {
  const auto batcher = MakeBatcher();
  auto busy = *pool_.Take(Context());
  std::atomic<bool> gone = false;
  Context cancelled;
  cancelled.cancelled = [&] { return gone.load(); };
  Call(*batcher, 1);
  Call(*batcher, 2, cancelled);
  Call(*batcher, 3);
  gone = true;
  EXPECT_TRUE(Eventually([&] { return batcher->waiting() == 1; }));
  pool_.GiveBack(std::move(busy));
  Join();
  EXPECT_EQ(statuses_[1].code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(answers_, ElementsAre(2, -1, 4));
  EXPECT_THAT(sizes_, ElementsAre(2));
}

TEST_F(BatcherTest, ALeaderThatGivesUpPassesOn) {
  const auto batcher = MakeBatcher();
  auto busy = *pool_.Take(Context());
  std::atomic<bool> gone = false;
  Context cancelled;
  cancelled.cancelled = [&] { return gone.load(); };
  Call(*batcher, 1, cancelled);
  Call(*batcher, 2);
  Call(*batcher, 3);
  gone = true;
  EXPECT_TRUE(Eventually([&] { return batcher->waiting() == 1; }));
  EXPECT_TRUE(Eventually([&] { return pool_.counts().waiting == 1; })) << "the second leads";
  pool_.GiveBack(std::move(busy));
  Join();
  EXPECT_EQ(statuses_[0].code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(answers_, ElementsAre(-1, 3, 4));
}

TEST_F(BatcherTest, TellsDeadlinesAndCountsTheWait) {
  const auto batcher = MakeBatcher();
  auto busy = *pool_.Take(Context());
  PhaseTimes phases;
  Context context = Context().WithTimeout(40ms);
  context.phases = &phases;
  Call(*batcher, 1);
  BatchRow row = RowOf(2);
  const absl::Status late = batcher->Run(context, row);
  EXPECT_EQ(late.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(MessageOf(late), HasSubstr("model m (1 callers waiting)"));
  EXPECT_GE(phases.Get(Phase::kQueue), 30ms);
  pool_.GiveBack(std::move(busy));
  Join();
}

TEST_F(BatcherTest, HoldsALeaderBackForAtMostTheDelay) {
  const auto batcher = MakeBatcher({.max_rows = 2, .max_delay = 10s});
  auto busy = *pool_.Take(Context());
  Call(*batcher, 1);
  pool_.GiveBack(std::move(busy));
  // The leader has the instance and waits for one more.
  EXPECT_TRUE(Eventually([&] { return pool_.counts().waiting == 0; }));
  BatchRow row = RowOf(5);
  ASSERT_TRUE(batcher->Run(Context(), row).ok());
  Join();
  EXPECT_THAT(sizes_, ElementsAre(2));
}

TEST_F(BatcherTest, ManyCallersGetTheirOwnAnswers) {
  const auto batcher = MakeBatcher({.max_rows = 4, .max_delay = 50us});
  std::atomic<int> wrong = 0;
  std::atomic<int> answered = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < 200; ++round) {
        const int value = (t * 31 + round) % 256;
        BatchRow row = RowOf(value);
        const absl::Status status =
            batcher->Run(Context().WithTimeout(round % 9 == 0 ? 30us : 10s), row);
        if (absl::IsDeadlineExceeded(status)) continue;
        ++answered;
        if (status.ok() != (value != 255)) ++wrong;
        if (status.ok() && static_cast<int>(row.outputs[0][0]) != value + 1) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(answered, 1200);
  EXPECT_EQ(batcher->waiting(), 0);
  EXPECT_EQ(pool_.counts().idle, 1);
  EXPECT_THAT(metrics_.Text(), HasSubstr("bowerbird_model_waiting{model=\"m\"} 0"));
}

}  // namespace
}  // namespace bowerbird::infer
