// SPDX-License-Identifier: Apache-2.0
#include "vision/color_finder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "vision/connected_boxes.h"
#include "vision/hue.h"

namespace bowerbird::vision {
namespace {

std::vector<uint8_t> Mask(const std::vector<std::string>& rows) {
  std::vector<uint8_t> mask;
  for (const std::string& row : rows) {
    for (const char c : row) mask.push_back(c == '#');
  }
  return mask;
}

TEST(ConnectedBoxes, NeighboursByEdgeBelongTogetherByCornerNot) {
  const auto boxes = ConnectedBoxes(Mask({"##..",  //
                                          "..#.",  //
                                          "..##"}),
                                    {4, 3});
  ASSERT_EQ(boxes.size(), 2u);
  EXPECT_EQ(boxes[0].x_max, 1);
  EXPECT_EQ(boxes[0].y_max, 0);
  EXPECT_EQ(boxes[1].x_min, 2);
  EXPECT_EQ(boxes[1].y_min, 1);
  EXPECT_EQ(boxes[1].x_max, 3);
  EXPECT_EQ(boxes[1].y_max, 2);
}

TEST(ConnectedBoxes, ArmsThatMeetBelowAreOneGroup) {
  const auto boxes = ConnectedBoxes(Mask({"#.#.#",  //
                                          "#.#.#",  //
                                          "#####"}),
                                    {5, 3});
  ASSERT_EQ(boxes.size(), 1u);
  EXPECT_EQ(boxes[0].x_max, 4);
}

TEST(ConnectedBoxes, GroupsComeInTheOrderOfAScanByColumns) {
  const auto boxes = ConnectedBoxes(Mask({"..#",  //
                                          "...",  //
                                          "#..",  //
                                          "...",  //
                                          "#.."}),
                                    {3, 5});
  ASSERT_EQ(boxes.size(), 3u);
  EXPECT_EQ(boxes[0].y_min, 2);
  EXPECT_EQ(boxes[1].y_min, 4);
  EXPECT_EQ(boxes[2].x_min, 2);
}

// The plainest way there is, against which the fast one is held.
std::vector<PixelBox> FloodFill(std::vector<uint8_t> mask, image::Size size) {
  std::vector<PixelBox> boxes;
  const auto at = [&](int x, int y) -> uint8_t& {
    return mask[static_cast<size_t>(y * size.width + x)];
  };
  for (int x = 0; x < size.width; ++x) {
    for (int y = 0; y < size.height; ++y) {
      if (at(x, y) == 0) continue;
      PixelBox box{x, y, x, y};
      std::vector<std::pair<int, int>> open = {{x, y}};
      at(x, y) = 0;
      while (!open.empty()) {
        const auto [px, py] = open.back();
        open.pop_back();
        box = {std::min(box.x_min, px), std::min(box.y_min, py), std::max(box.x_max, px),
               std::max(box.y_max, py)};
        for (const auto& [dx, dy] : {std::pair{1, 0}, {-1, 0}, {0, 1}, {0, -1}}) {
          const int nx = px + dx;
          const int ny = py + dy;
          if (nx < 0 || ny < 0 || nx >= size.width || ny >= size.height || at(nx, ny) == 0)
            continue;
          at(nx, ny) = 0;
          open.push_back({nx, ny});
        }
      }
      boxes.push_back(box);
    }
  }
  return boxes;
}

TEST(ConnectedBoxes, AgreeWithAFloodFillOnRandomMasks) {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    const image::Size size{1 + static_cast<int>(random() % 20),
                           1 + static_cast<int>(random() % 20)};
    std::vector<uint8_t> mask(static_cast<size_t>(size.width * size.height));
    const auto density = 1 + random() % 9;
    for (uint8_t& pixel : mask) pixel = random() % 10 < density;
    const auto expected = FloodFill(mask, size);
    const auto boxes = ConnectedBoxes(mask, size);
    ASSERT_EQ(boxes.size(), expected.size());
    for (size_t i = 0; i < boxes.size(); ++i) {
      EXPECT_EQ(boxes[i].x_min, expected[i].x_min);
      EXPECT_EQ(boxes[i].y_min, expected[i].y_min);
      EXPECT_EQ(boxes[i].x_max, expected[i].x_max);
      EXPECT_EQ(boxes[i].y_max, expected[i].y_max);
    }
  }
}

TEST(Hue, OfTheColourCircle) {
  EXPECT_NEAR(ToHsv(255, 0, 0).hue, 0, 0.01);
  EXPECT_NEAR(ToHsv(255, 255, 0).hue, 60, 0.01);
  EXPECT_NEAR(ToHsv(0, 255, 0).hue, 120, 0.01);
  EXPECT_NEAR(ToHsv(0, 0, 255).hue, 240, 0.01);
  EXPECT_NEAR(ToHsv(255, 0, 255).hue, 300, 0.01);
  EXPECT_NEAR(ToHsv(255, 0, 128).hue, 329.9, 0.1);
  EXPECT_NEAR(ToHsv(200, 100, 100).saturation, 0.5, 1.0 / 255);
  EXPECT_NEAR(ToHsv(51, 0, 0).value, 0.2, 1e-9);
  EXPECT_EQ(ToHsv(7, 7, 7).saturation, 0);
}

TEST(Hue, NamesChangeEveryThirtyDegrees) {
  EXPECT_EQ(HueName(0), "red");
  EXPECT_EQ(HueName(14.9), "red");
  EXPECT_EQ(HueName(345), "red");
  EXPECT_EQ(HueName(344.9), "rose");
  EXPECT_EQ(HueName(15), "orange");
  EXPECT_EQ(HueName(180), "cyan");
  EXPECT_EQ(HueName(240), "blue");
  EXPECT_EQ(HueName(360), "red");
}

TEST(Hue, AnArcMayCrossZero) {
  const HueArc red(0, 0.1);  // 18 degrees to each side
  EXPECT_TRUE(red.Contains(350));
  EXPECT_TRUE(red.Contains(10));
  EXPECT_TRUE(red.Contains(342));
  EXPECT_FALSE(red.Contains(341));
  EXPECT_FALSE(red.Contains(19));
  EXPECT_TRUE(HueArc(200, 1).Contains(17));
}

image::Image Painted(int width, int height) {
  image::Image image(width, height, image::PixelFormat::kRgb8);
  std::memset(image.bytes().data(), 255, image.bytes().size());
  return image;
}

void Paint(image::Image& image, PixelBox box, Rgb color) {
  for (int y = box.y_min; y <= box.y_max; ++y) {
    for (int x = box.x_min; x <= box.x_max; ++x) {
      uint8_t* pixel = image.row(y) + x * 3;
      pixel[0] = color.red;
      pixel[1] = color.green;
      pixel[2] = color.blue;
    }
  }
}

TEST(ColorFinder, FindsPatchesOfTheColourLargestFirst) {
  image::Image image = Painted(100, 80);
  Paint(image, {5, 5, 15, 15}, {250, 10, 10});
  Paint(image, {40, 20, 79, 59}, {230, 0, 20});
  Paint(image, {20, 60, 22, 62}, {255, 0, 0});      // too small
  Paint(image, {85, 5, 98, 60}, {0, 0, 255});       // another colour
  Paint(image, {2, 30, 18, 70}, {60, 0, 0});        // too dark
  Paint(image, {22, 20, 36, 50}, {255, 220, 220});  // too pale
  const auto picture = image::Picture::FromImage(std::move(image), image::kMimePng);
  ASSERT_TRUE(picture.ok()) << picture.status();

  ColorFinderOptions options;
  options.detect_color = "#FF0000";
  options.hue_tolerance = 0.1;
  options.segment_size_px = 50;
  const auto finder = ColorFinder::Create(options);
  ASSERT_TRUE(finder.ok()) << finder.status();
  EXPECT_TRUE((*finder)->detects());
  EXPECT_FALSE((*finder)->classifies());
  const auto detections = (*finder)->Detect({}, **picture);
  ASSERT_TRUE(detections.ok()) << detections.status();
  ASSERT_EQ(detections->size(), 2u);
  EXPECT_EQ(detections->at(0).label, "red");
  EXPECT_EQ(detections->at(0).confidence, 1);
  EXPECT_EQ(detections->at(0).x_min, 40);
  EXPECT_EQ(detections->at(0).y_min, 20);
  EXPECT_EQ(detections->at(0).x_max, 79);
  EXPECT_EQ(detections->at(0).y_max, 59);
  EXPECT_EQ(detections->at(1).x_min, 5);
  EXPECT_EQ((*finder)->Classify({}, **picture).status().code(), absl::StatusCode::kUnimplemented);
}

TEST(ColorFinder, OptionsThatCannotWorkAreRefusedByName) {
  const auto refusal = [](auto change) {
    ColorFinderOptions options;
    options.detect_color = "#C9131F";
    options.hue_tolerance = 0.06;
    change(options);
    const auto finder = ColorFinder::Create(options);
    return finder.ok() ? "" : std::string(finder.status().message());
  };
  EXPECT_EQ(refusal([](auto&) {}), "");
  EXPECT_NE(refusal([](auto& o) { o.detect_color = "red"; }).find("#RRGGBB"), std::string::npos);
  EXPECT_NE(refusal([](auto& o) { o.detect_color = "#808080"; }).find("saturation of 0"),
            std::string::npos);
  EXPECT_NE(refusal([](auto& o) { o.detect_color = "#200000"; }).find("value_cutoff_pct"),
            std::string::npos);
  EXPECT_NE(refusal([](auto& o) { o.hue_tolerance = 0; }).find("hue_tolerance_pct"),
            std::string::npos);
  EXPECT_NE(refusal([](auto& o) { o.hue_tolerance = 1.5; }).find("hue_tolerance_pct"),
            std::string::npos);
  EXPECT_NE(refusal([](auto& o) { o.saturation_cutoff = 2; }).find("saturation_cutoff_pct"),
            std::string::npos);
}

}  // namespace
}  // namespace bowerbird::vision
