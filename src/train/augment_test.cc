// SPDX-License-Identifier: Apache-2.0
#include "train/augment.h"

#include <gtest/gtest.h>

#include <cmath>

#include "train/anchors.h"
#include "train/small_base.h"

namespace bowerbird::train {
namespace {

std::vector<float> Input(const image::Image& picture, const View& view) {
  std::vector<float> input(picture.bytes().size());
  FillInput(picture, view, picture.size(), {}, input);
  return input;
}

TEST(Augment, ThePlainViewIsThePicture) {
  Random random(5);
  const SmallPicture picture = MakeSmallPicture(random);
  const std::vector<float> input = Input(picture.pixels, {});
  for (size_t i = 0; i < input.size(); ++i)
    ASSERT_NEAR(input[i], static_cast<float>(picture.pixels.bytes()[i]) / 127.5F - 1, 1e-5);
}

TEST(Augment, AMirroredViewMirrorsPixelsAndBoxes) {
  Random random(5);
  const SmallPicture picture = MakeSmallPicture(random);
  const View mirrored{.x = {-1, 0, 1}};
  const std::vector<float> plain = Input(picture.pixels, {});
  const std::vector<float> turned = Input(picture.pixels, mirrored);
  for (size_t y = 0; y < kSmallSize; ++y) {
    for (size_t x = 0; x < kSmallSize; ++x) {
      ASSERT_NEAR(plain[(y * kSmallSize + x) * 3],
                  turned[(y * kSmallSize + kSmallSize - 1 - x) * 3], 1e-5);
    }
  }
  const auto box = Seen(picture.box, mirrored);
  ASSERT_TRUE(box.has_value());
  EXPECT_NEAR(box->x_min, 1 - picture.box.x_max, 1e-9);
  EXPECT_NEAR(box->y_max, picture.box.y_max, 1e-9);
}

TEST(Augment, BoxesStayOnWhatTheyAreAround) {
  Random random(6);
  int seen = 0;
  for (int i = 0; i < 200; ++i) {
    const SmallPicture picture = MakeSmallPicture(random);
    AugmentOptions options{.gain = 0, .color_gain = 0, .bias = 0};
    const View view = RandomView(options, random);
    const auto box = Seen(picture.box, view);
    if (!box.has_value()) continue;
    ++seen;
    const std::vector<float> input = Input(picture.pixels, view);
    const auto x = static_cast<size_t>((box->x_min + box->x_max) / 2 * kSmallSize);
    const auto y = static_cast<size_t>((box->y_min + box->y_max) / 2 * kSmallSize);
    const float* const pixel = &input[(y * kSmallSize + x) * 3];
    EXPECT_GT(picture.box.label == 0 ? pixel[0] - pixel[2] : pixel[2] - pixel[0], 1.0F);
  }
  EXPECT_GT(seen, 150);
}

TEST(Augment, BoxesThatHaveLeftTheViewAreDropped) {
  const View upper_left{.x = {0.5, 0, 0}, .y = {0, 0.5, 0}};
  EXPECT_FALSE(Seen({.x_min = 0.6, .y_min = 0.1, .x_max = 0.8, .y_max = 0.3}, upper_left));
  EXPECT_FALSE(Seen({.x_min = 0.4, .y_min = 0.1, .x_max = 0.8, .y_max = 0.3}, upper_left));
  const auto cut = Seen({.x_min = 0.3, .y_min = 0.1, .x_max = 0.6, .y_max = 0.3}, upper_left);
  ASSERT_TRUE(cut.has_value());
  EXPECT_NEAR(cut->x_min, 0.6, 1e-9);
  EXPECT_NEAR(cut->x_max, 1, 1e-9);
}

TEST(Augment, LightStaysWithinTheRangeOfTheInput) {
  Random random(7);
  const SmallPicture picture = MakeSmallPicture(random);
  for (const float value : Input(picture.pixels, {.gain = {3, 3, 3}, .bias = 50})) {
    ASSERT_LE(value, 1.0001F);
    ASSERT_GE(value, -1.0001F);
  }
}

TEST(Anchors, ABoxComesBackFromItsCode) {
  const vision::Anchor anchor{.x_center = 0.4F, .y_center = 0.6F, .width = 0.3F, .height = 0.2F};
  const LabeledBox box{.x_min = 0.2, .y_min = 0.5, .x_max = 0.65, .y_max = 0.9};
  const LabeledBox back = Decode(Encode(box, anchor), anchor);
  EXPECT_NEAR(back.x_min, box.x_min, 1e-6);
  EXPECT_NEAR(back.y_min, box.y_min, 1e-6);
  EXPECT_NEAR(back.x_max, box.x_max, 1e-6);
  EXPECT_NEAR(back.y_max, box.y_max, 1e-6);
}

TEST(Anchors, EveryBoxHasAnAnchorAndNearMissesAreIgnored) {
  const std::vector<vision::Anchor> anchors{
      {.x_center = 0.25F, .y_center = 0.25F, .width = 0.5F, .height = 0.5F},   // the box
      {.x_center = 0.25F, .y_center = 0.36F, .width = 0.5F, .height = 0.5F},   // 0.64 of it
      {.x_center = 0.25F, .y_center = 0.445F, .width = 0.5F, .height = 0.5F},  // 0.44 of it
      {.x_center = 0.75F, .y_center = 0.75F, .width = 0.5F, .height = 0.5F}};  // a smaller one
  const std::vector<LabeledBox> boxes{
      {.label = 2, .x_min = 0, .y_min = 0, .x_max = 0.5, .y_max = 0.5},
      {.label = 1, .x_min = 0.7, .y_min = 0.7, .x_max = 0.8, .y_max = 0.8}};
  std::vector<int32_t> classes(4);
  std::vector<float> codes(16);
  MatchAnchors(anchors, boxes, {}, classes, codes);
  EXPECT_EQ(classes, (std::vector<int32_t>{3, 3, -1, 2}));
  EXPECT_NEAR(codes[0], 0, 1e-5);
  EXPECT_LT(codes[4], 0);
  EXPECT_NEAR(codes[14], 5 * std::log(0.2), 1e-4);
}

}  // namespace
}  // namespace bowerbird::train
