// SPDX-License-Identifier: Apache-2.0
#include "infer/prepare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "base/status.h"
#include "infer/ladder.h"
#include "infer/model_facts.h"
#include "infer/prepare_float.h"
#include "infer/prepare_missing.h"
#include "infer/testing/open_probe.h"
#include "infer/tflite_model.h"
#include "nlohmann/json.hpp"
#include "tflite/checks.h"
#include "tflite/edit.h"
#include "tflite/testing/model_file.h"
#include "tflite/write.h"

namespace bowerbird::infer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using tflite::Graph;
using tflite::Operator;
using tflite::Table;
using tflite::Tensor;
using tflite::TensorType;

template <typename T>
std::vector<std::byte> Bytes(const std::vector<T>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

// Builds graphs an operator at a time.
class GraphMaker {
 public:
  GraphMaker() {
    graph.version = 3;
    graph.subgraphs.resize(1);
    graph.buffers.resize(1);
  }

  int32_t Add(const std::string& name, TensorType type, std::vector<int32_t> shape, float scale = 0,
              int64_t zero_point = 0) {
    Tensor tensor;
    tensor.name = name;
    tensor.type = type;
    tensor.shape = std::move(shape);
    if (scale > 0) tensor.quantization = {.scale = {scale}, .zero_point = {zero_point}};
    return tflite::AddTensor(graph.subgraphs[0], std::move(tensor));
  }

  template <typename T>
  int32_t Constant(const std::string& name, TensorType type, std::vector<int32_t> shape,
                   const std::vector<T>& values, std::vector<float> scale = {},
                   std::vector<int64_t> zero_point = {}) {
    Tensor tensor;
    tensor.name = name;
    tensor.type = type;
    tensor.shape = std::move(shape);
    tensor.quantization = {.scale = std::move(scale), .zero_point = std::move(zero_point)};
    return tflite::AddConstant(graph, 0, std::move(tensor), Bytes(values));
  }

  void Run(int32_t code, int32_t version, Table options, std::vector<int32_t> inputs,
           std::vector<int32_t> outputs) {
    Operator op;
    op.code = tflite::FindOrAddOperatorCode(graph, {.builtin = code, .version = version});
    op.options = std::move(options);
    op.inputs = std::move(inputs);
    op.outputs = std::move(outputs);
    graph.subgraphs[0].operators.push_back(std::move(op));
  }

  Graph Finish(std::vector<int32_t> inputs, std::vector<int32_t> outputs) {
    graph.subgraphs[0].inputs = std::move(inputs);
    graph.subgraphs[0].outputs = std::move(outputs);
    return graph;
  }

  Graph graph;
};

// Runs a graph on one input; the bytes of its first output.
template <typename Out, typename In>
std::vector<Out> RunGraph(const Graph& graph, const std::vector<In>& input) {
  EXPECT_TRUE(tflite::CheckGraph(graph).ok()) << tflite::CheckGraph(graph);
  const std::string bytes = *tflite::WriteModel(graph);
  const std::unique_ptr<TfLiteModel, decltype(&TfLiteModelDelete)> model(
      TfLiteModelCreate(bytes.data(), bytes.size()), TfLiteModelDelete);
  auto climbed = Climb(model.get(), graph, {});
  EXPECT_TRUE(climbed.ok()) << climbed.status();
  if (!climbed.ok()) return {};
  TfLiteTensor* in = climbed->interpreter->input(0);
  EXPECT_EQ(TfLiteTensorByteSize(in), input.size() * sizeof(In));
  std::memcpy(TfLiteTensorData(in), input.data(), input.size() * sizeof(In));
  EXPECT_TRUE(climbed->interpreter->Invoke().ok());
  const TfLiteTensor* out = climbed->interpreter->output(0);
  std::vector<Out> values(TfLiteTensorByteSize(out) / sizeof(Out));
  std::memcpy(values.data(), TfLiteTensorData(out), values.size() * sizeof(Out));
  return values;
}

std::vector<std::string> OperatorNames(const Graph& graph) {
  std::vector<std::string> names;
  for (const Operator& op : graph.subgraphs[0].operators)
    names.push_back(graph.operator_codes[op.code].Name());
  return names;
}

constexpr int32_t kAdd = 0, kConv2d = 3, kDequantize = 6, kFullyConnected = 9, kQuantize = 114,
                  kRelu0To1 = 152, kSign = 158;

// y = clamp(x + 1) over the uint8 range [0, 255 / 42.5] = [0, 6]: a RELU6 that no operator names.
Graph HiddenRelu6() {
  GraphMaker make;
  const int32_t in = make.Add("in", TensorType::kUint8, {1, 4}, 0.1F, 128);
  const int32_t one =
      make.Constant<uint8_t>("one", TensorType::kUint8, {4}, {1, 1, 1, 1}, {1}, {0});
  const int32_t out = make.Add("out", TensorType::kUint8, {1, 4}, 6.0F / 255, 0);
  make.Run(kAdd, 1, Table("AddOptions"), {in, one}, {out});
  return make.Finish({in}, {out});
}

TEST(ComputeInFloat, KeepsWhatCallersSee) {
  Graph graph = HiddenRelu6();
  const Graph before = graph;
  ASSERT_EQ(*ComputeInFloat(graph), 1);
  EXPECT_THAT(OperatorNames(graph), ElementsAre("DEQUANTIZE", "ADD", "QUANTIZE"));
  const tflite::Subgraph& main = graph.subgraphs[0];
  for (const auto& [index, name] : {std::pair{main.inputs[0], "in"}, {main.outputs[0], "out"}}) {
    const Tensor& tensor = main.tensors[static_cast<size_t>(index)];
    EXPECT_EQ(tensor.name, name);
    EXPECT_EQ(tensor.type, TensorType::kUint8);
    EXPECT_FALSE(tensor.quantization.scale.empty());
  }
}

TEST(ComputeInFloat, PutsTheClampsOfTheRangeBack) {
  Graph graph = HiddenRelu6();
  const std::vector<uint8_t> input = {0, 118, 128, 255};  // -12.8, -1, 0, 12.7
  const auto before = RunGraph<uint8_t>(graph, input);
  ASSERT_GT(*ComputeInFloat(graph), 0);
  EXPECT_EQ(graph.subgraphs[0].operators[1].options.Int("fused_activation_function"), 3);
  const auto after = RunGraph<uint8_t>(graph, input);
  ASSERT_EQ(after.size(), before.size());
  for (size_t i = 0; i < after.size(); ++i) EXPECT_NEAR(after[i], before[i], 1) << i;
}

TEST(ComputeInFloat, MultipliesWeightsOutByChannel) {
  GraphMaker make;
  const int32_t in = make.Add("in", TensorType::kFloat32, {1, 2});
  const int32_t weights = make.Constant<int8_t>("w", TensorType::kInt8, {2, 2}, {10, 20, 30, 40},
                                                {0.5F, 0.25F}, {0, 0});
  const int32_t out = make.Add("out", TensorType::kFloat32, {1, 2});
  make.Run(kFullyConnected, 1, Table("FullyConnectedOptions"), {in, weights, -1}, {out});
  Graph graph = make.Finish({in}, {out});
  ASSERT_EQ(*ComputeInFloat(graph), 1);
  EXPECT_THAT(RunGraph<float>(graph, std::vector<float>{1, 2}), ElementsAre(25, 27.5));
}

TEST(ComputeInFloat, WidensHalvesForGood) {
  GraphMaker make;
  const int32_t in = make.Add("in", TensorType::kFloat32, {1, 2});
  const int32_t half =
      make.Constant<uint16_t>("half", TensorType::kFloat16, {2}, {0x3C00, 0xC100});  // 1, -2.5
  const int32_t wide = make.Add("wide", TensorType::kFloat32, {2});
  const int32_t out = make.Add("out", TensorType::kFloat32, {1, 2});
  make.Run(kDequantize, 3, Table("DequantizeOptions"), {half}, {wide});
  make.Run(kAdd, 1, Table("AddOptions"), {in, wide}, {out});
  Graph graph = make.Finish({in}, {out});
  ASSERT_EQ(*ComputeInFloat(graph), 1);
  EXPECT_THAT(OperatorNames(graph), ElementsAre("ADD"));
  EXPECT_THAT(RunGraph<float>(graph, std::vector<float>{1, 2}), ElementsAre(2, -0.5));
}

TEST(ComputeInFloat, DropsConversionsThereAndBack) {
  GraphMaker make;
  const int32_t in = make.Add("in", TensorType::kFloat32, {1, 2});
  const int32_t small = make.Add("small", TensorType::kInt8, {1, 2}, 0.5F, 0);
  const int32_t other = make.Add("other", TensorType::kInt8, {1, 2}, 0.25F, 3);
  const int32_t back = make.Add("back", TensorType::kFloat32, {1, 2});
  const int32_t out = make.Add("out", TensorType::kFloat32, {1, 2});
  make.Run(kQuantize, 1, Table("QuantizeOptions"), {in}, {small});
  make.Run(kQuantize, 2, Table("QuantizeOptions"), {small}, {other});
  make.Run(kDequantize, 2, Table("DequantizeOptions"), {other}, {back});
  make.Run(kAdd, 1, Table("AddOptions"), {back, in}, {out});
  Graph graph = make.Finish({in}, {out});
  ASSERT_EQ(*ComputeInFloat(graph), 3);
  EXPECT_THAT(OperatorNames(graph), ElementsAre("ADD"));
  EXPECT_THAT(RunGraph<float>(graph, std::vector<float>{1, 2.2F}), ElementsAre(2, 4.4F));
}

TEST(ComputeInFloat, LeavesFloatGraphsAlone) {
  GraphMaker make;
  const int32_t in = make.Add("in", TensorType::kFloat32, {1, 2});
  const int32_t out = make.Add("out", TensorType::kFloat32, {1, 2});
  make.Run(kAdd, 1, Table("AddOptions"), {in, in}, {out});
  Graph graph = make.Finish({in}, {out});
  EXPECT_EQ(*ComputeInFloat(graph), 0);
  EXPECT_THAT(OperatorNames(graph), ElementsAre("ADD"));
}

// A 1x1 convolution of 4 input channels in `groups` groups; output o sums its group's channels
// with weights o + 1, ..., and adds 10 o.
Graph GroupedConvolution(int32_t groups, int32_t out_channels) {
  GraphMaker make;
  const int32_t own = 4 / groups;
  std::vector<float> weights, bias;
  for (int32_t o = 0; o < out_channels; ++o) {
    for (int32_t i = 0; i < own; ++i) weights.push_back(static_cast<float>(o + i + 1));
    bias.push_back(static_cast<float>(10 * o));
  }
  const int32_t in = make.Add("in", TensorType::kFloat32, {1, 1, 2, 4});
  const int32_t filter =
      make.Constant("f", TensorType::kFloat32, {out_channels, 1, 1, own}, weights);
  const int32_t add = make.Constant("b", TensorType::kFloat32, {out_channels}, bias);
  const int32_t out = make.Add("out", TensorType::kFloat32, {1, 1, 2, out_channels});
  make.Run(kConv2d, 6,
           Table::Of("Conv2DOptions", {{"stride_w", int64_t{1}}, {"stride_h", int64_t{1}}}),
           {in, filter, add}, {out});
  return make.Finish({in}, {out});
}

std::vector<float> GroupedByHand(int32_t groups, int32_t out_channels,
                                 const std::vector<float>& input) {
  const int32_t own = 4 / groups;
  std::vector<float> output;
  for (size_t pixel = 0; pixel < input.size() / 4; ++pixel) {
    for (int32_t o = 0; o < out_channels; ++o) {
      const int32_t group = o / (out_channels / groups);
      float sum = static_cast<float>(10 * o);
      for (int32_t i = 0; i < own; ++i) {
        sum +=
            input[pixel * 4 + static_cast<size_t>(group * own + i)] * static_cast<float>(o + i + 1);
      }
      output.push_back(sum);
    }
  }
  return output;
}

TEST(ReplaceMissingOperators, SplitsGroupedConvolutions) {
  const std::vector<float> input = {1, 2, 3, 4, -1, 0, 0.5F, 7};
  Graph graph = GroupedConvolution(2, 6);
  ASSERT_EQ(*ReplaceMissingOperators(graph), 1);
  EXPECT_THAT(OperatorNames(graph), ElementsAre("SPLIT", "CONV_2D", "CONV_2D", "CONCATENATION"));
  EXPECT_EQ(RunGraph<float>(graph, input), GroupedByHand(2, 6, input));
}

TEST(ReplaceMissingOperators, MakesSingleChannelGroupsDepthwise) {
  const std::vector<float> input = {1, 2, 3, 4, -1, 0, 0.5F, 7};
  Graph graph = GroupedConvolution(4, 8);
  ASSERT_EQ(*ReplaceMissingOperators(graph), 1);
  EXPECT_THAT(OperatorNames(graph), ElementsAre("DEPTHWISE_CONV_2D"));
  EXPECT_EQ(RunGraph<float>(graph, input), GroupedByHand(4, 8, input));
}

TEST(ReplaceMissingOperators, BuildsSignAndClampToOneFromOlderOnes) {
  const std::vector<float> input = {-2, -0.25F, 0, 0.5F, 3};
  for (const auto& [code, wanted] : {std::pair{kSign, std::vector<float>{-1, -1, 0, 1, 1}},
                                     std::pair{kRelu0To1, std::vector<float>{0, 0, 0, 0.5F, 1}}}) {
    GraphMaker make;
    const int32_t in = make.Add("in", TensorType::kFloat32, {1, 5});
    const int32_t out = make.Add("out", TensorType::kFloat32, {1, 5});
    make.Run(code, 1, {}, {in}, {out});
    Graph graph = make.Finish({in}, {out});
    ASSERT_EQ(*ReplaceMissingOperators(graph), 1);
    EXPECT_EQ(RunGraph<float>(graph, input), wanted);
  }
}

TEST(ReplaceMissingOperators, LeavesOrdinaryConvolutionsAlone) {
  Graph graph = GroupedConvolution(1, 3);
  EXPECT_EQ(*ReplaceMissingOperators(graph), 0);
}

TEST(ChooseForm, DropsAFormWhoseResultsDiffer) {
  // The clamp at 1.27 of int8 is the point of this graph: in float nothing stops at it.
  GraphMaker make;
  const int32_t in = make.Add("in", TensorType::kInt8, {1, 64}, 1, 0);
  const int32_t out = make.Add("out", TensorType::kInt8, {1, 64}, 0.01F, 0);
  const int32_t same = make.Add("same", TensorType::kInt8, {1, 64}, 0.01F, 0);
  const int32_t wide = make.Add("wide", TensorType::kFloat32, {1, 64});
  make.Run(kAdd, 2, Table("AddOptions"), {in, in}, {out});
  make.Run(kAdd, 2, Table("AddOptions"), {out, out}, {same});
  make.Run(kDequantize, 2, Table("DequantizeOptions"), {out}, {wide});
  const Graph graph = make.Finish({in}, {wide});
  const auto found = ChooseForm(graph, {});
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_FALSE(found->in_float);
  EXPECT_THAT(found->note, HasSubstr("as given: in float32 the results differ"));
}

TEST(Preparation, IsReadBackAsItWasKept) {
  Preparation kept;
  kept.in_float = true;
  kept.given_ms = 9.5;
  kept.float_ms = 1.25;
  kept.difference = 0.0625;
  kept.note = "in float32";
  const auto read = Preparation::FromJson(kept.ToJson());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->ToJson(), kept.ToJson());
  EXPECT_FALSE(Preparation::FromJson(nlohmann::json::parse(R"({"in_float": 1})")).ok());
  EXPECT_FALSE(Preparation::FromJson(nlohmann::json::array()).ok());
}

