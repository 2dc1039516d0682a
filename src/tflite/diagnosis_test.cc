// SPDX-License-Identifier: Apache-2.0
#include "tflite/diagnosis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tflite/testing/model_file.h"

namespace bowerbird::tflite {
namespace {

using testing::kAdd;
using testing::kCustom;
using testing::kReshape;
using testing::kSoftmax;
using testing::ModelSpec;
using testing::OperatorSpec;
using testing::TensorSpec;

constexpr int32_t kConv2d = 3;
constexpr int32_t kQuantize = 114;

// A file and its graph; the file must outlive the graph.
class Model {
 public:
  explicit Model(const ModelSpec& spec) : file_(testing::ModelFile(spec)) {
    bytes_.resize(file_.size());
    std::copy_n(reinterpret_cast<const std::byte*>(file_.data()), file_.size(), bytes_.begin());
    auto graph = ReadGraph(bytes_);
    EXPECT_TRUE(graph.ok()) << graph.status();
    if (graph.ok()) graph_ = *std::move(graph);
  }
  const Graph& graph() const { return graph_; }
  Evidence evidence() const { return Evidence{.graph = graph_}; }
  std::set<std::string> Ids() const { return IdsOf(evidence()); }

  static std::set<std::string> IdsOf(const Evidence& evidence) {
    std::set<std::string> ids;
    for (const Finding& finding : Diagnose(evidence)) {
      EXPECT_FALSE(finding.what.empty());
      EXPECT_FALSE(finding.remedy.empty()) << finding.id;
      ids.insert(finding.id);
    }
    return ids;
  }

