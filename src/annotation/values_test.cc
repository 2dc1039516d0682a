// SPDX-License-Identifier: Apache-2.0
#include "annotation/values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "annotation/annotation_hash.h"
#include "annotation/statistics.h"
#include "base/status.h"

namespace bowerbird::annotation {
namespace {

using testing::HasSubstr;

Box Good() { return {"", "cat", 0.1, 0.2, 0.5, 0.6, std::nullopt}; }

std::string Complaint(const Box& box) { return MessageOf(CheckBox(box)); }

TEST(CheckBox, NamesWhatIsWrong) {
  EXPECT_TRUE(CheckBox(Good()).ok());
  Box box = Good();
  box.x_max = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(Complaint(box), "x_max is nan: give a number from 0 to 1");
  box = Good();
  box.y_min = -0.25;
  EXPECT_THAT(Complaint(box), HasSubstr("y_min is -0.25, outside the picture"));
  box = Good();
  box.x_max = box.x_min;
  EXPECT_THAT(Complaint(box), HasSubstr("the box has no area: x 0.1 to 0.1, y 0.2 to 0.6"));
  box = Good();
  box.confidence = 1.5;
  EXPECT_EQ(Complaint(box), "confidence is 1.5: give a number from 0 to 1, or none");
  box.confidence = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(CheckBox(box).ok());
}

TEST(CheckLabel, TakesUtf8WithoutControlCharacters) {
  EXPECT_TRUE(CheckLabel("cat").ok());
  EXPECT_TRUE(CheckLabel("Käfer 🪲 [a,b]").ok());
  EXPECT_EQ(MessageOf(CheckLabel("")), "the label is empty: give it a name");
  EXPECT_THAT(MessageOf(CheckLabel("a\nb")), HasSubstr("\"a\\x0Ab\" has a control character"));
  EXPECT_THAT(MessageOf(CheckLabel("K\xE4"
                                   "fer")),
              HasSubstr("\"K\\xE4fer\" is not UTF-8"));
  EXPECT_FALSE(CheckLabel(std::string(201, 'x')).ok());
  EXPECT_FALSE(CheckLabel("\xC2\x85").ok());
}

TEST(Split, NamesOfOtherToolsAreUnderstood) {
  EXPECT_EQ(SplitOf("Train"), Split::kTraining);
  EXPECT_EQ(SplitOf("val"), Split::kValidation);
  EXPECT_EQ(SplitOf("TEST"), Split::kTest);
  EXPECT_EQ(SplitOf("trainval"), std::nullopt);
  for (const Split split : {Split::kTraining, Split::kValidation, Split::kTest}) {
    EXPECT_EQ(SplitOf(NameOf(split)), split);
  }
}

TEST(AnnotationHash, IsOfADocumentedText) {
  const Annotations annotations{
      .boxes = {{"id", "dog", 0.5, 0.25, 1, 1, 0.75}, {"", "cat", 0.1, 0.2, 0.5, 0.6, {}}},
      .classifications = {{"x", "animal", 0.5}}};
  const std::vector<std::string> tags{"b", "a", "b"};
  EXPECT_EQ(CanonicalText(annotations, tags, 100, 50),
            "bowerbird annotations 1\n"
            "box 3:cat 160 160 800 480 -\n"
            "box 3:dog 800 200 1600 800 750000\n"
            "class 6:animal 500000\n"
            "tag 1:a\n"
            "tag 1:b\n");
  EXPECT_THAT(CanonicalText(annotations, {}, 0, 0),
              HasSubstr("relative box 3:cat 104858 209715 524288 629146 -\n"));
  // printf of the text above | sha256sum
  EXPECT_EQ(HexOf(AnnotationHash({}, {}, 100, 50)), Sha256Hex("bowerbird annotations 1\n"));
}

TEST(AnnotationHash, DoesNotDependOnOrderIdsOrTheLastBitsOfCorners) {
  Annotations a{.boxes = {{"1", "x", 37.0 / 500, 11.0 / 375, 101.0 / 500, 200.0 / 375, {}},
                          {"2", "y", 0, 0, 1, 1, {}}}};
  Annotations b{.boxes = {{"", "y", 0, 0, 1, 1, {}},
                          {"", "x", 0.0740000004, 0.029333333, 0.2019999996, 0.533333333, {}}}};
  EXPECT_EQ(AnnotationHash(a, {}, 500, 375), AnnotationHash(b, {}, 500, 375));
  b.boxes[1].x_min += 0.1 / 500;
  EXPECT_NE(AnnotationHash(a, {}, 500, 375), AnnotationHash(b, {}, 500, 375));
}

TEST(Statistics, CountsPicturesLabelsAndSizes) {
  StatisticsBuilder builder;
  const std::vector<std::string> tags{"cat"};
  Annotations two{.boxes = {{"", "cat", 0, 0, 0.1, 0.1, {}}, {"", "dog", 0, 0, 1, 1, {}}}};
  builder.Add(two, tags, 200, 200);
  builder.Add({.boxes = {{"", "cat", 0, 0, 0.3, 0.3, {}}}}, {}, 200, 200);
  builder.Add({}, {}, 200, 200);
  const Statistics statistics = builder.Finish();
  EXPECT_EQ(statistics.images, 3u);
  EXPECT_EQ(statistics.unlabeled_images, 1u);
  EXPECT_EQ(statistics.boxes, 3u);
  EXPECT_EQ(statistics.small_boxes, 1u);
  EXPECT_EQ(statistics.medium_boxes, 1u);
  EXPECT_EQ(statistics.large_boxes, 1u);
  ASSERT_EQ(statistics.labels.size(), 2u);
  EXPECT_EQ(statistics.labels[0].label, "cat");
  EXPECT_EQ(statistics.labels[0].images, 2u);
  EXPECT_EQ(statistics.labels[0].boxes, 2u);
  EXPECT_DOUBLE_EQ(statistics.imbalance, 2);
  EXPECT_THAT(statistics.remarks,
              testing::Contains(HasSubstr("Label \"dog\" has 1 picture: at least 10")));
  EXPECT_THAT(statistics.remarks, testing::Contains(HasSubstr("more than a fifth")));
}

TEST(Statistics, OfNothingSaysSo) {
  EXPECT_THAT(StatisticsBuilder().Finish().remarks, testing::ElementsAre(HasSubstr("no pictures")));
}

}  // namespace
}  // namespace bowerbird::annotation
