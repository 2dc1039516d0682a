// SPDX-License-Identifier: Apache-2.0
#include "wire/machine/pose.h"

#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <string>

#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "wire/machine/rotation.h"

namespace bowerbird::wire {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using viam::common::v1::Pose;

constexpr double kPi = std::numbers::pi;

void ExpectVector(const Vector& vector, double x, double y, double z) {
  EXPECT_NEAR(vector.x, x, 1e-9);
  EXPECT_NEAR(vector.y, y, 1e-9);
  EXPECT_NEAR(vector.z, z, 1e-9);
}

// q and -q are the same rotation.
void ExpectSameRotation(const Quaternion& a, const Quaternion& b) {
  EXPECT_NEAR(std::abs(a.w * b.w + a.x * b.x + a.y * b.y + a.z * b.z), 1, 1e-9);
}

TEST(Rotation, AxisAndAngleTurnAsExpected) {
  ExpectVector(Rotate(FromAxisAngle({0, 0, 2}, kPi / 2), {1, 0, 0}), 0, 1, 0);
  ExpectVector(Rotate(FromAxisAngle({1, 0, 0}, kPi / 2), {0, 1, 0}), 0, 0, 1);
}

TEST(Rotation, EulerAnglesTurnAboutXThenYThenZ) {
  const auto rotation = FromEulerAngles(0.3, -0.4, 1.1);
  const auto steps =
      Multiply(FromAxisAngle({0, 0, 1}, 1.1),
               Multiply(FromAxisAngle({0, 1, 0}, -0.4), FromAxisAngle({1, 0, 0}, 0.3)));
  ExpectSameRotation(rotation, steps);
}

// Pairs published with the clients' own conversions: quaternion and orientation vector.
TEST(Rotation, OrientationVectorsAgreeWithThoseOfTheClients) {
  const double half = std::sqrt(0.5);
  const OrientationVector about_x = ToOrientationVector({half, half, 0, 0});
  ExpectVector(about_x.direction, 0, -1, 0);
  EXPECT_NEAR(about_x.theta, kPi / 2, 1e-9);
  const OrientationVector about_minus_x = ToOrientationVector({half, -half, 0, 0});
  ExpectVector(about_minus_x.direction, 0, 1, 0);
  EXPECT_NEAR(about_minus_x.theta, -kPi / 2, 1e-9);
}

TEST(Rotation, AtThePolesThetaIsTheTurnAboutZ) {
  const OrientationVector up = ToOrientationVector(FromAxisAngle({0, 0, 1}, 0.7));
  ExpectVector(up.direction, 0, 0, 1);
  EXPECT_NEAR(up.theta, 0.7, 1e-9);
  const OrientationVector down = ToOrientationVector(FromOrientationVector({{0, 0, -1}, 0.7}));
  ExpectVector(down.direction, 0, 0, -1);
  EXPECT_NEAR(down.theta, 0.7, 1e-9);
}

TEST(Rotation, OrientationVectorsRoundTripEverywhere) {
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  for (int i = 0; i < 2000; ++i) {
    Quaternion q{normal(random), normal(random), normal(random), normal(random)};
    const double length = std::sqrt(q.w * q.w + q.x * q.x + q.y * q.y + q.z * q.z);
    q = {q.w / length, q.x / length, q.y / length, q.z / length};
    const OrientationVector vector = ToOrientationVector(q);
    EXPECT_NEAR(Length(vector.direction), 1, 1e-9);
    EXPECT_LE(std::abs(vector.theta), kPi + 1e-9);
    ExpectSameRotation(FromOrientationVector(vector), q);
  }
}

Pose MakePose(double x, double y, double z, double o_x, double o_y, double o_z, double theta) {
  Pose pose;
  pose.set_x(x);
  pose.set_y(y);
  pose.set_z(z);
  pose.set_o_x(o_x);
  pose.set_o_y(o_y);
  pose.set_o_z(o_z);
  pose.set_theta(theta);
  return pose;
}

TEST(Pose, AnEmptyMessageIsTheOrigin) {
  const auto pose = FromPose(Pose());
  ASSERT_TRUE(pose.ok());
  ExpectVector(pose->translation, 0, 0, 0);
  ExpectSameRotation(pose->rotation, {});
}

TEST(Pose, RoundTripsInDegreesAndWithADirectionOfLengthOne) {
  const auto pose = FromPose(MakePose(1, 2, 3, 0, 2, 0, 30));
  ASSERT_TRUE(pose.ok());
  const Pose back = ToPose(*pose);
  EXPECT_EQ(back.x(), 1);
  EXPECT_EQ(back.z(), 3);
  EXPECT_NEAR(back.o_y(), 1, 1e-9);
  EXPECT_NEAR(back.theta(), 30, 1e-9);
}

TEST(Pose, NumbersThatAreNoneAreRefused) {
  Pose pose;
  pose.set_theta(std::numeric_limits<double>::infinity());
  EXPECT_EQ(FromPose(pose).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Pose, APoseAndItsInverseCancel) {
  const auto pose = FromPose(MakePose(10, -20, 30, 1, 2, -3, 77));
  ASSERT_TRUE(pose.ok());
  const RigidPose none = Compose(*pose, Inverse(*pose));
  ExpectVector(none.translation, 0, 0, 0);
  ExpectSameRotation(none.rotation, {});
}

TEST(Pose, TheInnerPoseIsTurnedByTheOuter) {
  const RigidPose outer{{100, 0, 0}, FromAxisAngle({0, 0, 1}, kPi / 2)};
  const RigidPose inner{{10, 0, 0}, {}};
  ExpectVector(Compose(outer, inner).translation, 100, 10, 0);
}

TEST(Frame, AnEmptyOneStandsAtTheOriginOfTheWorld) {
  const auto transform = TransformFromFrame("cam", json::object());
  ASSERT_TRUE(transform.ok()) << transform.status();
  EXPECT_EQ(transform->reference_frame(), "cam");
  EXPECT_EQ(transform->pose_in_observer_frame().reference_frame(), "world");
  const Pose& pose = transform->pose_in_observer_frame().pose();
  EXPECT_EQ(pose.x(), 0);
  EXPECT_EQ(pose.o_z(), 1);
  EXPECT_FALSE(transform->has_physical_object());
}

TEST(Frame, ParentAndTranslationAreTakenOver) {
  const auto transform = TransformFromFrame(
      "cam", {{"parent", "arm"}, {"translation", {{"x", 1}, {"y", 2.5}, {"z", -3}}}});
  ASSERT_TRUE(transform.ok());
  EXPECT_EQ(transform->pose_in_observer_frame().reference_frame(), "arm");
  EXPECT_EQ(transform->pose_in_observer_frame().pose().y(), 2.5);
  EXPECT_EQ(transform->pose_in_observer_frame().pose().z(), -3);
}

TEST(Frame, EveryOrientationTypeSaysTheSame) {
  const double half = std::sqrt(0.5);
  // A quarter turn about x.
  const json spellings = {
      {{"type", "ov_degrees"}, {"value", {{"x", 0}, {"y", -2}, {"z", 0}, {"th", 90}}}},
      {{"type", "ov_radians"}, {"value", {{"x", 0}, {"y", -1}, {"z", 0}, {"th", kPi / 2}}}},
      {{"type", "axis_angles"}, {"value", {{"x", 3}, {"y", 0}, {"z", 0}, {"th", kPi / 2}}}},
      {{"type", "euler_angles"}, {"value", {{"roll", kPi / 2}, {"pitch", 0}, {"yaw", 0}}}},
      {{"type", "quaternion"}, {"value", {{"W", half}, {"X", half}, {"Y", 0}, {"Z", 0}}}},
      {{"type", "quaternion"}, {"value", {{"w", 2}, {"x", 2}, {"y", 0}, {"z", 0}}}}};
  for (const json& orientation : spellings) {
    const auto transform = TransformFromFrame("f", {{"orientation", orientation}});
    ASSERT_TRUE(transform.ok()) << orientation << transform.status();
    const Pose& pose = transform->pose_in_observer_frame().pose();
    EXPECT_NEAR(pose.o_x(), 0, 1e-9) << orientation;
    EXPECT_NEAR(pose.o_y(), -1, 1e-9) << orientation;
    EXPECT_NEAR(pose.theta(), 90, 1e-6) << orientation;
  }
}

TEST(Frame, GeometriesAreKnownByTypeOrByTheirNumbers) {
  const auto shape = [](const json& geometry) {
    auto transform = TransformFromFrame("f", {{"geometry", geometry}});
    EXPECT_TRUE(transform.ok()) << geometry << transform.status();
    return transform.ok() ? transform->physical_object() : viam::common::v1::Geometry();
  };
  EXPECT_EQ(shape({{"x", 1}, {"y", 2}, {"z", 3}}).box().dims_mm().z(), 3);
  EXPECT_EQ(shape({{"type", "box"}, {"x", 1}, {"y", 2}, {"z", 3}}).box().dims_mm().y(), 2);
  EXPECT_EQ(shape({{"r", 5}}).sphere().radius_mm(), 5);
  EXPECT_EQ(shape({{"r", 5}, {"l", 20}}).capsule().length_mm(), 20);
  EXPECT_TRUE(shape({{"type", "point"}}).has_sphere());
  const auto placed =
      shape({{"r", 5}, {"label", "ball"}, {"translation", {{"x", 7}, {"y", 0}, {"z", 0}}}});
  EXPECT_EQ(placed.label(), "ball");
  EXPECT_EQ(placed.center().x(), 7);
  EXPECT_EQ(shape({{"r", 5}}).label(), "f");
}

TEST(Frame, FaultsAreNamed) {
  const auto error = [](const json& frame) {
    const auto transform = TransformFromFrame("f", frame);
    EXPECT_EQ(transform.status().code(), absl::StatusCode::kInvalidArgument) << frame;
    return MessageOf(transform.status());
  };
  EXPECT_THAT(error(json::array()), HasSubstr("an object"));
  EXPECT_THAT(error({{"parent", 3}}), HasSubstr("parent: 3"));
  EXPECT_THAT(error({{"translation", 3}}), HasSubstr("translation: 3"));
  EXPECT_THAT(error({{"translation", {{"x", "wide"}}}}),
              AllOf(HasSubstr("translation: x"), HasSubstr("\"wide\" is not a number")));
  EXPECT_THAT(error({{"orientation", {{"type", "roll"}}}}),
              AllOf(HasSubstr("orientation: type"), HasSubstr("ov_degrees")));
  EXPECT_THAT(error({{"orientation", {{"type", "ov_degrees"}, {"value", {{"th", 3}}}}}}),
              HasSubstr("all 0"));
  EXPECT_THAT(error({{"orientation", {{"type", "quaternion"}, {"value", json::object()}}}}),
              HasSubstr("all 0"));
  EXPECT_THAT(error({{"orientation", {{"type", "ov_degrees"}}}}), HasSubstr("value"));
  EXPECT_THAT(error({{"orientation", 7}}), HasSubstr("orientation: 7"));
  EXPECT_THAT(error({{"geometry", {{"type", "torus"}}}}), HasSubstr("geometry: no shape"));
  EXPECT_THAT(error({{"geometry", json::object()}}), HasSubstr("no shape"));
  EXPECT_THAT(error({{"translation", {{"x", std::nan("")}}}}), HasSubstr("not finite"));
  EXPECT_THAT(error({{"parent", {{"\xFF", 1}}}}), HasSubstr("name of a frame"));
}

}  // namespace
}  // namespace bowerbird::wire