 private:
  std::string file_;
  std::vector<std::byte> bytes_;
  Graph graph_;
};

OperatorSpec Step(int32_t code, const std::string& custom = "") {
  return {.code = code, .inputs = {0}, .outputs = {1}, .version = 1, .custom_code = custom};
}

// x -> SOFTMAX -> y.
ModelSpec OneStep(const TensorSpec& x, const TensorSpec& y,
                  const OperatorSpec& op = Step(kSoftmax)) {
  return {.subgraphs = {{.tensors = {x, y}, .operators = {op}, .inputs = {0}, .outputs = {1}}}};
}

FileMetadata MetadataFor(size_t inputs) {
  FileMetadata metadata;
  metadata.inputs.resize(inputs);
  metadata.outputs.resize(1);
  return metadata;
}

ModelSpec Classifier() {
  return OneStep({.name = "t", .shape = {1, 8, 8, 3}}, {.name = "t", .shape = {1, 10}});
}

TaskGuess GuessOf(const ModelSpec& spec) {
  const Model model(spec);
  return GuessTask(GraphView(model.graph()), spec.metadata);
}

TEST(GuessTask, ReadsOperatorsAndShapes) {
  EXPECT_EQ(GuessOf(Classifier()).task, Task::kClassifier);
  const auto task = [](std::vector<int32_t> in, std::vector<int32_t> out) {
    return GuessOf(OneStep({.name = "t", .shape = std::move(in)},
                           {.name = "t", .shape = std::move(out)}, Step(kReshape)))
        .task;
  };
  EXPECT_EQ(task({1, 64, 64, 3}, {1, 64, 64, 21}), Task::kSegmentation);
  EXPECT_EQ(task({1, 3, 416, 416}, {1, 3549, 85}), Task::kDetector);
  EXPECT_EQ(task({1, 64, 64, 3}, {1, 1280}), Task::kEmbedding);
  EXPECT_EQ(task({1, 192, 192, 3}, {1, 1, 17, 3}), Task::kPose);
  EXPECT_EQ(task({1, 15600}, {1, 521}), Task::kAudio);
  EXPECT_EQ(task({1, 1}, {1, 1}), Task::kUnknown);
}

TEST(GuessTask, BelievesOperatorsBeforeMetadataBeforeShapes) {
  ModelSpec spec = OneStep({.name = "t", .shape = {1, 8, 8, 3}}, {.name = "t", .shape = {1, 10, 4}},
                           Step(kCustom, "TFLite_Detection_PostProcess"));
  spec.metadata.emplace().description = "to classify";
  EXPECT_EQ(GuessOf(spec).task, Task::kDetector);
  spec = Classifier();
  spec.metadata.emplace().description = "Detects pets";
  EXPECT_EQ(GuessOf(spec).task, Task::kDetector);
  EXPECT_FALSE(GuessOf(spec).reason.empty());
}

TEST(Diagnose, FindsWhatTheFileLacks) {
  const Model model(Classifier());
  EXPECT_THAT(model.Ids(),
              ::testing::IsSupersetOf({"no-metadata", "no-labels", "input-scaling-unknown"}));
  Evidence evidence = model.evidence();
  evidence.metadata = MetadataFor(1);
  evidence.metadata->inputs[0].mean = {0};
  evidence.metadata->inputs[0].std = {1};
  evidence.labels.assign(10, "label");
  EXPECT_THAT(Model::IdsOf(evidence), ::testing::IsEmpty());
}

TEST(Diagnose, FindsLabelsOfAnotherModel) {
  const Model model(Classifier());
  Evidence evidence = model.evidence();
  evidence.labels.assign(9, "label");
  EXPECT_TRUE(Model::IdsOf(evidence).contains("labels-count"));
  EXPECT_EQ(Diagnose(evidence)[0].id, "labels-count");  // errors come first
}

TEST(Diagnose, FindsDamagedCompanions) {
  const Model model(Classifier());
  Evidence evidence = model.evidence();
  evidence.metadata_damage = "cut short";
  evidence.zip_damage = "cut short";
  EXPECT_THAT(Model::IdsOf(evidence), ::testing::IsSupersetOf({"metadata-damaged", "zip-damaged"}));
  evidence.labels_damage = "not packed";
  EXPECT_TRUE(Model::IdsOf(evidence).contains("labels-unreadable"));
  evidence.metadata_damage.clear();
  evidence.metadata = MetadataFor(2);
  EXPECT_TRUE(Model::IdsOf(evidence).contains("metadata-mismatch"));
}

TEST(Diagnose, FindsSignsOfOtherInputConventions) {
  const Model nchw(OneStep({.name = "t", .shape = {1, 3, 416, 416}},
                           {.name = "t", .shape = {1, 3549, 85}}, Step(kReshape)));
  EXPECT_THAT(nchw.Ids(), ::testing::IsSupersetOf({"input-channels-first", "input-bgr"}));
  const Model named(
      OneStep({.name = "image_bgr", .shape = {1, 8, 8, 3}}, {.name = "t", .shape = {1, 10}}));
  EXPECT_TRUE(named.Ids().contains("input-bgr"));
  EXPECT_FALSE(Model(Classifier()).Ids().contains("input-bgr"));
  const Model wide(OneStep({.name = "t", .type = TensorType::kInt16, .shape = {1, 8, 8, 3}},
                           {.name = "t", .shape = {1, 10}}));
  EXPECT_TRUE(wide.Ids().contains("input-type"));
  const Model open(OneStep({.name = "t", .shape = {1, 8, 8, 3}, .shape_signature = {-1, 8, 8, 3}},
                           {.name = "t", .shape = {1, 10}}));
  EXPECT_TRUE(open.Ids().contains("dynamic-shape"));
}

TEST(Diagnose, FindsAPictureOfAnUnusualRange) {
  const auto ids = [](float scale, int64_t zero) {
    return Model(OneStep({.name = "t",
                          .type = TensorType::kUint8,
                          .shape = {1, 8, 8, 3},
                          .scale = {scale},
                          .zero_point = {zero}},
                         {.name = "t", .shape = {1, 10}}))
        .Ids();
  };
  EXPECT_FALSE(ids(1 / 255.0F, 0).contains("input-quantization-odd"));
  EXPECT_FALSE(ids(1 / 127.5F, 128).contains("input-quantization-odd"));
  EXPECT_TRUE(ids(0.031F, 77).contains("input-quantization-odd"));
}

TEST(Diagnose, FindsTensorsThatCannotTravel) {
  const Model text(OneStep({.name = "t", .type = TensorType::kString, .shape = {1}},
                           {.name = "t", .shape = {1, 2}}));
  EXPECT_TRUE(text.Ids().contains("io-type"));
  const Model wide(OneStep({.name = "t", .type = TensorType::kFloat64, .shape = {1, 4}},
                           {.name = "t", .shape = {1, 2}}));
  EXPECT_TRUE(wide.Ids().contains("io-float64"));
}

TEST(Diagnose, SortsMissingOperatorsByKind) {
  const Model model(Classifier());
  Evidence evidence = model.evidence();
  evidence.runtime_version = "2.9.0";
  evidence.refusal = "no";
  evidence.missing_operators = {"CONV_2D version 6", "FlexErf (custom operator)",
                                "SignalWindow (custom operator)"};
  const std::set<std::string> ids = Model::IdsOf(evidence);
  EXPECT_THAT(
      ids, ::testing::IsSupersetOf({"operator-unsupported", "flex-operator", "custom-operator"}));
  EXPECT_FALSE(ids.contains("cannot-run"));
  evidence.missing_operators.clear();
  EXPECT_TRUE(Model::IdsOf(evidence).contains("cannot-run"));
}

TEST(Diagnose, JudgesWhatWasSeenInARun) {
  const Model model(OneStep({.name = "t", .shape = {1, 64, 64, 3}},
                            {.name = "t", .shape = {1, 200, 85}}, Step(kReshape)));
  Evidence evidence = model.evidence();
  evidence.run =
      RunFacts{.delegate = "xnnpack", .delegated = {{true}}, .largest = {0.9}, .warnings = {}};
  EXPECT_FALSE(Model::IdsOf(evidence).contains("outside-delegate"));
  EXPECT_FALSE(Model::IdsOf(evidence).contains("boxes-in-pixels"));
  evidence.run = RunFacts{
      .delegate = "none", .delegated = {{false}}, .largest = {412}, .warnings = {"gave up"}};
  EXPECT_THAT(Model::IdsOf(evidence),
              ::testing::IsSupersetOf({"outside-delegate", "boxes-in-pixels", "runtime-warning"}));
}

TEST(Diagnose, SaysWhenPreparationTakesCareOfUint8) {
  const Model model(OneStep({.name = "t", .type = TensorType::kUint8, .shape = {1, 8, 8, 3}},
                            {.name = "t", .type = TensorType::kUint8, .shape = {1, 8, 8, 3}},
                            Step(kConv2d)));
  Evidence evidence = model.evidence();
  const auto finding = [&] {
    for (const Finding& each : Diagnose(evidence)) {
      if (each.id == "uint8-activations") return each;
    }
    return Finding();
  };
  EXPECT_EQ(finding().severity, Severity::kWarning);
  evidence.run.emplace();
  evidence.run->delegate = "xnnpack";
  evidence.run->delegated = {{true}};
  evidence.run->is_prepared = true;
  EXPECT_EQ(finding().severity, Severity::kNote);
  EXPECT_TRUE(finding().remedy.starts_with("nothing here")) << finding().remedy;
}

TEST(Diagnose, FindsTheOrderAndUnitOfBoxes) {
  const Model model(OneStep({.name = "t", .shape = {1, 8, 8, 3}},
                            {.name = "t", .shape = {1, 10, 4}},
                            Step(kCustom, "TFLite_Detection_PostProcess")));
  EXPECT_TRUE(model.Ids().contains("box-order-unknown"));
  Evidence evidence = model.evidence();
  evidence.metadata = MetadataFor(1);
  BoundingBoxes& boxes = evidence.metadata->outputs[0].boxes.emplace();
  boxes.form = BoundingBoxes::Form::kBoundaries;
  boxes.index = {1, 0, 3, 2};
  EXPECT_FALSE(Model::IdsOf(evidence).contains("box-order-other"));
  boxes.index = {0, 1, 2, 3};
  boxes.in_pixels = true;
  EXPECT_THAT(Model::IdsOf(evidence),
              ::testing::IsSupersetOf({"box-order-other", "boxes-in-pixels"}));
}

// A convolution whose output goes into a tensor of candidates of that scale.
ModelSpec Head(float scale, int64_t zero) {
  const std::vector<float> scales = {scale};
  const std::vector<int64_t> zeros = {zero};
  return {
      .subgraphs = {{.tensors = {{.name = "x", .shape = {1, 16, 16, 3}},
                                 {.name = "w", .shape = {6, 1, 1, 3}, .data = std::string(72, 0)},
                                 {.name = "raw", .shape = {1, 16, 16, 6}},
                                 {.name = "q",
                                  .type = TensorType::kInt8,
                                  .shape = {1, 16, 16, 6},
                                  .scale = scales,
                                  .zero_point = zeros},
                                 {.name = "y",
                                  .type = TensorType::kInt8,
                                  .shape = {1, 256, 6},
                                  .scale = scales,
                                  .zero_point = zeros}},
                     .operators = {{.code = kConv2d, .inputs = {0, 1}, .outputs = {2}},
                                   {.code = kQuantize, .inputs = {2}, .outputs = {3}},
                                   {.code = kReshape, .inputs = {3}, .outputs = {4}}},
                     .inputs = {0},
                     .outputs = {4}}}};
}

TEST(Diagnose, FindsBoxesUnderAScaleThatCannotHoldThem) {
  EXPECT_TRUE(Model(Head(1 / 256.0F, -128)).Ids().contains("box-tensor-saturated"));
  EXPECT_TRUE(Model(Head(2.5F, -128)).Ids().contains("box-tensor-coarse"));
  EXPECT_FALSE(Model(Head(0.03F, 0)).Ids().contains("box-tensor-saturated"));
  EXPECT_FALSE(Model(Head(0.03F, 0)).Ids().contains("box-tensor-coarse"));
}

TEST(Diagnose, FindsValuesThatAreCutOff) {
  const auto ids = [](float to) {
    return Model(OneStep({.name = "t",
                          .type = TensorType::kInt8,
                          .shape = {1, 4},
                          .scale = {0.1F},
                          .zero_point = {0}},
                         {.name = "t",
                          .type = TensorType::kInt8,
                          .shape = {1, 4},
                          .scale = {to},
                          .zero_point = {0}},
                         Step(kQuantize)))
        .Ids();
  };
  EXPECT_TRUE(ids(0.01F).contains("quantization-clips"));
  EXPECT_FALSE(ids(0.11F).contains("quantization-clips"));
}

// a + b, both uint8, into a range that starts at 0.
ModelSpec UnsignedSum(float scale) {
  const TensorSpec a{.name = "a",
                     .type = TensorType::kUint8,
                     .shape = {1, 4},
                     .scale = {0.1F},
                     .zero_point = {128}};
  TensorSpec y = a;
  y.name = "y";
  y.scale = {scale};
  y.zero_point = {0};
  TensorSpec b = a;
  b.name = "b";
  return {.subgraphs = {{.tensors = {a, b, y},
                         .operators = {{.code = kAdd, .inputs = {0, 1}, .outputs = {2}}},
                         .inputs = {0, 1},
                         .outputs = {2}}}};
}

TEST(Diagnose, FindsClampsThatQuantisationHides) {
  EXPECT_TRUE(Model(UnsignedSum(6 / 255.0F)).Ids().contains("hidden-relu6"));
  EXPECT_FALSE(Model(UnsignedSum(9 / 255.0F)).Ids().contains("hidden-relu6"));
}

// A convolution with filters of `type` that see `channels` of the 6 input channels.
ModelSpec Convolution(TensorType type, int32_t channels) {
  const auto bytes = static_cast<size_t>(4 * channels) * TensorTypeBits(type) / 8;
  return {.subgraphs = {{.tensors = {{.name = "x", .shape = {1, 4, 4, 6}},
                                     {.name = "w",
                                      .type = type,
                                      .shape = {4, 1, 1, channels},
                                      .data = std::string(bytes, 1)},
                                     {.name = "y", .shape = {1, 4, 4, 4}}},
                         .operators = {{.code = kConv2d, .inputs = {0, 1}, .outputs = {2}}},
                         .inputs = {0},
                         .outputs = {2}}}};
}

TEST(Diagnose, FindsUnusualWeights) {
  EXPECT_TRUE(Model(Convolution(TensorType::kFloat32, 3)).Ids().contains("grouped-convolution"));
  EXPECT_FALSE(Model(Convolution(TensorType::kFloat32, 6)).Ids().contains("grouped-convolution"));
  EXPECT_TRUE(Model(Convolution(TensorType::kInt8, 6)).Ids().contains("dynamic-range-weights"));
  EXPECT_TRUE(Model(Convolution(TensorType::kFloat16, 6)).Ids().contains("fp16-weights"));
}

TEST(Diagnose, FindsVeryLargeConstants) {
  Graph graph;
  const std::vector<std::byte> bytes(size_t{65} << 20);
  graph.buffers = {{}, {.data = bytes}};
  graph.subgraphs.resize(1);
  Tensor& table = graph.subgraphs[0].tensors.emplace_back();
  table.name = "table";
  table.buffer = 1;
  EXPECT_TRUE(Model::IdsOf(Evidence{.graph = graph}).contains("large-constant"));
}

TEST(Diagnose, FindsEndsThatNothingUses) {
  ModelSpec spec = testing::AddModel();
  spec.subgraphs[0].inputs.push_back(3);
  spec.subgraphs[0].tensors.push_back({.name = "unused", .shape = {1}});
  EXPECT_TRUE(Model(spec).Ids().contains("input-unused"));
  spec = testing::AddModel();
  spec.subgraphs[0].tensors.push_back({.name = "spare", .shape = {1, 4}});
  spec.subgraphs[0].operators.push_back({.code = kAdd, .inputs = {0, 1}, .outputs = {3}});
  EXPECT_TRUE(Model(spec).Ids().contains("output-unused"));
}

TEST(Diagnose, SurvivesAGraphWhoseIndicesDoNotHold) {
  Graph graph;
  EXPECT_THAT(Model::IdsOf(Evidence{.graph = graph}), ::testing::Contains("no-metadata"));
  graph.subgraphs.resize(1);
  graph.subgraphs[0].inputs = {99};
  graph.subgraphs[0].outputs = {-5};
  Operator& op = graph.subgraphs[0].operators.emplace_back();
  op.code = 77;
  op.inputs = {12, -1};
  op.outputs = {1000};
  EXPECT_EQ(GuessTask(GraphView(graph), std::nullopt).task, Task::kUnknown);
  Diagnose(Evidence{.graph = graph});
}

TEST(Diagnose, ComparesRuntimeVersionsByNumber) {
  Graph graph;
  const std::string needed("2.13.0\0\0", 8);
  graph.buffers = {{.data = std::as_bytes(std::span(needed))}};
  graph.metadata = {{.name = "min_runtime_version", .buffer = 0}};
  EXPECT_EQ(NeededRuntime(graph), "2.13.0");
  Evidence evidence{.graph = graph};
  evidence.runtime_version = "2.9.0";
  EXPECT_TRUE(Model::IdsOf(evidence).contains("runtime-older"));
  evidence.runtime_version = "2.14.0";
  EXPECT_FALSE(Model::IdsOf(evidence).contains("runtime-older"));
}

}  // namespace
}  // namespace bowerbird::tflite
