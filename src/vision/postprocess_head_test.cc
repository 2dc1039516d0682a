// SPDX-License-Identifier: Apache-2.0
#include "vision/postprocess_head.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "vision/box_mapping.h"

namespace bowerbird::vision {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

Detection Decoded(const std::vector<float>& row, const BoxOrder& order, image::Size input,
                  image::Size picture) {
  const std::vector<float> category = {0};
  const std::vector<float> score = {0.5f};
  const auto candidates = DecodePostprocess({row, category, score, {1, 1}}, order, input);
  EXPECT_TRUE(candidates.ok()) << candidates.status();
  BoxMapping mapping;
  mapping.picture = picture;
  mapping.input = input;
  return ToPixels(candidates->at(0), mapping);
}

void ExpectBox(const Detection& detection, int x_min, int y_min, int x_max, int y_max) {
  EXPECT_EQ(detection.x_min, x_min);
  EXPECT_EQ(detection.y_min, y_min);
  EXPECT_EQ(detection.x_max, x_max);
  EXPECT_EQ(detection.y_max, y_max);
}

TEST(PostprocessHead, SharesBecomePixelsAsTheReferenceComputesThem) {
  const Detection detection =
      Decoded({0.1f, 0.2f, 0.5f, 0.6f}, kDefaultBoxOrder, {320, 320}, {640, 480});
  ExpectBox(detection, 127, 47, 383, 239);
  const NormalizedBox box = Normalize(detection, {640, 480});
  EXPECT_DOUBLE_EQ(box.x_min, 0.1984375);
  EXPECT_DOUBLE_EQ(box.y_min, 47.0 / 480);
  EXPECT_DOUBLE_EQ(box.x_max, 0.5984375);
  EXPECT_DOUBLE_EQ(box.y_max, 239.0 / 480);
}

TEST(PostprocessHead, PixelsOfTheInputBecomePixelsOfThePicture) {
  ExpectBox(Decoded({32, 64, 160, 192}, {0, 1, 2, 3}, {320, 320}, {640, 480}), 64, 96, 320, 288);
}

TEST(PostprocessHead, AbsoluteBoxesAreClampedToTheLastPixel) {
  ExpectBox(Decoded({-5, -5, 400, 400}, {0, 1, 2, 3}, {320, 320}, {640, 480}), 0, 0, 639, 479);
}

TEST(PostprocessHead, AReversedBoxIsPutInOrder) {
  ExpectBox(Decoded({0.6f, 0.5f, 0.2f, 0.1f}, {0, 1, 2, 3}, {320, 320}, {640, 480}), 127, 47, 383,
            239);
}

TEST(PostprocessHead, AnEmptyFirstRowDoesNotTurnPixelsIntoShares) {
  const std::vector<float> rows = {0, 0, 0, 0, 32, 64, 160, 192};
  EXPECT_TRUE(AreAbsolute(rows));
  const std::vector<float> shares = {0, 0, 0, 0, 0.1f, 0.2f, 1.3f, 0.9f};
  EXPECT_FALSE(AreAbsolute(shares));
  EXPECT_FALSE(AreAbsolute(std::vector<float>(40, 0.0f)));
}

TEST(PostprocessHead, OneWildBoxAmongSharesDoesNotTurnAllIntoPixels) {
  const std::vector<float> rows = {0.1f, 0.1f, 0.5f, 0.5f, -3, -3, 9, 9, 0.2f, 0.2f, 0.4f, 0.4f};
  EXPECT_FALSE(AreAbsolute(rows));
}

TEST(PostprocessHead, ScoresOutsideZeroToOneAreNormalised) {
  EXPECT_DOUBLE_EQ(NormalizeScore(87.0), 0.87);
  EXPECT_DOUBLE_EQ(NormalizeScore(-0.2), 0);
  EXPECT_DOUBLE_EQ(NormalizeScore(1.0), 1.0);
  EXPECT_DOUBLE_EQ(NormalizeScore(1.00001), 1.0);  // a rounding, no percentage
  EXPECT_DOUBLE_EQ(NormalizeScore(kNan), 0);
  EXPECT_DOUBLE_EQ(NormalizeScore(kInf), 1);
}

TEST(PostprocessHead, LengthsThatDoNotMatchAreNamed) {
  const std::vector<float> location(8), category(2), score(3);
  const auto decoded =
      DecodePostprocess({location, category, score, {1, 3}}, kDefaultBoxOrder, {320, 320});
  ASSERT_FALSE(decoded.ok());
  const std::string message(decoded.status().message());
  EXPECT_NE(message.find("output tensor sizes did not match each other as expected"),
            std::string::npos);
  EXPECT_NE(message.find("score 3, category 2, location 8"), std::string::npos) << message;
}

TEST(PostprocessHead, ClasswiseLayoutFollowsTheNumberOfBoxes) {
  EXPECT_EQ(LayoutOf({1, 100, 90}, 100).classes, 90);
  EXPECT_EQ(LayoutOf({1, 90, 100}, 90).classes, 100);
  const ClasswiseLayout columns_first = LayoutOf({1, 4, 100}, 100);
  EXPECT_EQ(columns_first.classes, 4);
  EXPECT_TRUE(columns_first.classes_first);
}

TEST(PostprocessHead, TheBestClassWinsAndTheFirstOnTies) {
  const std::vector<float> location(8, 0.25f);
  const std::vector<float> rows = {0.1f, 0.6f, 0.6f, 0.3f, 0.2f, 0.1f};
  auto decoded = DecodePostprocess({location, {}, rows, {1, 2, 3}}, kDefaultBoxOrder, {8, 8});
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->at(0).category, 1);
  EXPECT_FLOAT_EQ(static_cast<float>(decoded->at(0).score), 0.6f);
  EXPECT_EQ(decoded->at(1).category, 0);

  const std::vector<float> columns = {0.1f, 0.3f, 0.6f, 0.2f, 0.6f, 0.1f};
  decoded = DecodePostprocess({location, {}, columns, {1, 3, 2}}, kDefaultBoxOrder, {8, 8});
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->at(0).category, 1);
  EXPECT_EQ(decoded->at(1).category, 0);
}

TEST(PostprocessHead, RowsThatAreNotFiniteAreDropped) {
  const std::vector<float> location = {0.1f, 0.1f, 0.2f, 0.2f, kNan, 0,    1,    1,
                                       0,    0,    kInf, 1,    0.1f, 0.1f, 0.2f, 0.2f};
  const std::vector<float> category = {-3, 1, 1, kNan};
  const std::vector<float> score = {0.5f, 0.5f, 0.5f, kNan};
  const auto decoded =
      DecodePostprocess({location, category, score, {1, 4}}, kDefaultBoxOrder, {8, 8});
  ASSERT_TRUE(decoded.ok());
  ASSERT_EQ(decoded->size(), 1u);
  EXPECT_EQ(decoded->at(0).category, 0);  // a negative class number counts as 0
}

}  // namespace
}  // namespace bowerbird::vision
