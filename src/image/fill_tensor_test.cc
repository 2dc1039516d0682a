// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"
#include "image/codec.h"
#include "image/resize.h"
#include "image/test_pictures.h"

namespace bowerbird::image {
namespace {

using ::testing::HasSubstr;
using testing::NoisePicture;
using Type = TensorLayout::Type;

template <typename Value>
std::vector<Value> Filled(const Image& image, const TensorLayout& layout,
                          const FillOptions& options = {}) {
  std::vector<Value> tensor(
      static_cast<size_t>(layout.size.width * layout.size.height * layout.channels));
  const auto place =
      FillTensor(image, image.size(), layout, options, std::as_writable_bytes(std::span(tensor)));
  EXPECT_TRUE(place.ok()) << place.status();
  return tensor;
}

// The 8-bit value that a tensor holds for channel c of pixel (x, y) of the input.
int Level(const Image& scaled, const Placement& place, int x, int y, size_t c, int padding) {
  const int u = x - static_cast<int>(place.offset_x), v = y - static_cast<int>(place.offset_y);
  if (u < 0 || v < 0 || u >= scaled.width() || v >= scaled.height()) return padding;
  return scaled.row(v)[static_cast<size_t>(u) * 3 + c];
}

TEST(FillTensorTest, EveryLayoutHoldsTheScaledPicture) {
  for (const PixelFormat format :
       {PixelFormat::kRgb8, PixelFormat::kGray8, PixelFormat::kRgba8, PixelFormat::kDepth16}) {
    const Image image = NoisePicture(41, 29, format);
    const Image rgb = ToRgb(image);
    for (const Fit fit : {Fit::kStretch, Fit::kLetterbox, Fit::kLetterboxTopLeft}) {
      for (const Filter filter : {Filter::kTriangle, Filter::kBilinear, Filter::kNearest}) {
        for (int variant = 0; variant < 4; ++variant) {
          TensorLayout layout;
          layout.size = {20, 24};
          layout.channels_first = (variant & 1) != 0;
          layout.bgr = (variant & 2) != 0;
          const FillOptions options{filter, fit, 114};
          const Placement place = Place(image.size(), layout.size, fit);
          const Image scaled = Resize(rgb, place.inner, filter);
          layout.type = Type::kUint8;
          const auto bytes = Filled<uint8_t>(image, layout, options);
          layout.type = Type::kInt8;
          const auto signed_bytes = Filled<int8_t>(image, layout, options);
          layout.type = Type::kFloat32;
          const auto floats = Filled<float>(image, layout, options);
          for (int y = 0; y < 24; ++y) {
            for (int x = 0; x < 20; ++x) {
              for (size_t c = 0; c < 3; ++c) {
                const auto pixel = static_cast<size_t>(y * 20 + x);
                const size_t at = layout.channels_first ? c * 480 + pixel : pixel * 3 + c;
                const int level = Level(scaled, place, x, y, layout.bgr ? 2 - c : c, 114);
                ASSERT_EQ(bytes[at], level);
                ASSERT_EQ(signed_bytes[at], level - 128);
                ASSERT_EQ(floats[at], static_cast<float>((level / 255.0 - 0.5) / 0.5));
              }
            }
          }
        }
      }
    }
  }
}

TEST(FillTensorTest, FloatsAreThoseOfTheReferenceMachine) {
  Image image(1, 1, PixelFormat::kGray8);
  image.bytes()[0] = 128;
  TensorLayout layout;
  layout.type = Type::kFloat32;
  layout.size = {1, 1};
  EXPECT_FLOAT_EQ(Filled<float>(image, layout)[0], 0.003921569f);
  layout.mean = {0.485f, 0.456f, 0.406f};
  layout.std = {0.229f, 0.224f, 0.225f};
  EXPECT_NEAR(Filled<float>(image, layout)[0], 0.07406456f, 1e-7);
}

TEST(FillTensorTest, MeansBelongToThePositionInTheTensor) {
  Image image(1, 1, PixelFormat::kRgb8);
  image.bytes()[0] = 10;
  image.bytes()[1] = 20;
  image.bytes()[2] = 30;
  TensorLayout layout;
  layout.type = Type::kFloat32;
  layout.size = {1, 1};
  layout.bgr = true;
  layout.divisor = 1;
  layout.mean = {1, 2, 3};
  layout.std = {1, 2, 4};
  EXPECT_THAT(Filled<float>(image, layout), ::testing::ElementsAre(29, 9, 1.75f));
}

TEST(FillTensorTest, OneChannelIsLuma) {
  Image image(3, 1, PixelFormat::kRgb8);
  const uint8_t pixels[] = {255, 0, 0, 0, 255, 0, 0, 0, 255};
  std::copy(std::begin(pixels), std::end(pixels), image.bytes().begin());
  TensorLayout layout;
  layout.size = {3, 1};
  layout.channels = 1;
  EXPECT_THAT(Filled<uint8_t>(image, layout), ::testing::ElementsAre(76, 150, 29));
  for (const bool bgr : {false, true}) {
    layout.bgr = bgr;
    layout.type = Type::kInt8;
    EXPECT_THAT(Filled<int8_t>(image, layout), ::testing::ElementsAre(-52, 22, -99));
  }
}

TEST(FillTensorTest, ThePlacementRefersToTheFullPictureNotTheDecodedScale) {
  const Image half = NoisePicture(500, 300, PixelFormat::kRgb8);
  TensorLayout layout;
  layout.size = {200, 200};
  std::vector<std::byte> tensor(200 * 200 * 3);
  const auto place =
      FillTensor(half, {1000, 600}, layout, {Filter::kTriangle, Fit::kLetterbox, 0}, tensor);
  ASSERT_TRUE(place.ok()) << place.status();
  EXPECT_EQ(place->inner, (Size{200, 120}));
  const auto corner = place->ToPicture(200, 160);
  EXPECT_DOUBLE_EQ(corner[0], 1000);
  EXPECT_DOUBLE_EQ(corner[1], 600);
}

TEST(FillTensorTest, WrongSizesAndNumbersAreRefused) {
  const Image image = NoisePicture(4, 4, PixelFormat::kRgb8);
  std::vector<std::byte> tensor(4 * 4 * 3);
  TensorLayout layout;
  layout.size = {4, 4};
  EXPECT_TRUE(FillTensor(image, image.size(), layout, {}, tensor).ok());
  const auto small =
      FillTensor(image, image.size(), layout, {}, std::span(tensor).first(tensor.size() - 1));
  EXPECT_EQ(small.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(small.status()), HasSubstr("47 bytes"));
  EXPECT_FALSE(FillTensor(Image(), {4, 4}, layout, {}, tensor).ok());
  EXPECT_FALSE(FillTensor(image, {0, 4}, layout, {}, tensor).ok());
  layout.channels = 2;
  EXPECT_FALSE(FillTensor(image, image.size(), layout, {}, std::span(tensor).first(32)).ok());
  layout.channels = 3;
  layout.type = Type::kFloat32;
  layout.std[1] = 0;
  std::vector<float> floats(48);
  EXPECT_FALSE(
      FillTensor(image, image.size(), layout, {}, std::as_writable_bytes(std::span(floats))).ok());
}

}  // namespace
}  // namespace bowerbird::image
