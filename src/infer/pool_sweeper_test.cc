// SPDX-License-Identifier: Apache-2.0
#include "infer/pool_sweeper.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace bowerbird::infer {
namespace {

using namespace std::chrono_literals;

class CountedInstance : public Instance {
 public:
  explicit CountedInstance(std::atomic<int>& alive) : alive_(alive) { ++alive_; }
  ~CountedInstance() override { --alive_; }

 private:
  std::atomic<int>& alive_;
};

class PoolSweeperTest : public ::testing::Test {
 protected:
  std::unique_ptr<Pool> MakePool(std::chrono::nanoseconds idle_period) {
    Pool::Options options;
    options.instances = 3;
    options.idle_period = idle_period;
    options.on_grown = [this] { sweeper_.Look(); };
    auto pool = std::make_unique<Pool>(options, std::make_unique<CountedInstance>(alive_),
                                       [this]() -> absl::StatusOr<std::unique_ptr<Instance>> {
                                         return std::make_unique<CountedInstance>(alive_);
                                       });
    sweeper_.Add(*pool);
    return pool;
  }
  static void Grow(Pool& pool) {
    auto first = *pool.Take(Context());
    auto second = *pool.Take(Context());
    pool.GiveBack(std::move(first));
    pool.GiveBack(std::move(second));
  }
  bool Becomes(int alive) const {
    for (int i = 0; i < 10'000 && alive_ != alive; ++i) std::this_thread::sleep_for(1ms);
    return alive_ == alive;
  }

  std::atomic<int> alive_ = 0;
  PoolSweeper sweeper_;
};

TEST_F(PoolSweeperTest, ShrinksEveryPoolAfterItsOwnPeriod) {
  const auto soon = MakePool(20ms);
  const auto late = MakePool(1h);
  const auto never = MakePool(0s);
  Grow(*soon);
  Grow(*late);
  Grow(*never);
  EXPECT_TRUE(Becomes(5));
  EXPECT_EQ(soon->counts().existing, 1);
  EXPECT_EQ(late->counts().existing, 2);
  EXPECT_EQ(never->counts().existing, 2);
  Grow(*soon);
  EXPECT_TRUE(Becomes(5)) << "again, after it has grown again";
  for (Pool* pool : {soon.get(), late.get(), never.get()}) sweeper_.Remove(*pool);
}

TEST_F(PoolSweeperTest, LetsPoolsComeAndGoUnderLoad) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this] {
      for (int round = 0; round < 50; ++round) {
        const auto pool = MakePool(100us);
        for (int i = 0; i < 5; ++i) {
          Grow(*pool);
          std::this_thread::sleep_for(50us);
        }
        sweeper_.Remove(*pool);
        sweeper_.Trim();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(alive_, 0);
}

}  // namespace
}  // namespace bowerbird::infer
