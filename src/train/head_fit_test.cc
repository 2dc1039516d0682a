// SPDX-License-Identifier: Apache-2.0
#include "train/head_fit.h"

#include <cmath>
#include <numeric>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "train/lbfgs.h"
#include "train/random.h"

namespace bowerbird::train {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

// Clouds around points of a square, `rows` in turn.
Examples Clouds(size_t rows, double spread) {
  Examples examples{.depth = 5, .labels = 3, .features = {}, .truth = {}};
  Random random(7);
  for (size_t i = 0; i < rows; ++i) {
    const auto label = static_cast<uint32_t>(i % 3);
    for (size_t d = 0; d < 5; ++d)
      examples.features.push_back(
          static_cast<float>((d == label ? 3 : 0) + random.Normal(spread) + 100.0 * (d == 4)));
    examples.truth.push_back({label});
  }
  return examples;
}

std::vector<size_t> AllRows(const Examples& examples) {
  std::vector<size_t> rows(examples.rows());
  std::iota(rows.begin(), rows.end(), size_t{0});
  return rows;
}

TEST(Lbfgs, FindsTheBottomOfRosenbrocksValley) {
  const SmoothFunction valley = [](const std::vector<double>& p, std::vector<double>& gradient) {
    const double a = 1 - p[0], b = p[1] - p[0] * p[0];
    gradient = {-2 * a - 400 * p[0] * b, 200 * b};
    return a * a + 100 * b * b;
  };
  std::vector<double> point{-1.2, 1};
  MinimizeLbfgs(valley, point,
                {.max_iterations = 500, .gradient_tolerance = 1e-8, .value_tolerance = 0});
  EXPECT_THAT(point, ElementsAre(DoubleNear(1, 1e-5), DoubleNear(1, 1e-5)));
}

TEST(HeadFit, SeparatesCloudsThatLieApart) {
  const Examples examples = Clouds(90, 0.3);
  const auto head = FitHead(examples, AllRows(examples), 1e-3);
  ASSERT_TRUE(head.ok()) << head.status();
  for (size_t row = 0; row < examples.rows(); ++row)
    EXPECT_GT(Apply(*head, examples, row)[examples.truth[row][0]], 0.9F) << row;
}

TEST(HeadFit, IsWhereTheGradientVanishes) {
  // One feature of -1 and 1, two labels, half of them wrong: the optimum has a closed form.
  Examples examples{.depth = 1, .labels = 1, .independent = true, .features = {}, .truth = {}};
  for (int i = 0; i < 8; ++i) {
    examples.features.push_back(i < 4 ? -1.0F : 1.0F);
    examples.truth.push_back(i == 0 || i > 4 ? std::vector<uint32_t>{0} : std::vector<uint32_t>{});
  }
  const auto head = FitHead(examples, AllRows(examples), 0);
  ASSERT_TRUE(head.ok()) << head.status();
  // Shares of positives: a quarter on the left, three quarters on the right; logit(3/4) = ln 3.
  EXPECT_NEAR(head->weights[0], std::log(3.0), 1e-3);
  EXPECT_NEAR(head->bias[0], 0, 1e-3);
}

TEST(HeadFit, GivesTheSameBytesWithOneThreadAndTwo) {
  const Examples examples = Clouds(60, 2.5);
  const auto one = CrossValidate(examples, AllRows(examples), 1e-2, {.folds = 5, .threads = 1});
  const auto two = CrossValidate(examples, AllRows(examples), 1e-2, {.folds = 5, .threads = 2});
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_EQ(one->loss, two->loss);
  EXPECT_EQ(one->accuracy, two->accuracy);
  EXPECT_GT(one->accuracy, 0.5);
  EXPECT_LT(one->accuracy, 1);
}

TEST(HeadFit, SaysWhenFeaturesAreNotNumbers) {
  Examples examples = Clouds(9, 0.3);
  examples.features[3] = std::nanf("");
  const auto head = FitHead(examples, AllRows(examples), 1e-3);
  EXPECT_EQ(head.status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(HeadFit, RefusesNoRows) {
  EXPECT_EQ(FitHead(Clouds(9, 0.3), {}, 1e-3).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace bowerbird::train
