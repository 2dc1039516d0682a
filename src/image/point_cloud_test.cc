// SPDX-License-Identifier: Apache-2.0
#include "image/point_cloud.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/status.h"

namespace bowerbird::image {
namespace {

using ::testing::HasSubstr;

Image Depth2x2() {
  Image depth(2, 2, PixelFormat::kDepth16);
  depth.depth_row(0)[0] = 0;
  depth.depth_row(0)[1] = 1000;
  depth.depth_row(1)[0] = 2000;
  depth.depth_row(1)[1] = 0;
  return depth;
}

TEST(PointCloudTest, PcdHasTheBytesOfTheWire) {
  PointCloud cloud;
  cloud.has_color = true;
  cloud.points.push_back({1000, -2000, 500, 0x12, 0x34, 0x56});
  const std::string expected =
      "VERSION .7\nFIELDS x y z rgb\nSIZE 4 4 4 4\nTYPE F F F I\nCOUNT 1 1 1 1\nWIDTH 1\nHEIGHT 1\n"
      "VIEWPOINT 0 0 0 1 0 0 0\nPOINTS 1\nDATA binary\n" +
      std::string("\0\0\x80\x3F\0\0\0\xC0\0\0\0\x3F\x56\x34\x12\0", 16);
  EXPECT_EQ(EncodePcd(cloud), expected);
  EXPECT_TRUE(CheckPcd(EncodePcd(cloud)).ok());
}

TEST(PointCloudTest, WithoutColoursThereIsNoColourField) {
  PointCloud cloud;
  cloud.points.resize(3);
  const std::string pcd = EncodePcd(cloud);
  EXPECT_THAT(pcd, HasSubstr("FIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\n"));
  EXPECT_EQ(pcd.size() - pcd.find("DATA binary\n") - 12, 36u);
  EXPECT_TRUE(CheckPcd(EncodePcd(PointCloud{})).ok());
}

TEST(PointCloudTest, ProjectsThroughTheCameraAndSkipsTheUnknown) {
  const Intrinsics camera{{2, 2}, 100, 200, 0.5, 0.5};
  const auto cloud = Project(Depth2x2(), nullptr, camera);
  ASSERT_TRUE(cloud.ok()) << cloud.status();
  ASSERT_EQ(cloud->points.size(), 2u);
  EXPECT_FALSE(cloud->has_color);
  EXPECT_FLOAT_EQ(cloud->points[0].x, 5);
  EXPECT_FLOAT_EQ(cloud->points[0].y, -2.5);
  EXPECT_FLOAT_EQ(cloud->points[0].z, 1000);
  EXPECT_FLOAT_EQ(cloud->points[1].x, -10);
  EXPECT_FLOAT_EQ(cloud->points[1].y, 5);
}

TEST(PointCloudTest, WithoutACameraPixelsAreMillimetres) {
  Image color(2, 2, PixelFormat::kRgb8);
  for (size_t i = 0; i < 12; ++i) color.bytes()[i] = static_cast<uint8_t>(i);
  const auto cloud = Project(Depth2x2(), &color, std::nullopt);
  ASSERT_TRUE(cloud.ok()) << cloud.status();
  ASSERT_EQ(cloud->points.size(), 2u);
  EXPECT_TRUE(cloud->has_color);
  EXPECT_FLOAT_EQ(cloud->points[0].x, 1);
  EXPECT_FLOAT_EQ(cloud->points[0].y, 0);
  EXPECT_EQ(cloud->points[0].g, 4);
  EXPECT_FLOAT_EQ(cloud->points[1].y, 1);
  EXPECT_EQ(cloud->points[1].r, 6);
}

TEST(PointCloudTest, SizesMustAgree) {
  const Image depth = Depth2x2();
  const Image color(3, 2, PixelFormat::kRgb8);
  EXPECT_EQ(Project(depth, &color, std::nullopt).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(Project(color, nullptr, std::nullopt).ok());
  EXPECT_FALSE(Project(depth, nullptr, Intrinsics{{4, 4}, 1, 1, 0, 0}).ok());
  EXPECT_FALSE(Project(depth, nullptr, Intrinsics{{2, 2}, 0, 1, 0, 0}).ok());
}

TEST(CheckPcdTest, AcceptsEveryFormOfData) {
  const std::string head =
      "# .PCD v0.7\r\nVERSION 0.7\r\nFIELDS x y z\r\nSIZE 4 4 8\r\nTYPE F F F\r\nCOUNT 1 1 2\r\n"
      "WIDTH 2\r\nHEIGHT 1\r\nPOINTS 2\r\n";
  EXPECT_TRUE(CheckPcd(head + "DATA ascii\r\n1 2 3 4\r\n5 6 7 8").ok());
  EXPECT_TRUE(CheckPcd(head + "DATA binary\n" + std::string(48, 'x')).ok());
  EXPECT_TRUE(
      CheckPcd(head + "DATA binary_compressed\n" + std::string("\x03\0\0\0\x30\0\0\0abc", 11))
          .ok());
}

TEST(CheckPcdTest, AnnouncedPointsMustBeThere) {
  PointCloud cloud;
  cloud.points.resize(4);
  const std::string good = EncodePcd(cloud);
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(CheckPcd(good.substr(0, size)).code(), absl::StatusCode::kInvalidArgument) << size;
  }
  EXPECT_THAT(MessageOf(CheckPcd(good.substr(0, good.size() - 1))), HasSubstr("48 bytes"));
}

TEST(CheckPcdTest, DamagedHeadersSayWhere) {
  const struct {
    std::string pcd, says;
  } cases[] = {
      {"", "header"},
      {std::string(1000, '\n'), "DATA"},
      {"POINTS 1\nDATA ascii\n", "SIZE"},
      {"SIZE 4\nDATA ascii\n", "POINTS"},
      {"SIZE 4 x\nPOINTS 1\nDATA ascii\n", "\"x\""},
      {"SIZE 99\nPOINTS 1\nDATA ascii\n", "\"99\""},
      {"SIZE 4\nPOINTS 18446744073709551615\nDATA binary\n", "POINTS"},
      {"SIZE 4\nPOINTS -1\nDATA binary\n", "\"-1\""},
      {"SIZE 8 8 8\nCOUNT 1048576 1048576 1048576\nPOINTS 268435456\nDATA binary\n", "need"},
      {"SIZE 4\nPOINTS 1\nDATA\n", "DATA"},
      {"SIZE 4\nPOINTS 1\nDATA morse\n", "morse"},
      {"SIZE 4\nPOINTS 2\nDATA ascii\n1\n", "1 lines"},
      {"SIZE 4\nPOINTS 1\nDATA binary_compressed\nabc", "sizes"},
  };
  for (const auto& test : cases) {
    const absl::Status status = CheckPcd(test.pcd);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(MessageOf(status), HasSubstr(test.says)) << test.pcd.substr(0, 60);
  }
}

}  // namespace
}  // namespace bowerbird::image
