// SPDX-License-Identifier: Apache-2.0
#include "image/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"
#include "image/test_pictures.h"

namespace bowerbird::image {
namespace {

using testing::Bytes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::NoisePicture;

std::vector<int> PixelsOf(const Image& image) {
  return {image.bytes().begin(), image.bytes().end()};
}

TEST(CodecTest, ContentDecidesTheFormat) {
  const Image image = NoisePicture(8, 8, PixelFormat::kRgb8);
  EXPECT_EQ(SniffMime(Bytes(EncodeJpeg(image).value())), kMimeJpeg);
  EXPECT_EQ(SniffMime(Bytes(EncodePng(image).value())), kMimePng);
  EXPECT_EQ(SniffMime(Bytes(EncodeRawRgba(image))), kMimeRawRgba);
  EXPECT_EQ(SniffMime(Bytes("DEPTHMAP....")), kMimeRawDepth);
  EXPECT_EQ(SniffMime(Bytes("BM..........")), kMimeBmp);
  EXPECT_EQ(SniffMime(Bytes("GIF89a")), "");
  EXPECT_EQ(SniffMime(Bytes("")), "");
}

TEST(CodecTest, WhatIsNoPictureIsRefusedByName) {
  const struct {
    std::string bytes, says;
  } cases[] = {{"", "0 bytes"},
               {"hello world, this is a text", "no known format"},
               {"GIF89a............", "is GIF"},
               {std::string("RIFF\0\0\0\0WEBPVP8 ", 16), "is WebP"},
               {std::string("\0\0\0\x18"
                            "ftypheic",
                            12),
                "is HEIF"}};
  for (const auto& test : cases) {
    for (const absl::Status& status :
         {Decode(Bytes(test.bytes)).status(), ReadHeader(Bytes(test.bytes)).status()}) {
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
      EXPECT_THAT(MessageOf(status), HasSubstr(test.says));
    }
  }
}

TEST(CodecTest, TheLimitOnPixelsIsTheCallers) {
  const std::string png = EncodePng(NoisePicture(10, 10, PixelFormat::kGray8)).value();
  DecodeOptions options;
  options.max_pixels = 100;
  EXPECT_TRUE(Decode(Bytes(png), options).ok());
  options.max_pixels = 99;
  EXPECT_FALSE(Decode(Bytes(png), options).ok());
}

TEST(CodecTest, ToRgbRepeatsGrayMultipliesAlphaAndScalesDepth) {
  Image gray(2, 1, PixelFormat::kGray8);
  gray.bytes()[0] = 7;
  gray.bytes()[1] = 255;
  EXPECT_THAT(PixelsOf(ToRgb(gray)), ElementsAre(7, 7, 7, 255, 255, 255));

  Image rgba(3, 1, PixelFormat::kRgba8);
  const uint8_t pixels[] = {200, 100, 50, 255, 200, 100, 50, 128, 200, 100, 50, 0};
  std::copy(std::begin(pixels), std::end(pixels), rgba.bytes().begin());
  EXPECT_THAT(PixelsOf(ToRgb(rgba)), ElementsAre(200, 100, 50, 100, 50, 25, 0, 0, 0));

  Image depth(3, 1, PixelFormat::kDepth16);
  depth.depth_row(0)[0] = 0;
  depth.depth_row(0)[1] = 2000;
  depth.depth_row(0)[2] = 4000;
  EXPECT_THAT(PixelsOf(ToRgb(depth)), ElementsAre(0, 0, 0, 128, 128, 128, 255, 255, 255));
}

TEST(CodecTest, DepthOfNothingIsBlack) {
  Image depth(2, 1, PixelFormat::kDepth16);
  depth.depth_row(0)[0] = depth.depth_row(0)[1] = 0;
  EXPECT_THAT(PixelsOf(ToRgb(depth)), ElementsAre(0, 0, 0, 0, 0, 0));
}

TEST(CodecTest, EncodesByMimeTypeAndListsWhatItCan) {
  const Image image = NoisePicture(8, 8, PixelFormat::kRgb8);
  EXPECT_EQ(SniffMime(Bytes(Encode(image, "image/jpeg").value())), kMimeJpeg);
  EXPECT_EQ(SniffMime(Bytes(Encode(image, "image/png+lazy").value())), kMimePng);
  EXPECT_EQ(SniffMime(Bytes(Encode(image, "image/vnd.viam.rgba").value())), kMimeRawRgba);
  EXPECT_THAT(MessageOf(Encode(image, "image/vnd.viam.dep").status()), HasSubstr("depth"));
  const auto webp = Encode(image, "image/webp");
  EXPECT_EQ(webp.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(webp.status()), HasSubstr("image/webp"));
  EXPECT_THAT(MessageOf(webp.status()), HasSubstr("image/png"));
  for (const auto mime : {kMimeJpeg, kMimePng, kMimeRawRgba, kMimeRawDepth}) {
    EXPECT_FALSE(Encode(Image(), mime).ok()) << mime;
  }
}

TEST(RawTest, RgbaHasTheBytesOfTheWire) {
  Image image(2, 1, PixelFormat::kRgba8);
  for (uint8_t i = 0; i < 8; ++i) image.bytes()[i] = static_cast<uint8_t>(i + 1);
  const std::string expected("RGBA\0\0\0\x02\0\0\0\x01\x01\x02\x03\x04\x05\x06\x07\x08", 20);
  EXPECT_EQ(EncodeRawRgba(image), expected);
  const auto decoded = Decode(Bytes(expected));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(PixelsOf(*decoded), PixelsOf(image));
}

TEST(RawTest, OpaquePicturesGetAlpha255) {
  Image image(1, 1, PixelFormat::kRgb8);
  image.bytes()[0] = 9;
  image.bytes()[1] = 8;
  image.bytes()[2] = 7;
  EXPECT_EQ(EncodeRawRgba(image), std::string("RGBA\0\0\0\x01\0\0\0\x01\x09\x08\x07\xFF", 16));
}

TEST(RawTest, DepthHasTheBytesOfTheWire) {
  Image image(1, 2, PixelFormat::kDepth16);
  image.depth_row(0)[0] = 0x0102;
  image.depth_row(1)[0] = 0xFFFE;
  const std::string expected("DEPTHMAP\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\x01\x02\xFF\xFE", 28);
  EXPECT_EQ(EncodeRawDepth(image).value(), expected);
  const auto decoded = Decode(Bytes(expected));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->format(), PixelFormat::kDepth16);
  EXPECT_EQ(PixelsOf(*decoded), PixelsOf(image));
}

TEST(RawTest, SizesThatDoNotFitTheBytesAreRefused) {
  const std::string rgba = EncodeRawRgba(NoisePicture(3, 2, PixelFormat::kRgba8));
  const std::string depth = EncodeRawDepth(NoisePicture(3, 2, PixelFormat::kDepth16)).value();
  for (const std::string& good : {rgba, depth}) {
    ASSERT_TRUE(Decode(Bytes(good)).ok());
    for (size_t size = 0; size < good.size(); ++size) {
      const std::vector<uint8_t> cut(good.begin(), good.begin() + static_cast<ptrdiff_t>(size));
      EXPECT_EQ(Decode(cut).status().code(), absl::StatusCode::kInvalidArgument) << size;
    }
    EXPECT_FALSE(Decode(Bytes(good + "x")).ok());
  }
}

TEST(RawTest, SizesThatOverflowAreRefused) {
  const std::string sides[] = {std::string("\0\0\0\0", 4), std::string("\xFF\xFF\xFF\xFF", 4),
                               std::string("\x80\0\0\0", 4)};
  for (const std::string& width : sides) {
    for (const std::string& height : sides) {
      EXPECT_FALSE(Decode(Bytes("RGBA" + width + height)).ok());
      EXPECT_FALSE(Decode(Bytes("DEPTHMAP" + width + width + height + height)).ok());
    }
  }
}

// A bitmap header of 54 bytes with what follows it.
std::string Bmp(int width, int height, int bits, const std::string& rest, uint32_t colors = 0) {
  const auto little = [](uint32_t value) {
    const std::string big = testing::BigEndian32(value);
    return std::string(big.rbegin(), big.rend());
  };
  const uint32_t offset = 54 + colors * 4;
  return "BM" + little(offset + static_cast<uint32_t>(rest.size())) + little(0) + little(offset) +
         little(40) + little(static_cast<uint32_t>(width)) + little(static_cast<uint32_t>(height)) +
         little(1u | static_cast<uint32_t>(bits) << 16) + little(0) + little(0) + little(0) +
         little(0) + little(colors) + little(0) + rest;
}

TEST(BmpTest, RowsRunUpwardsUnlessTheHeightIsNegative) {
  const std::string rows("\x03\x02\x01\0\x06\x05\x04\0", 8);
  const auto up = Decode(Bytes(Bmp(1, 2, 24, rows)));
  ASSERT_TRUE(up.ok()) << up.status();
  EXPECT_THAT(PixelsOf(*up), ElementsAre(4, 5, 6, 1, 2, 3));
  const auto down = Decode(Bytes(Bmp(1, -2, 24, rows)));
  ASSERT_TRUE(down.ok()) << down.status();
  EXPECT_THAT(PixelsOf(*down), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(BmpTest, PalettesOfOneFourAndEightBits) {
  const std::string palette("\x01\x02\x03\0\x0A\x0B\x0C\0", 8);
  for (const auto& [bits, row] :
       {std::pair(1, std::string("\x40\0\0\0", 4)), std::pair(4, std::string("\x01\0\0\0", 4)),
        std::pair(8, std::string("\0\x01\0\0", 4))}) {
    const auto decoded = Decode(Bytes(Bmp(2, 1, bits, palette + row, 2)));
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_THAT(PixelsOf(*decoded), ElementsAre(3, 2, 1, 12, 11, 10)) << bits;
  }
}

TEST(BmpTest, ThirtyTwoBitsIgnoreTheirFourthByte) {
  const auto decoded = Decode(Bytes(Bmp(1, 1, 32, std::string("\x03\x02\x01\0", 4))));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_THAT(PixelsOf(*decoded), ElementsAre(1, 2, 3));
}

TEST(BmpTest, CutsAndUnknownKindsAreRefused) {
  const std::string good = Bmp(3, 3, 24, std::string(36, '\x55'));
  ASSERT_TRUE(Decode(Bytes(good)).ok());
  for (size_t size = 0; size < good.size(); ++size) {
    const std::vector<uint8_t> cut(good.begin(), good.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_FALSE(Decode(cut).ok()) << size;
  }
  EXPECT_FALSE(Decode(Bytes(Bmp(2, 2, 16, std::string(100, 'x')))).ok());
  EXPECT_FALSE(Decode(Bytes(Bmp(20'000, 20'000, 24, ""))).ok());
  EXPECT_FALSE(Decode(Bytes(Bmp(1, INT32_MIN, 24, std::string(100, 'x')))).ok());
  EXPECT_FALSE(Decode(Bytes(Bmp(-1, 1, 24, std::string(100, 'x')))).ok());
}

}  // namespace
}  // namespace bowerbird::image
