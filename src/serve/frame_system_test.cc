// SPDX-License-Identifier: Apache-2.0
#include "serve/frame_system.h"

#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bowerbird::serve {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using viam::common::v1::PoseInFrame;
using Json = nlohmann::json;

machine::ResourceConfig Framed(const std::string& name, Json frame) {
  machine::ResourceConfig resource;
  resource.name = {machine::kCameraApi, name};
  resource.frame = std::move(frame);
  resource.path = "components[7]";
  return resource;
}

Json At(const std::string& parent, double x, double y, double z) {
  return {{"parent", parent}, {"translation", {{"x", x}, {"y", y}, {"z", z}}}};
}

// An arm 100 mm along x of the world, turned a quarter about z; a camera 10 mm along its x.
machine::Config ArmWithCamera() {
  machine::Config config;
  Json arm = At("world", 100, 0, 0);
  arm["orientation"] = {{"type", "ov_degrees"},
                        {"value", {{"x", 0}, {"y", 0}, {"z", 1}, {"th", 90}}}};
  config.resources = {Framed("arm", arm), Framed("cam", At("arm", 10, 0, 0)),
                      Framed("lamp", nullptr)};
  return config;
}

FrameSystem MakeFrames(const machine::Config& config,
                       const FrameSystem::Transforms& supplemental = {}) {
  auto frames = FrameSystem::Create(config, supplemental);
  EXPECT_TRUE(frames.ok()) << frames.status();
  return *std::move(frames);
}

PoseInFrame Origin(const std::string& frame) {
  PoseInFrame origin;
  origin.set_reference_frame(frame);
  return origin;
}

void ExpectPlace(const absl::StatusOr<PoseInFrame>& pose, double x, double y, double z) {
  ASSERT_TRUE(pose.ok()) << pose.status();
  EXPECT_NEAR(pose->pose().x(), x, 1e-9);
  EXPECT_NEAR(pose->pose().y(), y, 1e-9);
  EXPECT_NEAR(pose->pose().z(), z, 1e-9);
}

TEST(FrameSystem, PartsAreTheResourcesThatHaveAFrame) {
  const auto frames = MakeFrames(ArmWithCamera());
  ASSERT_EQ(frames.parts().size(), 2u);
  EXPECT_EQ(frames.parts()[0].reference_frame(), "arm");
  EXPECT_EQ(frames.parts()[1].reference_frame(), "cam");
  EXPECT_EQ(frames.parts()[1].pose_in_observer_frame().reference_frame(), "arm");
}

TEST(FrameSystem, PosesFollowTheirParents) {
  const auto frames = MakeFrames(ArmWithCamera());
  const auto in_world = frames.Transform(Origin("cam"), "");
  ExpectPlace(in_world, 100, 10, 0);
  EXPECT_EQ(in_world->reference_frame(), "world");
  EXPECT_NEAR(in_world->pose().theta(), 90, 1e-9);
  ExpectPlace(frames.Transform(Origin("world"), "cam"), -10, 100, 0);
  ExpectPlace(frames.Transform(Origin("cam"), "arm"), 10, 0, 0);
  ExpectPlace(frames.Transform(Origin("cam"), "cam"), 0, 0, 0);
}

TEST(FrameSystem, SupplementalFramesCountForTheirCallOnly) {
  FrameSystem::Transforms supplemental;
  auto& tag = *supplemental.Add();
  tag.set_reference_frame("tag");
  tag.mutable_pose_in_observer_frame()->set_reference_frame("cam");
  tag.mutable_pose_in_observer_frame()->mutable_pose()->set_z(500);
  const auto frames = MakeFrames(ArmWithCamera(), supplemental);
  EXPECT_EQ(frames.parts().size(), 3u);
  ExpectPlace(frames.Transform(Origin("tag"), "world"), 100, 10, 500);
  EXPECT_EQ(MakeFrames(ArmWithCamera()).Transform(Origin("tag"), "world").status().code(),
            absl::StatusCode::kNotFound);
}

TEST(FrameSystem, FaultySupplementalFramesAreRefused) {
  for (const char* name : {"", "world", "cam"}) {
    FrameSystem::Transforms supplemental;
    supplemental.Add()->set_reference_frame(name);
    EXPECT_EQ(FrameSystem::Create(ArmWithCamera(), supplemental).status().code(),
              absl::StatusCode::kInvalidArgument)
        << name;
  }
}

TEST(FrameSystem, UnknownFramesAreNamedWithThoseThatAreKnown) {
  const auto status = MakeFrames(ArmWithCamera()).Transform(Origin("cam"), "leg").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(MessageOf(status), AllOf(HasSubstr("\"leg\""), HasSubstr("world, arm, cam")));
}

TEST(FrameSystem, ABrokenFrameHidesNoOther) {
  auto config = ArmWithCamera();
  config.resources.push_back(Framed("bad", {{"translation", 5}}));
  const auto frames = MakeFrames(config);
  EXPECT_EQ(frames.parts().size(), 2u);
  ExpectPlace(frames.Transform(Origin("cam"), ""), 100, 10, 0);
  const auto status = frames.Transform(Origin("bad"), "").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(status), HasSubstr("components[7].frame: translation: 5"));
}

TEST(FrameSystem, FramesInACircleAreAnErrorNotALoop) {
  machine::Config config;
  config.resources = {Framed("a", At("b", 0, 0, 0)), Framed("b", At("a", 0, 0, 0))};
  const auto status = MakeFrames(config).Transform(Origin("a"), "").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(status), HasSubstr("its own ancestor"));
}

}  // namespace
}  // namespace bowerbird::serve
