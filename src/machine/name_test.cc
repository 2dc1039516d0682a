// SPDX-License-Identifier: Apache-2.0
#include "machine/name.h"

#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bowerbird::machine {
namespace {

TEST(Name, ModelsHaveAShortAndAFullSpelling) {
  EXPECT_EQ(ModelName::Parse("fake")->ToString(), "rdk:builtin:fake");
  EXPECT_EQ(ModelName::Parse("viam:mlmodel-tflite:tflite_cpu")->family, "mlmodel-tflite");
  for (const char* bad : {"", "a:b", "a:b:c:d", ":b:c", "a b", "a:b:c d", "ä"})
    EXPECT_FALSE(ModelName::Parse(bad).ok()) << bad;
}

TEST(Name, ApisAreComponentsOrServices) {
  EXPECT_EQ(*Api::Parse("rdk:component:camera"), kCameraApi);
  EXPECT_EQ(Api::Parse("acme:component:widget")->subtype, "widget");
  for (const char* bad : {"", "camera", "rdk:camera", "rdk:thing:camera", "rdk:component:", "::"}) {
    const auto api = Api::Parse(bad);
    ASSERT_FALSE(api.ok()) << bad;
    EXPECT_THAT(MessageOf(api.status()), testing::HasSubstr("\"rdk:component:camera\""));
  }
}

TEST(Name, FullNamesRoundTrip) {
  const auto name = ResourceName::Parse("rdk:component:camera/remote-cam");
  ASSERT_TRUE(name.ok());
  EXPECT_EQ(name->api, kCameraApi);
  EXPECT_EQ(name->name, "remote-cam");
  EXPECT_EQ(name->ToString(), "rdk:component:camera/remote-cam");
  for (const char* bad : {"", "cam", "rdk:component:camera/", "rdk:camera/cam", "/cam"})
    EXPECT_FALSE(ResourceName::Parse(bad).ok()) << bad;
}

TEST(Name, NamesOfResourcesHaveOneToSixtyPlainCharacters) {
  for (const char* good : {"a", "7", "Front_camera-2"}) EXPECT_TRUE(CheckResourceName(good).ok());
  EXPECT_TRUE(CheckResourceName(std::string(60, 'a')).ok());
  EXPECT_FALSE(CheckResourceName(std::string(61, 'a')).ok());
  for (const char* bad : {"", "-a", "_a", "a:b", "a+b", "a b", "a/b", "é"})
    EXPECT_FALSE(CheckResourceName(bad).ok()) << bad;
}

}  // namespace
}  // namespace bowerbird::machine
