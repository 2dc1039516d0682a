// SPDX-License-Identifier: Apache-2.0
#include "wire/machine/point_cloud.h"

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace bowerbird::wire {
namespace {

std::string Floats(const std::vector<float>& values) {
  std::string bytes(values.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

std::string Pcd(int points, const std::string& data, const std::string& fields = "x y z",
                const std::string& sizes = "4 4 4", const std::string& types = "F F F",
                const std::string& counts = "1 1 1") {
  return "# .PCD v0.7\nVERSION .7\nFIELDS " + fields + "\nSIZE " + sizes + "\nTYPE " + types +
         "\nCOUNT " + counts + "\nWIDTH " + std::to_string(points) +
         "\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS " + std::to_string(points) +
         "\nDATA binary\n" + data;
}

TEST(PointCloud, TheBoxEnclosesEveryFinitePoint) {
  const auto bounds = BoundsOfPcd(Pcd(3, Floats({1, 2, 3, -1, 5, 0, NAN, 100, 100})));
  ASSERT_TRUE(bounds.has_value());
  EXPECT_EQ(bounds->min.x, -1);
  EXPECT_EQ(bounds->min.y, 2);
  EXPECT_EQ(bounds->min.z, 0);
  EXPECT_EQ(bounds->max.x, 1);
  EXPECT_EQ(bounds->max.y, 5);
  EXPECT_EQ(bounds->max.z, 3);
}

TEST(PointCloud, FieldsMayStandInAnyOrderAmongOthers) {
  const auto bounds = BoundsOfPcd(
      Pcd(1, Floats({9, 3, 9, 9, 2, 1}), "rgb z n y x", "4 4 4 4 4", "I F F F F", "1 1 2 1 1"));
  ASSERT_TRUE(bounds.has_value());
  EXPECT_EQ(bounds->min.x, 1);
  EXPECT_EQ(bounds->min.y, 2);
  EXPECT_EQ(bounds->min.z, 3);
}

TEST(PointCloud, WhatIsNoSuchFileHasNoBounds) {
  EXPECT_FALSE(BoundsOfPcd("").has_value());
  EXPECT_FALSE(BoundsOfPcd("DATA binary\n").has_value());
  EXPECT_FALSE(BoundsOfPcd(Pcd(0, "")).has_value());
  EXPECT_FALSE(BoundsOfPcd(Pcd(2, Floats({1, 2, 3}))).has_value());  // ends early
  EXPECT_FALSE(BoundsOfPcd(Pcd(1, Floats({1, 2}), "x y", "4 4", "F F", "1 1")).has_value());
  EXPECT_FALSE(BoundsOfPcd(Pcd(1, Floats({1, 2, 3}), "x y z", "4 4", "F F F")).has_value());
  EXPECT_FALSE(BoundsOfPcd(Pcd(1, Floats({1, 2, 3}), "x y z", "8 8 8")).has_value());
  EXPECT_FALSE(BoundsOfPcd(Pcd(1, Floats({1, 2, 3}), "x y z", "4 4 4", "I I I")).has_value());
  EXPECT_FALSE(
      BoundsOfPcd(Pcd(1, Floats({1, 2, 3}), "x y z", "4 4 4", "F F F", "-1 1 1")).has_value());
  EXPECT_FALSE(BoundsOfPcd(Pcd(1, Floats({NAN, NAN, NAN}))).has_value());
  std::string ascii = Pcd(1, "1 2 3\n");
  ascii.replace(ascii.find("binary"), 6, "ascii");
  EXPECT_FALSE(BoundsOfPcd(ascii).has_value());
}

TEST(PointCloud, RecordsOfAnAbsurdSizeAreRefused) {
  EXPECT_FALSE(BoundsOfPcd(Pcd(2, Floats({1, 2, 3, 4, 5, 6}), "x y z n", "4 4 4 8", "F F F F",
                               "1 1 1 4294967295"))
                   .has_value());
}

TEST(PointCloud, AnObjectHasItsLabelOnABoxInMillimetres) {
  viam::common::v1::PointCloudObject message;
  const std::string pcd = Pcd(2, Floats({0, 0, 1, 2, 0, 2}));
  WritePointCloudObject(pcd, "chair", "cam", message);
  EXPECT_EQ(message.point_cloud(), pcd);
  EXPECT_EQ(message.geometries().reference_frame(), "cam");
  ASSERT_EQ(message.geometries().geometries_size(), 1);
  const auto& box = message.geometries().geometries(0);
  EXPECT_EQ(box.label(), "chair");
  EXPECT_EQ(box.center().x(), 1000);
  EXPECT_EQ(box.center().z(), 1500);
  EXPECT_EQ(box.box().dims_mm().x(), 2000);
  EXPECT_EQ(box.box().dims_mm().y(), 0);
}

TEST(PointCloud, ACloudThatCannotBeReadIsPassedOnWithoutABox) {
  viam::common::v1::PointCloudObject message;
  WritePointCloudObject("other format", "chair", "cam", message);
  EXPECT_EQ(message.point_cloud(), "other format");
  EXPECT_EQ(message.geometries().geometries_size(), 0);
}

}  // namespace
}  // namespace bowerbird::wire
