// SPDX-License-Identifier: Apache-2.0
#include "wire/machine/media.h"

#include <climits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bowerbird::wire {
namespace {

using testing::ElementsAre;
using viam::app::datasync::v1::MimeType;

TEST(Media, LazyTypesLoseTheirSuffixOnly) {
  EXPECT_EQ(WithoutLazy("image/jpeg+lazy"), "image/jpeg");
  EXPECT_EQ(WithoutLazy("image/jpeg"), "image/jpeg");
  EXPECT_EQ(WithoutLazy("+lazy"), "");
  EXPECT_EQ(WithoutLazy("image/+lazy+png"), "image/+lazy+png");
}

TEST(Media, MimeTypesOfTheEnumerationRoundTrip) {
  for (const MimeType type : {MimeType::MIME_TYPE_IMAGE_JPEG, MimeType::MIME_TYPE_IMAGE_PNG,
                              MimeType::MIME_TYPE_APPLICATION_PCD, MimeType::MIME_TYPE_VIDEO_MP4})
    EXPECT_EQ(MimeTypeFromName(MimeTypeName(type)), type);
  EXPECT_EQ(MimeTypeName(MimeType::MIME_TYPE_IMAGE_JPEG), "image/jpeg");
  EXPECT_EQ(MimeTypeFromName("image/webp"), MimeType::MIME_TYPE_UNSPECIFIED);
  EXPECT_EQ(MimeTypeName(MimeType::MIME_TYPE_UNSPECIFIED), "");
}

TEST(Media, IntrinsicsRoundTrip) {
  image::Intrinsics intrinsics{{1280, 720}, 821.3, 822.7, 648.1, 361.5};
  viam::component::camera::v1::IntrinsicParameters message;
  WriteIntrinsics(intrinsics, message);
  const auto back = ReadIntrinsics(message);
  EXPECT_EQ(back.size, intrinsics.size);
  EXPECT_EQ(back.focal_x, 821.3);
  EXPECT_EQ(back.focal_y, 822.7);
  EXPECT_EQ(back.center_x, 648.1);
  EXPECT_EQ(back.center_y, 361.5);
}

TEST(Media, IntrinsicsOfAnImpossibleSizeStayInRange) {
  viam::component::camera::v1::IntrinsicParameters message;
  message.set_width_px(UINT32_MAX);
  EXPECT_EQ(ReadIntrinsics(message).size.width, INT_MAX);
}

TEST(Media, DistortionListsRadialThenTangentialParameters) {
  viam::component::camera::v1::DistortionParameters message;
  WriteDistortion({1, 2, 3, 4, 5}, message);
  EXPECT_EQ(message.model(), "brown_conrady");
  EXPECT_THAT(message.parameters(), ElementsAre(1, 2, 3, 4, 5));
}

}  // namespace
}  // namespace bowerbird::wire
