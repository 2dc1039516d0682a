// SPDX-License-Identifier: Apache-2.0
#include "vision/detection.h"

#include <gtest/gtest.h>

#include <random>

#include "vision/box_mapping.h"
#include "vision/decode_size.h"

namespace bowerbird::vision {
namespace {

std::vector<Classification> Scores(std::initializer_list<double> confidences) {
  std::vector<Classification> result;
  int number = 0;
  for (const double confidence : confidences) {
    result.push_back({std::to_string(number), number, confidence});
    ++number;
  }
  return result;
}

TEST(KeepTop, SortsAndCutsButOnlyWhenAsked) {
  auto all = Scores({0.1, 0.5, 0.3});
  KeepTop(all, 0);
  EXPECT_EQ(all[0].class_id, 0);  // model order
  EXPECT_EQ(all.size(), 3u);
  KeepTop(all, -1);
  EXPECT_EQ(all.size(), 3u);
  KeepTop(all, 2);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].class_id, 1);
  EXPECT_EQ(all[1].class_id, 2);
}

TEST(KeepTop, TiesKeepTheirOrder) {
  auto all = Scores({0.5, 0.2, 0.5, 0.5});
  KeepTop(all, 10);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].class_id, 0);
  EXPECT_EQ(all[1].class_id, 2);
  EXPECT_EQ(all[2].class_id, 3);
}

TEST(Normalize, APictureWithoutSizeGivesZeros) {
  const NormalizedBox box = Normalize({"a", 0, 1, 1, 2, 3, 4}, {0, 0});
  EXPECT_EQ(box.x_max, 0);
  EXPECT_EQ(box.y_min, 0);
}

// Whatever a model says, a detection is a box inside the picture.
TEST(ToPixels, IsAlwaysABoxInsideThePicture) {
  std::mt19937 random(11);
  std::uniform_real_distribution<double> share(-3, 3);
  for (const image::Fit fit :
       {image::Fit::kStretch, image::Fit::kLetterbox, image::Fit::kLetterboxTopLeft}) {
    for (const image::Size picture : {image::Size{1, 1}, {640, 480}, {3, 2000}}) {
      BoxMapping mapping{picture, {320, 240}, fit, image::Place(picture, {320, 240}, fit)};
      for (int i = 0; i < 500; ++i) {
        const Candidate candidate{share(random), share(random), share(random),
                                  share(random), 0.5,           0};
        const Detection box = ToPixels(candidate, mapping);
        ASSERT_LE(0, box.x_min);
        ASSERT_LE(box.x_min, box.x_max);
        ASSERT_LT(box.x_max, picture.width);
        ASSERT_LE(0, box.y_min);
        ASSERT_LE(box.y_min, box.y_max);
        ASSERT_LT(box.y_max, picture.height);
      }
    }
  }
}

TEST(ToPixels, LetterboxedBoxesComeBackToTheirPlace) {
  // 640x320 in 320x320: scaled by a half, 80 rows of padding above and below.
  const image::Size picture{640, 320};
  const image::Size input{320, 320};
  BoxMapping mapping{picture, input, image::Fit::kLetterbox,
                     image::Place(picture, input, image::Fit::kLetterbox)};
  const Candidate middle{0.25, (80 + 40) / 320.0, 0.75, (80 + 120) / 320.0, 1, 0};
  Detection box = ToPixels(middle, mapping);
  EXPECT_NEAR(box.x_min, 160, 1);
  EXPECT_NEAR(box.x_max, 479, 1);
  EXPECT_NEAR(box.y_min, 80, 1);
  EXPECT_NEAR(box.y_max, 239, 1);

  mapping.fit = image::Fit::kLetterboxTopLeft;
  mapping.placement = image::Place(picture, input, mapping.fit);
  box = ToPixels({0.25, 40 / 320.0, 0.75, 120 / 320.0, 1, 0}, mapping);
  EXPECT_NEAR(box.y_min, 80, 1);
  EXPECT_NEAR(box.y_max, 239, 1);
}

TEST(ToPixels, AWholeStretchedPictureReachesItsLastPixel) {
  for (int extent = 1; extent < 700; ++extent) {
    BoxMapping mapping{{extent, extent + 3}, {300, 300}, image::Fit::kStretch, {}};
    const Detection box = ToPixels({0, 0, 1, 1, 1, 0}, mapping);
    EXPECT_EQ(box.x_max, extent - 1);
    EXPECT_EQ(box.y_max, extent + 2);
  }
}

TEST(DecodeSize, LeavesTheFilterSomethingToAverage) {
  EXPECT_EQ(DecodeSize({300, 300}), (image::Size{450, 450}));
  EXPECT_EQ(DecodeSize({1, 5}), (image::Size{2, 8}));
}

}  // namespace
}  // namespace bowerbird::vision
