// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/inspect_command.h"

namespace bowerbird::app {
namespace {

using nlohmann::ordered_json;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using tflite::Graph;
using tflite::TensorType;

// One operator from an input to an output of the given shapes.
Graph GraphOf(std::vector<int32_t> input, TensorType type, std::vector<int32_t> output) {
  Graph graph;
  graph.operator_codes = {{.builtin = 3}};
  graph.buffers = {{}};
  tflite::Tensor x;
  x.name = "x";
  x.type = type;
  x.shape = std::move(input);
  tflite::Tensor y;
  y.name = "y";
  y.shape = std::move(output);
  tflite::Operator op;
  op.inputs = {0};
  op.outputs = {1};
  tflite::Subgraph main;
  main.tensors = {x, y};
  main.inputs = {0};
  main.outputs = {1};
  main.operators = {op};
  graph.subgraphs = {main};
  return graph;
}

ordered_json MeasuredWith(int labels, const std::string& type = "") {
  return {{"report",
           {{"warnings", ordered_json::array()}, {"delegated_operators", 1}, {"operators", 1}}},
          {"metadata",
           {{"type", type},
            {"inputs", {{{"normalization", {{"mean", {0}}, {"std", {1}}}}}}},
            {"outputs", ordered_json::array({ordered_json::object()})},
            {"labels", {{"count", labels}}}}}};
}

std::vector<std::string> Texts(const std::vector<Finding>& findings) {
  std::vector<std::string> texts;
  for (const Finding& finding : findings) {
    EXPECT_THAT(finding.remedy, Not(IsEmpty())) << finding.what;
    texts.push_back(finding.what);
  }
  return texts;
}

TEST(GuessTask, ReadsTheShapes) {
  const ordered_json nothing;
  const auto task = [&](std::vector<int32_t> in, std::vector<int32_t> out) {
    return GuessTask(GraphOf(std::move(in), TensorType::kUint8, std::move(out)), nothing);
  };
  EXPECT_EQ(task({1, 224, 224, 3}, {1, 1001}), "image classification");
  EXPECT_EQ(task({1, 257, 257, 3}, {1, 257, 257, 21}), "image segmentation");
  EXPECT_EQ(task({1, 3, 416, 416}, {1, 3549, 85}), "object detection, one tensor of candidates");
  EXPECT_EQ(task({1, 42}, {1, 3}), "classification of numbers");
  EXPECT_EQ(task({1, 1}, {1, 1}), "unknown");
}

TEST(GuessTask, BelievesOperatorsAndMetadata) {
  Graph graph = GraphOf({1, 300, 300, 3}, TensorType::kUint8, {1, 10, 4});
  EXPECT_EQ(GuessTask(graph, MeasuredWith(0, "tflite_detector")), "object detection");
  graph.operator_codes[0] = {.builtin = tflite::kCustomOperator,
                             .custom = "TFLite_Detection_PostProcess"};
  EXPECT_EQ(GuessTask(graph, ordered_json()), "object detection, boxes after suppression");
  EXPECT_EQ(GuessTask(GraphOf({15600}, TensorType::kFloat32, {1, 521}),
                      MeasuredWith(521, "tflite_classifier")),
            "classification");
}

TEST(Judge, FindsLabelsOfAnotherModel) {
  const Graph graph = GraphOf({1, 224, 224, 3}, TensorType::kUint8, {1, 1001});
  const std::vector<Finding> findings = Judge(graph, MeasuredWith(1000));
  EXPECT_THAT(findings, Contains(Field(&Finding::is_error, true)));
  EXPECT_THAT(Texts(findings), Contains("there are 1000 labels for 1001 outputs"));
  EXPECT_THAT(Texts(Judge(graph, MeasuredWith(1001))), Not(Contains(HasSubstr("labels"))));
  EXPECT_THAT(Texts(Judge(graph, MeasuredWith(0))), Contains(HasSubstr("there are no labels")));
}

TEST(Judge, FindsWhatThePictureInputLacks) {
  const ordered_json measured = MeasuredWith(85);
  EXPECT_THAT(
      Texts(Judge(GraphOf({1, 3, 416, 416}, TensorType::kFloat32, {1, 3549, 85}), measured)),
      Contains(HasSubstr("NCHW")));
  EXPECT_THAT(Texts(Judge(GraphOf({1, 96, 96, 1}, TensorType::kInt8, {1, 2}), measured)),
              Contains(HasSubstr("'x' is INT8")));
  ordered_json unscaled = measured;
  unscaled["metadata"]["inputs"][0].erase("normalization");
  const Graph graph = GraphOf({1, 96, 96, 3}, TensorType::kFloat32, {1, 85});
  EXPECT_THAT(Texts(Judge(graph, unscaled)), Contains(HasSubstr("how pixels are scaled")));
  EXPECT_THAT(Texts(Judge(graph, measured)), Not(Contains(HasSubstr("how pixels are scaled"))));
}

TEST(Judge, FindsMissingMetadataAndBoxOrder) {
  Graph graph = GraphOf({1, 300, 300, 3}, TensorType::kUint8, {1, 10, 4});
  graph.operator_codes[0] = {.builtin = tflite::kCustomOperator,
                             .custom = "TFLite_Detection_PostProcess"};
  ordered_json measured = MeasuredWith(90);
  EXPECT_THAT(Texts(Judge(graph, measured)), Contains(HasSubstr("no metadata")));
  EXPECT_THAT(Texts(Judge(graph, measured)), Contains(HasSubstr("order of box corners")));
  measured["metadata"]["outputs"][0]["box_order"] = {1, 0, 3, 2};
  EXPECT_THAT(Texts(Judge(graph, measured)), Not(Contains(HasSubstr("order of box corners"))));
}

TEST(Judge, FindsModelsThatTheDelegateLeavesAlone) {
  Graph graph = GraphOf({1, 224, 224, 3}, TensorType::kUint8, {1, 1001});
  graph.subgraphs[0].tensors[1].type = TensorType::kUint8;
  ordered_json measured = MeasuredWith(1001);
  EXPECT_THAT(Texts(Judge(graph, measured)), Not(Contains(HasSubstr("XNNPACK"))));
  measured["report"]["delegated_operators"] = 0;
  EXPECT_THAT(Texts(Judge(graph, measured)),
              Contains(HasSubstr("no kernels for activations in uint8")));
}

TEST(Judge, SurvivesAGraphWhoseIndicesDoNotHold) {
  Graph graph = GraphOf({1, 224, 224, 3}, TensorType::kUint8, {1, 1001});
  graph.subgraphs[0].inputs = {99};
  graph.subgraphs[0].outputs = {-5};
  Judge(graph, ordered_json());
  EXPECT_EQ(GuessTask(graph, ordered_json()), "unknown");
  EXPECT_EQ(GuessTask(Graph(), ordered_json()), "unknown");
}

}  // namespace
}  // namespace bowerbird::app
