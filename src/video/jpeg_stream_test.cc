// SPDX-License-Identifier: Apache-2.0
#include "video/jpeg_stream.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "image/codec.h"

namespace bowerbird::video {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::string_literals;

std::string Segment(uint8_t code, const std::string& payload) {
  const size_t length = payload.size() + 2;
  return "\xff"s + static_cast<char>(code) + static_cast<char>(length >> 8) +
         static_cast<char>(length) + payload;
}

std::string Picture(const std::string& data) {
  return "\xff\xd8"s + Segment(0xc0, "frame") + Segment(0xda, "scan") + data + "\xff\xd9"s;
}

std::vector<std::string> Split(const std::string& bytes, size_t chunk = std::string::npos,
                               size_t max_picture = JpegStream::kMaxPicture,
                               uint64_t* skipped = nullptr) {
  JpegStream stream(max_picture);
  std::vector<std::string> pictures;
  for (size_t i = 0; i < bytes.size(); i += std::min(chunk, bytes.size())) {
    stream.Append(std::string_view(bytes).substr(i, chunk));
    while (auto picture = stream.Take()) pictures.push_back(*picture);
  }
  if (skipped != nullptr) *skipped = stream.skipped_bytes();
  return pictures;
}

std::string RealJpeg(int width, int height, unsigned seed) {
  std::mt19937 random(seed);
  image::Image picture(width, height, image::PixelFormat::kRgb8);
  for (auto& byte : picture.bytes()) byte = static_cast<uint8_t>(random());
  return *image::EncodeJpeg(picture, 90);
}

TEST(JpegStream, CutsPicturesApart) {
  const std::string a = Picture("first"), b = Picture(""), c = Picture("third");
  EXPECT_THAT(Split(a + b + c), ElementsAre(a, b, c));
}

TEST(JpegStream, GivesAPictureAtItsLastByte) {
  const std::string a = Picture("data");
  JpegStream stream;
  stream.Append(std::string_view(a).substr(0, a.size() - 1));
  EXPECT_FALSE(stream.Take().has_value());
  stream.Append("\xd9");
  EXPECT_EQ(stream.Take(), a);
  EXPECT_FALSE(stream.Take().has_value());
}

TEST(JpegStream, SkipsAndCountsWhatLiesBetween) {
  const std::string a = Picture("x");
  uint64_t skipped = 0;
  EXPECT_THAT(Split("junk\xff\xff"s + a + "--boundary\r\n\r\n" + a + "\xff", 1000, 1000, &skipped),
              ElementsAre(a, a));
  EXPECT_EQ(skipped, 4u + 2 + 14 + 1);
}

TEST(JpegStream, StuffedBytesRestartsAndFillBytesAreData) {
  const std::string a = Picture("a\xff\x00\xff\xd0z\xff\xd7\xff\xff\x00"s);
  EXPECT_THAT(Split(a), ElementsAre(a));
}

TEST(JpegStream, MarkersInsideASegmentAreNotTheEnd) {
  // A thumbnail in an APP1 segment is a whole picture in itself.
  const std::string a =
      "\xff\xd8"s + Segment(0xe1, Picture("thumbnail")) + Picture("whole").substr(2);
  EXPECT_THAT(Split(a), ElementsAre(a));
}

TEST(JpegStream, ProgressivePicturesHaveSeveralScans) {
  const std::string a = "\xff\xd8"s + Segment(0xc2, "frame") + Segment(0xda, "1") + "aaa" +
                        Segment(0xc4, "table") + Segment(0xda, "2") + "bbb\xff\xd9";
  EXPECT_THAT(Split(a), ElementsAre(a));
}

TEST(JpegStream, EmptySegmentsAreAllowed) {
  const std::string a = "\xff\xd8"s + Segment(0xfe, "") + Picture("x").substr(2);
  EXPECT_THAT(Split(a), ElementsAre(a));
}

TEST(JpegStream, ACutOffPictureIsSkippedAndTheNextIsFound) {
  const std::string a = Picture("abcdef"), b = Picture("next");
  EXPECT_THAT(Split(a.substr(0, a.size() - 4) + b + a), ElementsAre(b, a));  // cut in the data
  EXPECT_THAT(Split("\xff\xd8"s + b), ElementsAre(b));
  // Cut inside a segment: the next picture's bytes are taken for its rest; the one after is found.
  EXPECT_THAT(Split("\xff\xd8\xff\xe0\x00\x08"s + b + a), ElementsAre(a));
}

TEST(JpegStream, WhatHasNoScanIsNoPicture) {
  EXPECT_THAT(Split("\xff\xd8\xff\xd9"s), IsEmpty());
  EXPECT_THAT(Split("\xff\xd8"s + Segment(0xe0, "JFIF") + "\xff\xd9"), IsEmpty());
  EXPECT_THAT(Split("\xff\xd8\xff\xe0\x00\x01\xff\xd9"s), IsEmpty());  // impossible length
  EXPECT_THAT(Split("\xff\xd8\xff\x00"s), IsEmpty());
}

TEST(JpegStream, PicturesLongerThanTheLimitAreSkipped) {
  const std::string small = Picture(std::string(100, 'x'));
  const std::string large = Picture(std::string(101, 'x'));
  for (const size_t chunk : {size_t{1}, size_t{7}, size_t{1000}}) {
    EXPECT_THAT(Split(small + large + small, chunk, small.size()), ElementsAre(small, small));
  }
}

TEST(JpegStream, HoldsNoMoreThanTheLimitOfEndlessData) {
  JpegStream stream(10'000);
  stream.Append(Picture("x").substr(0, 12));
  const std::string data(5'000, 'y');
  for (int i = 0; i < 1'000; ++i) stream.Append(data);
  EXPECT_GE(stream.skipped_bytes(), 4'980'000u);
}

TEST(JpegStream, RealPicturesDecodeAsTheyWereEncoded) {
  std::string bytes;
  std::vector<std::string> pictures;
  for (unsigned i = 1; i <= 20; ++i) {
    pictures.push_back(RealJpeg(static_cast<int>(16 * i), static_cast<int>(7 * i), i));
    bytes += pictures.back();
  }
  EXPECT_EQ(Split(bytes), pictures);
}

// Property: however a stream is cut into chunks, damaged or not, the pictures are the same.
TEST(JpegStream, ChunksDoNotMatter) {
  std::mt19937 random(20240229);
  for (int round = 0; round < 300; ++round) {
    std::string bytes;
    for (int i = 0; i < 6; ++i) {
      std::string picture = random() % 2 == 0 ? RealJpeg(24, 16, static_cast<unsigned>(random()))
                                              : Picture(std::string(random() % 40, '\xff'));
      if (random() % 3 == 0) picture[random() % picture.size()] = static_cast<char>(random());
      if (random() % 4 == 0) picture.resize(random() % picture.size());
      bytes += picture;
    }
    const size_t limit = random() % 2 == 0 ? JpegStream::kMaxPicture : 600;
    uint64_t skipped_whole = 0, skipped_cut = 0;
    const auto whole = Split(bytes, std::string::npos, limit, &skipped_whole);
    for (const size_t chunk : {size_t{1}, size_t{2}, size_t{3}, 1 + random() % 1000}) {
      ASSERT_EQ(Split(bytes, chunk, limit, &skipped_cut), whole) << "round " << round;
      ASSERT_EQ(skipped_cut, skipped_whole) << "round " << round;
    }
    for (const auto& picture : whole) {
      ASSERT_TRUE(picture.starts_with("\xff\xd8") && picture.ends_with("\xff\xd9"));
      ASSERT_LE(picture.size(), limit);
    }
  }
}

}  // namespace
}  // namespace bowerbird::video
