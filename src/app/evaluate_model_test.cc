// SPDX-License-Identifier: Apache-2.0
#include "app/evaluate_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "annotation/test_dataset.h"
#include "base/status.h"
#include "evaluate/report.h"

namespace bowerbird::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

// Says of a picture what its width stands for.
class WidthFinder : public vision::Finder {
 public:
  explicit WidthFinder(bool detects) : detects_(detects) {}

  bool detects() const override { return detects_; }
  bool classifies() const override { return !detects_; }
  // A box labelled "cat" that covers the left half of the picture.
  absl::StatusOr<std::vector<vision::Detection>> Detect(
      const Context& /*context*/, const image::Picture& picture) const override {
    ASSIGN_OR_RETURN(const image::Header header, picture.header());
    return std::vector<vision::Detection>{
        {"cat", 0, 0.75, 0, 0, header.size.width / 2, header.size.height},
        {"ghost", 1, 0.5, 0, 0, 1, 1}};
  }
  // "Wide" above 50 pixels, else "slim".
  absl::StatusOr<std::vector<vision::Classification>> Classify(
      const Context& /*context*/, const image::Picture& picture) const override {
    ASSIGN_OR_RETURN(const image::Header header, picture.header());
    const double wide = header.size.width > 50 ? 0.75 : 0.25;
    return std::vector<vision::Classification>{{"Wide", 0, wide}, {"slim", 1, 1 - wide}};
  }

 private:
  const bool detects_;
};

TEST(AskModel, ComparesAFolderPerClassWithWhatTheModelSays) {
  const annotation::TestFolder folder;
  folder.WritePicture("wide/a.png", 80, 20);
  folder.WritePicture("wide/b.png", 30, 20);
  folder.WritePicture("slim/c.png", 20, 20);
  const WidthFinder finder(false);
  const auto answers = AskModel(finder, {.directory = folder.path()});
  ASSERT_TRUE(answers.ok()) << answers.status();
  EXPECT_TRUE(answers->single);
  EXPECT_THAT(answers->scored.labels, ElementsAre("slim", "wide"));
  EXPECT_THAT(answers->problems, SizeIs(0));
  std::vector<uint32_t> truth;
  for (const auto& labels : answers->truth) truth.push_back(labels.front());
  const auto report = evaluate::ClassifierReport(answers->scored, truth);
  EXPECT_NEAR(report["accuracy"].get<double>(), 2.0 / 3, 1e-9);
  EXPECT_EQ(report["confusion"]["wide"]["slim"], 1);
  EXPECT_THAT(evaluate::TextOfReport(report), HasSubstr("accuracy            0.6667"));
}

TEST(AskModel, ADamagedPictureIsLeftOutAndNamed) {
  const annotation::TestFolder folder;
  folder.WritePicture("wide/a.png", 80, 20);
  folder.WritePicture("slim/b.png", 20, 20);
  folder.Write("slim/c.png", "no picture");
  const WidthFinder finder(false);
  const auto answers = AskModel(finder, {.directory = folder.path()});
  ASSERT_TRUE(answers.ok()) << answers.status();
  EXPECT_EQ(answers->pictures, 2U);
  ASSERT_THAT(answers->problems, SizeIs(1));
  EXPECT_EQ(answers->problems[0].file, "slim/c.png");
}

TEST(AskModel, LabelsOfAnotherWorldAreRefused) {
  const annotation::TestFolder folder;
  folder.WritePicture("apple/a.png", 80, 20);
  folder.WritePicture("pear/b.png", 20, 20);
  const WidthFinder finder(false);
  const auto answers = AskModel(finder, {.directory = folder.path()});
  EXPECT_EQ(answers.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(answers.status()), HasSubstr("none in common"));
}

TEST(AskModel, BoxesAreComparedInPixels) {
  const annotation::TestFolder folder;
  folder.WritePicture("a.png", 100, 60);
  folder.Write("a.xml",
               "<annotation><filename>a.png</filename><size><width>100</width><height>60</height>"
               "</size><object><name>cat</name><bndbox><xmin>0</xmin><ymin>0</ymin><xmax>50</xmax>"
               "<ymax>60</ymax></bndbox></object></annotation>");
  const WidthFinder finder(true);
  const auto answers = AskModel(finder, {.directory = folder.path()});
  ASSERT_TRUE(answers.ok()) << answers.status();
  ASSERT_TRUE(answers->detections.has_value());
  EXPECT_THAT(answers->detections->found, SizeIs(1)) << "labels that the folder lacks do not count";
  const auto report = evaluate::DetectionReport(*answers->detections);
  EXPECT_NEAR(report["ap50"].get<double>(), 1, 1e-9);
  EXPECT_EQ(report["ap_small"], nullptr);
  EXPECT_NEAR(report["per_class"]["cat"]["voc_ap50"].get<double>(), 1, 1e-9);
}

TEST(AskModel, BoxesOfAnotherWorldAreRefused) {
  const annotation::TestFolder folder;
  folder.WritePicture("a.png", 100, 60);
  folder.Write("a.xml",
               "<annotation><filename>a.png</filename><size><width>100</width><height>60</height>"
               "</size><object><name>pear</name><bndbox><xmin>0</xmin><ymin>0</ymin><xmax>50</xmax>"
               "<ymax>60</ymax></bndbox></object></annotation>");
  const auto answers = AskModel(WidthFinder(true), {.directory = folder.path()});
  EXPECT_EQ(answers.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(answers.status()), HasSubstr("none in common"));
}

TEST(AskModel, ADetectorWantsBoxes) {
  const annotation::TestFolder folder;
  folder.WritePicture("cat/a.png", 80, 20);
  folder.WritePicture("dog/b.png", 20, 20);
  const WidthFinder finder(true);
  const auto answers = AskModel(finder, {.directory = folder.path()});
  EXPECT_THAT(MessageOf(answers.status()), HasSubstr("has no boxes"));
}

}  // namespace
}  // namespace bowerbird::app
