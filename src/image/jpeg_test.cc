// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>

#include "base/status.h"
#include "image/codec.h"
#include "image/exif.h"
#include "image/formats.h"
#include "image/test_pictures.h"

namespace bowerbird::image {
namespace {

using testing::Bytes;
using testing::GradientPicture;
using ::testing::HasSubstr;
using testing::JpegRecipe;
using testing::MakeJpeg;

std::string Jpeg(const Image& image, int quality = 95) {
  return EncodeJpeg(image, quality).value();
}

std::vector<uint8_t> PixelsOf(const Image& image) {
  return {image.bytes().begin(), image.bytes().end()};
}

// Largest difference between two pictures of one size and format.
int Difference(const Image& a, const Image& b) {
  int most = 0;
  for (size_t i = 0; i < a.bytes().size(); ++i) {
    most = std::max(most, std::abs(a.bytes()[i] - b.bytes()[i]));
  }
  return most;
}

TEST(JpegTest, AGradientSurvivesEncodingAndDecoding) {
  const Image image = GradientPicture(96, 64);
  const auto decoded = Decode(Bytes(Jpeg(image)));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->size(), image.size());
  EXPECT_EQ(decoded->format(), PixelFormat::kRgb8);
  EXPECT_LE(Difference(*decoded, image), 12);
}

TEST(JpegTest, GrayStaysGray) {
  const Image image = GradientPicture(40, 24, PixelFormat::kGray8);
  const std::string jpeg = Jpeg(image);
  const auto header = ReadHeader(Bytes(jpeg));
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(header->format, PixelFormat::kGray8);
  const auto decoded = Decode(Bytes(jpeg));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->format(), PixelFormat::kGray8);
  EXPECT_LE(Difference(*decoded, image), 4);
}

TEST(JpegTest, OnePixelRoundTrips) {
  Image image(1, 1, PixelFormat::kRgb8);
  image.bytes()[0] = image.bytes()[1] = image.bytes()[2] = 200;
  const auto decoded = Decode(Bytes(Jpeg(image)));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->size(), (Size{1, 1}));
  EXPECT_LE(Difference(*decoded, image), 3);
}

// Every pixel C, M, Y, K = 51, 102, 153, 25 of 255 ink.
TEST(JpegTest, CmykBecomesRgbWithAndWithoutAdobesInversion) {
  const uint8_t ink[] = {51, 102, 153, 25};
  for (const bool adobe : {false, true}) {
    for (const J_COLOR_SPACE stored : {JCS_CMYK, JCS_YCCK}) {
      if (stored == JCS_YCCK && !adobe) continue;  // cannot be told from CMYK without the marker
      std::vector<uint8_t> rows;
      for (int i = 0; i < 16 * 16 * 4; ++i) {
        rows.push_back(adobe ? static_cast<uint8_t>(255 - ink[i % 4]) : ink[i % 4]);
      }
      const std::string jpeg = MakeJpeg(rows, 16, 16, {false, JCS_CMYK, stored, adobe, 4, 100});
      const auto decoded = Decode(Bytes(jpeg));
      ASSERT_TRUE(decoded.ok()) << decoded.status();
      ASSERT_EQ(decoded->format(), PixelFormat::kRgb8);
      for (int c = 0; c < 3; ++c) {
        EXPECT_NEAR(decoded->row(8)[8 * 3 + c], (255 - ink[c]) * (255 - ink[3]) / 255, 3)
            << "adobe " << adobe << " space " << stored << " channel " << c;
      }
    }
  }
}

TEST(JpegTest, TwoChannelsAreRefused) {
  const std::vector<uint8_t> rows(16 * 16 * 2, 100);
  const std::string jpeg = MakeJpeg(rows, 16, 16, {false, JCS_UNKNOWN, JCS_UNKNOWN, false, 2, 90});
  const auto decoded = Decode(Bytes(jpeg));
  EXPECT_EQ(decoded.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(decoded.status()), HasSubstr("2 colour channels"));
}

TEST(JpegTest, ScaledDecodingGivesTheSmallestFastScaleThatSuffices) {
  const std::string jpeg = Jpeg(GradientPicture(1000, 600));
  const struct {
    Size at_least, decoded;
  } cases[] = {{{0, 0}, {1000, 600}},      {{1, 1}, {125, 75}},       {{126, 1}, {250, 150}},
               {{300, 300}, {500, 300}},   {{300, 301}, {1000, 600}}, {{1000, 1}, {1000, 600}},
               {{4000, 4000}, {1000, 600}}};
  for (const auto& test : cases) {
    DecodeOptions options;
    options.at_least = test.at_least;
    const auto decoded = Decode(Bytes(jpeg), options);
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(decoded->size(), test.decoded) << test.at_least.width << "x" << test.at_least.height;
  }
}

TEST(JpegTest, ScaledDecodingShowsTheSamePicture) {
  const Image small = GradientPicture(100, 60);
  DecodeOptions options;
  options.at_least = {100, 60};
  const auto decoded = Decode(Bytes(Jpeg(GradientPicture(800, 480))), options);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  ASSERT_EQ(decoded->size(), small.size());
  EXPECT_LE(Difference(*decoded, small), 6);
}

