// SPDX-License-Identifier: Apache-2.0
#include "machine/transform_fixture.h"

namespace bowerbird::machine {
namespace {

TEST_F(TransformTest, ResizeTakesTheNearestPixel) {
  source_->Add("", Grid(100, 60));
  const Image half =
      MustRun(R"([{"type": "resize", "attributes": {"width_px": 50, "height_px": 30}}])");
  ASSERT_EQ(half.size(), (image::Size{50, 30}));
  for (int y = 0; y < 30; ++y)
    for (int x = 0; x < 50; ++x) {
      const auto [from_x, from_y] = Origin(half, x, y);
      ASSERT_TRUE(from_x / 2 == x && from_y / 2 == y) << x << "," << y;
    }
}

TEST_F(TransformTest, ResizeScalesDepthToo) {
  source_->Add("depth", DepthGrid(10, 6));
  const Image half =
      MustRun(R"([{"type": "resize", "attributes": {"width_px": 5, "height_px": 12}}])");
  ASSERT_EQ(half.format(), PixelFormat::kDepth16);
  EXPECT_EQ(half.depth_row(0)[0], 1001);
  EXPECT_EQ(half.depth_row(11)[4], 1509);
}

TEST_F(TransformTest, CropCutsPixels) {
  source_->Add("", Grid(100, 60));
  const Image part = MustRun(R"([{"type": "crop", "attributes":
      {"x_min_px": 10, "y_min_px": 20, "x_max_px": 40, "y_max_px": 25}}])");
  ASSERT_EQ(part.size(), (image::Size{30, 5}));
  EXPECT_EQ(Origin(part, 0, 0), std::pair(10, 20));
  EXPECT_EQ(Origin(part, 29, 4), std::pair(39, 24));
}

TEST_F(TransformTest, CropCutsShares) {
  source_->Add("", Grid(100, 60));
  const Image part = MustRun(R"([{"type": "crop", "attributes":
      {"x_min_px": 0.25, "y_min_px": 0.5, "x_max_px": 0.75, "y_max_px": 1}}])");
  ASSERT_EQ(part.size(), (image::Size{50, 30}));
  EXPECT_EQ(Origin(part, 0, 0), std::pair(25, 30));
}

TEST_F(TransformTest, CropFromZeroToOneIsThePixelAtTheTopLeft) {
  source_->Add("", Grid(100, 60));
  const Image part = MustRun(R"([{"type": "crop", "attributes":
      {"x_min_px": 0, "y_min_px": 0, "x_max_px": 1, "y_max_px": 1}}])");
  ASSERT_EQ(part.size(), (image::Size{1, 1}));
  EXPECT_EQ(Origin(part, 0, 0), std::pair(0, 0));
}

TEST_F(TransformTest, CropKeepsToThePicture) {
  source_->Add("", Grid(100, 60));
  EXPECT_EQ(MustRun(R"([{"type": "crop", "attributes":
      {"x_min_px": 90, "y_min_px": 50, "x_max_px": 200, "y_max_px": 200}}])")
                .size(),
            (image::Size{10, 10}));
  EXPECT_THAT(Problem(R"([{"type": "crop", "attributes":
      {"x_min_px": 100, "y_min_px": 0, "x_max_px": 120, "y_max_px": 60}}])"),
              HasSubstr("100x60"));
}

TEST_F(TransformTest, CropCanBeDrawnOnly) {
  source_->Add("", Grid(100, 60));
  const Image marked = MustRun(R"([{"type": "crop", "attributes": {"x_min_px": 10, "y_min_px": 20,
      "x_max_px": 40, "y_max_px": 50, "overlay_crop_box": true}}])");
  ASSERT_EQ(marked.size(), (image::Size{100, 60}));
  for (const auto& [x, y] : {std::pair{10, 20}, {39, 20}, {10, 49}, {39, 49}, {25, 20}})
    EXPECT_EQ(Origin(marked, x, y), std::pair(255, 0)) << x << "," << y;
  for (const auto& [x, y] : {std::pair{9, 20}, {40, 30}, {25, 35}, {0, 0}})
    EXPECT_EQ(Origin(marked, x, y), std::pair(x, y));
}

