// SPDX-License-Identifier: Apache-2.0
#include "vision/nms.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace bowerbird::vision {
namespace {

Candidate Box(double x_min, double y_min, double x_max, double y_max, double score,
              int category = 0) {
  return {x_min, y_min, x_max, y_max, score, category};
}

std::vector<Candidate> RandomBoxes(unsigned seed, int count) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> place(0, 0.8), extent(0.01, 0.4), score(0, 1);
  std::vector<Candidate> boxes;
  for (int i = 0; i < count; ++i) {
    const double x = place(random);
    const double y = place(random);
    boxes.push_back(Box(x, y, x + extent(random), y + extent(random), score(random),
                        static_cast<int>(random() % 3)));
  }
  return boxes;
}

TEST(Iou, IsSharedAreaOverWholeArea) {
  EXPECT_DOUBLE_EQ(Iou(Box(0, 0, 2, 2, 1), Box(1, 1, 3, 3, 1)), 1.0 / 7);
  EXPECT_DOUBLE_EQ(Iou(Box(0, 0, 2, 2, 1), Box(0, 0, 2, 2, 1)), 1);
  EXPECT_DOUBLE_EQ(Iou(Box(0, 0, 1, 1, 1), Box(1, 0, 2, 1, 1)), 0);  // only an edge in common
  EXPECT_DOUBLE_EQ(Iou(Box(0, 0, 0, 0, 1), Box(0, 0, 0, 0, 1)), 0);
  EXPECT_DOUBLE_EQ(Iou(Box(2, 2, 0, 0, 1), Box(1, 1, 3, 3, 1)), 1.0 / 7);  // corners reversed
}

TEST(Iou, IsSymmetricBoundedAndBlindToScalingOneAxis) {
  const std::vector<Candidate> boxes = RandomBoxes(1, 60);
  for (const Candidate& a : boxes) {
    for (const Candidate& b : boxes) {
      const double iou = Iou(a, b);
      EXPECT_EQ(iou, Iou(b, a));
      EXPECT_GE(iou, 0);
      EXPECT_LE(iou, 1 + 1e-12);
      Candidate wide_a = a, wide_b = b;
      for (Candidate* box : {&wide_a, &wide_b}) {
        box->x_min *= 640;
        box->x_max *= 640;
      }
      EXPECT_NEAR(Iou(wide_a, wide_b), iou, 1e-9);
    }
  }
}

TEST(Suppress, KeepsTheBestOfOverlappingBoxesOfOneClass) {
  const auto kept = Suppress(
      {Box(0, 0, 1, 1, 0.6), Box(0, 0, 1, 0.9, 0.8), Box(0, 0, 1, 1, 0.7, 1), Box(2, 2, 3, 3, 0.1)},
      {});
  ASSERT_EQ(kept.size(), 3u);
  EXPECT_EQ(kept[0].score, 0.8);
  EXPECT_EQ(kept[1].score, 0.7);  // another class
  EXPECT_EQ(kept[2].score, 0.1);  // another place
}

TEST(Suppress, ASuppressedBoxDoesNotSuppress) {
  // b overlaps a and c; c does not overlap a: only b goes.
  const auto kept =
      Suppress({Box(0, 0, 1, 1, 0.9), Box(0.3, 0, 1.3, 1, 0.8), Box(0.6, 0, 1.6, 1, 0.7)}, {});
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[1].score, 0.7);
}

TEST(Suppress, HoldsItsPromisesForRandomBoxes) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    const std::vector<Candidate> boxes = RandomBoxes(seed, 120);
    NmsOptions options;
    options.iou_threshold = 0.1 + 0.016 * seed;
    options.max_kept = 0;
    const auto kept = Suppress(boxes, options);
    ASSERT_FALSE(kept.empty());
    EXPECT_TRUE(std::is_sorted(kept.begin(), kept.end(),
                               [](const auto& a, const auto& b) { return a.score > b.score; }));
    for (size_t i = 0; i < kept.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (kept[i].category != kept[j].category) continue;
        EXPECT_LE(Iou(kept[i], kept[j]), options.iou_threshold);
      }
    }
    // Whatever is missing was covered by something better that stayed.
    for (const Candidate& box : boxes) {
      const bool accounted = std::any_of(kept.begin(), kept.end(), [&](const Candidate& other) {
        const bool same = other.score == box.score && other.x_min == box.x_min;
        return same || (other.category == box.category && other.score >= box.score &&
                        Iou(other, box) > options.iou_threshold);
      });
      EXPECT_TRUE(accounted);
    }
    // Nothing changes the second time, nor with a threshold that no overlap exceeds.
    EXPECT_EQ(Suppress(kept, options).size(), kept.size());
    options.iou_threshold = 1;
    EXPECT_EQ(Suppress(boxes, options).size(), boxes.size());
  }
}

TEST(Suppress, WorkAndResultAreBounded) {
  NmsOptions options;
  options.iou_threshold = 1;
  EXPECT_EQ(Suppress(RandomBoxes(3, 5000), options).size(), 100u);
  options.max_kept = 0;
  EXPECT_EQ(Suppress(RandomBoxes(3, 5000), options).size(), 1000u);
}

}  // namespace
}  // namespace bowerbird::vision
