// SPDX-License-Identifier: Apache-2.0
#include "annotation/split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "annotation/leak_report.h"
#include "annotation/near_duplicates.h"
#include "annotation/perceptual_hash.h"
#include "base/sha256.h"

namespace bowerbird::annotation {
namespace {

std::vector<std::string> Keys(size_t count) {
  std::vector<std::string> keys;
  for (size_t i = 0; i < count; ++i) keys.push_back("folder/" + std::to_string(i) + ".jpg");
  return keys;
}

std::vector<SplitItem> Items(const std::vector<std::string>& keys) {
  std::vector<SplitItem> items;
  for (const std::string& key : keys) items.push_back({.key = key});
  return items;
}

TEST(Split, IsTheFirstFifthInTheOrderOfTheHashes) {
  const auto keys = Keys(200);
  const auto sides = AssignSplits(Items(keys), {.seed = 7});
  ASSERT_TRUE(sides.ok()) << sides.status();
  std::vector<std::pair<std::string, size_t>> order;
  for (size_t i = 0; i < keys.size(); ++i) order.emplace_back(Sha256Hex("7" + keys[i]), i);
  std::sort(order.begin(), order.end());
  for (size_t place = 0; place < order.size(); ++place) {
    EXPECT_EQ((*sides)[order[place].second], place < 40 ? Split::kValidation : Split::kTraining);
  }
}

TEST(Split, DoesNotDependOnTheOrderOfTheItems) {
  auto keys = Keys(50);
  const auto sides = AssignSplits(Items(keys), {.seed = 1, .test_fraction = 0.2});
  ASSERT_TRUE(sides.ok());
  std::map<std::string, Split> by_key;
  for (size_t i = 0; i < keys.size(); ++i) by_key[keys[i]] = (*sides)[i];
  std::reverse(keys.begin(), keys.end());
  const auto again = AssignSplits(Items(keys), {.seed = 1, .test_fraction = 0.2});
  for (size_t i = 0; i < keys.size(); ++i) EXPECT_EQ((*again)[i], by_key[keys[i]]);
  EXPECT_EQ(std::count(again->begin(), again->end(), Split::kTest), 10);
  EXPECT_EQ(std::count(again->begin(), again->end(), Split::kValidation), 10);
}

TEST(Split, KeepsBurstsOfOneCameraTogetherAndThoseOfTwoApart) {
  const auto keys = Keys(100);
  auto items = Items(keys);
  for (size_t i = 0; i < items.size(); ++i) {
    items[i].source = i % 2 == 0 ? "left" : "right";
    // Ten pictures half a second apart, then a pause.
    items[i].nanoseconds =
        static_cast<int64_t>(i / 20) * 60'000'000'000 + static_cast<int64_t>(i % 20) * 250'000'000;
  }
  const SplitRule rule{.seed = 3, .validation_fraction = 0.3, .burst_seconds = 1};
  const auto groups = GroupItems(items, rule);
  ASSERT_TRUE(groups.ok());
  EXPECT_EQ(std::set<uint32_t>(groups->begin(), groups->end()).size(), 10u);
  const auto sides = AssignSplits(items, rule);
  for (size_t i = 0; i < items.size(); ++i) EXPECT_EQ((*sides)[i], (*sides)[(*groups)[i]]);
  EXPECT_EQ(std::count(sides->begin(), sides->end(), Split::kValidation), 30);
}

TEST(Split, TakesTheSmallestGroupWhereNoneFits) {
  const auto keys = Keys(10);
  auto items = Items(keys);
  for (size_t i = 0; i < 10; ++i) items[i].perceptual_hash = i < 6 ? 0x5555u : 0xFF00FF00FF00u;
  const auto sides = AssignSplits(items, {.validation_fraction = 0.1, .near_duplicate_bits = 2});
  ASSERT_TRUE(sides.ok());
  EXPECT_EQ(std::count(sides->begin(), sides->end(), Split::kValidation), 4);
}

TEST(Split, RefusesRulesThatMakeNoSense) {
  const std::vector<SplitItem> none;
  for (const SplitRule& rule :
       {SplitRule{.validation_fraction = 0.7, .test_fraction = 0.5},
        SplitRule{.validation_fraction = -0.1}, SplitRule{.validation_fraction = std::nan("")},
        SplitRule{.near_duplicate_bits = 40}, SplitRule{.burst_seconds = -1}}) {
    EXPECT_EQ(AssignSplits(none, rule).status().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_TRUE(AssignSplits(none, {}).ok());
}

std::vector<uint64_t> RandomHashes(size_t count, std::mt19937_64& random) {
  std::vector<uint64_t> values(count);
  for (uint64_t& value : values) value = random();
  // Neighbours at every small distance.
  for (size_t i = 0; i + 1 < count; i += 2) {
    values[i + 1] = values[i];
    for (size_t flips = random() % 14; flips > 0; --flips) {
      values[i + 1] ^= uint64_t{1} << random() % 64;
    }
  }
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

TEST(NearDuplicates, IndexFindsWhatComparingAllWithAllFinds) {
  std::mt19937_64 random(5);
  const auto values = RandomHashes(3000, random);
  for (const uint32_t bits : {0u, 1u, 3u, 4u, 8u, 10u}) {
    std::multiset<std::pair<size_t, size_t>> indexed, compared;
    FindNearPairs(values, bits, [&](size_t a, size_t b, uint32_t distance) {
      EXPECT_EQ(distance, HammingDistance(values[a], values[b]));
      indexed.emplace(a, b);
    });
    for (size_t a = 0; a < values.size(); ++a) {
      for (size_t b = a + 1; b < values.size(); ++b) {
        if (HammingDistance(values[a], values[b]) <= bits) compared.emplace(a, b);
      }
    }
    EXPECT_EQ(indexed, compared) << bits;
  }
}

TEST(LeakReport, ListsPairsAcrossSidesTheMostAlikeFirstAndCountsAll) {
  const std::vector<LeakCandidate> items{
      {0b0000, Split::kTraining},   {0b0001, Split::kValidation}, {0b0000, Split::kTest},
      {0b0000, Split::kTraining},   {~uint64_t{0}, Split::kTest}, {std::nullopt, Split::kTest},
      {0b0111, Split::kValidation},
  };
  const auto report = FindLeaks(items, 2);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->pair_count, 5u);
  ASSERT_EQ(report->pairs.size(), 5u);
  const auto pair = [&](size_t i) {
    return std::tuple(report->pairs[i].first, report->pairs[i].second,
                      report->pairs[i].different_bits);
  };
  EXPECT_EQ(pair(0), std::tuple(0u, 2u, 0u));
  EXPECT_EQ(pair(1), std::tuple(2u, 3u, 0u));
  EXPECT_EQ(pair(2), std::tuple(0u, 1u, 1u));
  const auto best = FindLeaks(items, 2, 2);
  EXPECT_EQ(best->pair_count, 5u);
  ASSERT_EQ(best->pairs.size(), 2u);
  EXPECT_EQ(best->pairs[1].first, 2u);
  EXPECT_FALSE(FindLeaks(items, 11).ok());
}

TEST(LeakReport, ManyEqualPicturesCostLittle) {
  std::vector<LeakCandidate> items(200'000);
  for (size_t i = 0; i < items.size(); ++i) {
    items[i] = {0x1234, i % 2 == 0 ? Split::kTraining : Split::kTest};
  }
  const auto report = FindLeaks(items, 4, 10);
  EXPECT_EQ(report->pair_count, uint64_t{100'000} * 100'000);
  ASSERT_EQ(report->pairs.size(), 10u);
  EXPECT_EQ(report->pairs[9].first, 0u);
  EXPECT_EQ(report->pairs[9].second, 19u);
}

image::Image Ramp(int width, int height, int slope) {
  image::Image image(width, height, image::PixelFormat::kGray8);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      image.row(y)[x] = static_cast<uint8_t>(128 + slope * (x - width / 2) * 100 / width);
    }
  }
  return image;
}

TEST(PerceptualHash, SetsABitWhereAPictureGetsLighterToTheRight) {
  EXPECT_EQ(PerceptualHash(Ramp(90, 80, 1)), ~uint64_t{0});
  EXPECT_EQ(PerceptualHash(Ramp(90, 80, -1)), uint64_t{0});
  EXPECT_EQ(PerceptualHash(Ramp(3, 2, 1)).has_value(), true);
}

TEST(PerceptualHash, OfAPictureWithoutStructureIsNone) {
  EXPECT_EQ(PerceptualHash(Ramp(90, 80, 0)), std::nullopt);
  EXPECT_EQ(PerceptualHash(image::Image()), std::nullopt);
}

TEST(PerceptualHash, OfARecompressedPictureIsNear) {
  image::Image scene(320, 240, image::PixelFormat::kRgb8);
  std::mt19937 random(3);
  for (int y = 0; y < 240; ++y) {
    for (int x = 0; x < 320 * 3; ++x) {
      const int block = ((x / 3 / 40) * 7 + (y / 30) * 13) % 11;
      scene.row(y)[x] = static_cast<uint8_t>(20 * block + static_cast<int>(random() % 20));
    }
  }
  const auto fine = image::Picture::FromImage(scene.Clone(), image::kMimeJpeg, 95);
  const auto coarse = image::Picture::FromImage(scene.Clone(), image::kMimeJpeg, 30);
  ASSERT_TRUE(fine.ok() && coarse.ok());
  const auto a = PerceptualHashOf(**fine), b = PerceptualHashOf(**coarse);
  ASSERT_TRUE(a.ok() && a->has_value() && b.ok() && b->has_value());
  EXPECT_LE(HammingDistance(**a, **b), 3u);
  EXPECT_FALSE(PerceptualHashOf(*image::Picture::FromBytes("no picture")).ok());
}

}  // namespace
}  // namespace bowerbird::annotation
