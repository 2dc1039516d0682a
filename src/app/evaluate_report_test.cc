// SPDX-License-Identifier: Apache-2.0
#include "app/evaluate_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"
#include "evaluate/report.h"

namespace bowerbird::app {
namespace {

using testing::HasSubstr;

// Pictures of the folder, and what is said of each: the first label's score, the second's the rest.
Evaluated Classes(const std::vector<std::string>& paths, const std::vector<float>& scores,
                  std::vector<std::string> labels) {
  Evaluated one;
  one.answers.paths = paths;
  one.answers.scored.labels = std::move(labels);
  std::vector<uint32_t> truth;
  for (const float score : scores) {
    one.answers.scored.scores.push_back(score);
    one.answers.scored.scores.push_back(1 - score);
    truth.push_back(0);
  }
  one.report = evaluate::ClassifierReport(one.answers.scored, truth);
  return one;
}

TEST(Compare, TellsDifferencesAndHowOftenBothSayTheSame) {
  const Evaluated model = Classes({"a", "b", "c", "d"}, {0.9F, 0.8F, 0.4F, 0.7F}, {"cat", "dog"});
  // Could not read b; numbers its labels the other way round.
  const Evaluated other = Classes({"a", "c", "d"}, {0.2F, 0.3F, 0.6F}, {"dog", "cat"});
  const auto compared = Compare(model, other);
  ASSERT_TRUE(compared.ok()) << compared.status();
  // a: cat, cat; c: dog, cat; d: cat, dog.
  EXPECT_NEAR((*compared)["agreement"].get<double>(), 1.0 / 3, 1e-9);
  EXPECT_NEAR((*compared)["difference"]["accuracy"].get<double>(), 1.0 / 3 - 0.75, 1e-9);
  EXPECT_EQ((*compared)["difference"]["pictures"], -1);
  EXPECT_TRUE((*compared)["difference"]["per_class"]["cat"].contains("f1"));
  const std::string text = TextOfComparison(*compared);
  EXPECT_THAT(text, HasSubstr("agreement                0.3333"));
  EXPECT_THAT(text,
              HasSubstr("accuracy                         0.7500         0.3333        -0.4167"));
  EXPECT_THAT(text, HasSubstr("f1 by class\ncat "));
}

Evaluated Boxes(std::vector<evaluate::FoundBox> found,
                std::vector<std::string> paths = {"a", "b"}) {
  Evaluated one;
  one.answers.paths = std::move(paths);
  one.answers.detections = evaluate::DetectionSet{.pictures = 2,
                                                  .categories = {"cat", "dog"},
                                                  .truth = {{.picture = 0, .box = {0, 0, 10, 10}}}};
  one.answers.detections->found = std::move(found);
  one.report = evaluate::DetectionReport(*one.answers.detections);
  return one;
}

TEST(Compare, BoxesAgreeByLabelPlaceAndPicture) {
  const Evaluated model = Boxes({{0, 0, {0, 0, 10, 10}, 0.9},
                                 {0, 1, {0, 0, 10, 10}, 0.8},
                                 {1, 0, {0, 0, 10, 10}, 0.7},
                                 {1, 0, {5, 5, 9, 9}, 0.1}});
  const Evaluated other = Boxes({{0, 0, {1, 0, 10, 10}, 0.5},    // the first, moved a little
                                 {0, 0, {0, 0, 10, 10}, 0.45},   // the first is taken already
                                 {1, 0, {8, 8, 18, 18}, 0.9}});  // elsewhere
  const auto compared = Compare(model, other);
  ASSERT_TRUE(compared.ok()) << compared.status();
  EXPECT_NEAR((*compared)["agreement"].get<double>(), 2.0 / 6, 1e-9);
  EXPECT_THAT(TextOfComparison(*compared), HasSubstr("ap50 by class\ncat "));
  EXPECT_EQ(Compare(Boxes({}), Boxes({}))->at("agreement"), 1);
}

TEST(Compare, BoxesOfPicturesThatOnlyOneCouldReadDoNotCount) {
  const Evaluated model = Boxes({{0, 0, {0, 0, 10, 10}, 0.9}, {1, 0, {0, 0, 10, 10}, 0.9}});
  const Evaluated other = Boxes({{0, 0, {0, 0, 10, 10}, 0.9}}, {"b"});
  EXPECT_EQ(Compare(model, other)->at("agreement"), 1);
  EXPECT_EQ(Compare(other, model)->at("agreement"), 1);
}

TEST(Compare, ADetectorAndAClassifierHaveNothingToCompare) {
  const auto compared = Compare(Boxes({}), Classes({"a"}, {1}, {"cat", "dog"}));
  EXPECT_EQ(compared.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(compared.status()), HasSubstr("finds boxes"));
}

// A score between two detections, at which the harmonic mean of precision and recall is best.
TEST(DetectionReport, SuggestsAThresholdForEachLabel) {
  const Evaluated one = Boxes({{0, 0, {0, 0, 10, 10}, 0.8}, {1, 0, {0, 0, 10, 10}, 0.4}});
  EXPECT_NEAR(one.report["per_class"]["cat"]["suggested_threshold"].get<double>(), 0.6, 1e-9);
  EXPECT_NEAR(one.report["per_class"]["cat"]["best_f1"].get<double>(), 1, 1e-9);
  EXPECT_EQ(one.report["per_class"]["dog"]["suggested_threshold"], nullptr);
}

}  // namespace
}  // namespace bowerbird::app