class SharedModel : public ::testing::TestWithParam<const char*> {};

// Published uint8 models: the same best class in either form, in the same types, much sooner.
TEST_P(SharedModel, GivesTheSameResultsPrepared) {
  const char* root = std::getenv("BOWERBIRD_TEST_DATA");
  if (root == nullptr) GTEST_SKIP() << "BOWERBIRD_TEST_DATA is not set";
  const infer::testing::OpenProbe probe;
  TfliteOptions options;
  options.model_path = std::string(root) + "/models/" + GetParam();
  const auto given = TfliteModel::Load(options);
  options.probe = &probe;
  const auto prepared = TfliteModel::Load(options);
  ASSERT_TRUE(given.ok() && prepared.ok()) << given.status() << prepared.status();
  EXPECT_TRUE((*prepared)->report().prepared) << (*prepared)->report().preparation;
  EXPECT_FALSE((*given)->report().prepared);
  EXPECT_EQ((*prepared)->metadata().inputs[0].type, (*given)->metadata().inputs[0].type);
  EXPECT_EQ((*prepared)->metadata().inputs[0].name, (*given)->metadata().inputs[0].name);
  EXPECT_EQ((*prepared)->metadata().outputs[0].shape, (*given)->metadata().outputs[0].shape);
  EXPECT_EQ((*prepared)->metadata().outputs[0].quantization.scale,
            (*given)->metadata().outputs[0].quantization.scale);
  options.max_memory_bytes = 1 << 20;
  const auto bounded = TfliteModel::Load(options);
  ASSERT_TRUE(bounded.ok());
  EXPECT_THAT((*bounded)->report().preparation, HasSubstr("MB, the limit is 2"));
}

INSTANTIATE_TEST_SUITE_P(Uint8, SharedModel,
                         ::testing::Values("classify/mobilenet_v1_0.25_224_quant.tflite",
                                           "classify/coral_mobilenet_v2_1.0_224_quant.tflite",
                                           "detect/ssd_mobilenet_v1.tflite"));

}  // namespace
}  // namespace bowerbird::infer
