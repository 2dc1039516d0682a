// SPDX-License-Identifier: Apache-2.0
#include "infer/pool.h"

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
using ::testing::HasSubstr;

// Waits for something that another thread is about to do; the test fails if it never does.
class PoolTest : public ::testing::Test {
 protected:
  std::unique_ptr<Pool> MakePool(int instances, int max_waiting = 8) {
    return std::make_unique<Pool>(Pool::Options{.name = "m.tflite",
                                                .instances = instances,
                                                .max_waiting = max_waiting,
                                                .idle_period = 60s,
                                                .metrics = MetricsOf(metrics_, "m"),
                                                .on_grown = [this] { ++grown_; }},
                                  std::make_unique<Instance>(),
                                  [this]() -> absl::StatusOr<std::unique_ptr<Instance>> {
                                    ++made_;
                                    if (fail_) return Internal("no memory");
                                    return std::make_unique<Instance>();
                                  });
  }

  // What /metrics says of the model, as (existing, idle, waiting).
  std::vector<double> Published() {
    std::vector<double> values;
    for (const char* line : {"instances{model=\"m\",state=\"existing\"} ",
                             "instances{model=\"m\",state=\"idle\"} ", "waiting{model=\"m\"} "}) {
      const std::string text = metrics_.Text();
      const size_t at = text.find(std::string("bowerbird_model_") + line);
      values.push_back(at == std::string::npos ? -1
                                               : std::stod(text.substr(text.find("} ", at) + 2)));
    }
    return values;
  }

  Metrics metrics_;
  std::atomic<int> made_ = 0;
  std::atomic<int> grown_ = 0;
  std::atomic<bool> fail_ = false;
};

TEST_F(PoolTest, MakesInstancesOnlyWhenAllAreTaken) {
  const auto pool = MakePool(2);
  auto first = *pool->Take(Context());
  EXPECT_EQ(made_, 0);
  auto second = *pool->Take(Context());
  EXPECT_EQ(made_, 1);
  EXPECT_EQ(pool->counts().existing, 2);
  EXPECT_EQ(pool->counts().idle, 0);
  pool->GiveBack(std::move(first));
  pool->GiveBack(std::move(second));
  EXPECT_EQ(pool->counts().idle, 2);
}

TEST_F(PoolTest, TakesTheWarmestFirst) {
  const auto pool = MakePool(2);
  auto first = *pool->Take(Context());
  auto second = *pool->Take(Context());
  Instance* const last_used = second.get();
  pool->GiveBack(std::move(first));
  pool->GiveBack(std::move(second));
  auto again = *pool->Take(Context());
  EXPECT_EQ(again.get(), last_used);
  pool->GiveBack(std::move(again));
}

