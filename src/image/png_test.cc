// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"
#include "image/codec.h"
#include "image/test_pictures.h"

namespace bowerbird::image {
namespace {

using testing::Bytes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::MakePng;
using testing::NoisePicture;
using testing::PngChunk;

std::vector<int> PixelsOf(const Image& image) {
  return {image.bytes().begin(), image.bytes().end()};
}

TEST(PngTest, EveryFormatRoundTripsToTheBit) {
  for (const PixelFormat format :
       {PixelFormat::kGray8, PixelFormat::kRgb8, PixelFormat::kRgba8, PixelFormat::kDepth16}) {
    for (const Size size : {Size{1, 1}, Size{37, 23}}) {
      const Image image = NoisePicture(size.width, size.height, format);
      const auto png = EncodePng(image);
      ASSERT_TRUE(png.ok()) << png.status();
      const auto header = ReadHeader(Bytes(*png));
      ASSERT_TRUE(header.ok()) << header.status();
      EXPECT_EQ(header->format, format);
      EXPECT_EQ(header->size, size);
      const auto decoded = Decode(Bytes(*png));
      ASSERT_TRUE(decoded.ok()) << decoded.status();
      EXPECT_EQ(decoded->format(), format);
      EXPECT_EQ(PixelsOf(*decoded), PixelsOf(image));
    }
  }
}

TEST(PngTest, GrayOfFewBitsSpreadsOverTheWholeRange) {
  // One row each of the values 0, 1, 2, 3 ... packed from the high bits on.
  const struct {
    uint8_t depth;
    std::string row;
    std::vector<int> pixels;
  } cases[] = {{1, std::string("\0\x50", 2), {0, 255, 0, 255}},
               {2, std::string("\0\x1B", 2), {0, 85, 170, 255}},
               {4, std::string("\0\x01\xEF", 3), {0, 17, 238, 255}}};
  for (const auto& test : cases) {
    const auto decoded = Decode(Bytes(MakePng({4, 1, test.depth, 0}, test.row)));
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(decoded->format(), PixelFormat::kGray8);
    EXPECT_EQ(PixelsOf(*decoded), test.pixels) << int{test.depth} << " bits";
  }
}

TEST(PngTest, SixteenBitGrayIsDepthInMillimetres) {
  const std::string rows("\0\x01\x02\xFF\xFE", 5);
  const auto decoded = Decode(Bytes(MakePng({2, 1, 16, 0}, rows)));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  ASSERT_EQ(decoded->format(), PixelFormat::kDepth16);
  EXPECT_EQ(decoded->depth_row(0)[0], 0x0102);
  EXPECT_EQ(decoded->depth_row(0)[1], 0xFFFE);
}

TEST(PngTest, SixteenBitColoursKeepTheirHighByte) {
  const std::string rows("\0\x10\xFF\x20\x00\x30\x80", 7);
  const auto decoded = Decode(Bytes(MakePng({1, 1, 16, 2}, rows)));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->format(), PixelFormat::kRgb8);
  EXPECT_THAT(PixelsOf(*decoded), ElementsAre(0x10, 0x20, 0x30));
}

TEST(PngTest, PaletteBecomesColoursAndItsTransparencyAlpha) {
  const std::string palette = PngChunk("PLTE", std::string("\x01\x02\x03\x0A\x0B\x0C", 6));
  const std::string rows("\0\x40", 2);  // indexes 0, 1 of one bit
  const auto opaque = Decode(Bytes(MakePng({2, 1, 1, 3, false, palette}, rows)));
  ASSERT_TRUE(opaque.ok()) << opaque.status();
  EXPECT_EQ(opaque->format(), PixelFormat::kRgb8);
  EXPECT_THAT(PixelsOf(*opaque), ElementsAre(1, 2, 3, 10, 11, 12));

  const std::string transparent = palette + PngChunk("tRNS", std::string("\0", 1));
  const auto clear = Decode(Bytes(MakePng({2, 1, 1, 3, false, transparent}, rows)));
  ASSERT_TRUE(clear.ok()) << clear.status();
  EXPECT_EQ(clear->format(), PixelFormat::kRgba8);
  EXPECT_THAT(PixelsOf(*clear), ElementsAre(1, 2, 3, 0, 10, 11, 12, 255));
}

TEST(PngTest, ATransparentColourBecomesAlpha) {
  const auto rgb = Decode(
      Bytes(MakePng({2, 1, 8, 2, false, PngChunk("tRNS", std::string("\0\x01\0\x02\0\x03", 6))},
                    std::string("\0\x01\x02\x03\x04\x05\x06", 7))));
  ASSERT_TRUE(rgb.ok()) << rgb.status();
  EXPECT_EQ(rgb->format(), PixelFormat::kRgba8);
  EXPECT_THAT(PixelsOf(*rgb), ElementsAre(1, 2, 3, 0, 4, 5, 6, 255));

  const auto gray =
      Decode(Bytes(MakePng({2, 1, 8, 0, false, PngChunk("tRNS", std::string("\0\x07", 2))},
                           std::string("\0\x07\x08", 3))));
  ASSERT_TRUE(gray.ok()) << gray.status();
  EXPECT_EQ(gray->format(), PixelFormat::kRgba8);
  EXPECT_THAT(PixelsOf(*gray), ElementsAre(7, 7, 7, 0, 8, 8, 8, 255));
}

TEST(PngTest, GrayWithAlphaBecomesRgba) {
  const auto decoded = Decode(Bytes(MakePng({1, 1, 8, 4}, std::string("\0\x64\x32", 3))));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_THAT(PixelsOf(*decoded), ElementsAre(100, 100, 100, 50));
}

TEST(PngTest, InterlacedRowsComeOutInOrder) {
  // 2x2: passes 1, 6 and 7 hold pixel (0,0), pixel (1,0), and the second row.
  const std::string rows("\0\x01\0\x02\0\x03\x04", 7);
  const auto decoded = Decode(Bytes(MakePng({2, 2, 8, 0, true}, rows)));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_THAT(PixelsOf(*decoded), ElementsAre(1, 2, 3, 4));
}

TEST(PngTest, ItsExifOrientationIsApplied) {
  const std::string chunk = PngChunk("eXIf", testing::TiffWithOrientation(6, true));
  const auto decoded =
      Decode(Bytes(MakePng({3, 1, 8, 0, false, chunk}, std::string("\0\x01\x02\x03", 4))));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->size(), (Size{1, 3}));
  EXPECT_THAT(PixelsOf(*decoded), ElementsAre(1, 2, 3));
}

