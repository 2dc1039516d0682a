// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/file_system.h"
#include "evaluate/coco_ap.h"
#include "evaluate/coco_files.h"
#include "evaluate/voc_ap.h"

namespace bowerbird::evaluate {
namespace {

namespace fs = std::filesystem;
using testing::DoubleNear;
using testing::Optional;

TruthBox Truth(uint32_t picture, Rectangle box) {
  return {.picture = picture, .category = 0, .box = box, .area = box.Area()};
}
FoundBox Found(uint32_t picture, Rectangle box, double score) { return {picture, 0, box, score}; }
auto Is(double value) { return Optional(DoubleNear(value, 1e-9)); }

TEST(CocoAp, OfNothingIsAbsent) {
  const CocoResult result = CocoAveragePrecision({.pictures = 3, .categories = {"a"}});
  EXPECT_EQ(result.all.ap, std::nullopt);
  ASSERT_EQ(result.per_category.size(), 1U);
  EXPECT_EQ(result.per_category[0].ar100, std::nullopt);
}

TEST(CocoAp, OfExactBoxesIsOne) {
  const DetectionSet set{1, {"a"}, {Truth(0, {0, 0, 50, 50})}, {Found(0, {0, 0, 50, 50}, 0.1)}};
  const CocoResult result = CocoAveragePrecision(set);
  EXPECT_THAT(result.all.ap, Is(1));
  EXPECT_THAT(result.all.ap_medium, Is(1));
  EXPECT_EQ(result.all.ap_small, std::nullopt);
  EXPECT_EQ(result.all.ap_large, std::nullopt);
}

// IoU 80 / 120 = 0.67: right at 0.50, 0.55, 0.60 and 0.65, wrong at the six above.
TEST(CocoAp, CountsOverlapsUpToTheBoxes) {
  const DetectionSet set{
      1, {"a"}, {Truth(0, {0, 0, 100, 100})}, {Found(0, {20, 0, 120, 100}, 0.9)}};
  const CocoResult result = CocoAveragePrecision(set);
  EXPECT_THAT(result.all.ap, Is(0.4));
  EXPECT_THAT(result.all.ap50, Is(1));
  EXPECT_THAT(result.all.ap75, Is(0));
  EXPECT_THAT(result.all.ar100, Is(0.4));
}

// One of two found, after a false one: precision 0 then 1/2 at recall 1/2; 51 of 101 recalls are
// at most 0.5.
TEST(CocoAp, ReadsPrecisionAt101Recalls) {
  const Rectangle a{0, 0, 100, 100}, b{200, 0, 300, 100}, nowhere{500, 500, 600, 600};
  const DetectionSet set{
      1, {"a"}, {Truth(0, a), Truth(0, b)}, {Found(0, nowhere, 0.9), Found(0, a, 0.8)}};
  const CocoResult result = CocoAveragePrecision(set);
  EXPECT_THAT(result.all.ap, Is(0.5 * 51 / 101));
  EXPECT_THAT(result.all.ar1, Is(0));
  EXPECT_THAT(result.all.ar10, Is(0.5));
}

TEST(CocoAp, ACrowdIsNeitherHitNorMiss) {
  DetectionSet set{1,
                   {"a"},
                   {Truth(0, {0, 0, 100, 100}), Truth(0, {200, 200, 400, 400})},
                   {Found(0, {210, 210, 240, 240}, 0.9), Found(0, {250, 250, 300, 300}, 0.8),
                    Found(0, {0, 0, 100, 100}, 0.7)}};
  EXPECT_LT(*CocoAveragePrecision(set).all.ap, 0.5);
  set.truth[1].crowd = true;
  EXPECT_THAT(CocoAveragePrecision(set).all.ap, Is(1));
}

// Small things are judged by small truths only; a large false box is not their business.
TEST(CocoAp, LooksAtSizesApart) {
  const Rectangle small{0, 0, 20, 20}, large{100, 100, 300, 300}, wrong{400, 400, 600, 600};
  const DetectionSet set{1,
                         {"a"},
                         {Truth(0, small), Truth(0, large)},
                         {Found(0, wrong, 0.9), Found(0, small, 0.8), Found(0, large, 0.7)}};
  const CocoResult result = CocoAveragePrecision(set);
  EXPECT_THAT(result.all.ap_small, Is(1));
  EXPECT_THAT(result.all.ap_large, Is(0.5));
  EXPECT_THAT(result.all.ap, Is(2.0 / 3));
}

TEST(CocoAp, TakesAtMostAHundredDetectionsOfAPicture) {
  DetectionSet set{1, {"a"}, {Truth(0, {0, 0, 50, 50})}, {}};
  for (int i = 0; i < 100; ++i) set.found.push_back(Found(0, {500, 500, 600, 600}, 0.9));
  set.found.push_back(Found(0, {0, 0, 50, 50}, 0.5));
  EXPECT_THAT(CocoAveragePrecision(set).all.ar100, Is(0));
  set.found.erase(set.found.begin());
  EXPECT_THAT(CocoAveragePrecision(set).all.ar100, Is(1));
}

TEST(VocAp, ASecondDetectionOfTheSameThingIsWrong) {
  const Rectangle a{0, 0, 100, 100}, b{200, 0, 300, 100};
  const DetectionSet set{
      1, {"a"}, {Truth(0, a), Truth(0, b)}, {Found(0, a, 0.9), Found(0, a, 0.8), Found(0, b, 0.7)}};
  const VocResult result = VocAveragePrecision(set, {});
  EXPECT_THAT(result.every_point, Is(0.5 + 0.5 * 2 / 3));
  EXPECT_THAT(result.eleven_points, Is((6 + 5 * 2.0 / 3) / 11));
  EXPECT_THAT(result.per_category[0].precision,
              testing::ElementsAre(1, 0.5, testing::DoubleEq(2.0 / 3)));
}

TEST(VocAp, WhatIsDifficultDoesNotCount) {
  const Rectangle a{0, 0, 100, 100}, b{200, 0, 300, 100};
  DetectionSet set{1, {"a"}, {Truth(0, a), Truth(0, b)}, {Found(0, b, 0.9), Found(0, a, 0.8)}};
  set.truth[1].difficult = true;
  const VocResult result = VocAveragePrecision(set, {});
  EXPECT_THAT(result.every_point, Is(1));
  EXPECT_EQ(result.per_category[0].score.size(), 1U);
}

TEST(VocAp, PixelCornersMakeABoxOnePixelLarger) {
  EXPECT_DOUBLE_EQ(PixelIntersectionOverUnion({0, 0, 9, 9}, {0, 0, 9, 4}), 0.5);
  EXPECT_DOUBLE_EQ(IntersectionOverUnion({0, 0, 10, 10}, {0, 0, 10, 5}), 0.5);
  EXPECT_DOUBLE_EQ(IntersectionOverUnion({0, 0, 0, 0}, {0, 0, 0, 0}), 0);
}

// Figures that others published, on sets that are not kept here.

std::string PublicData(const std::string& path) {
  const char* root = std::getenv("BOWERBIRD_TEST_DATA");
  return root == nullptr ? "" : std::string(root) + "/metrics/" + path;
}

// One text file a picture; a line: class, score where `found`, x, y, then width, height.
void ReadTextBoxes(const fs::path& folder, bool found, DetectionSet& set) {
  std::set<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(folder)) paths.insert(entry.path());
  uint32_t picture = 0;
  for (const fs::path& path : paths) {
    std::ifstream file(path);
    std::string label;
    while (file >> label) {
      double score = 0, x = 0, y = 0, width = 0, height = 0;
      if (found) file >> score;
      file >> x >> y >> width >> height;
      const Rectangle box{x, y, x + width, y + height};
      if (found) {
        set.found.push_back(Found(picture, box, score));
      } else {
        set.truth.push_back(Truth(picture, box));
      }
    }
    ++picture;
  }
  set.pictures = picture;
}

DetectionSet SevenPictures(const std::string& truth, const std::string& found) {
  DetectionSet set{.pictures = 0, .categories = {"thing"}};
  ReadTextBoxes(PublicData(truth), false, set);
  ReadTextBoxes(PublicData(found), true, set);
  return set;
}

TEST(VocAp, IsWhatOthersPublishedForSevenPictures) {
  if (PublicData("").empty()) GTEST_SKIP() << "set BOWERBIRD_TEST_DATA to the public data";
  const DetectionSet set = SevenPictures("odm-sample2/groundtruths", "odm-sample2/detections");
  ASSERT_EQ(set.truth.size(), 15U);
  ASSERT_EQ(set.found.size(), 24U);
  const VocResult result = VocAveragePrecision(set, {.overlap = 0.3, .pixel_corners = true});
  EXPECT_THAT(result.every_point, Optional(DoubleNear(0.2456866804, 1e-9)));
  EXPECT_THAT(result.eleven_points, Optional(DoubleNear(0.2683982683, 1e-9)));
}

TEST(VocAp, IsWhatOthersPublishedAtFourOverlaps) {
  if (PublicData("").empty()) GTEST_SKIP() << "set BOWERBIRD_TEST_DATA to the public data";
  const DetectionSet set =
      SevenPictures("review-test-case-1/test_case_1/gts", "review-test-case-1/test_case_1/dets");
  ASSERT_EQ(set.truth.size(), 15U);
  struct Published {
    double overlap, eleven_points, every_point;
  };
  for (const Published& published :
       {Published{0.1, 0.3333333333, 0.3371980676}, Published{0.3, 0.2683982683, 0.2456866804},
        Published{0.5, 0.0303030303, 0.0222222222}, Published{0.75, 0, 0}}) {
    const VocResult result =
        VocAveragePrecision(set, {.overlap = published.overlap, .pixel_corners = true});
    EXPECT_THAT(result.every_point, Optional(DoubleNear(published.every_point, 1e-9)));
    EXPECT_THAT(result.eleven_points, Optional(DoubleNear(published.eleven_points, 1e-9)));
  }
}

TEST(VocAp, IsWhatOthersPublishedForFilesOfCoco) {
  if (PublicData("").empty()) GTEST_SKIP() << "set BOWERBIRD_TEST_DATA to the public data";
  const std::string folder = PublicData("review-toyexample/toyexample/");
  const auto files = MakeFileSystem();
  const auto coco = ReadCocoFiles(*files, {folder + "gts_coco_format/toy_example_coco.JSON",
                                           folder + "dets_coco_format/coco_dets.json"});
  ASSERT_TRUE(coco.ok()) << coco.status();
  for (const bool corners : {true, false}) {
    const VocResult at50 = VocAveragePrecision(coco->set, {0.5, corners});
    EXPECT_THAT(at50.eleven_points, Optional(DoubleNear(0.8864, 5e-5)));
    EXPECT_THAT(at50.every_point, Optional(DoubleNear(0.8958, 5e-5)));
    const VocResult at75 = VocAveragePrecision(coco->set, {0.75, corners});
    EXPECT_THAT(at75.eleven_points, Optional(DoubleNear(0.4924, 5e-5)));
    EXPECT_THAT(at75.every_point, Optional(DoubleNear(0.5097, 5e-5)));
  }
}

}  // namespace
}  // namespace bowerbird::evaluate