TEST(JpegTest, ScaleIsChosenForThePictureAsAPersonSeesIt) {
  // Stored 800x400, seen 400x800: 200x400 is a half.
  const std::string jpeg =
      testing::WithExif(Jpeg(GradientPicture(800, 400)), testing::TiffWithOrientation(6, true));
  DecodeOptions options;
  options.at_least = {200, 400};
  const auto decoded = Decode(Bytes(jpeg), options);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->size(), (Size{200, 400}));
}

TEST(JpegTest, EveryCutIsAnErrorInBothCodings) {
  const Image image = testing::NoisePicture(33, 17, PixelFormat::kRgb8);
  for (const bool progressive : {false, true}) {
    const std::string jpeg =
        MakeJpeg(PixelsOf(image), 33, 17, {progressive, JCS_RGB, JCS_YCbCr, false, 3, 80});
    ASSERT_TRUE(Decode(Bytes(jpeg)).ok());
    for (size_t size = 0; size < jpeg.size(); ++size) {
      // A copy of its own, so that reading on is noticed by the sanitizer.
      const std::vector<uint8_t> cut(jpeg.begin(), jpeg.begin() + static_cast<ptrdiff_t>(size));
      const auto decoded = Decode(cut);
      ASSERT_EQ(decoded.status().code(), absl::StatusCode::kInvalidArgument)
          << "progressive " << progressive << ", " << size << " of " << jpeg.size();
    }
  }
}