TEST(PngTest, EveryCutIsAnErrorOrLosesNothing) {
  const Image image = NoisePicture(19, 11, PixelFormat::kRgba8);
  const std::string png = EncodePng(image).value();
  for (size_t size = 0; size < png.size(); ++size) {
    const std::vector<uint8_t> cut(png.begin(), png.begin() + static_cast<ptrdiff_t>(size));
    const auto decoded = Decode(cut);
    if (decoded.ok()) {
      EXPECT_EQ(PixelsOf(*decoded), PixelsOf(image)) << size;
      EXPECT_GT(size + 32, png.size()) << "pixels cannot be complete at " << size;
    } else {
      EXPECT_EQ(decoded.status().code(), absl::StatusCode::kInvalidArgument);
    }
  }
}

TEST(PngTest, AFlippedBitInThePixelsIsAnError) {
  std::string png = EncodePng(NoisePicture(19, 11, PixelFormat::kRgb8)).value();
  png[png.find("IDAT") + 40] ^= 1;
  EXPECT_EQ(Decode(Bytes(png)).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(PngTest, AnEnormousPictureIsRefused) {
  const auto decoded = Decode(Bytes(MakePng({20'000, 20'000, 8, 2}, std::string(1000, '\0'))));
  EXPECT_EQ(decoded.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(decoded.status()), HasSubstr("20000x20000"));
  const auto beyond = Decode(Bytes(MakePng({0x7FFFFFFF, 0x7FFFFFFF, 8, 2}, "\0")));
  EXPECT_EQ(beyond.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(PngTest, ALargePictureInOneChunkPassesTheChunkLimit) {
  // Noise does not compress: over 8 MB of pixels in a single IDAT chunk.
  const Image image = NoisePicture(2000, 1500, PixelFormat::kRgb8);
  std::string rows;
  for (int y = 0; y < image.height(); ++y) {
    rows += '\0';
    rows.append(reinterpret_cast<const char*>(image.row(y)), image.stride());
  }
  const auto decoded = Decode(Bytes(MakePng({2000, 1500, 8, 2}, rows)));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(PixelsOf(*decoded), PixelsOf(image));
}

TEST(PngTest, ATextThatUnpacksToGigabytesCostsNoMemory) {
  std::string zeros(64 << 20, '\0');
  uLongf size = compressBound(static_cast<uLong>(zeros.size()));
  std::string packed(size, '\0');
  compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
            reinterpret_cast<const Bytef*>(zeros.data()), static_cast<uLong>(zeros.size()), 9);
  packed.resize(size);
  const std::string chunk = PngChunk("zTXt", std::string("key\0\0", 5) + packed);
  const auto decoded = Decode(Bytes(MakePng({1, 1, 8, 0, false, chunk}, std::string("\0\x05", 2))));
  if (decoded.ok()) {
    EXPECT_THAT(PixelsOf(*decoded), ElementsAre(5));
  } else {
    EXPECT_EQ(decoded.status().code(), absl::StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace bowerbird::image
