// SPDX-License-Identifier: Apache-2.0
#include "image/resize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "image/codec.h"
#include "image/test_pictures.h"

namespace bowerbird::image {
namespace {

using ::testing::ElementsAre;
using testing::NoisePicture;

std::vector<int> PixelsOf(const Image& image) {
  return {image.bytes().begin(), image.bytes().end()};
}

Image GrayRow(const std::vector<uint8_t>& values) {
  Image image(static_cast<int>(values.size()), 1, PixelFormat::kGray8);
  std::copy(values.begin(), values.end(), image.bytes().begin());
  return image;
}

// The reference machine's filter written down plainly: integers, one axis at a time.
std::vector<int> ReferenceAxis(const std::vector<int>& source, int to) {
  const double scale = static_cast<double>(source.size()) / to;
  const int taps = 2 * static_cast<int>(std::max(std::ceil(scale), 1.0));
  const double squeeze = std::min(1 / scale, 1.0);
  std::vector<int> out;
  for (int i = 0; i < to; ++i) {
    const double center = scale * (i + 0.5) - 0.5;
    const int start = static_cast<int>(center) - taps / 2 + 1;
    int sum = 0, weights = 0;
    for (int t = 0; t < taps; ++t) {
      const double distance = std::abs((center - start - t) * squeeze);
      const int weight = static_cast<int>(std::max(0.0, 1 - distance) * 256);
      const int pixel = std::clamp(start + t, 0, static_cast<int>(source.size()) - 1);
      sum += weight * source[static_cast<size_t>(pixel)];
      weights += weight;
    }
    out.push_back(sum / weights);
  }
  return out;
}

Image ReferenceTriangle(const Image& image, Size to) {
  const int channels = BytesPerPixel(image.format());
  Image wide(to.width, image.height(), image.format());
  for (int y = 0; y < image.height(); ++y) {
    for (int c = 0; c < channels; ++c) {
      std::vector<int> line;
      for (int x = 0; x < image.width(); ++x) line.push_back(image.row(y)[x * channels + c]);
      const std::vector<int> scaled = ReferenceAxis(line, to.width);
      for (int x = 0; x < to.width; ++x) {
        wide.row(y)[x * channels + c] = static_cast<uint8_t>(scaled[static_cast<size_t>(x)]);
      }
    }
  }
  Image out(to.width, to.height, image.format());
  for (int i = 0; i < to.width * channels; ++i) {
    std::vector<int> column;
    for (int y = 0; y < image.height(); ++y) column.push_back(wide.row(y)[i]);
    const std::vector<int> scaled = ReferenceAxis(column, to.height);
    for (int y = 0; y < to.height; ++y) {
      out.row(y)[i] = static_cast<uint8_t>(scaled[static_cast<size_t>(y)]);
    }
  }
  return out;
}

TEST(ResizeTest, TriangleGivesTheReferenceVectors) {
  EXPECT_THAT(PixelsOf(Resize(GrayRow({0, 100, 200, 255}), {2, 1}, Filter::kTriangle)),
              ElementsAre(62, 215));
  EXPECT_THAT(PixelsOf(Resize(GrayRow({0, 100}), {4, 1}, Filter::kTriangle)),
              ElementsAre(0, 25, 75, 100));
}

TEST(ResizeTest, TriangleEqualsTheReferenceAlgorithmToTheBit) {
  testing::Noise noise(3);
  for (int round = 0; round < 60; ++round) {
    const PixelFormat format = round % 2 == 0 ? PixelFormat::kRgb8 : PixelFormat::kGray8;
    const Size from{1 + noise.Below(120), 1 + noise.Below(120)};
    const Size to{2 + noise.Below(60), 2 + noise.Below(60)};
    const Image image = NoisePicture(from.width, from.height, format, noise.Next());
    EXPECT_EQ(PixelsOf(Resize(image, to, Filter::kTriangle)),
              PixelsOf(ReferenceTriangle(image, to)))
        << from.width << "x" << from.height << " to " << to.width << "x" << to.height;
  }
}

TEST(ResizeTest, LargeReductionsStayExact) {
  const Image image = NoisePicture(60 * 5, 60 * 7, PixelFormat::kRgb8);
  EXPECT_EQ(PixelsOf(Resize(image, {5, 7}, Filter::kTriangle)),
            PixelsOf(ReferenceTriangle(image, {5, 7})));
  // Beyond what the ring of rows holds, rows are filtered twice, and rounded instead of cut.
  const Image tall = NoisePicture(3, 1000, PixelFormat::kGray8);
  const auto ours = PixelsOf(Resize(tall, {3, 2}, Filter::kTriangle));
  const auto reference = PixelsOf(ReferenceTriangle(tall, {3, 2}));
  ASSERT_EQ(ours.size(), reference.size());
  for (size_t i = 0; i < ours.size(); ++i) EXPECT_NEAR(ours[i], reference[i], 1);
}

TEST(ResizeTest, BilinearTakesTwoPixelsAtHalfPixelCentres) {
  // 4 to 2: centres at 0.5 and 2.5.
  EXPECT_THAT(PixelsOf(Resize(GrayRow({0, 100, 200, 255}), {2, 1}, Filter::kBilinear)),
              ElementsAre(50, 228));
  EXPECT_THAT(PixelsOf(Resize(GrayRow({0, 100}), {4, 1}, Filter::kBilinear)),
              ElementsAre(0, 25, 75, 100));
  // 8 to 2: centres at 1.5 and 5.5; what lies between does not count.
  EXPECT_THAT(
      PixelsOf(Resize(GrayRow({255, 10, 20, 255, 255, 30, 50, 255}), {2, 1}, Filter::kBilinear)),
      ElementsAre(15, 40));
}

TEST(ResizeTest, BilinearRoundsOnceAtTheEnd) {
  Image image(2, 2, PixelFormat::kGray8);
  const uint8_t pixels[] = {0, 1, 1, 1};
  std::copy(std::begin(pixels), std::end(pixels), image.bytes().begin());
  EXPECT_THAT(PixelsOf(Resize(image, {1, 1}, Filter::kBilinear)), ElementsAre(1));  // 0.75
}

TEST(ResizeTest, NearestTakesThePixelUnderTheCentre) {
  EXPECT_THAT(PixelsOf(Resize(GrayRow({1, 2, 3, 4, 5}), {2, 1}, Filter::kNearest)),
              ElementsAre(2, 4));
  EXPECT_THAT(PixelsOf(Resize(GrayRow({1, 2}), {5, 1}, Filter::kNearest)),
              ElementsAre(1, 1, 2, 2, 2));
}

TEST(ResizeTest, DepthIsNeverBlended) {
  Image depth(2, 1, PixelFormat::kDepth16);
  depth.depth_row(0)[0] = 1000;
  depth.depth_row(0)[1] = 0;
  const Image out = Resize(depth, {4, 2}, Filter::kTriangle);
  ASSERT_EQ(out.size(), (Size{4, 2}));
  for (int y = 0; y < 2; ++y) {
    EXPECT_EQ(out.depth_row(y)[0], 1000);
    EXPECT_EQ(out.depth_row(y)[1], 1000);
    EXPECT_EQ(out.depth_row(y)[2], 0);
    EXPECT_EQ(out.depth_row(y)[3], 0);
  }
}

TEST(ResizeTest, InvisibleColoursDoNotBleed) {
  Image image(2, 1, PixelFormat::kRgba8);
  const uint8_t pixels[] = {200, 0, 0, 255, 0, 255, 0, 0};
  std::copy(std::begin(pixels), std::end(pixels), image.bytes().begin());
  const Image out = Resize(image, {1, 1}, Filter::kBilinear);
  EXPECT_THAT(PixelsOf(out), ElementsAre(199, 0, 0, 128));
}

TEST(ResizeTest, TheSameSizeIsACopy) {
  const Image image = NoisePicture(17, 9, PixelFormat::kRgba8);
  for (const Filter filter : {Filter::kTriangle, Filter::kBilinear, Filter::kNearest}) {
    EXPECT_EQ(PixelsOf(Resize(image, {17, 9}, filter)), PixelsOf(image));
  }
}

TEST(ResizeTest, OneColourStaysThatColourAtAnySize) {
  for (const Filter filter : {Filter::kTriangle, Filter::kBilinear, Filter::kNearest}) {
    for (const Size from : {Size{1, 1}, Size{640, 3}, Size{33, 500}}) {
      for (const Size to : {Size{1, 1}, Size{100, 7}, Size{3, 900}}) {
        Image image(from.width, from.height, PixelFormat::kRgb8);
        for (uint8_t& byte : image.bytes()) byte = 201;
        for (const int value : PixelsOf(Resize(image, to, filter))) ASSERT_EQ(value, 201);
      }
    }
  }
}

TEST(PlaceTest, LetterboxKeepsTheShapeAndCentres) {
  const Placement place = Place({1920, 1080}, {416, 416}, Fit::kLetterbox);
  EXPECT_EQ(place.inner, (Size{416, 234}));
  EXPECT_EQ(place.offset_x, 0);
  EXPECT_EQ(place.offset_y, 91);
  const Placement corner = Place({1080, 1920}, {416, 416}, Fit::kLetterboxTopLeft);
  EXPECT_EQ(corner.inner, (Size{234, 416}));
  EXPECT_EQ(corner.offset_x, 0);
  EXPECT_EQ(corner.offset_y, 0);
  const Placement stretch = Place({1920, 1080}, {300, 300}, Fit::kStretch);
  EXPECT_EQ(stretch.inner, (Size{300, 300}));
  EXPECT_DOUBLE_EQ(stretch.scale_x, 300.0 / 1920);
  EXPECT_DOUBLE_EQ(stretch.scale_y, 300.0 / 1080);
}

TEST(PlaceTest, TheWayBackIsExactForEveryFitAndSize) {
  testing::Noise noise(11);
  for (int round = 0; round < 2000; ++round) {
    const Size from{1 + noise.Below(5000), 1 + noise.Below(5000)};
    const Size to{1 + noise.Below(1000), 1 + noise.Below(1000)};
    for (const Fit fit : {Fit::kStretch, Fit::kLetterbox, Fit::kLetterboxTopLeft}) {
      const Placement place = Place(from, to, fit);
      ASSERT_GE(place.inner.width, 1);
      ASSERT_GE(place.inner.height, 1);
      ASSERT_LE(place.offset_x + place.inner.width, to.width);
      ASSERT_LE(place.offset_y + place.inner.height, to.height);
      const double x = noise.Below(from.width) + 0.25, y = noise.Below(from.height) + 0.75;
      const auto back =
          place.ToPicture(x * place.scale_x + place.offset_x, y * place.scale_y + place.offset_y);
      ASSERT_NEAR(back[0], x, 1e-9 * from.width);
      ASSERT_NEAR(back[1], y, 1e-9 * from.height);
      // The corners of the scaled picture are the corners of the picture.
      const auto corner =
          place.ToPicture(place.offset_x + place.inner.width, place.offset_y + place.inner.height);
      ASSERT_NEAR(corner[0], from.width, 1e-9 * from.width);
      ASSERT_NEAR(corner[1], from.height, 1e-9 * from.height);
    }
  }
}

}  // namespace
}  // namespace bowerbird::image
