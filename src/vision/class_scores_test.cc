// SPDX-License-Identifier: Apache-2.0
#include "vision/class_scores.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace bowerbird::vision {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

TEST(ClassScores, FollowTheRulesOfTheReference) {
  const std::vector<double> softmax = ClassConfidences(std::vector<float>{2, 1, 0});
  EXPECT_NEAR(softmax[0], 0.6652, 1e-4);
  EXPECT_NEAR(softmax[1], 0.2447, 1e-4);
  EXPECT_NEAR(softmax[2], 0.0900, 1e-4);
  const std::vector<double> unchanged = ClassConfidences(std::vector<float>{0.9f, 0.4f});
  EXPECT_FLOAT_EQ(static_cast<float>(unchanged[0]), 0.9f);
  EXPECT_FLOAT_EQ(static_cast<float>(unchanged[1]), 0.4f);
  EXPECT_NEAR(ClassConfidences(std::vector<float>{3})[0], 0.9526, 1e-4);
  EXPECT_EQ(ClassConfidences(std::vector<float>{-0.5f})[0], 0);
  EXPECT_FLOAT_EQ(static_cast<float>(ClassConfidences(std::vector<float>{0.25f})[0]), 0.25f);
}

TEST(ClassScores, LargeLogitsDoNotOverflow) {
  const std::vector<double> scores = ClassConfidences(std::vector<float>{1000, 999, -1000});
  EXPECT_NEAR(scores[0], 1 / (1 + std::exp(-1.0)), 1e-9);
  EXPECT_NEAR(scores[0] + scores[1] + scores[2], 1, 1e-9);
  EXPECT_NEAR(ClassConfidences(std::vector<float>{-3000})[0], 0, 1e-9);
}

TEST(ClassScores, ARoundingAboveOneIsNoLogit) {
  const std::vector<double> scores = ClassConfidences(std::vector<float>{1.00001f, 0, 0});
  EXPECT_DOUBLE_EQ(scores[0], 1);
  EXPECT_DOUBLE_EQ(scores[1], 0);
}

TEST(ClassScores, AreDefinedForEveryInput) {
  EXPECT_TRUE(ClassConfidences({}).empty());
  const std::vector<double> infinite = ClassConfidences(std::vector<float>{kInf, 3, kInf, kNan});
  EXPECT_DOUBLE_EQ(infinite[0], 0.5);
  EXPECT_DOUBLE_EQ(infinite[1], 0);
  EXPECT_DOUBLE_EQ(infinite[3], 0);
  const std::vector<double> nothing = ClassConfidences(std::vector<float>{kNan, -kInf});
  EXPECT_DOUBLE_EQ(nothing[0], 0);
  EXPECT_EQ(ClassConfidences(std::vector<float>{kNan})[0], 0);
}

}  // namespace
}  // namespace bowerbird::vision
