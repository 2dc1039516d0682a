// SPDX-License-Identifier: Apache-2.0
#include "vision/yolo_head.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "vision/yolo_layout.h"

namespace bowerbird::vision {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

TEST(YoloHead, ObjectnessTimesClassAndCentreToCorners) {
  // Two candidates of 5 + 2 numbers, pixels of a 100 x 50 input.
  const std::vector<float> values = {50, 25, 20, 10, 0.5f, 0.2f, 0.8f,  //
                                     10, 10, 4,  4,  0.9f, 0.1f, 0.0f};
  YoloLayout layout{2, 7, false, true, false, YoloLayout::Coordinates::kPixels};
  const auto decoded = DecodeYolo(values, layout, {}, {100, 50}, 0.3);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  ASSERT_EQ(decoded->size(), 1u);
  EXPECT_EQ(decoded->at(0).category, 1);
  EXPECT_NEAR(decoded->at(0).score, 0.4, 1e-6);
  EXPECT_NEAR(decoded->at(0).x_min, 0.4, 1e-6);
  EXPECT_NEAR(decoded->at(0).x_max, 0.6, 1e-6);
  EXPECT_NEAR(decoded->at(0).y_min, 0.4, 1e-6);
  EXPECT_NEAR(decoded->at(0).y_max, 0.6, 1e-6);
}

TEST(YoloHead, ColumnsFirstWithoutObjectness) {
  // [1, 4 + 2, 3], relative coordinates.
  const std::vector<float> values = {0.5f, 0.2f, 0.9f,  0.5f, 0.2f, 0.9f,    // x, y
                                     0.2f, 0.1f, 0.1f,  0.4f, 0.1f, 0.1f,    // w, h
                                     0.1f, 0.7f, 0.05f, 0.6f, 0.2f, 0.04f};  // classes
  YoloLayout layout{3, 6, true, false, false, YoloLayout::Coordinates::kRelative};
  const auto decoded = DecodeYolo(values, layout, {}, {640, 640}, 0.5);
  ASSERT_TRUE(decoded.ok());
  ASSERT_EQ(decoded->size(), 2u);
  EXPECT_EQ(decoded->at(0).category, 1);
  EXPECT_NEAR(decoded->at(0).x_min, 0.4, 1e-6);
  EXPECT_NEAR(decoded->at(0).y_max, 0.7, 1e-6);
  EXPECT_EQ(decoded->at(1).category, 0);
  EXPECT_NEAR(decoded->at(1).score, 0.7, 1e-6);
}

TEST(YoloHead, GridOffsetsAndLogarithmicSizes) {
  const std::vector<GridCell> cells = {{0, 0, 8}, {3, 2, 16}};
  const std::vector<float> values = {0,    0,     0,
                                     0,    0.1f,  1.0f,  //
                                     0.5f, 0.25f, std::log(2.0f),
                                     0,    1.0f,  0.9f};
  YoloLayout layout{2, 6, false, true, false, YoloLayout::Coordinates::kGrid};
  const auto decoded = DecodeYolo(values, layout, cells, {64, 64}, 0.5);
  ASSERT_TRUE(decoded.ok());
  ASSERT_EQ(decoded->size(), 1u);
  // Centre ((3 + .5) * 16, (2 + .25) * 16) = (56, 36), size (32, 16).
  EXPECT_NEAR(decoded->at(0).x_min, 40.0 / 64, 1e-6);
  EXPECT_NEAR(decoded->at(0).x_max, 72.0 / 64, 1e-6);
  EXPECT_NEAR(decoded->at(0).y_min, 28.0 / 64, 1e-6);
  EXPECT_NEAR(decoded->at(0).y_max, 44.0 / 64, 1e-6);
}

TEST(YoloHead, LogitsGoThroughASigmoid) {
  const std::vector<float> values = {0.5f, 0.5f, 0.1f, 0.1f, 0.0f, 2.0f};
  YoloLayout layout{1, 6, false, true, true, YoloLayout::Coordinates::kRelative};
  const auto decoded = DecodeYolo(values, layout, {}, {64, 64}, 0);
  ASSERT_TRUE(decoded.ok());
  EXPECT_NEAR(decoded->at(0).score, 0.5 / (1 + std::exp(-2.0)), 1e-6);
}

TEST(YoloHead, HostileValuesGiveNoBoxesAndNoHarm) {
  const std::vector<float> values = {kNan, 0, 0,      0,     1,    1,     //
                                     0,    0, kInf,   kInf,  1,    1,     //
                                     0,    0, 1,      1,     kNan, 1,     //
                                     0,    0, 1,      1,     1,    kNan,  //
                                     0,    0, -1e30f, 1e30f, 1,    kInf};
  YoloLayout layout{5, 6, false, true, false, YoloLayout::Coordinates::kGrid};
  const std::vector<GridCell> cells(5, GridCell{1, 1, 8});
  const auto decoded = DecodeYolo(values, layout, cells, {64, 64}, 0.1);
  ASSERT_TRUE(decoded.ok());
  for (const Candidate& box : *decoded) {
    EXPECT_TRUE(std::isfinite(box.x_min) && std::isfinite(box.x_max));
    EXPECT_TRUE(box.score >= 0 && box.score <= 1);
  }
}

// A tensor of `count` candidates with their centres where the given form puts the cells' middles.
std::vector<float> Centered(const YoloGrid& grid, size_t columns, YoloLayout::Coordinates form,
                            image::Size input) {
  std::vector<float> values(grid.cells.size() * columns, 0.01f);
  for (size_t i = 0; i < grid.cells.size(); ++i) {
    const GridCell& cell = grid.cells[i];
    float x = (static_cast<float>(cell.x) + 0.6f) * static_cast<float>(cell.stride);
    float y = (static_cast<float>(cell.y) + 0.3f) * static_cast<float>(cell.stride);
    if (form == YoloLayout::Coordinates::kRelative) {
      x /= static_cast<float>(input.width);
      y /= static_cast<float>(input.height);
    } else if (form == YoloLayout::Coordinates::kGrid) {
      x = 0.6f;
      y = 0.3f;
    }
    values[i * columns] = x;
    values[i * columns + 1] = y;
  }
  return values;
}

TEST(YoloLayout, YoloxIsKnownByItsGrid) {
  const YoloGrid grid = GridFor({416, 416}, 3549);
  ASSERT_EQ(grid.cells.size(), 3549u);
  EXPECT_EQ(grid.anchors, 1);
  EXPECT_EQ(grid.cells[2704].stride, 16);
  for (const auto form : {YoloLayout::Coordinates::kGrid, YoloLayout::Coordinates::kPixels,
                          YoloLayout::Coordinates::kRelative}) {
    const auto plan =
        RecognizeYolo({1, 3549, 85}, Centered(grid, 85, form, {416, 416}), {416, 416}, 0, false);
    ASSERT_TRUE(plan.ok()) << plan.status();
    EXPECT_EQ(plan->layout.coordinates, form);
    EXPECT_TRUE(plan->layout.objectness);
    EXPECT_FALSE(plan->layout.columns_first);
    EXPECT_FALSE(plan->layout.logits);
  }
}

TEST(YoloLayout, YoloV5HasThreeCandidatesACellAndNoRawGrid) {
  const YoloGrid grid = GridFor({320, 320}, 6300);
  EXPECT_EQ(grid.anchors, 3);
  const auto plan =
      RecognizeYolo({1, 6300, 7}, Centered(grid, 7, YoloLayout::Coordinates::kRelative, {320, 320}),
                    {320, 320}, 2, false);
  ASSERT_TRUE(plan.ok());
  EXPECT_TRUE(plan->layout.objectness);
  EXPECT_EQ(plan->layout.coordinates, YoloLayout::Coordinates::kRelative);
}

TEST(YoloLayout, YoloV8StandsOnItsSideAndHasNoObjectness) {
  const std::vector<float> values(84 * 2100, 0.5f);
  const auto plan = RecognizeYolo({1, 84, 2100}, values, {320, 320}, 80, false);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_TRUE(plan->layout.columns_first);
  EXPECT_EQ(plan->layout.candidates, 2100);
  EXPECT_EQ(plan->layout.columns, 84);
  EXPECT_FALSE(plan->layout.objectness);
}

TEST(YoloLayout, TheNumberOfLabelsDecidesAboutObjectness) {
  const std::vector<float> values(2100 * 8, 0.5f);
  EXPECT_FALSE(RecognizeYolo({1, 2100, 8}, values, {320, 320}, 4, false)->layout.objectness);
  EXPECT_TRUE(RecognizeYolo({1, 2100, 8}, values, {320, 320}, 3, false)->layout.objectness);
}

TEST(YoloLayout, AnUnknownCountNeedsTheConfiguration) {
  const std::vector<float> values(100 * 8, 0.5f);
  EXPECT_FALSE(RecognizeYolo({1, 100, 8}, values, {320, 320}, 3, false).ok());
  const auto plan = RecognizeYolo({1, 100, 8}, values, {320, 320}, 3, true);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->layout.coordinates, YoloLayout::Coordinates::kRelative);
}

TEST(YoloLayout, OtherShapesAreRefusedWithTheReason) {
  const std::vector<float> values(1001, 0.5f);
  EXPECT_FALSE(RecognizeYolo({1, 1001}, values, {224, 224}, 0, true).ok());
  EXPECT_FALSE(RecognizeYolo({1, 1001, 1}, values, {224, 224}, 0, true).ok());
  EXPECT_FALSE(RecognizeYolo({2, 50, 10}, values, {224, 224}, 0, true).ok());
}

}  // namespace
}  // namespace bowerbird::vision