TEST(JpegTest, ACutPictureSaysSo) {
  std::string jpeg = Jpeg(testing::NoisePicture(64, 64, PixelFormat::kRgb8));
  jpeg.resize(jpeg.size() / 2);
  EXPECT_THAT(MessageOf(Decode(Bytes(jpeg)).status()), HasSubstr("cut off"));
  // Cut in the middle and closed: no less damaged.
  jpeg += "\xFF\xD9";
  EXPECT_EQ(Decode(Bytes(jpeg)).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(JpegTest, WhatFollowsThePictureDoesNotMatter) {
  const std::string jpeg = Jpeg(GradientPicture(32, 32));
  const auto alone = Decode(Bytes(jpeg));
  const auto followed = Decode(Bytes(jpeg + jpeg + "trailing bytes"));
  ASSERT_TRUE(alone.ok() && followed.ok());
  EXPECT_EQ(PixelsOf(*alone), PixelsOf(*followed));
}

TEST(JpegTest, DamagedBytesNeverCrash) {
  const Image image = testing::NoisePicture(40, 40, PixelFormat::kRgb8);
  testing::Noise noise(7);
  for (const bool progressive : {false, true}) {
    const std::string good =
        MakeJpeg(PixelsOf(image), 40, 40, {progressive, JCS_RGB, JCS_YCbCr, false, 3, 80});
    for (int round = 0; round < 500; ++round) {
      std::vector<uint8_t> bad(good.begin(), good.end());
      for (int i = 0; i < 4; ++i) {
        bad[static_cast<size_t>(noise.Below(static_cast<int>(bad.size())))] =
            static_cast<uint8_t>(noise.Next());
      }
      DecodeOptions options;
      options.max_pixels = 1'000'000;
      const auto decoded = Decode(bad, options);
      if (decoded.ok()) continue;
      EXPECT_EQ(decoded.status().code(), absl::StatusCode::kInvalidArgument);
    }
  }
}

TEST(JpegTest, AFileOfEndlessScansIsRefused) {
  const Image image = GradientPicture(64, 64);
  const std::string jpeg =
      MakeJpeg(PixelsOf(image), 64, 64, {true, JCS_RGB, JCS_YCbCr, false, 3, 80});
  // The first scan, which may be repeated without contradiction.
  const size_t scan = jpeg.find("\xFF\xDA");
  const size_t end = jpeg.find("\xFF\xC4", scan);
  ASSERT_NE(end, std::string::npos);
  std::string bomb = jpeg.substr(0, end);
  for (int i = 0; i < 200; ++i) bomb += jpeg.substr(scan, end - scan);
  bomb += "\xFF\xD9";
  const auto decoded = Decode(Bytes(bomb));
  EXPECT_EQ(decoded.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(decoded.status()), HasSubstr("scans"));
}

TEST(JpegTest, AnEnormousPictureIsRefusedWithoutMemoryForIt) {
  std::string jpeg = Jpeg(GradientPicture(64, 64));
  const size_t frame = jpeg.find("\xFF\xC0");
  ASSERT_NE(frame, std::string::npos);
  const std::string side = "\x4E\x20";  // 20000
  jpeg.replace(frame + 5, 4, side + side);
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  const auto decoded = Decode(Bytes(jpeg));
  getrusage(RUSAGE_SELF, &after);
  EXPECT_EQ(decoded.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(decoded.status()), HasSubstr("20000x20000"));
  EXPECT_THAT(MessageOf(decoded.status()), HasSubstr("64000000 pixels"));
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 16 * 1024) << "kilobytes";
  EXPECT_FALSE(ReadHeader(Bytes(jpeg)).ok());
}

TEST(JpegTest, TooLargeASideCannotBeEncoded) {
  const Image image(70'000, 1, PixelFormat::kGray8);
  EXPECT_EQ(EncodeJpeg(image).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ExifTest, EveryOrientationIsTurnedUpright) {
  // Letters of the quarters as a person sees them, for 1..8.
  const char* const kSeen[] = {"RGBW", "GRWB", "WBGR", "BWRG", "RBGW", "BRWG", "WGBR", "GWRB"};
  const std::string jpeg = Jpeg(testing::Quarters(64, 32), 100);
  for (const bool big_endian : {false, true}) {
    for (int orientation = 1; orientation <= 8; ++orientation) {
      const std::string turned =
          testing::WithExif(jpeg, testing::TiffWithOrientation(orientation, big_endian));
      const Size size = orientation >= 5 ? Size{32, 64} : Size{64, 32};
      const auto header = ReadHeader(Bytes(turned));
      ASSERT_TRUE(header.ok()) << header.status();
      EXPECT_EQ(header->orientation, orientation);
      EXPECT_EQ(header->stored, (Size{64, 32}));
      EXPECT_EQ(header->size, size);
      const auto decoded = Decode(Bytes(turned));
      ASSERT_TRUE(decoded.ok()) << decoded.status();
      ASSERT_EQ(decoded->size(), size);
      std::string seen;
      for (const int y : {size.height / 4, size.height * 3 / 4}) {
        for (const int x : {size.width / 4, size.width * 3 / 4}) {
          const uint8_t* pixel = decoded->row(y) + x * 3;
          const int bits = (pixel[0] > 128 ? 4 : 0) + (pixel[1] > 128 ? 2 : 0) + (pixel[2] > 128);
          seen += "?B?????W"[bits];
          if (bits == 4) seen.back() = 'R';
          if (bits == 2) seen.back() = 'G';
        }
      }
      EXPECT_EQ(seen, kSeen[orientation - 1]) << "orientation " << orientation;
    }
  }
}

TEST(ExifTest, TurningCanBeSwitchedOff) {
  const std::string turned =
      testing::WithExif(Jpeg(testing::Quarters(64, 32)), testing::TiffWithOrientation(6, false));
  DecodeOptions options;
  options.apply_orientation = false;
  EXPECT_EQ(ReadHeader(Bytes(turned), options)->size, (Size{64, 32}));
  EXPECT_EQ(Decode(Bytes(turned), options)->size(), (Size{64, 32}));
}

TEST(ExifTest, EveryPixelFormatIsTurnedPixelByPixel) {
  for (const PixelFormat format :
       {PixelFormat::kGray8, PixelFormat::kRgb8, PixelFormat::kRgba8, PixelFormat::kDepth16}) {
    const Image image = testing::NoisePicture(67, 35, format);
    const Image turned = ApplyOrientation(image.Clone(), 6);
    const auto bytes = static_cast<size_t>(BytesPerPixel(format));
    for (int y = 0; y < turned.height(); ++y) {
      for (int x = 0; x < turned.width(); ++x) {
        // A quarter turn clockwise: the first row seen from below is the first column.
        ASSERT_EQ(
            std::memcmp(turned.row(y) + static_cast<size_t>(x) * bytes,
                        image.row(image.height() - 1 - x) + static_cast<size_t>(y) * bytes, bytes),
            0);
      }
    }
  }
}

TEST(ExifTest, DamagedBlocksMeanUpright) {
  const std::string good = testing::TiffWithOrientation(6, false);
  EXPECT_EQ(OrientationOfTiff(Bytes(good)), 6);
  for (size_t size = 0; size < 22; ++size) {
    const std::vector<uint8_t> cut(good.begin(), good.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_EQ(OrientationOfTiff(cut), 1) << size;
  }
  for (const int orientation : {0, 9, 255}) {
    EXPECT_EQ(OrientationOfTiff(Bytes(testing::TiffWithOrientation(orientation, true))), 1);
  }
  std::string far = good;
  far.replace(4, 4, "\xFF\xFF\xFF\xFF");
  EXPECT_EQ(OrientationOfTiff(Bytes(far)), 1);
}

TEST(ExifTest, OtherSegmentsBeforeItAreSkipped) {
  const std::string jpeg = Jpeg(GradientPicture(16, 16));
  std::string with = testing::WithExif(jpeg, testing::TiffWithOrientation(3, true));
  with = with.substr(0, 2) + std::string("\xFF\xE1\0\x06http", 8) + with.substr(2);
  EXPECT_EQ(OrientationOfJpeg(Bytes(with)), 3);
  EXPECT_EQ(OrientationOfJpeg(Bytes(jpeg)), 1);
}

}  // namespace
}  // namespace bowerbird::image
