// SPDX-License-Identifier: Apache-2.0
#include "tflite/attached_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"
#include "tflite/metadata.h"
#include "tflite/testing/model_file.h"
#include "tflite/write.h"
#include "tflite/zip.h"

namespace bowerbird::tflite {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::span<const std::byte> Bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

TEST(AttachedFiles, TravelBehindTheModel) {
  testing::ModelSpec spec = testing::AddModel();
  spec.files = {{.name = "labels.txt", .contents = "cat\ndog\n"},
                {.name = "empty.txt", .contents = ""}};
  const std::string original = testing::ModelFile(spec);
  const auto files = ReadAttachedFiles(Bytes(original), 1000);
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_THAT(*files,
              ElementsAre(AttachedFile{"labels.txt", "cat\ndog\n"}, AttachedFile{"empty.txt", ""}));
  const auto written = WriteModelFile(*ReadGraph(Bytes(original)), *files);
  ASSERT_TRUE(written.ok()) << written.status();
  EXPECT_EQ(*ReadAttachedFiles(Bytes(*written), 1000), *files);
  EXPECT_EQ(*WriteModelFile(*ReadGraph(Bytes(*written)), *files), *written);
  const auto entries = ReadZipDirectory(Bytes(*written));
  for (const ZipEntry& entry : *entries) EXPECT_EQ(entry.method, 0);
}

TEST(AttachedFiles, AreRefusedBeyondTheLimitAndUnderBadNames) {
  testing::ModelSpec spec = testing::AddModel();
  spec.files = {{.name = "a", .contents = std::string(60, 'a')},
                {.name = "b", .contents = std::string(60, 'b')}};
  const std::string file = testing::ModelFile(spec);
  EXPECT_EQ(ReadAttachedFiles(Bytes(file), 100).status().code(),
            absl::StatusCode::kResourceExhausted);
  const Graph graph = *ReadGraph(Bytes(file));
  const std::vector<AttachedFile> twice = {{"a", "1"}, {"a", "2"}};
  EXPECT_THAT(MessageOf(WriteModelFile(graph, twice).status()), HasSubstr("there twice"));
  EXPECT_THAT(*ReadAttachedFiles(Bytes(*WriteModelFile(graph, {})), 100), IsEmpty());
}

// A value in every field.
FileMetadata Full() {
  const AssociatedFile labels = {.name = "labels.txt",
                                 .description = "names",
                                 .type = AssociatedFileType::kTensorAxisLabels,
                                 .locale = "en",
                                 .version = "2"};
  FileMetadata metadata;
  metadata.name = "finder";
  metadata.description = "finds things";
  metadata.version = "1.2";
  metadata.author = "somebody";
  metadata.license = "Apache-2.0";
  metadata.min_parser_version = "1.3.0";
  metadata.associated_files = {labels};
  metadata.subgraph_name = "main";
  metadata.subgraph_description = "all of it";
  metadata.subgraph_files = {labels};
  metadata.input_tokenizers = {{.kind = Tokenizer::Kind::kBert, .vocabulary = {labels}}};
  metadata.output_tokenizers = {
      {.kind = Tokenizer::Kind::kSentencePiece, .vocabulary = {labels}, .model = {labels}}};
  metadata.input_groups = {{.name = "in", .tensor_names = {"image"}}};
  metadata.output_groups = {{.name = "found", .tensor_names = {"boxes", "scores"}}};
  metadata.custom = {{.name = "mine", .data = std::string("\0\1", 2)}};
  TensorMetadata image;
  image.name = "image";
  image.description = "a picture";
  image.dimension_names = {"batch", "height"};
  image.is_image = true;
  image.color_space = ColorSpace::kRgb;
  image.image_size = {.width = 320, .height = 240};
  image.content_axes = {.first = 1, .last = 2};
  image.mean = {127.5F};
  image.std = {128.0F};
  image.min = {0};
  image.max = {255};
  TensorMetadata sound;
  sound.audio = {.sample_rate = 16000, .channels = 1};
  sound.tokenizers = {
      {.kind = Tokenizer::Kind::kRegex, .vocabulary = {labels}, .delimiter = "[^\\w]+"}};
  TensorMetadata feature;
  feature.is_feature = true;
  feature.score_threshold = 0.25F;
  feature.score_calibration = {.transformation = ScoreCalibration::Transformation::kLog,
                               .default_score = 0.5F};
  feature.associated_files = {labels};
  TensorMetadata boxes;
  boxes.boxes.emplace();
  boxes.boxes->form = BoundingBoxes::Form::kBoundaries;
  boxes.boxes->index = {1, 0, 3, 2};
  boxes.boxes->in_pixels = true;
  metadata.inputs = {image, sound};
  metadata.outputs = {feature, boxes};
  return metadata;
}

TEST(WriteFileMetadata, ReadsBackEqual) {
  const absl::StatusOr<std::string> buffer = WriteFileMetadata(Full());
  ASSERT_TRUE(buffer.ok()) << buffer.status();
  const absl::StatusOr<FileMetadata> read = ReadFileMetadata(Bytes(*buffer));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, Full());
  EXPECT_EQ(*WriteFileMetadata(*read), *buffer);
  EXPECT_EQ(*ReadFileMetadata(Bytes(*WriteFileMetadata({}))), FileMetadata());
}

TEST(WriteFileMetadata, RefusesWhatItDoesNotKnow) {
  FileMetadata metadata;
  metadata.unknown = "field 9 of TensorMetadata";
  EXPECT_THAT(MessageOf(WriteFileMetadata(metadata).status()), HasSubstr("field 9 of Tensor"));
}

TEST(SetFileMetadata, ReplacesWhatTheGraphHas) {
  testing::ModelSpec spec = testing::AddModel();
  spec.metadata.emplace().name = "old";
  const std::string file = testing::ModelFile(spec);
  Graph graph = *ReadGraph(Bytes(file));
  ASSERT_TRUE(SetFileMetadata(graph, Full()).ok());
  const std::string written = *WriteModel(graph);
  const Graph read = *ReadGraph(Bytes(written));
  EXPECT_EQ(read.metadata.size(), 1U);
  EXPECT_EQ(read.buffers.size(), 2U) << "the old buffer is gone";
  EXPECT_EQ(*ReadFileMetadata(read.MetadataBuffer(kMetadataName)), Full());
}

}  // namespace
}  // namespace bowerbird::tflite