TEST_F(PoolTest, ServesWaitersInOrderOfArrival) {
  const auto pool = MakePool(1);
  auto taken = *pool->Take(Context());
  std::vector<int> order;  // each thread writes while it holds the one instance
  std::vector<std::thread> threads;
  for (int i = 0; i < 5; ++i) {
    threads.emplace_back([&, i] {
      auto instance = *pool->Take(Context());
      order.push_back(i);
      pool->GiveBack(std::move(instance));
    });
    ASSERT_TRUE(Eventually([&] { return pool->counts().waiting == i + 1; }));
  }
  pool->GiveBack(std::move(taken));
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(order, ::testing::ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(PoolTest, RefusesBeyondTheQueueAndSaysHowLongItIs) {
  const auto pool = MakePool(1, /*max_waiting=*/1);
  auto taken = *pool->Take(Context());
  std::thread waiter([&] { pool->GiveBack(*pool->Take(Context())); });
  ASSERT_TRUE(Eventually([&] { return pool->counts().waiting == 1; }));
  const absl::Status refused = pool->Take(Context()).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(MessageOf(refused), HasSubstr("m.tflite: 1 callers already wait for its 1"));
  pool->GiveBack(std::move(taken));
  waiter.join();
}

TEST_F(PoolTest, GivesUpAtTheDeadline) {
  const auto pool = MakePool(1);
  auto taken = *pool->Take(Context());
  PhaseTimes phases;
  Context context;
  context.phases = &phases;
  const absl::Status late = pool->Take(context.WithTimeout(30ms)).status();
  EXPECT_EQ(late.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(MessageOf(late), HasSubstr("m.tflite"));
  EXPECT_GE(phases.Get(Phase::kQueue), 25ms);
  EXPECT_EQ(pool->counts().waiting, 0);
  pool->GiveBack(std::move(taken));
}

TEST_F(PoolTest, GivesUpWhenCancelled) {
  const auto pool = MakePool(1);
  auto taken = *pool->Take(Context());
  std::atomic<bool> gone = false;
  std::atomic<int> code = -1;
  std::thread waiter([&] {
    Context context;
    context.cancelled = [&] { return gone.load(); };
    code = static_cast<int>(pool->Take(context).status().code());
  });
  ASSERT_TRUE(Eventually([&] { return pool->counts().waiting == 1; }));
  gone = true;
  waiter.join();
  EXPECT_EQ(code, static_cast<int>(absl::StatusCode::kCancelled));
  EXPECT_EQ(pool->counts().waiting, 0);
  pool->GiveBack(std::move(taken));
}

TEST_F(PoolTest, DoesNotQueueACallThatIsOverAlready) {
  const auto pool = MakePool(1);
  auto taken = *pool->Take(Context());
  Context context;
  context.cancelled = [] { return true; };
  EXPECT_EQ(pool->Take(context).status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(pool->counts().waiting, 0);
  pool->GiveBack(std::move(taken));
}

TEST_F(PoolTest, StaysAtItsSizeWhenNoMoreCanBeMade) {
  const auto pool = MakePool(3);
  fail_ = true;
  auto taken = *pool->Take(Context());
  std::thread waiter([&] { pool->GiveBack(*pool->Take(Context())); });
  ASSERT_TRUE(Eventually([&] { return pool->counts().waiting == 1; }));
  EXPECT_EQ(pool->counts().limit, 1);
  pool->GiveBack(std::move(taken));
  waiter.join();
  EXPECT_EQ(made_, 1) << "one failure is enough to know";
}

TEST_F(PoolTest, ReplacesABrokenInstance) {
  const auto pool = MakePool(1);
  auto taken = *pool->Take(Context());
  taken->broken = true;
  std::thread waiter([&] { pool->GiveBack(*pool->Take(Context())); });
  ASSERT_TRUE(Eventually([&] { return pool->counts().waiting == 1; }));
  pool->GiveBack(std::move(taken));
  waiter.join();
  EXPECT_EQ(made_, 1);
  EXPECT_EQ(pool->counts().existing, 1);
}

TEST_F(PoolTest, TellsEveryWaiterWhenNothingCanBeMadeAnyMore) {
  const auto pool = MakePool(1);
  auto taken = *pool->Take(Context());
  taken->broken = true;
  fail_ = true;
  std::atomic<int> failures = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] { failures += pool->Take(Context()).ok() ? 0 : 1; });
  }
  ASSERT_TRUE(Eventually([&] { return pool->counts().waiting == 3; }));
  pool->GiveBack(std::move(taken));
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 3);
  EXPECT_EQ(pool->counts().existing, 0);
  fail_ = false;
  auto recovered = pool->Take(Context());
  ASSERT_TRUE(recovered.ok()) << recovered.status();
  pool->GiveBack(*std::move(recovered));
}

TEST_F(PoolTest, DoesNotQueueWhoHasSomewhereElseToWait) {
  const auto pool = MakePool(2);
  auto first = *pool->TakeUnlessBusy(Context());
  auto second = *pool->TakeUnlessBusy(Context());
  ASSERT_NE(second, nullptr) << "the pool could still grow";
  const auto third = pool->TakeUnlessBusy(Context());
  ASSERT_TRUE(third.ok());
  EXPECT_EQ(*third, nullptr);
  pool->GiveBack(std::move(first));
  pool->GiveBack(std::move(second));
}

