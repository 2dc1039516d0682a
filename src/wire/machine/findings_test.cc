// SPDX-License-Identifier: Apache-2.0
#include "wire/machine/findings.h"

#include <climits>
#include <cmath>

#include "gtest/gtest.h"

namespace bowerbird::wire {
namespace {

namespace proto = viam::service::vision::v1;

vision::Detection Person() {
  vision::Detection detection;
  detection.label = "person";
  detection.class_id = 3;
  detection.confidence = 0.875;
  detection.x_min = 127;
  detection.y_min = 47;
  detection.x_max = 383;
  detection.y_max = 239;
  return detection;
}

TEST(Detection, CarriesPixelsAndSharesOfThePicture) {
  proto::Detection message;
  WriteDetection(Person(), {640, 480}, message);
  EXPECT_EQ(message.class_name(), "person");
  EXPECT_EQ(message.confidence(), 0.875);
  EXPECT_EQ(message.x_min(), 127);
  EXPECT_EQ(message.y_max(), 239);
  EXPECT_DOUBLE_EQ(message.x_min_normalized(), 127.0 / 640);
  EXPECT_DOUBLE_EQ(message.y_min_normalized(), 47.0 / 480);
  EXPECT_DOUBLE_EQ(message.x_max_normalized(), 383.0 / 640);
  EXPECT_DOUBLE_EQ(message.y_max_normalized(), 239.0 / 480);
}

TEST(Detection, AtTheOriginStillHasAllItsCorners) {
  vision::Detection corner;
  proto::Detection message;
  WriteDetection(corner, {640, 480}, message);
  EXPECT_TRUE(message.has_x_min() && message.has_y_min() && message.has_x_max() &&
              message.has_y_max());
  EXPECT_TRUE(message.has_x_min_normalized() && message.has_y_max_normalized());
}

TEST(Detection, WithoutThePicturesSizeHasNoShares) {
  proto::Detection message;
  WriteDetection(Person(), {0, 0}, message);
  EXPECT_TRUE(message.has_x_max());
  EXPECT_FALSE(message.has_x_min_normalized());
}

TEST(Detection, RoundTripsButForTheClassNumber) {
  proto::Detection message;
  WriteDetection(Person(), {640, 480}, message);
  const auto back = ReadDetection(message);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->label, "person");
  EXPECT_EQ(back->class_id, -1);
  EXPECT_EQ(back->confidence, 0.875);
  EXPECT_EQ(back->x_min, 127);
  EXPECT_EQ(back->y_min, 47);
  EXPECT_EQ(back->x_max, 383);
  EXPECT_EQ(back->y_max, 239);
}

TEST(Detection, WithoutABoxIsNone) {
  proto::Detection message;
  message.set_x_min(1);
  message.set_y_min(1);
  message.set_x_max(1);
  EXPECT_FALSE(ReadDetection(message).has_value());
}

TEST(Detection, NumbersFromElsewhereAreBroughtIntoRange) {
  proto::Detection message;
  message.set_x_min(INT64_MAX);
  message.set_x_max(INT64_MIN);
  message.set_y_min(9);
  message.set_y_max(3);
  message.set_confidence(std::nan(""));
  const auto back = ReadDetection(message);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->x_min, INT_MIN);
  EXPECT_EQ(back->x_max, INT_MAX);
  EXPECT_EQ(back->y_min, 3);
  EXPECT_EQ(back->y_max, 9);
  EXPECT_EQ(back->confidence, 0);
  message.set_confidence(7);
  EXPECT_EQ(ReadDetection(message)->confidence, 1);
}

TEST(Detection, ALabelThatIsNotUtf8DoesNotSpoilTheAnswer) {
  auto detection = Person();
  detection.label = "caf\xE9";
  proto::Detection message, parsed;
  WriteDetection(detection, {4, 4}, message);
  EXPECT_TRUE(parsed.ParseFromString(message.SerializeAsString()));
  EXPECT_EQ(parsed.class_name(), "caf\xEF\xBF\xBD");
}

TEST(Classification, RoundTripsButForTheClassNumber) {
  proto::Classification message;
  WriteClassification({"rose", 4, 0.5}, message);
  const auto back = ReadClassification(message);
  EXPECT_EQ(back.label, "rose");
  EXPECT_EQ(back.class_id, -1);
  EXPECT_EQ(back.confidence, 0.5);
}

TEST(Annotation, WithABoxGoesToTheBoxesElseToTheClassifications) {
  viam::app::data::v1::Annotations message;
  AddAnnotation("cat", 0.5, vision::NormalizedBox{0.1, 0.2, 0.3, 0.4}, message);
  AddAnnotation("night", std::nullopt, std::nullopt, message);
  ASSERT_EQ(message.bboxes_size(), 1);
  EXPECT_EQ(message.bboxes(0).label(), "cat");
  EXPECT_EQ(message.bboxes(0).confidence(), 0.5);
  EXPECT_EQ(message.bboxes(0).x_min_normalized(), 0.1);
  EXPECT_EQ(message.bboxes(0).y_min_normalized(), 0.2);
  EXPECT_EQ(message.bboxes(0).x_max_normalized(), 0.3);
  EXPECT_EQ(message.bboxes(0).y_max_normalized(), 0.4);
  ASSERT_EQ(message.classifications_size(), 1);
  EXPECT_EQ(message.classifications(0).label(), "night");
  EXPECT_FALSE(message.classifications(0).has_confidence());
}

}  // namespace
}  // namespace bowerbird::wire
