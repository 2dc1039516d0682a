// SPDX-License-Identifier: Apache-2.0
#include "image/transform.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "base/status.h"
#include "image/codec.h"
#include "image/test_pictures.h"

namespace bowerbird::image {
namespace {

using ::testing::ElementsAre;
using testing::GradientPicture;
using ::testing::HasSubstr;
using testing::NoisePicture;
using testing::Quarters;

constexpr PixelFormat kFormats[] = {PixelFormat::kGray8, PixelFormat::kRgb8, PixelFormat::kRgba8,
                                    PixelFormat::kDepth16};

std::vector<int> PixelsOf(const Image& image) {
  return {image.bytes().begin(), image.bytes().end()};
}

std::vector<int> DepthsOf(const Image& image) {
  std::vector<int> out;
  for (int y = 0; y < image.height(); ++y) {
    for (int x = 0; x < image.width(); ++x) out.push_back(image.depth_row(y)[x]);
  }
  return out;
}

Image Depth(int width, const std::vector<uint16_t>& values) {
  Image image(width, static_cast<int>(values.size()) / width, PixelFormat::kDepth16);
  std::memcpy(image.bytes().data(), values.data(), image.bytes().size());
  return image;
}

TEST(RotateTest, ClockwiseIsPositive) {
  const Image turned = Rotate(Quarters(40, 20), 90).value();
  ASSERT_EQ(turned.size(), (Size{20, 40}));
  // What was bottom left (blue) is top left now, what was top left (red) is top right.
  EXPECT_EQ(turned.row(2)[2 * 3 + 2], 255);
  EXPECT_EQ(turned.row(2)[2 * 3 + 0], 0);
  EXPECT_EQ(turned.row(2)[17 * 3 + 0], 255);
  EXPECT_EQ(turned.row(2)[17 * 3 + 2], 0);
}

TEST(RotateTest, FourQuarterTurnsAreNothingInEveryFormat) {
  for (const PixelFormat format : kFormats) {
    const Image image = NoisePicture(13, 7, format);
    Image turned = image.Clone();
    for (int i = 0; i < 4; ++i) turned = Rotate(turned, -270).value();
    EXPECT_EQ(PixelsOf(turned), PixelsOf(image));
    EXPECT_EQ(PixelsOf(Rotate(Rotate(image, 180).value(), -180).value()), PixelsOf(image));
    EXPECT_EQ(PixelsOf(Rotate(image, 720).value()), PixelsOf(image));
  }
}

TEST(RotateTest, OtherAnglesGrowTheCanvasAndLeaveTheCornersBlack) {
  Image image(100, 60, PixelFormat::kRgb8);
  std::memset(image.bytes().data(), 200, image.bytes().size());
  const Image turned = Rotate(image, 30).value();
  EXPECT_EQ(turned.width(), static_cast<int>(std::ceil(100 * std::sqrt(3) / 2 + 60 * 0.5)));
  EXPECT_EQ(turned.height(), static_cast<int>(std::ceil(100 * 0.5 + 60 * std::sqrt(3) / 2)));
  EXPECT_EQ(turned.row(turned.height() / 2)[turned.width() / 2 * 3], 200);
  for (const int y : {0, turned.height() - 1}) {
    for (const int x : {0, turned.width() - 1}) EXPECT_EQ(turned.row(y)[x * 3], 0);
  }
  // Clockwise: the top left corner has moved right along the top edge.
  EXPECT_GT(turned.row(1)[static_cast<int>(60 * 0.5) * 3], 0);
}

TEST(RotateTest, DepthIsNeverBlended) {
  const Image depth = Depth(8, std::vector<uint16_t>(64, 1234));
  for (const int value : DepthsOf(Rotate(depth, 33).value())) {
    EXPECT_TRUE(value == 0 || value == 1234) << value;
  }
}

TEST(RotateTest, WildInputIsRefused) {
  EXPECT_FALSE(Rotate(Image(), 10).ok());
  EXPECT_FALSE(Rotate(Quarters(4, 4), std::numeric_limits<double>::infinity()).ok());
  EXPECT_FALSE(Rotate(Quarters(4, 4), std::nan("")).ok());
  // A line of 60,000 pixels would need a square of 1.8 billion.
  const auto huge = Rotate(NoisePicture(60'000, 1, PixelFormat::kGray8), 45);
  EXPECT_EQ(huge.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(CropTest, TakesThePixelsOfTheBoxInEveryFormat) {
  for (const PixelFormat format : kFormats) {
    const Image image = NoisePicture(20, 10, format);
    const Image part = Crop(image, {3, 2, 11, 10}).value();
    ASSERT_EQ(part.size(), (Size{8, 8}));
    const auto bytes = static_cast<size_t>(BytesPerPixel(format));
    for (int y = 0; y < 8; ++y) {
      EXPECT_EQ(std::memcmp(part.row(y), image.row(y + 2) + 3 * bytes, 8 * bytes), 0);
    }
    EXPECT_EQ(PixelsOf(Crop(image, {0, 0, 20, 10}).value()), PixelsOf(image));
  }
}

TEST(CropTest, BoxesOutsideOrEmptyAreRefused) {
  const Image image = Quarters(20, 10);
  for (const CropBox& box : {CropBox{-1, 0, 5, 5}, CropBox{0, 0, 21, 5}, CropBox{0, 0, 5, 11},
                             CropBox{5, 0, 5, 5}, CropBox{0, 6, 5, 5}}) {
    const auto part = Crop(image, box);
    EXPECT_EQ(part.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(MessageOf(part.status()), HasSubstr("20x10"));
  }
}

TEST(UndistortTest, NoDistortionChangesNothing) {
  const Image image = NoisePicture(64, 48, PixelFormat::kRgb8);
  const Image out = Undistort(image, {{64, 48}, 50, 50, 31.5, 23.5}, {}).value();
  EXPECT_EQ(PixelsOf(out), PixelsOf(image));
}

TEST(UndistortTest, PullsPixelsAlongTheRadius) {
  // k1 > 0: a point at radius r of the straight picture lies at r (1 + k1 r^2) in the bent one.
  Image image(201, 201, PixelFormat::kGray8);
  std::memset(image.bytes().data(), 0, image.bytes().size());
  const Intrinsics camera{{201, 201}, 100, 100, 100, 100};
  image.row(100)[100 + 60] = 255;  // r = 0.5 with k1 = 0.8 lies at 0.5 * 1.2 = 0.6
  Distortion lens;
  lens.radial_k1 = 0.8;
  const Image out = Undistort(image, camera, lens).value();
  EXPECT_GT(out.row(100)[100 + 50], 200);
  EXPECT_LT(out.row(100)[100 + 53], 50);
}

TEST(UndistortTest, IntrinsicsOfAnotherSizeAreRefused) {
  const auto out = Undistort(Quarters(20, 10), {{40, 20}, 50, 50, 20, 10}, {});
  EXPECT_EQ(out.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(out.status()), HasSubstr("40x20"));
  EXPECT_FALSE(Undistort(Quarters(20, 10), {{20, 10}, 0, 50, 10, 5}, {}).ok());
}

TEST(CannyEdgesTest, FindTheBorderAndNothingElse) {
  Image image(60, 40, PixelFormat::kGray8);
  for (int y = 0; y < 40; ++y)
    std::memset(image.row(y), 0, 30), std::memset(image.row(y) + 30, 250, 30);
  const Image edges = CannyEdges(image, {0.85, 0.4, 1.0}).value();
  ASSERT_EQ(edges.format(), PixelFormat::kGray8);
  for (int y = 2; y < 38; ++y) {
    EXPECT_TRUE(edges.row(y)[29] == 255 || edges.row(y)[30] == 255) << y;
    EXPECT_EQ(edges.row(y)[10], 0);
    EXPECT_EQ(edges.row(y)[50], 0);
  }
}

TEST(CannyEdgesTest, AFlatPictureHasNone) {
  for (const PixelFormat format : kFormats) {
    Image image(30, 20, format);
    std::memset(image.bytes().data(), 77, image.bytes().size());
    for (const int value : PixelsOf(CannyEdges(image, {}).value())) EXPECT_EQ(value, 0);
  }
}

TEST(CannyEdgesTest, ThresholdsAreChecked) {
  const Image image = Quarters(16, 16);
  EXPECT_FALSE(CannyEdges(image, {0.2, 0.5, 1}).ok());
  EXPECT_FALSE(CannyEdges(image, {1.5, 0.5, 1}).ok());
  EXPECT_FALSE(CannyEdges(image, {0.5, -0.5, 1}).ok());
  EXPECT_FALSE(CannyEdges(image, {0.5, 0.2, -1}).ok());
  EXPECT_FALSE(CannyEdges(image, {0.5, 0.2, 1e9}).ok());
  EXPECT_FALSE(CannyEdges(Image(), {}).ok());
}

TEST(DepthTest, PrettyRunsFromRedToVioletAndLeavesTheUnknownBlack) {
  const Image out = DepthToPretty(Depth(3, {1000, 0, 5000})).value();
  ASSERT_EQ(out.format(), PixelFormat::kRgb8);
  const std::vector<int> pixels = PixelsOf(out);
  EXPECT_THAT(std::vector(pixels.begin(), pixels.begin() + 3), ElementsAre(255, 0, 0));
  EXPECT_THAT(std::vector(pixels.begin() + 3, pixels.begin() + 6), ElementsAre(0, 0, 0));
  EXPECT_EQ(pixels[8], 255);
  EXPECT_GT(pixels[6], 100);
  EXPECT_EQ(pixels[7], 0);
  EXPECT_FALSE(DepthToPretty(Quarters(4, 4)).ok());
}

TEST(DepthTest, HolesAreFilledFromAllSidesAndOnlyThere) {
  const Image depth = Depth(5, {10, 10, 10, 10, 10,  //
                                10, 0,  0,  10, 10,  //
                                10, 0,  0,  10, 10,  //
                                10, 10, 10, 10, 0});
  const std::vector<int> out = DepthsOf(PreprocessDepth(depth).value());
  for (size_t i = 0; i + 1 < out.size(); ++i) EXPECT_EQ(out[i], 10) << i;
  EXPECT_EQ(out.back(), 0);
}

TEST(DepthTest, SmoothingRemovesNoiseAndKeepsSteps) {
  std::vector<uint16_t> values;
  for (int y = 0; y < 6; ++y) {
    for (int x = 0; x < 8; ++x) values.push_back(x < 4 ? 1000 : 3000);
  }
  values[2 * 8 + 1] = 9000;  // a single wrong pixel
  const std::vector<int> out = DepthsOf(PreprocessDepth(Depth(8, values)).value());
  for (size_t i = 0; i < out.size(); ++i) EXPECT_EQ(out[i], i % 8 < 4 ? 1000 : 3000) << i;
}

TEST(DepthTest, OverlayBlendsOnlyWhereDepthIsKnown) {
  Image color(2, 1, PixelFormat::kGray8);
  color.bytes()[0] = color.bytes()[1] = 100;
  const Image out = OverlayDepth(color, Depth(2, {0, 700})).value();
  EXPECT_THAT(PixelsOf(out), ElementsAre(100, 100, 100, (100 + 255) / 2, 50, 50));
  EXPECT_FALSE(OverlayDepth(color, Depth(1, {5})).ok());
  EXPECT_FALSE(OverlayDepth(color, color).ok());
}

}  // namespace
}  // namespace bowerbird::image
