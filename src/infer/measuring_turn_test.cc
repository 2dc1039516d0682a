// SPDX-License-Identifier: Apache-2.0
#include "infer/measuring_turn.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <optional>
#include <thread>
#include <vector>

namespace bowerbird::infer {
namespace {

using namespace std::chrono_literals;

class MeasuringTurnTest : public ::testing::Test {
 protected:
  ~MeasuringTurnTest() override { std::filesystem::remove_all(folder_); }
  absl::StatusOr<MeasuringTurn> Await(std::chrono::nanoseconds patience,
                                      const Context& context = {}) const {
    return MeasuringTurn::Await(context, folder_, patience);
  }
  const std::string folder_ =
      ::testing::TempDir() + "bowerbird_turn_" + std::to_string(getpid()) + "/facts";
};

TEST_F(MeasuringTurnTest, IsHeldByOneAtATime) {
  std::atomic<int> holders = 0;
  std::atomic<int> overlaps = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 3; ++round) {
        const auto turn = Await(60s);
        ASSERT_TRUE(turn.ok()) << turn.status();
        overlaps += ++holders > 1;
        std::this_thread::sleep_for(2ms);
        --holders;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(overlaps, 0);
}

TEST_F(MeasuringTurnTest, TheWaitForItIsBounded) {
  std::optional<MeasuringTurn> held(*Await(1s));
  EXPECT_EQ(Await(30ms).status().code(), absl::StatusCode::kUnavailable);
  Context context;
  context.deadline = std::chrono::steady_clock::now() + 30ms;
  EXPECT_EQ(Await(60s, context).status().code(), absl::StatusCode::kDeadlineExceeded);
  held.reset();
  EXPECT_TRUE(Await(1s).ok());
}

TEST_F(MeasuringTurnTest, WithoutAFolderNobodyWaits) {
  const auto first = MeasuringTurn::Await({}, "", 1s);
  EXPECT_TRUE(first.ok());
  EXPECT_TRUE(MeasuringTurn::Await({}, "", 0s).ok());
  EXPECT_TRUE(MeasuringTurn::Await({}, "/proc/not-to-be-made", 0s).ok());
}

}  // namespace
}  // namespace bowerbird::infer
