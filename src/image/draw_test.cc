// SPDX-License-Identifier: Apache-2.0
#include "image/draw.h"

#include <gtest/gtest.h>

#include <climits>
#include <cmath>
#include <cstring>
#include <string>

#include "image/test_pictures.h"

namespace bowerbird::image {
namespace {

Image Black(int width, int height) {
  Image image(width, height, PixelFormat::kRgb8);
  std::memset(image.bytes().data(), 0, image.bytes().size());
  return image;
}

bool Is(const Image& image, int x, int y, Color color) {
  const uint8_t* pixel = image.row(y) + x * 3;
  return pixel[0] == color.r && pixel[1] == color.g && pixel[2] == color.b;
}

int CountChanged(const Image& image) {
  int count = 0;
  for (int y = 0; y < image.height(); ++y) {
    for (int x = 0; x < image.width(); ++x) count += !Is(image, x, y, {0, 0, 0});
  }
  return count;
}

TEST(DrawTest, ABoxIsItsCornersAndItsThicknessInwards) {
  Image image = Black(40, 30);
  const Color red{255, 0, 0};
  DrawBox(image, {5, 6, 20, 15}, red, 2);
  EXPECT_TRUE(Is(image, 5, 6, red));
  EXPECT_TRUE(Is(image, 20, 15, red));
  EXPECT_TRUE(Is(image, 6, 10, red));
  EXPECT_FALSE(Is(image, 4, 6, red));
  EXPECT_FALSE(Is(image, 21, 15, red));
  EXPECT_FALSE(Is(image, 7, 8, red));
  EXPECT_EQ(CountChanged(image), 16 * 10 - 12 * 6);
}

TEST(DrawTest, ThickOrFlatBoxesAreFilledNotExceeded) {
  Image image = Black(20, 20);
  DrawBox(image, {5, 5, 8, 7}, {1, 2, 3}, 10);
  EXPECT_EQ(CountChanged(image), 4 * 3);
  Image dot = Black(20, 20);
  DrawBox(dot, {5, 5, 5, 5}, {1, 2, 3});
  EXPECT_EQ(CountChanged(dot), 1);
}

TEST(DrawTest, ReversedCornersAreTheSameBox) {
  Image a = Black(20, 20), b = Black(20, 20);
  DrawBox(a, {3, 4, 10, 12}, {9, 9, 9});
  DrawBox(b, {10, 12, 3, 4}, {9, 9, 9});
  EXPECT_TRUE(std::equal(a.bytes().begin(), a.bytes().end(), b.bytes().begin()));
}

TEST(DrawTest, WhatLiesOutsideIsClipped) {
  Image image = Black(10, 10);
  DrawBox(image, {-5, -5, 4, 4}, {255, 0, 0}, 1);
  EXPECT_EQ(CountChanged(image), 5 + 4);
  DrawBox(image, {100, 100, 200, 200}, {255, 0, 0}, 3);
  EXPECT_EQ(CountChanged(image), 9);
  DrawBox(image, {INT_MIN, 0, INT_MAX, INT_MAX}, {255, 0, 0}, INT_MAX);
  EXPECT_EQ(CountChanged(image), 100);
}

TEST(DrawTest, ALabelIsReadableTextOnItsBackground) {
  Image image = Black(200, 60);
  const Color background{255, 255, 0};
  DrawLabel(image, 10, 10, "person 0.87", background, 14);
  EXPECT_TRUE(Is(image, 10, 10, background));
  EXPECT_TRUE(Is(image, 9, 10, {0, 0, 0}));
  int dark = 0, light = 0;
  for (int y = 11; y < 24; ++y) {
    for (int x = 12; x < 60; ++x) {
      const uint8_t* pixel = image.row(y) + x * 3;
      dark += pixel[0] < 80;
      light += Is(image, x, y, background);
    }
  }
  EXPECT_GT(dark, 40);
  EXPECT_GT(light, 200);
}

TEST(DrawTest, TextHasTheHeightAskedFor) {
  for (const int height : {10, 20, 40}) {
    Image image = Black(100, 100);
    DrawText(image, 10, 80, "H", {255, 255, 255}, height);
    int top = 100, bottom = -1;
    for (int y = 0; y < 100; ++y) {
      for (int x = 0; x < 100; ++x) {
        if (image.row(y)[x * 3] < 128) continue;
        top = std::min(top, y);
        bottom = std::max(bottom, y);
      }
    }
    EXPECT_NEAR(bottom - top + 1, height, 3);
    EXPECT_NEAR(bottom, 80, 2);
  }
}

TEST(DrawTest, TextAnywhereAndOfAnyBytesIsSafe) {
  Image image = Black(30, 20);
  for (const int at : {INT_MIN, -40'000, -10, 0, 15, 29, 40'000, INT_MAX}) {
    DrawText(image, at, at, "abc", {255, 255, 255});
    DrawLabel(image, at, 5, "abc", {10, 20, 30});
    DrawLabel(image, 5, at, std::string(100'000, 'W'), {10, 20, 30}, 1'000'000);
  }
  std::string bytes;
  for (int c = 0; c < 256; ++c) bytes += static_cast<char>(c);
  DrawText(image, 0, 10, bytes, {255, 255, 255}, -5);
  Image one = Black(1, 1);
  DrawLabel(one, 0, 0, "x", {1, 1, 1});
  EXPECT_EQ(one.size(), (Size{1, 1}));
}

TEST(DrawTest, OtherFormatsAreLeftAlone) {
  Image gray(10, 10, PixelFormat::kGray8);
  std::memset(gray.bytes().data(), 0, gray.bytes().size());
  DrawBox(gray, {0, 0, 9, 9}, {255, 255, 255});
  DrawLabel(gray, 0, 0, "x", {255, 255, 255});
  for (const uint8_t byte : gray.bytes()) EXPECT_EQ(byte, 0);
}

TEST(DrawTest, ClassesHaveFixedAndDistinctColours) {
  EXPECT_EQ(ColorOfClass(3).r, ColorOfClass(3).r);
  const auto distance = [](Color a, Color b) {
    return std::hypot(a.r - b.r, a.g - b.g, a.b - b.b);
  };
  for (int id = 0; id < 100; ++id) {
    EXPECT_GT(distance(ColorOfClass(id), ColorOfClass(id + 1)), 100) << id;
  }
  for (int a = 0; a < 8; ++a) {
    for (int b = 0; b < a; ++b) EXPECT_GT(distance(ColorOfClass(a), ColorOfClass(b)), 40);
  }
}

}  // namespace
}  // namespace bowerbird::image
