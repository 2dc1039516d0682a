// SPDX-License-Identifier: Apache-2.0
//
// What callers learn from the metadata in a file, through TfliteModel::Load.
#include "infer/describe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"
#include "infer/testing/model_on_disk.h"
#include "infer/tflite_model.h"

namespace bowerbird::infer {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::FileOnDisk;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using tflite::testing::ModelSpec;

std::unique_ptr<TfliteModel> LoadOrDie(const ModelSpec& spec, const std::string& labels = "") {
  const FileOnDisk file(spec);
  auto model = TfliteModel::Load({.model_path = file.path(), .label_path = labels});
  EXPECT_TRUE(model.ok()) << model.status();
  return model.ok() ? *std::move(model) : nullptr;
}

// y = a + b with metadata for all three and two label files.
ModelSpec DescribedModel() {
  ModelSpec spec = tflite::testing::AddModel(4);
  spec.metadata.emplace();
  spec.metadata->name = "adder";
  spec.metadata->description = "adds";
  spec.metadata->inputs.resize(2);
  spec.metadata->inputs[0].name = "image";
  spec.metadata->inputs[0].description = "picture to be classified";
  spec.metadata->inputs[0].mean = {127.5F};
  spec.metadata->inputs[0].std = {128.0F};
  spec.metadata->outputs.resize(1);
  spec.metadata->outputs[0].name = "probability";
  spec.metadata->outputs[0].associated_files = {
      {.name = "de.txt",
       .description = "",
       .type = tflite::AssociatedFileType::kTensorAxisLabels,
       .locale = "de"},
      {.name = "labels.txt",
       .description = "names",
       .type = tflite::AssociatedFileType::kTensorAxisLabels,
       .locale = ""}};
  spec.files = {{.name = "de.txt", .contents = "Katze\nHund\n"},
                {.name = "labels.txt", .contents = "cat\ndog\n"}};
  return spec;
}

TEST(Describe, KnowsThatAPictureIsRgbOnlyWhereTheMetadataSaysSo) {
  ModelSpec spec = DescribedModel();
  EXPECT_FALSE(LoadOrDie(spec)->metadata().inputs[0].is_rgb);
  spec.metadata->inputs[0].is_image = true;
  spec.metadata->inputs[0].color_space = tflite::ColorSpace::kRgb;
  EXPECT_TRUE(LoadOrDie(spec)->metadata().inputs[0].is_rgb);
}

TEST(Describe, TakesNamesAndDescriptionsFromTheMetadata) {
  const auto model = LoadOrDie(DescribedModel());
  const ModelMetadata& metadata = model->metadata();
  EXPECT_EQ(metadata.name, "adder");
  EXPECT_EQ(metadata.description, "adds");
  EXPECT_EQ(metadata.type, "tflite_classifier");
  ASSERT_THAT(metadata.inputs, SizeIs(2));
  EXPECT_EQ(metadata.inputs[0].name, "image");
  EXPECT_EQ(metadata.inputs[0].graph_name, "a");
  EXPECT_EQ(metadata.inputs[1].name, "b") << "no name in the metadata: the graph's";
  ASSERT_TRUE(metadata.inputs[0].normalization.has_value());
  EXPECT_THAT(metadata.inputs[0].normalization->mean, ElementsAre(127.5F));
  EXPECT_FALSE(metadata.inputs[1].normalization.has_value());
  ASSERT_THAT(metadata.outputs[0].associated_files, SizeIs(2));
  EXPECT_EQ(metadata.outputs[0].associated_files[1].label_type,
            AssociatedFile::LabelType::kTensorAxis);
}

TEST(Describe, AcceptsBothNamesAtTheInput) {
  const auto model = LoadOrDie(DescribedModel());
  const std::vector<float> values = {1, 2, 3, 4};
  const Shape shape = {1, 4};
  const TensorView view = {DType::kFloat32, shape, std::as_bytes(std::span(values))};
  for (const char* name : {"image", "a"}) {
    const auto lease = *model->Acquire(Context());
    const auto outputs = infer::Run(Context(), *model, {{name, view}, {"b", view}}, *lease);
    ASSERT_TRUE(outputs.ok()) << outputs.status();
    EXPECT_THAT(outputs->at("probability").As<float>(), ElementsAre(2, 4, 6, 8));
  }
}

TEST(Describe, ReadsPackedLabelsOfTheDefaultLanguage) {
  EXPECT_THAT(LoadOrDie(DescribedModel())->metadata().labels, ElementsAre("cat", "dog"));
}

TEST(Describe, PrefersTheLabelFileThatTheCallerNames) {
  const FileOnDisk labels("one\ntwo\nthree\n", ".txt");
  const auto model = LoadOrDie(DescribedModel(), labels.path());
  EXPECT_THAT(model->metadata().labels, ElementsAre("one", "two", "three"));
  EXPECT_EQ(model->metadata().outputs[0].labels_path, labels.path());
}

TEST(Describe, RefusesALabelPathThatDoesNotExist) {
  const FileOnDisk file(DescribedModel());
  const absl::Status status =
      TfliteModel::Load({.model_path = file.path(), .label_path = "/no/labels.txt"}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(MessageOf(status), HasSubstr("/no/labels.txt"));
}

TEST(Describe, GoesOnWithoutLabelsThatAreNotPacked) {
  ModelSpec spec = DescribedModel();
  spec.files.clear();
  const auto model = LoadOrDie(spec);
  EXPECT_THAT(model->metadata().labels, IsEmpty());
  EXPECT_THAT(model->report().warnings, Contains(HasSubstr("'labels.txt'")));
}

TEST(Describe, TellsTheOrderOfBoxCorners) {
  ModelSpec spec = DescribedModel();
  tflite::BoundingBoxes boxes;
  boxes.form = tflite::BoundingBoxes::Form::kBoundaries;
  boxes.index = {1, 0, 3, 2};
  spec.metadata->outputs[0].boxes = boxes;
  EXPECT_THAT(LoadOrDie(spec)->metadata().outputs[0].box_order,
              ::testing::Optional(ElementsAre(1, 0, 3, 2)));
  spec.metadata->outputs[0].boxes->index = {};
  EXPECT_THAT(LoadOrDie(spec)->metadata().outputs[0].box_order,
              ::testing::Optional(ElementsAre(0, 1, 2, 3)));
  for (const std::vector<uint32_t>& wrong :
       {std::vector<uint32_t>{1, 1, 3, 2}, {0, 1, 2, 9}, {0, 1, 2}}) {
    spec.metadata->outputs[0].boxes->index = wrong;
    EXPECT_EQ(LoadOrDie(spec)->metadata().outputs[0].box_order, std::nullopt);
  }
}

TEST(Describe, IgnoresANormalisationThatDividesByZero) {
  ModelSpec spec = DescribedModel();
  spec.metadata->inputs[0].std = {0.0F};
  EXPECT_FALSE(LoadOrDie(spec)->metadata().inputs[0].normalization.has_value());
}

TEST(Describe, MakesNamesUniqueAndFillsMissingOnes) {
  ModelSpec spec = DescribedModel();
  spec.metadata->inputs[1].name = "image";  // twice
  spec.subgraphs[0].tensors[2].name = "";
  spec.metadata->outputs[0].name = "";
  const auto model = LoadOrDie(spec);
  EXPECT_EQ(model->metadata().inputs[0].name, "image");
  EXPECT_EQ(model->metadata().inputs[1].name, "b");
  EXPECT_EQ(model->metadata().outputs[0].name, "output_0");
}

TEST(Describe, IgnoresMetadataOfAnotherGraph) {
  ModelSpec spec = DescribedModel();
  spec.metadata->inputs.resize(1);  // the graph has two
  EXPECT_EQ(LoadOrDie(spec)->metadata().inputs[0].name, "a");
}

TEST(Describe, GivesScaleAndZeroPointOfQuantisedTensors) {
  ModelSpec spec = tflite::testing::AddModel(4);
  for (auto& tensor : spec.subgraphs[0].tensors) {
    tensor.type = tflite::TensorType::kUint8;
    tensor.scale = {0.5F};
    tensor.zero_point = {128};
  }
  const auto model = LoadOrDie(spec);
  EXPECT_EQ(model->metadata().outputs[0].quantization.scale, 0.5);
  EXPECT_EQ(model->metadata().outputs[0].quantization.zero_point, 128);
}

}  // namespace
}  // namespace bowerbird::infer
