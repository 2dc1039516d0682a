// SPDX-License-Identifier: Apache-2.0
#include "tflite/metadata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/status.h"
#include "tflite/testing/model_file.h"

namespace bowerbird::tflite {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::span<const std::byte> Bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

FileMetadata DetectorMetadata() {
  FileMetadata metadata;
  metadata.name = "finder";
  metadata.description = "finds things";
  metadata.version = "7";
  metadata.author = "A. Author";
  metadata.license = "Apache-2.0";
  TensorMetadata image;
  image.name = "image";
  image.description = "picture to be searched";
  image.is_image = true;
  image.mean = {127.5F};
  image.std = {128.0F};
  image.min = {0};
  image.max = {255};
  TensorMetadata boxes;
  boxes.name = "location";
  boxes.boxes = {.form = BoundingBoxes::Form::kBoundaries, .index = {1, 0, 3, 2}};
  TensorMetadata classes;
  classes.name = "category";
  classes.associated_files = {{.name = "labels.txt",
                               .description = "names",
                               .type = AssociatedFileType::kTensorValueLabels,
                               .locale = "en"}};
  metadata.inputs = {image};
  metadata.outputs = {boxes, classes};
  return metadata;
}

TEST(ReadFileMetadata, GivesWhatWasWritten) {
  const std::string buffer = testing::MetadataBuffer(DetectorMetadata());
  const auto metadata = ReadFileMetadata(Bytes(buffer));
  ASSERT_TRUE(metadata.ok()) << metadata.status();
  EXPECT_EQ(metadata->name, "finder");
  EXPECT_EQ(metadata->description, "finds things");
  EXPECT_EQ(metadata->version, "7");
  EXPECT_EQ(metadata->author, "A. Author");
  EXPECT_EQ(metadata->license, "Apache-2.0");
  ASSERT_THAT(metadata->inputs, SizeIs(1));
  EXPECT_TRUE(metadata->inputs[0].is_image);
  EXPECT_EQ(metadata->inputs[0].description, "picture to be searched");
  EXPECT_THAT(metadata->inputs[0].mean, ElementsAre(127.5F));
  EXPECT_THAT(metadata->inputs[0].std, ElementsAre(128.0F));
  EXPECT_THAT(metadata->inputs[0].max, ElementsAre(255.0F));
  ASSERT_THAT(metadata->outputs, SizeIs(2));
  ASSERT_TRUE(metadata->outputs[0].boxes.has_value());
  EXPECT_EQ(metadata->outputs[0].boxes->form, BoundingBoxes::Form::kBoundaries);
  EXPECT_THAT(metadata->outputs[0].boxes->index, ElementsAre(1, 0, 3, 2));
  ASSERT_THAT(metadata->outputs[1].associated_files, SizeIs(1));
  EXPECT_EQ(metadata->outputs[1].associated_files[0].name, "labels.txt");
  EXPECT_EQ(metadata->outputs[1].associated_files[0].type, AssociatedFileType::kTensorValueLabels);
  EXPECT_EQ(metadata->outputs[1].associated_files[0].locale, "en");
}

TEST(ReadFileMetadata, RefusesOtherBuffers) {
  EXPECT_THAT(MessageOf(ReadFileMetadata({}).status()), HasSubstr("M001"));
  EXPECT_THAT(MessageOf(ReadFileMetadata(Bytes(std::string(64, 'x'))).status()), HasSubstr("M001"));
}

TEST(ReadFileMetadata, SurvivesEveryPrefixAndRandomDamage) {
  const std::string good = testing::MetadataBuffer(DetectorMetadata());
  for (size_t size = 0; size < good.size(); ++size) {
    const std::string prefix = good.substr(0, size);
    ReadFileMetadata(Bytes(prefix)).status().IgnoreError();
  }
  std::mt19937 random(3);
  for (int round = 0; round < 20'000; ++round) {
    std::string buffer = good;
    for (int i = 0; i < 3; ++i) buffer[random() % buffer.size()] = static_cast<char>(random());
    const auto metadata = ReadFileMetadata(Bytes(buffer));
    EXPECT_TRUE(!metadata.ok() || metadata->inputs.size() <= buffer.size());
  }
}

}  // namespace
}  // namespace bowerbird::tflite
