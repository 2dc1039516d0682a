// SPDX-License-Identifier: Apache-2.0
#include "image/picture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <set>
#include <thread>
#include <vector>

#include "base/status.h"
#include "image/test_pictures.h"

namespace bowerbird::image {
namespace {

using testing::Bytes;
using testing::GradientPicture;
using ::testing::HasSubstr;
using testing::NoisePicture;

TEST(PictureTest, KeepsItsBytesAndNamesThemByContent) {
  const std::string png = EncodePng(GradientPicture(8, 4)).value();
  const auto picture = Picture::FromBytes(png);
  EXPECT_EQ(picture->bytes(), png);
  EXPECT_EQ(picture->mime(), kMimePng);
  EXPECT_EQ(picture->header()->size, (Size{8, 4}));
}

TEST(PictureTest, JpegAndPngNamedForEachOtherAreDecodedByContent) {
  const auto png = Picture::FromBytes(EncodePng(GradientPicture(8, 4)).value(), kMimeJpeg);
  EXPECT_TRUE(png->Decoded().ok());
  EXPECT_EQ(png->mime(), kMimePng);
  const auto jpeg = Picture::FromBytes(EncodeJpeg(GradientPicture(8, 4)).value(), "image/png");
  EXPECT_TRUE(jpeg->Decoded().ok());
  EXPECT_EQ(jpeg->mime(), kMimeJpeg);
}

TEST(PictureTest, OtherWrongNamesAreErrorsThatSayBoth) {
  const std::string jpeg = EncodeJpeg(GradientPicture(8, 4)).value();
  for (const auto name : {"image/vnd.viam.rgba", "application/octet-stream"}) {
    const auto decoded = Picture::FromBytes(jpeg, name)->Decoded();
    EXPECT_EQ(decoded.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(MessageOf(decoded.status()), HasSubstr(name));
    EXPECT_THAT(MessageOf(decoded.status()), HasSubstr("image/jpeg"));
  }
}

TEST(PictureTest, LazyNamesAndTheOtherSpellingOfJpegAreUnderstood) {
  const std::string jpeg = EncodeJpeg(GradientPicture(8, 4)).value();
  EXPECT_TRUE(Picture::FromBytes(jpeg, "image/jpeg+lazy")->Decoded().ok());
  EXPECT_TRUE(Picture::FromBytes(jpeg, "image/jpg")->Decoded().ok());
}

TEST(PictureTest, GarbageIsAcceptedAndRefusedWhenItIsNeeded) {
  for (const auto bytes : {"", "not a picture"}) {
    const auto picture = Picture::FromBytes(bytes);
    EXPECT_EQ(picture->header().status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(picture->Decoded().status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(PictureTest, TheLimitOfItsMakerHolds) {
  DecodeOptions limits;
  limits.max_pixels = 10;
  const auto picture = Picture::FromBytes(EncodePng(GradientPicture(8, 4)).value(), {}, limits);
  EXPECT_FALSE(picture->Decoded().ok());
}

TEST(PictureTest, ConcurrentReadersShareOneDecoding) {
  const auto picture =
      Picture::FromBytes(EncodeJpeg(NoisePicture(640, 480, PixelFormat::kRgb8)).value());
  constexpr int kReaders = 8;
  std::latch start(kReaders);
  std::vector<std::shared_ptr<const Image>> full(kReaders), scaled(kReaders);
  {
    std::vector<std::jthread> readers;
    for (size_t i = 0; i < kReaders; ++i) {
      readers.emplace_back([&, i] {
        start.arrive_and_wait();
        full[i] = picture->Decoded().value();
        scaled[i] = picture->Decoded({100, 100}).value();
      });
    }
  }
  EXPECT_EQ(std::set(full.begin(), full.end()).size(), 1u);
  EXPECT_EQ(std::set(scaled.begin(), scaled.end()).size(), 1u);
  EXPECT_EQ(full[0]->size(), (Size{640, 480}));
  EXPECT_EQ(scaled[0]->size(), (Size{160, 120}));
}

TEST(PictureTest, AScaledRequestDoesNotDependOnWhatWasDecodedBefore) {
  const std::string jpeg = EncodeJpeg(NoisePicture(320, 240, PixelFormat::kRgb8)).value();
  const auto fresh = Picture::FromBytes(jpeg);
  const auto used = Picture::FromBytes(jpeg);
  ASSERT_TRUE(used->Decoded().ok());
  const auto a = fresh->Decoded({80, 60}).value();
  const auto b = used->Decoded({80, 60}).value();
  ASSERT_EQ(a->size(), b->size());
  EXPECT_TRUE(std::equal(a->bytes().begin(), a->bytes().end(), b->bytes().begin()));
}

TEST(PictureTest, PixelsOutliveThePicture) {
  std::shared_ptr<const Image> pixels;
  {
    const auto picture = Picture::FromBytes(EncodePng(GradientPicture(8, 4)).value());
    pixels = picture->Decoded().value();
  }
  EXPECT_EQ(pixels->size(), (Size{8, 4}));
  EXPECT_EQ(pixels->row(0)[2], 255);
}

TEST(PictureTest, FromImageGivesWhatAClientWouldDecode) {
  for (const auto mime : {kMimeJpeg, kMimePng, kMimeRawRgba}) {
    const Image image = NoisePicture(20, 10, PixelFormat::kRgb8);
    const auto made = Picture::FromImage(image.Clone(), mime);
    ASSERT_TRUE(made.ok()) << made.status();
    EXPECT_EQ((*made)->mime(), mime);
    const auto received = Picture::FromBytes((*made)->bytes(), mime)->Decoded().value();
    const auto own = (*made)->Decoded().value();
    EXPECT_EQ(own->format(), received->format()) << mime;
    EXPECT_TRUE(std::equal(own->bytes().begin(), own->bytes().end(), received->bytes().begin(),
                           received->bytes().end()))
        << mime;
  }
  EXPECT_FALSE(Picture::FromImage(NoisePicture(2, 2, PixelFormat::kRgb8), "image/webp").ok());
}

TEST(PictureTest, DepthTravelsAsDepth) {
  const auto made = Picture::FromImage(NoisePicture(6, 5, PixelFormat::kDepth16), kMimeRawDepth);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ((*made)->header()->format, PixelFormat::kDepth16);
  EXPECT_EQ(SniffMime(Bytes((*made)->EncodedAs(kMimePng).value())), kMimePng);
}

TEST(PictureTest, EncodedAsItsOwnTypeIsItsBytes) {
  const std::string jpeg = EncodeJpeg(GradientPicture(8, 4)).value();
  const auto picture = Picture::FromBytes(jpeg);
  EXPECT_EQ(picture->EncodedAs("").value(), jpeg);
  EXPECT_EQ(picture->EncodedAs("image/jpeg").value(), jpeg);
  EXPECT_EQ(picture->EncodedAs("image/jpeg+lazy").value(), jpeg);
  EXPECT_EQ(SniffMime(Bytes(picture->EncodedAs("image/png").value())), kMimePng);
  EXPECT_FALSE(picture->EncodedAs("video/mp4").ok());
}

TEST(PictureTest, TimeIsCountedForTheRequestThatWaited) {
  PhaseTimes phases;
  const auto picture = Picture::FromBytes(EncodeJpeg(GradientPicture(200, 100)).value());
  ASSERT_TRUE(picture->EncodedAs(kMimePng, &phases).ok());
  EXPECT_GT(phases.Get(Phase::kDecode).count(), 0);
  EXPECT_GT(phases.Get(Phase::kEncode).count(), 0);
}

}  // namespace
}  // namespace bowerbird::image
