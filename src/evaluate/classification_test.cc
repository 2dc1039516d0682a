// SPDX-License-Identifier: Apache-2.0
#include "evaluate/classification.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bowerbird::evaluate {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::Optional;

auto Is(double value) { return Optional(DoubleNear(value, 1e-9)); }

TEST(PrecisionRecall, WeighsEachHitWithItsPrecision) {
  // Best first: yes, no, yes. (1 + 2/3) / 2.
  const std::vector<float> scores{0.5F, 0.75F, 0.25F};
  const PrecisionRecall curve = PrecisionRecallOf(scores, {false, true, true});
  EXPECT_THAT(curve.average_precision, Is((1 + 2.0 / 3) / 2));
  EXPECT_THAT(curve.recall, ElementsAre(0.5, 0.5, 1));
  EXPECT_THAT(curve.threshold, ElementsAre(0.75F, 0.5F, 0.25F));
}

TEST(PrecisionRecall, EqualScoresAreOnePoint) {
  const std::vector<float> scores{0.5F, 0.5F, 0.5F, 0.5F};
  const PrecisionRecall curve = PrecisionRecallOf(scores, {true, false, false, false});
  EXPECT_THAT(curve.precision, ElementsAre(0.25));
  EXPECT_THAT(curve.average_precision, Is(0.25));
}

TEST(PrecisionRecall, SuggestsTheThresholdBetweenThoseThatShouldBeApart) {
  const std::vector<float> scores{0.875F, 0.75F, 0.25F, 0.125F};
  const PrecisionRecall curve = PrecisionRecallOf(scores, {true, true, false, false});
  EXPECT_THAT(curve.suggested_threshold, Is(0.5));
  EXPECT_THAT(curve.best_f1, Is(1));
}

TEST(PrecisionRecall, WithoutAPositiveSuggestsNothing) {
  const PrecisionRecall curve = PrecisionRecallOf(std::vector<float>{0.5F}, {false});
  EXPECT_EQ(curve.average_precision, std::nullopt);
  EXPECT_EQ(curve.suggested_threshold, std::nullopt);
}

// Truth a a b b, answers a b b b.
TEST(Classifier, CountsByTruthAndAnswer) {
  const ScoredPictures scored{{"a", "b", "never"},
                              {0.75F, 0.25F, 0, 0.25F, 0.75F, 0, 0.25F, 0.75F, 0, 0, 1, 0}};
  const ClassifierFigures figures = EvaluateClassifier(scored, std::vector<uint32_t>{0, 0, 1, 1});
  EXPECT_DOUBLE_EQ(figures.accuracy, 0.75);
  EXPECT_THAT(figures.confusion, ElementsAre(1, 1, 0, 0, 2, 0, 0, 0, 0));
  EXPECT_THAT(figures.per_label[0].precision, Is(1));
  EXPECT_THAT(figures.per_label[0].recall, Is(0.5));
  EXPECT_THAT(figures.per_label[1].precision, Is(2.0 / 3));
  EXPECT_EQ(figures.per_label[2].precision, std::nullopt);
  EXPECT_EQ(figures.per_label[2].recall, std::nullopt);
  EXPECT_NEAR(figures.macro_f1, (2.0 / 3 + 0.8) / 2, 1e-12);
  // Three answers of 0.75, two of them right; one of 1, right.
  EXPECT_NEAR(figures.ece, (0.75 - 2.0 / 3) * 3 / 4, 1e-9);
}

TEST(Classifier, OfNoPicturesIsZero) {
  const ClassifierFigures figures = EvaluateClassifier({{"a"}, {}}, {});
  EXPECT_EQ(figures.pictures, 0U);
  EXPECT_EQ(figures.accuracy, 0);
  EXPECT_EQ(figures.ece, 0);
}

TEST(Classifier, AScoreOfOneLiesInTheLastBin) {
  const ClassifierFigures figures =
      EvaluateClassifier({{"a"}, {1, 0}}, std::vector<uint32_t>{0, 0});
  EXPECT_EQ(figures.calibration.front().pictures, 1U);
  EXPECT_EQ(figures.calibration.back().pictures, 1U);
}

TEST(MultiLabel, DecidesEachLabelByItself) {
  const ScoredPictures scored{{"a", "b"}, {0.75F, 0.75F, 0.75F, 0.25F, 0.25F, 0.125F}};
  const std::vector<std::vector<uint32_t>> truth{{0, 1}, {1}, {}};
  const MultiLabelFigures figures = EvaluateMultiLabel(scored, truth);
  EXPECT_NEAR(figures.exact_match, 2.0 / 3, 1e-12);
  EXPECT_THAT(figures.per_label[0].precision, Is(0.5));
  EXPECT_THAT(figures.per_label[1].recall, Is(0.5));
  EXPECT_NEAR(figures.micro_f1, 2.0 * 2 / (3 + 3), 1e-12);
  // Label a: one point of two pictures at 0.75, half of them right. Label b: right, then right.
  EXPECT_THAT(figures.mean_average_precision, Is((0.5 + 1) / 2));
}

}  // namespace
}  // namespace bowerbird::evaluate
