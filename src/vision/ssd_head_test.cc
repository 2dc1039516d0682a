// SPDX-License-Identifier: Apache-2.0
#include "vision/ssd_head.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace bowerbird::vision {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

TEST(SsdAnchors, ThreeHundredPixelsGive1917AnchorsOfTheKnownShapes) {
  const auto layout = FindAnchorLayout({300, 300}, 1917);
  ASSERT_TRUE(layout.has_value());
  EXPECT_EQ(layout->layers, 6);
  EXPECT_EQ(layout->first_stride, 16);
  EXPECT_TRUE(layout->reduced_lowest);
  const std::vector<Anchor> anchors = GenerateAnchors({300, 300}, *layout);
  ASSERT_EQ(anchors.size(), 1917u);
  // First cell of the first map, 19 x 19: (.1, 1), (.2, 2), (.2, .5).
  EXPECT_NEAR(anchors[0].x_center, 0.5 / 19, 1e-6);
  EXPECT_NEAR(anchors[0].width, 0.1, 1e-6);
  EXPECT_NEAR(anchors[1].width, 0.2 * std::sqrt(2.0), 1e-6);
  EXPECT_NEAR(anchors[1].height, 0.2 / std::sqrt(2.0), 1e-6);
  EXPECT_NEAR(anchors[2].width, 0.2 / std::sqrt(2.0), 1e-6);
  // Columns run before rows.
  EXPECT_NEAR(anchors[3].x_center, 1.5 / 19, 1e-6);
  EXPECT_NEAR(anchors[3].y_center, 0.5 / 19, 1e-6);
  // Second map, 10 x 10, scale .35; the sixth box has the scale between .35 and .5.
  EXPECT_NEAR(anchors[1083].width, 0.35, 1e-6);
  EXPECT_NEAR(anchors[1086].width, 0.35 * std::sqrt(3.0), 1e-6);
  EXPECT_NEAR(anchors[1088].width, std::sqrt(0.35 * 0.5), 1e-6);
  // Last map, one cell: .95, paired with 1.
  EXPECT_NEAR(anchors[1911].x_center, 0.5, 1e-6);
  EXPECT_NEAR(anchors[1911].width, 0.95, 1e-6);
  EXPECT_NEAR(anchors[1916].height, std::sqrt(0.95), 1e-6);
}

TEST(SsdAnchors, OtherInputSizesAreRecognisedByTheirCount) {
  const auto layout = FindAnchorLayout({320, 320}, 2034);
  ASSERT_TRUE(layout.has_value());
  EXPECT_EQ(GenerateAnchors({320, 320}, *layout).size(), 2034u);
  EXPECT_FALSE(FindAnchorLayout({300, 300}, 1916).has_value());
  EXPECT_FALSE(FindAnchorLayout({0, 300}, 1917).has_value());
}

TEST(SsdHead, OffsetsAreAppliedToAnchors) {
  const std::vector<Anchor> anchors = {{0.5f, 0.5f, 0.2f, 0.4f}, {0.25f, 0.25f, 0.1f, 0.1f}};
  // ty, tx, th, tw: the centre moves by .1 * anchor per unit, sizes grow by e^(t/5).
  const std::vector<float> location = {1, -1, 0, 5 * std::log(2.0f), 0, 0, 0, 0};
  const std::vector<float> scores = {5, 0, 2, 5, -9, -9};
  SsdLayout layout;
  layout.classes = 3;
  layout.first_category = 1;
  const auto decoded = DecodeSsd(location, scores, anchors, layout, 0.5);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  ASSERT_EQ(decoded->size(), 1u);  // the second anchor's best class that is not background is low
  const Candidate& box = decoded->at(0);
  EXPECT_NEAR(box.x_min, 0.48 - 0.2, 1e-6);
  EXPECT_NEAR(box.x_max, 0.48 + 0.2, 1e-6);
  EXPECT_NEAR(box.y_min, 0.54 - 0.2, 1e-6);
  EXPECT_NEAR(box.y_max, 0.54 + 0.2, 1e-6);
  EXPECT_EQ(box.category, 2);
  EXPECT_NEAR(box.score, 1 / (1 + std::exp(-2.0)), 1e-9);
}

TEST(SsdHead, ProbabilitiesWithoutBackgroundAndColumnsFirst) {
  const std::vector<Anchor> anchors = {{0.5f, 0.5f, 0.2f, 0.2f}, {0.5f, 0.5f, 0.4f, 0.4f}};
  const std::vector<float> location(8, 0.0f);
  const std::vector<float> scores = {0.9f, 0.1f, 0.2f, 0.8f};  // [1, C = 2, N = 2]
  SsdLayout layout;
  layout.classes = 2;
  layout.classes_first = true;
  layout.has_background = false;
  layout.logits = false;
  const auto decoded = DecodeSsd(location, scores, anchors, layout, 0);
  ASSERT_TRUE(decoded.ok());
  ASSERT_EQ(decoded->size(), 2u);
  EXPECT_EQ(decoded->at(0).category, 0);
  EXPECT_EQ(decoded->at(1).category, 1);
  EXPECT_NEAR(decoded->at(1).score, 0.8, 1e-6);
}

TEST(SsdHead, HostileValuesGiveNoBoxesAndNoHarm) {
  const std::vector<Anchor> anchors(3, Anchor{0.5f, 0.5f, 0.2f, 0.2f});
  const std::vector<float> location = {kNan, 0, 0, 0, 0, kInf, 0, 0, 0, 0, 1e30f, kInf};
  const std::vector<float> scores = {kNan, kNan, 0, kInf, -kInf, 3};
  SsdLayout layout;
  layout.classes = 2;
  const auto decoded = DecodeSsd(location, scores, anchors, layout, 0);
  ASSERT_TRUE(decoded.ok());
  ASSERT_EQ(decoded->size(), 1u);
  EXPECT_TRUE(std::isfinite(decoded->at(0).x_max));
}

TEST(SsdHead, OffsetsAreToldFromBoxes) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0, 2);
  std::vector<float> offsets(4000), boxes(4000);
  for (float& value : offsets) value = normal(random);
  for (size_t i = 0; i < boxes.size(); ++i) boxes[i] = i % 4 < 2 ? 0.2f : 0.6f;
  EXPECT_TRUE(LookLikeOffsets(offsets, kDefaultBoxOrder));
  EXPECT_FALSE(LookLikeOffsets(boxes, kDefaultBoxOrder));
}

}  // namespace
}  // namespace bowerbird::vision