TEST_F(PoolTest, TakesDownWhatWasIdleForTheWholePeriodButForOne) {
  const auto pool = MakePool(3);
  auto first = *pool->Take(Context());
  auto second = *pool->Take(Context());
  auto third = *pool->Take(Context());
  EXPECT_EQ(grown_, 2);
  pool->GiveBack(std::move(first));
  pool->GiveBack(std::move(second));
  std::vector<std::unique_ptr<Instance>> retired;
  const auto now = std::chrono::steady_clock::now();
  const auto next = pool->Shrink(now + 59s, retired);
  EXPECT_TRUE(retired.empty());
  EXPECT_GT(next, now + 59s);
  EXPECT_LE(next, now + 60s);
  EXPECT_EQ(pool->Shrink(now + 61s, retired), Pool::TimePoint::max());
  EXPECT_EQ(retired.size(), 2U);
  EXPECT_EQ(pool->counts().existing, 1);
  pool->GiveBack(std::move(third));
  EXPECT_EQ(pool->Shrink(now + 1000s, retired), Pool::TimePoint::max());
  EXPECT_EQ(retired.size(), 2U) << "the last one stays";
  auto a = *pool->Take(Context());
  auto b = *pool->Take(Context());
  EXPECT_EQ(grown_, 3) << "it grows again";
  pool->GiveBack(std::move(a));
  pool->GiveBack(std::move(b));
}

TEST_F(PoolTest, TriesToGrowAgainAfterItHasShrunk) {
  const auto pool = MakePool(3);
  auto first = *pool->Take(Context());
  auto second = *pool->Take(Context());
  fail_ = true;
  EXPECT_FALSE(pool->Take(Context().WithTimeout(5ms)).ok());
  EXPECT_EQ(pool->counts().limit, 2);
  pool->GiveBack(std::move(first));
  pool->GiveBack(std::move(second));
  std::vector<std::unique_ptr<Instance>> retired;
  pool->Shrink(std::chrono::steady_clock::now() + 61s, retired);
  EXPECT_EQ(pool->counts().limit, 3);
}

TEST_F(PoolTest, PublishesWhatItHasAndTakesItAwayAtItsEnd) {
  auto old_version = MakePool(2);
  EXPECT_THAT(Published(), ::testing::ElementsAre(1, 1, 0));
  auto taken = *old_version->Take(Context());
  EXPECT_THAT(Published(), ::testing::ElementsAre(1, 0, 0));
  const auto new_version = MakePool(1);
  EXPECT_THAT(Published(), ::testing::ElementsAre(2, 1, 0)) << "both versions count";
  auto other = *new_version->Take(Context());
  std::thread waiter([&] { new_version->GiveBack(*new_version->Take(Context())); });
  EXPECT_TRUE(Eventually([&] { return Published() == std::vector<double>({2, 0, 1}); }));
  new_version->GiveBack(std::move(other));
  waiter.join();
  old_version->GiveBack(std::move(taken));
  old_version.reset();
  EXPECT_THAT(Published(), ::testing::ElementsAre(1, 1, 0));
}

TEST_F(PoolTest, ManyCallersShareFewInstancesAndNoneIsLost) {
  const auto pool = MakePool(3, /*max_waiting=*/100);
  std::atomic<int> holding = 0;
  std::atomic<int> served = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 300; ++round) {
        auto instance = pool->Take(Context().WithTimeout(round % 7 == 0 ? 50us : 10s));
        if (!instance.ok()) continue;
        EXPECT_LE(++holding, 3);
        ++served;
        (*instance)->broken = (round + i) % 50 == 0;
        --holding;
        pool->GiveBack(*std::move(instance));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(served, 1800);
  const InstanceCounts counts = pool->counts();
  EXPECT_EQ(counts.waiting, 0);
  EXPECT_EQ(counts.idle, counts.existing);
}

}  // namespace
}  // namespace bowerbird::infer