TEST_F(TransformTest, RotateTurnsByHalfUnlessToldOtherwise) {
  source_->Add("", Grid(100, 60));
  const Image half = MustRun(R"([{"type": "rotate"}])");
  ASSERT_EQ(half.size(), (image::Size{100, 60}));
  EXPECT_EQ(Origin(half, 0, 0), std::pair(99, 59));
  for (const char* key : {"angle_degs", "angle_deg"}) {
    const Image right =
        MustRun(R"([{"type": "rotate", "attributes": {")" + std::string(key) + R"(": 90}}])");
    ASSERT_EQ(right.size(), (image::Size{60, 100}));
    EXPECT_EQ(Origin(right, 59, 0), std::pair(0, 0));  // clockwise
    EXPECT_EQ(Origin(right, 0, 0), std::pair(0, 59));
  }
  EXPECT_EQ(MustRun(R"([{"type": "rotate", "attributes": {"angle_degs": 0}}])").size(),
            (image::Size{100, 60}));
}

TEST_F(TransformTest, StagesWorkInOrder) {
  source_->Add("", Grid(100, 60));
  const Image result = MustRun(R"([
      {"type": "identity"}, {"type": ""},
      {"type": "crop", "attributes": {"x_min_px": 10, "y_min_px": 0, "x_max_px": 50, "y_max_px": 60}},
      {"type": "rotate", "attributes": {"angle_degs": 90}},
      {"type": "crop", "attributes": {"x_min_px": 0, "y_min_px": 0, "x_max_px": 2, "y_max_px": 1}}])");
  ASSERT_EQ(result.size(), (image::Size{2, 1}));
  EXPECT_EQ(Origin(result, 0, 0), std::pair(10, 59));
  EXPECT_EQ(Origin(result, 1, 0), std::pair(10, 58));
}

TEST_F(TransformTest, UndistortWithoutDistortionChangesNothing) {
  source_->Add("", Grid(100, 60));
  const std::string lens = R"("intrinsic_parameters": {"width_px": 100, "height_px": 60, "fx": 80,
      "fy": 80, "ppx": 50, "ppy": 30}, "distortion_parameters": {"rk1": 0})";
  const Image same = MustRun(R"([{"type": "undistort", "attributes": {)" + lens + "}}]");
  EXPECT_EQ(Origin(same, 50, 30), std::pair(50, 30));
  EXPECT_EQ(Origin(same, 10, 50), std::pair(10, 50));
  EXPECT_THAT(Problem(R"([{"type": "undistort"}])"), HasSubstr("intrinsic_parameters"));
  source_->images.images.clear();
  source_->Add("", Grid(50, 60));
  EXPECT_FALSE(Run(R"([{"type": "undistort", "attributes": {)" + lens + "}}]").ok());
}

TEST_F(TransformTest, DepthStagesTakeTheSourcesDepthMap) {
  source_->Add("color", Grid(40, 30));
  source_->Add("depth", DepthGrid(40, 30));
  EXPECT_EQ(MustRun(R"([{"type": "depth_to_pretty"}])").format(), PixelFormat::kRgb8);
  EXPECT_EQ(MustRun(R"([{"type": "depth_preprocess"}])").format(), PixelFormat::kDepth16);
  EXPECT_EQ(MustRun(R"([{"type": "depth_preprocess"}, {"type": "depth_edges"}])").format(),
            PixelFormat::kGray8);
  EXPECT_THAT(Problem(R"([{"type": "identity"}, {"type": "depth_edges"}])"),
              HasSubstr("no depth map"));
  EXPECT_THAT(Problem(R"([{"type": "depth_edges", "attributes":
      {"high_threshold_pct": 0.2, "low_threshold_pct": 0.3}}])"),
              HasSubstr("low_threshold_pct"));
}

TEST_F(TransformTest, DepthStagesNeedADepthMap) {
  source_->Add("color", Grid(40, 30));
  EXPECT_THAT(Problem(R"([{"type": "depth_to_pretty"}])"), HasSubstr("gives none"));
}

TEST_F(TransformTest, OverlayNeedsColorAndDepth) {
  source_->Add("color", Grid(40, 30));
  EXPECT_THAT(Problem(R"([{"type": "overlay"}])"), HasSubstr("no depth map"));
  source_->Add("depth", DepthGrid(40, 30));
  const Image overlay = MustRun(R"([{"type": "overlay"}])");
  EXPECT_EQ(overlay.size(), (image::Size{40, 30}));
  EXPECT_EQ(overlay.format(), PixelFormat::kRgb8);
}

}  // namespace
}  // namespace bowerbird::machine
