// SPDX-License-Identifier: Apache-2.0
#include "infer/memory_plan.h"

#include <gtest/gtest.h>

namespace bowerbird::infer {
namespace {

// 10 with the first instance, 4 for each further one, 5 for the rows of each.
constexpr MemoryNeed kNeed = {.first = 10, .another = 4, .rows = 5};

TEST(MemoryNeed, CountsEveryInstanceAndItsRows) {
  EXPECT_EQ(kNeed.Of(1, false), 10U);
  EXPECT_EQ(kNeed.Of(3, false), 18U);
  EXPECT_EQ(kNeed.Of(3, true), 33U);
}

TEST(PlanMemory, GivesAllWithoutALimitOrWithRoom) {
  for (const uint64_t limit : {0U, 33U, 1000U}) {
    const MemoryPlan plan = PlanMemory(kNeed, limit, 3, true);
    EXPECT_EQ(plan.instances, 3) << limit;
    EXPECT_TRUE(plan.with_rows) << limit;
  }
}

TEST(PlanMemory, LeavesOutRowsFirstThenInstancesButOne) {
  const auto plan = [](uint64_t limit) { return PlanMemory(kNeed, limit, 3, true); };
  EXPECT_FALSE(plan(32).with_rows);
  EXPECT_EQ(plan(32).instances, 3);
  EXPECT_EQ(plan(18).instances, 3);
  EXPECT_EQ(plan(17).instances, 2);
  EXPECT_EQ(plan(13).instances, 1);
  EXPECT_EQ(plan(1).instances, 1);
}

TEST(PlanMemory, NeverExceedsTheLimitIfOneInstanceHasRoom) {
  for (uint64_t limit = 10; limit < 60; ++limit) {
    for (int wanted = 1; wanted < 6; ++wanted) {
      const MemoryPlan plan = PlanMemory(kNeed, limit, wanted, true);
      EXPECT_LE(kNeed.Of(plan.instances, plan.with_rows), limit);
    }
  }
}

TEST(WantedInstances, AreThoseOfTheOptionsOrOneForEachCore) {
  EXPECT_EQ(WantedInstances({.instances = 5}), 5);
  EXPECT_GE(WantedInstances({}), 1);
}

}  // namespace
}  // namespace bowerbird::infer
