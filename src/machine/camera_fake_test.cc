// SPDX-License-Identifier: Apache-2.0
#include "machine/camera_fake.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "machine/camera_test_machine.h"

namespace bowerbird::machine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(FakeCamera, ShowsAGradientFromYellowToBlue) {
  TestMachine machine;
  const auto camera = machine.BuildCamera("cam", "fake", "{}");
  ASSERT_TRUE(camera.ok()) << camera.status();
  const auto picture = OnePicture(**camera);
  ASSERT_FALSE(picture->bytes().empty());
  EXPECT_EQ(picture->mime(), "image/jpeg");
  const image::Image pixels = Pixels(*picture);
  ASSERT_EQ(pixels.size(), (image::Size{1280, 720}));
  for (const auto& [x, y] : {std::pair{0, 0}, {640, 0}, {0, 719}, {1279, 719}, {300, 400}}) {
    const double distance = std::hypot(x, y) / std::hypot(1280, 720);
    const uint8_t* pixel = pixels.row(y) + 3 * x;
    EXPECT_NEAR(pixel[0], 255 * (1 - distance), 4) << x << "," << y;
    EXPECT_NEAR(pixel[1], 255 * (1 - distance), 4) << x << "," << y;
    EXPECT_NEAR(pixel[2], 255 * distance, 4) << x << "," << y;
  }
}

TEST(FakeCamera, AStillPictureIsMadeOnce) {
  FakeCamera camera({});
  EXPECT_EQ(OnePicture(camera), OnePicture(camera));
}

TEST(FakeCamera, AnAnimatedPictureMovesAPixelEveryTick) {
  std::chrono::system_clock::time_point now{std::chrono::milliseconds(20 * 64 * 100)};
  FakeCameraOptions options;
  options.size = {64, 32};
  options.animated = true;
  FakeCamera camera(options, [&] { return now; });
  const auto first = OnePicture(camera);
  now += std::chrono::milliseconds(19);
  EXPECT_EQ(OnePicture(camera), first);
  now += std::chrono::milliseconds(20 * 31 + 1);  // half the width
  const image::Image before = Pixels(*first), after = Pixels(*OnePicture(camera));
  for (const int y : {4, 20}) {
    for (const int x : {8, 24, 40, 56}) {
      const int left = (x + 32) % 64;
      EXPECT_NEAR(after.row(y)[3 * x], before.row(y)[3 * left], 12) << x;
    }
  }
}

TEST(FakeCamera, GivesAPointForEachPixel) {
  FakeCameraOptions options;
  options.size = {20, 10};
  FakeCamera camera(options);
  const auto cloud = camera.GetPointCloud(Soon(), Json::object());
  ASSERT_TRUE(cloud.ok()) << cloud.status();
  EXPECT_TRUE(image::CheckPcd(*cloud).ok());
  EXPECT_THAT(*cloud, HasSubstr("POINTS 200\n"));
  EXPECT_TRUE(camera.GetProperties(Soon())->supports_pcd);
}

TEST(FakeCamera, APointCloudTooLargeForAMessageIsRefused) {
  FakeCameraOptions options;
  options.size = {2000, 2000};
  FakeCamera camera(options);
  const auto cloud = camera.GetPointCloud(Soon(), Json::object());
  EXPECT_TRUE(absl::IsResourceExhausted(cloud.status()));
  EXPECT_THAT(MessageOf(cloud.status()), HasSubstr("2000x2000"));
}

TEST(FakeCamera, HasALensIfItIsAskedTo) {
  TestMachine machine;
  const auto plain = machine.BuildCamera("a", "fake", "{}").value()->GetProperties(Soon());
  EXPECT_FALSE(plain->intrinsics || plain->distortion);
  EXPECT_THAT(plain->mime_types, ElementsAre("image/jpeg"));
  const auto model = machine.BuildCamera("b", "fake", R"({"model": true, "width": 640})");
  const auto properties = model.value()->GetProperties(Soon());
  ASSERT_TRUE(properties->intrinsics && properties->distortion);
  EXPECT_EQ(properties->intrinsics->size, (image::Size{640, 720}));
}

TEST(FakeCamera, AttributesAreChecked) {
  TestMachine machine;
  const auto message = [&](const std::string& attributes) {
    return MessageOf(machine.BuildCamera("cam", "fake", attributes).status());
  };
  EXPECT_THAT(message(R"({"width": 641})"),
              HasSubstr("components[0].attributes.width: 641 is odd"));
  EXPECT_THAT(message(R"({"height": 10002})"), HasSubstr("height: 10002"));
  EXPECT_THAT(message(R"({"animated": "yes"})"), HasSubstr("animated: \"yes\""));
  EXPECT_THAT(message(R"({"intrinsic_parameters": {"width_px": 640}})"),
              HasSubstr("components[0].attributes.intrinsic_parameters.height_px"));
  EXPECT_THAT(message(R"({"intrinsic_parameters": {"width_px": 4, "height_px": 4, "fx": -1}})"),
              HasSubstr("intrinsic_parameters.fx: -1"));
  EXPECT_THAT(message(R"({"distortion_parameters": {"rk1": "a"}})"),
              HasSubstr("distortion_parameters.rk1: \"a\""));
}

TEST(FakeCamera, TheSourceFilterIsChecked) {
  FakeCamera camera({});
  EXPECT_TRUE(camera.GetImages(Soon(), {""}, Json::object()).ok());
  EXPECT_THAT(MessageOf(camera.GetImages(Soon(), {"color"}, Json::object()).status()),
              HasSubstr("invalid source name"));
  EXPECT_THAT(MessageOf(camera.GetImages(Soon(), {"", ""}, Json::object()).status()),
              HasSubstr("duplicate source name in filter"));
}

}  // namespace
}  // namespace bowerbird::machine
