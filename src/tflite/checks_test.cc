// SPDX-License-Identifier: Apache-2.0
#include "tflite/checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "base/status.h"

namespace bowerbird::tflite {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::array<std::byte, 16> kSixteenBytes{};

// y = x + c, with c a constant of four floats in buffer 1.
Graph GoodGraph() {
  Graph graph;
  graph.version = 3;
  graph.operator_codes = {{.builtin = 0}};
  graph.buffers = {{}, {.data = kSixteenBytes}};
  Tensor x;
  x.name = "x";
  x.shape = {4};
  Tensor c = x;
  c.name = "c";
  c.buffer = 1;
  Tensor y = x;
  y.name = "y";
  Operator add;
  add.inputs = {0, 1};
  add.outputs = {2};
  Subgraph main;
  main.tensors = {x, c, y};
  main.inputs = {0};
  main.outputs = {2};
  main.operators = {add};
  graph.subgraphs = {main};
  return graph;
}

std::string ErrorOf(const Graph& graph) {
  const absl::Status status = CheckGraph(graph);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return MessageOf(status);
}

TEST(CheckGraph, AcceptsAGraphThatHolds) {
  EXPECT_TRUE(CheckGraph(GoodGraph()).ok()) << CheckGraph(GoodGraph());
}

TEST(CheckGraph, RefusesAGraphWithoutEnds) {
  EXPECT_THAT(ErrorOf(Graph()), HasSubstr("no graph"));
  Graph graph = GoodGraph();
  graph.subgraphs[0].outputs.clear();
  EXPECT_THAT(ErrorOf(graph), HasSubstr("no outputs"));
}

TEST(CheckGraph, RefusesIndicesOutOfRange) {
  Graph graph = GoodGraph();
  graph.subgraphs[0].inputs = {7};
  EXPECT_THAT(ErrorOf(graph), HasSubstr("tensor 7 of 3"));
  graph = GoodGraph();
  graph.subgraphs[0].outputs = {-1};
  EXPECT_THAT(ErrorOf(graph), HasSubstr("tensor -1 of 3"));
  graph = GoodGraph();
  graph.subgraphs[0].operators[0].code = 1;
  EXPECT_THAT(ErrorOf(graph), HasSubstr("code 1 of 1"));
  graph = GoodGraph();
  graph.subgraphs[0].tensors[1].buffer = 2;
  EXPECT_THAT(ErrorOf(graph), HasSubstr("buffer 2 of 2"));
}

TEST(CheckGraph, RefusesTensorsThatNothingWrites) {
  Graph graph = GoodGraph();
  graph.subgraphs[0].operators[0].inputs = {2, 1};
  EXPECT_THAT(ErrorOf(graph), HasSubstr("which nothing writes before"));
  graph = GoodGraph();
  graph.subgraphs[0].operators.clear();
  EXPECT_THAT(ErrorOf(graph), HasSubstr("'y') is written by no operator"));
}

TEST(CheckGraph, RefusesWritesToConstantsAndInputs) {
  Graph graph = GoodGraph();
  graph.subgraphs[0].operators[0].outputs = {1};
  EXPECT_THAT(ErrorOf(graph), HasSubstr("'c'), which is a constant"));
  graph = GoodGraph();
  graph.subgraphs[0].operators[0].outputs = {0};
  EXPECT_THAT(ErrorOf(graph), HasSubstr("'x'), which is a constant, an input"));
}

TEST(CheckGraph, RefusesShapesThatCannotBe) {
  Graph graph = GoodGraph();
  graph.subgraphs[0].tensors[2].shape = {-4};
  EXPECT_THAT(ErrorOf(graph), HasSubstr("negative or larger"));
  graph.subgraphs[0].tensors[2].shape = {65536, 65536, 65536};
  EXPECT_THAT(ErrorOf(graph), HasSubstr("negative or larger"));
  graph.subgraphs[0].tensors[2].shape = std::vector<int32_t>(9, 1);
  EXPECT_THAT(ErrorOf(graph), HasSubstr("9 dimensions"));
}

TEST(CheckGraph, RefusesConstantsOfAnotherLength) {
  Graph graph = GoodGraph();
  graph.subgraphs[0].tensors[1].shape = {5};
  EXPECT_THAT(ErrorOf(graph), HasSubstr("needs 20 bytes but its buffer has 16"));
}

TEST(CheckGraph, RefusesQuantisationThatDoesNotFit) {
  Graph graph = GoodGraph();
  Quantization& quantization = graph.subgraphs[0].tensors[1].quantization;
  quantization = {.scale = {1, 1, 1, 1}, .zero_point = {0, 0, 0, 0}, .dimension = 3};
  EXPECT_THAT(ErrorOf(graph), HasSubstr("along dimension 3 of 1"));
  quantization = {.scale = {1, 1}, .zero_point = {0, 0}, .dimension = 0};
  EXPECT_THAT(ErrorOf(graph), HasSubstr("2 scales for 4 channels"));
  quantization = {.scale = {1}, .zero_point = {}};
  EXPECT_THAT(ErrorOf(graph), HasSubstr("1 scales but 0 zero points"));
  quantization.details = Table("BlockwiseQuantization");
  EXPECT_THAT(ErrorOf(graph), HasSubstr("in blocks"));
}

TEST(CheckGraph, RefusesSubgraphsThatCallThemselves) {
  Graph graph = GoodGraph();
  graph.subgraphs.push_back(graph.subgraphs[0]);
  const auto call = [](int64_t subgraph) {
    return Table::Of("CallOnceOptions", {{"init_subgraph_index", subgraph}});
  };
  graph.subgraphs[0].operators[0].options = call(1);
  EXPECT_TRUE(CheckGraph(graph).ok());
  graph.subgraphs[1].operators[0].options = call(0);
  EXPECT_THAT(ErrorOf(graph), HasSubstr("calls itself"));
  graph.subgraphs[1].operators[0].options = call(-1);
  EXPECT_THAT(ErrorOf(graph), HasSubstr("calls subgraph -1 of 2"));
}

TEST(CheckGraph, RefusesDamagedStringsAndOptions) {
  Graph graph = GoodGraph();
  const std::array<int32_t, 4> strings = {1, 12, 400, 0};  // ends beyond the buffer
  graph.buffers[1].data = std::as_bytes(std::span(strings));
  graph.subgraphs[0].tensors[1].type = TensorType::kString;
  EXPECT_THAT(ErrorOf(graph), HasSubstr("damaged strings"));
  graph = GoodGraph();
  graph.operator_codes[0] = {.builtin = kCustomOperator, .custom = "TFLite_Detection_PostProcess"};
  graph.subgraphs[0].operators[0].custom_options = kSixteenBytes;
  EXPECT_THAT(ErrorOf(graph), HasSubstr("damaged options"));
}

TEST(CheckGraph, RefusesWindowsThatCannotSlide) {
  Graph graph = GoodGraph();
  Table& options = graph.subgraphs[0].operators[0].options;
  options = Table::Of("Conv2DOptions", {{"stride_w", 1}, {"stride_h", 2}});
  EXPECT_TRUE(CheckGraph(graph).ok()) << CheckGraph(graph);
  options = Table::Of("Conv2DOptions", {{"stride_w", 1}});  // the other is 0 by default
  EXPECT_THAT(ErrorOf(graph), HasSubstr("window that cannot slide"));
  options = Table::Of("TransposeConvOptions", {{"stride_w", 1}, {"stride_h", 1}, {"padding", 58}});
  EXPECT_THAT(ErrorOf(graph), HasSubstr("window that cannot slide"));
}

TEST(CheckGraph, RefusesOperatorsWithoutTheParametersTheyDivideBy) {
  Graph graph = GoodGraph();
  graph.operator_codes[0].builtin = 3;  // CONV_2D
  EXPECT_THAT(ErrorOf(graph), HasSubstr("(CONV_2D) lacks its parameters (Conv2DOptions)"));
  Table& options = graph.subgraphs[0].operators[0].options;
  options = Table::Of("Pool2DOptions", {{"stride_w", 1}, {"stride_h", 1}});
  EXPECT_THAT(ErrorOf(graph), HasSubstr("lacks its parameters"));
  graph.operator_codes[0].builtin = 26;  // SPACE_TO_DEPTH
  options = Table("SpaceToDepthOptions");
  EXPECT_THAT(ErrorOf(graph), HasSubstr("block_size below 1"));
}

TEST(UnreadTensors, AreWrittenAndNeverRead) {
  Graph graph = GoodGraph();
  EXPECT_THAT(UnreadTensors(graph), ElementsAre(ElementsAre(false, false, false)));
  Tensor dead;
  dead.shape = {4};
  graph.subgraphs[0].tensors.push_back(dead);
  Operator op;
  op.inputs = {0};
  op.outputs = {3};
  graph.subgraphs[0].operators.push_back(op);
  EXPECT_THAT(UnreadTensors(graph), ElementsAre(ElementsAre(false, false, false, true)));
}

TEST(CheckGraph, RefusesWeightsOutsideOfTheFile) {
  Graph graph = GoodGraph();
  graph.buffers[1].is_external = true;
  EXPECT_THAT(ErrorOf(graph), HasSubstr("outside of the file"));
}

}  // namespace
}  // namespace bowerbird::tflite
