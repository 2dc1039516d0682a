// SPDX-License-Identifier: Apache-2.0
#include "train/feature_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace bowerbird::train {
namespace {

using ::testing::ElementsAre;

// Three pictures whose features point along the axes, and one between the first two.
FeatureFile Axes() {
  FeatureFile file{.model_hash = std::string(64, 'a'), .taps = {"pool"}, .depth = 3};
  const std::vector<std::vector<float>> rows{{2, 0, 0}, {0, 5, 0}, {0, 0, 0.1F}, {1, 1, 0}};
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string number = std::to_string(i);
    file.rows.push_back(
        {.picture = std::string("p").append(number), .labels = {std::string("l").append(number)}});
    const std::vector<int8_t> direction = DirectionOf(rows[i]);
    file.values.insert(file.values.end(), direction.begin(), direction.end());
  }
  return file;
}

TEST(FeatureFile, IsReadAsItWasWritten) {
  const FeatureFile file = Axes();
  const auto bytes = WriteFeatureFile(file);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  const auto read = ReadFeatureFile(*bytes);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->model_hash, file.model_hash);
  EXPECT_EQ(read->taps, file.taps);
  EXPECT_EQ(read->values, file.values);
  ASSERT_EQ(read->rows.size(), 4);
  EXPECT_EQ(read->rows[3].picture, "p3");
  EXPECT_THAT(read->rows[3].labels, ElementsAre("l3"));
}

TEST(FeatureFile, EveryChangedOrMissingByteIsNoticed) {
  const std::string bytes = WriteFeatureFile(Axes()).value();
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_TRUE(absl::IsDataLoss(ReadFeatureFile(changed).status())) << i;
    EXPECT_TRUE(absl::IsDataLoss(ReadFeatureFile(bytes.substr(0, i)).status())) << i;
  }
}

TEST(FeatureFile, RowsThatDoNotFitAreRefused) {
  FeatureFile file = Axes();
  file.values.pop_back();
  EXPECT_TRUE(absl::IsInvalidArgument(WriteFeatureFile(file).status()));
}

TEST(Nearest, ComparesDirectionsAndNotLengths) {
  const FeatureFile file = Axes();
  const std::vector<float> query{9, 8, 0};
  const auto found = Nearest(file, DirectionOf(query), 3);
  ASSERT_EQ(found.size(), 3);
  EXPECT_EQ(found[0].row, 3);
  EXPECT_EQ(found[1].row, 0);
  EXPECT_EQ(found[2].row, 1);
  // Of 9, 8 and 1, 1: cosine 17 / sqrt(145 * 2).
  EXPECT_NEAR(found[0].distance, 1 - 17 / std::sqrt(290.0), 1e-3);
}

TEST(Nearest, TheSameDirectionIsAtNoDistanceAndNothingIsLikeZeros) {
  const FeatureFile file = Axes();
  const std::vector<float> half{0.5F, 0.5F, 0}, zeros{0, 0, 0}, away{-1, 0, 0};
  EXPECT_NEAR(Nearest(file, DirectionOf(half), 1)[0].distance, 0, 1e-12);
  for (const Neighbour& one : Nearest(file, DirectionOf(zeros), 9)) EXPECT_EQ(one.distance, 1);
  EXPECT_NEAR(Nearest(file, DirectionOf(away), 9).back().distance, 2, 1e-12);
}

TEST(Nearest, EquallyNearOnesComeInTheirOrder) {
  const std::vector<float> up{0, 0, 1};
  const auto found = Nearest(Axes(), DirectionOf(up), 4);
  ASSERT_EQ(found.size(), 4);
  EXPECT_EQ(found[0].row, 2);
  EXPECT_EQ(found[1].row, 0);
  EXPECT_EQ(found[2].row, 1);
  EXPECT_EQ(found[3].row, 3);
}

TEST(DirectionOf, NumbersThatAreNoneCountAsNothing) {
  const std::vector<float> odd{1, std::numeric_limits<float>::quiet_NaN(),
                               std::numeric_limits<float>::infinity(), -0.5F};
  EXPECT_THAT(DirectionOf(odd), ElementsAre(127, 0, 0, -64));
}

}  // namespace
}  // namespace bowerbird::train
