// SPDX-License-Identifier: Apache-2.0
//
// Public datasets, whose counts their own documentation states.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "annotation/statistics.h"
#include "annotation/test_dataset.h"

namespace bowerbird::annotation {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class SharedData : public testing::Test {
 protected:
  void SetUp() override {
    const char* data = std::getenv("BOWERBIRD_TEST_DATA");
    if (data == nullptr) GTEST_SKIP() << "BOWERBIRD_TEST_DATA is not set: public datasets";
    root_ = std::string(data) + "/datasets/";
  }
  ReadResult Read(const std::string& format, const std::string& directory,
                  const std::string& pictures = "") {
    return ReadAll(format, {.directory = root_ + directory,
                            .pictures = pictures.empty() ? "" : root_ + pictures});
  }
  static Statistics Count(const ReadResult& result) {
    StatisticsBuilder builder;
    for (const auto& image : result.images) builder.Add(image);
    return builder.Finish();
  }
  std::string root_;
};

TEST_F(SharedData, RaccoonsAreTwoHundredPicturesAndTwoHundredSeventeenBoxes) {
  const auto xml = Read("voc", "detect-raccoon");
  ASSERT_TRUE(xml.status.ok()) << xml.status;
  EXPECT_EQ(xml.images.size(), 200u) << xml.Report();
  EXPECT_EQ(xml.boxes(), 217u);
  EXPECT_EQ(xml.Report(), "");
  const auto table = Read("csv", "detect-raccoon");
  EXPECT_EQ(table.images.size(), 200u) << table.Report();
  EXPECT_EQ(table.boxes(), 217u);
  EXPECT_EQ(table.Hashes(), xml.Hashes());
  const auto train = Read("csv", "detect-raccoon/data/train_labels.csv", "detect-raccoon/images");
  EXPECT_EQ(train.boxes(), 173u) << train.Report();
  EXPECT_EQ(train.images.at(0).split, Split::kTraining);
}

TEST_F(SharedData, BloodCellsWithoutAreaAreReportedByFileAndLine) {
  const auto result = Read("voc", "detect-bccd");
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(result.images.size(), 364u);
  const auto statistics = Count(result);
  uint64_t skipped = 0, changed = 0;
  std::set<std::string> files;
  for (const auto& problem : result.problems) {
    if (problem.kind == Problem::Kind::kAnnotationSkipped) {
      ++skipped;
      files.insert(problem.file);
      EXPECT_THAT(problem.what, HasSubstr("has no area"));
      EXPECT_THAT(problem.place, HasSubstr("line "));
    } else {
      EXPECT_EQ(problem.kind, Problem::Kind::kAnnotationChanged);
      ++changed;
    }
  }
  EXPECT_THAT(files, ElementsAre("BCCD/Annotations/BloodImage_00338.xml",
                                 "BCCD/Annotations/BloodImage_00343.xml"));
  EXPECT_EQ(statistics.boxes + skipped, 4888u) << result.Report();
  EXPECT_EQ(changed, 0u) << result.Report();
  ASSERT_EQ(statistics.labels.size(), 3u);
  EXPECT_EQ(statistics.labels[0].label, "Platelets");
  size_t validation = 0, test = 0, train = 0;
  for (const auto& image : result.images) {
    validation += image.split == Split::kValidation ? 1u : 0u;
    test += image.split == Split::kTest ? 1u : 0u;
    train += image.split == Split::kTraining ? 1u : 0u;
  }
  EXPECT_EQ(train, 205u);
  EXPECT_EQ(validation, 87u);
  EXPECT_EQ(test, 72u);
}

TEST_F(SharedData, FlowersAreFiveFoldersOfForty) {
  const auto result = Read("folders", "classify-flowers-200/images");
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(result.images.size(), 200u) << result.Report();
  const auto statistics = Count(result);
  ASSERT_EQ(statistics.labels.size(), 5u);
  for (const auto& label : statistics.labels) EXPECT_EQ(label.images, 40u) << label.label;
}

TEST_F(SharedData, DigitsHaveTheSizeThatAPersonSees) {
  const auto result = Read("folders", "classify-sign-digits/Dataset");
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(result.images.size(), 2062u) << result.Report();
  EXPECT_EQ(Count(result).labels.size(), 10u);
  size_t large = 0;
  for (const auto& image : result.images) large += image.width == 3024 ? 1u : 0u;
  EXPECT_EQ(large, 3u);
}

TEST_F(SharedData, SevenFormsOfTheSameBoxesHaveTheSameHashes) {
  const std::string base = "multilabel-voc100-multiformat/";
  const std::string pictures = base + "images";
  const auto voc = Read("voc", base + "gts/pascalvoc_format", pictures);
  ASSERT_TRUE(voc.status.ok()) << voc.status;
  ASSERT_EQ(voc.images.size(), 100u) << voc.Report();
  EXPECT_EQ(voc.boxes(), 273u);
  const auto expected = voc.Hashes();
  const std::vector<std::pair<std::string, std::string>> forms{
      {"imagenet", "gts/imagenet_format"}, {"coco", "gts/coco_format_v1"},
      {"coco", "gts/coco_format_v2"},      {"yolo", "gts/yolo_format"},
      {"cvat", "gts/cvat_format"},         {"openimages", "gts/openimages_format"}};
  for (const auto& [format, directory] : forms) {
    SCOPED_TRACE(directory);
    const auto files = MakeFileSystem();
    const auto detected = DetectFormat(*files, root_ + base + directory);
    ASSERT_TRUE(detected.ok()) << detected.status();
    EXPECT_EQ(detected->format->name, format) << detected->explanation;
    const auto result = Read(format, base + directory, pictures);
    ASSERT_TRUE(result.status.ok()) << result.status;
    EXPECT_EQ(result.images.size(), 100u) << result.Report();
    EXPECT_EQ(result.boxes(), 273u);
    EXPECT_EQ(result.Report(), "");
    size_t equal = 0;
    for (const auto& [name, hash] : result.Hashes()) {
      const auto found = expected.find(name);
      equal += found != expected.end() && found->second == hash ? 1u : 0u;
    }
    EXPECT_EQ(equal, 100u);
  }
}

TEST_F(SharedData, DetectionsInCocoFormHaveConfidences) {
  const auto result = Read("coco", "multilabel-voc100-multiformat/dets/coco_format",
                           "multilabel-voc100-multiformat/images");
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(result.images.size(), 98u) << result.Report();
  for (const auto& image : result.images) {
    for (const auto& box : image.annotations.boxes) EXPECT_TRUE(box.confidence.has_value());
  }
}

}  // namespace
}  // namespace bowerbird::annotation
