// SPDX-License-Identifier: Apache-2.0
#include "tflite/diagnosis_repair.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "tflite/testing/model_file.h"

namespace bowerbird::tflite {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int32_t kConv2d = 3;
constexpr int32_t kLogistic = 14;

// x -> `first` -> CONV_2D of one filter (1, 2, 3) -> y; without `first` x goes straight in.
testing::ModelSpec Convolution(int32_t first = -1, int32_t version = 1) {
  testing::SubgraphSpec main{
      .tensors = {{.name = "x", .shape = {1, 2, 2, 3}},
                  {.name = "w",
                   .shape = {1, 1, 1, 3},
                   .data = testing::BytesOf(std::vector<float>{1, 2, 3})},
                  {.name = "y", .shape = {1, 2, 2, 1}},
                  {.name = "z", .shape = {1, 2, 2, 3}}},
      .operators = {{.code = kConv2d, .inputs = {0, 1}, .outputs = {2}, .version = version}},
      .inputs = {0},
      .outputs = {2}};
  if (first >= 0) {
    main.operators[0].inputs = {3, 1};
    main.operators.insert(main.operators.begin(), {.code = first, .inputs = {0}, .outputs = {3}});
  }
  return {.subgraphs = {main}};
}

// The graph of a file that lives as long as this.
struct Model {
  explicit Model(const testing::ModelSpec& spec) {
    const std::string file = testing::ModelFile(spec);
    bytes.resize(file.size());
    std::memcpy(bytes.data(), file.data(), file.size());
    graph = *ReadGraph(bytes);
  }
  std::vector<float> Filter() const {
    const std::span<const std::byte> data =
        graph.buffers[graph.subgraphs[0].tensors[1].buffer].data;
    std::vector<float> values(data.size() / sizeof(float));
    std::memcpy(values.data(), data.data(), data.size());
    return values;
  }
  std::vector<std::byte> bytes;
  Graph graph;
};

TEST(SwapInputChannels, TurnsTheFiltersOfTheFirstConvolution) {
  Model model(Convolution());
  const auto count = SwapInputChannels(model.graph);
  ASSERT_TRUE(count.ok()) << count.status();
  EXPECT_EQ(*count, 1);
  EXPECT_THAT(model.Filter(), ElementsAre(3, 2, 1));
}

TEST(SwapInputChannels, RefusesByNameWhatItCannotPassAndChangesNothing) {
  Model model(Convolution(kLogistic));
  const auto count = SwapInputChannels(model.graph);
  ASSERT_FALSE(count.ok());
  EXPECT_THAT(std::string(count.status().message()), HasSubstr("LOGISTIC"));
  EXPECT_THAT(model.Filter(), ElementsAre(1, 2, 3));
}

TEST(LowerVersions, LowersWhatTheRuntimeLacksAndTheGraphDoesNotNeed) {
  Model model(Convolution(-1, 6));
  std::vector<std::string> changes;
  LowerVersions(
      model.graph, [](const OperatorCode& code) { return code.version <= 5; }, changes);
  EXPECT_EQ(model.graph.operator_codes[0].version, 1);
  EXPECT_THAT(changes, ElementsAre(HasSubstr("CONV_2D from version 6 to 1")));
  LowerVersions(
      model.graph, [](const OperatorCode&) { return true; }, changes);
  EXPECT_THAT(changes, SizeIs(1));
}

TEST(LowerVersions, LeavesGroupedConvolutionsAlone) {
  testing::ModelSpec spec = Convolution(-1, 6);
  spec.subgraphs[0].tensors[0].shape = {1, 2, 2, 6};
  Model model(spec);
  std::vector<std::string> changes;
  LowerVersions(
      model.graph, [](const OperatorCode& code) { return code.version <= 5; }, changes);
  EXPECT_EQ(model.graph.operator_codes[0].version, 6);
  EXPECT_THAT(changes, IsEmpty());
}

TEST(RepairMetadata, DescribesPicturesAndWritesWhatIsWished) {
  const Model model(Convolution());
  MetadataWishes wishes;
  wishes.model_name = "pets";
  wishes.mean = {127.5F};
  wishes.std = {127.5F};
  wishes.label_file = "labels.txt";
  wishes.label_count = 4;
  std::vector<std::string> changes;
  const auto metadata = RepairMetadata(GraphView(model.graph), std::nullopt, wishes, changes);
  ASSERT_TRUE(metadata.ok()) << metadata.status();
  EXPECT_EQ(metadata->name, "pets");
  ASSERT_THAT(metadata->inputs, SizeIs(1));
  EXPECT_TRUE(metadata->inputs[0].is_image);
  EXPECT_THAT(metadata->inputs[0].std, ElementsAre(127.5F));
  ASSERT_THAT(metadata->outputs, SizeIs(1));
  EXPECT_EQ(metadata->outputs[0].associated_files.at(0).name, "labels.txt");
  EXPECT_THAT(changes, ::testing::Not(IsEmpty()));
}

TEST(RepairMetadata, SaysOfAModelThatWasTurnedThatItTakesRgb) {
  const Model model(Convolution());
  FileMetadata given;
  given.inputs.resize(1);
  given.outputs.resize(1);
  given.inputs[0].is_image = true;
  std::vector<std::string> changes;
  const GraphView view(model.graph);
  EXPECT_EQ(RepairMetadata(view, given, {}, changes)->inputs[0].color_space, ColorSpace::kUnknown);
  EXPECT_EQ(RepairMetadata(view, given, {.takes_rgb = true}, changes)->inputs[0].color_space,
            ColorSpace::kRgb);
}

TEST(RepairMetadata, RefusesWishesThatDoNotFit) {
  const Model model(Convolution());
  std::vector<std::string> changes;
  MetadataWishes wishes;
  wishes.mean = {1};
  wishes.std = {0};
  EXPECT_FALSE(RepairMetadata(GraphView(model.graph), std::nullopt, wishes, changes).ok());
  wishes = {};
  wishes.box_order = {1, 0, 3, 2};
  EXPECT_FALSE(RepairMetadata(GraphView(model.graph), std::nullopt, wishes, changes).ok());
}

}  // namespace
}  // namespace bowerbird::tflite
