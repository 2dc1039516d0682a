// SPDX-License-Identifier: Apache-2.0
#include "train/quantise.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tflite/checks.h"
#include "tflite/edit.h"
#include "tflite/write.h"
#include "train/small_base.h"

namespace bowerbird::train {
namespace {

namespace fs = std::filesystem;

// Convolutions, a depthwise one, a sum, a pool and a pad over a picture of bytes.
tflite::Graph SmallNetwork() {
  FloatGraph base = SmallBase();
  tflite::Graph& graph = base.graph;
  Random random(5);
  const auto floats = [&](size_t count, double deviation) {
    std::vector<float> values(count);
    for (float& value : values) value = static_cast<float>(random.Normal(deviation));
    return values;
  };
  const int32_t map = graph.subgraphs[0].outputs[0];  // [1, 2, 2, 32]
  const int32_t kernel = AddFloats(graph, "depthwise", {1, 3, 3, 32}, floats(288, 0.3));
  const int32_t bias = AddFloats(graph, "depthwise/bias", {32}, floats(32, 0.1));
  const int32_t deep =
      Append(graph, 4, {map, kernel, bias}, {{"deep", {1, 2, 2, 32}}},
             tflite::Table::Of("DepthwiseConv2DOptions", {{"padding", int64_t{0}},
                                                          {"stride_w", int64_t{1}},
                                                          {"stride_h", int64_t{1}},
                                                          {"depth_multiplier", int64_t{1}}}))[0];
  const int32_t sum =
      Append(graph, 0, {map, deep}, {{"sum", {1, 2, 2, 32}}}, tflite::Table("AddOptions"))[0];
  const int32_t last_kernel = AddFloats(graph, "last", {4, 1, 1, 32}, floats(128, 0.3));
  const int32_t last_bias = AddFloats(graph, "last/bias", {4}, floats(4, 0.1));
  const int32_t last = Append(graph, 3, {sum, last_kernel, last_bias}, {{"last", {1, 2, 2, 4}}},
                              tflite::Table::Of("Conv2DOptions", {{"padding", int64_t{0}},
                                                                  {"stride_w", int64_t{1}},
                                                                  {"stride_h", int64_t{1}}}))[0];
  graph.subgraphs[0].outputs = {last};
  EXPECT_TRUE(TakeBytes(graph, base.scaling, "image").ok());
  return graph;
}

std::vector<std::vector<float>> OutputsOf(const tflite::Graph& graph, const image::Image& picture) {
  const fs::path path =
      fs::path(::testing::TempDir()) / ("quantise_" + std::to_string(::getpid()) + ".tflite");
  std::ofstream(path, std::ios::binary) << tflite::WriteModel(graph).value();
  const auto model = infer::PlainModel::Load({.model_path = path.string()}).value();
  std::memcpy(model->input(0).data(), picture.bytes().data(), picture.bytes().size());
  EXPECT_TRUE(model->Invoke());
  std::vector<std::vector<float>> outputs;
  for (int i = 0; i < model->output_count(); ++i) {
    const std::span<const std::byte> bytes = model->output(i);
    std::vector<float>& output = outputs.emplace_back(bytes.size() / sizeof(float));
    std::memcpy(output.data(), bytes.data(), bytes.size());
  }
  fs::remove(path);
  return outputs;
}

std::vector<Range> RangesOf(const tflite::Graph& graph) {
  const std::vector<int32_t> tensors = TensorsToCalibrate(graph);
  tflite::Graph open = graph;
  EXPECT_TRUE(tflite::Cut(open, std::vector(graph.subgraphs[0].inputs), tensors).ok());
  std::vector<Range> ranges(tensors.size());
  Random random(11);
  for (int picture = 0; picture < 20; ++picture) {
    const auto outputs = OutputsOf(open, MakeSmallPicture(random).pixels);
    for (size_t i = 0; i < ranges.size(); ++i) {
      for (const float value : outputs[i]) ranges[i].Add({value, value});
    }
  }
  return ranges;
}

int CountOf(const tflite::Graph& graph, std::string_view name) {
  int count = 0;
  for (const auto& op : graph.subgraphs[0].operators)
    count += graph.operator_codes[op.code].Name() == name ? 1 : 0;
  return count;
}

TEST(Quantise, ComputesTheSameInInt8WithinAFewSteps) {
  const tflite::Graph graph = SmallNetwork();
  const std::vector<Range> ranges = RangesOf(graph);
  const auto quantised = Quantise(graph, ranges);
  ASSERT_TRUE(quantised.ok()) << quantised.status();
  ASSERT_TRUE(tflite::CheckGraph(quantised->graph).ok());
  EXPECT_EQ(quantised->quantised, 8) << "six convolutions, a depthwise one, a sum";
  // The bytes of the picture go in as they are, and the result comes out in float.
  EXPECT_EQ(CountOf(quantised->graph, "CAST"), 0);
  EXPECT_EQ(CountOf(quantised->graph, "QUANTIZE"), 1);
  EXPECT_EQ(CountOf(quantised->graph, "DEQUANTIZE"), 1);
  EXPECT_LT(tflite::WriteModel(quantised->graph)->size(),
            0.5 * static_cast<double>(tflite::WriteModel(graph)->size()));
  Random random(12);
  double error = 0, size = 0;
  for (int picture = 0; picture < 10; ++picture) {
    const image::Image pixels = MakeSmallPicture(random).pixels;
    const std::vector<float> full = OutputsOf(graph, pixels)[0];
    const std::vector<float> small = OutputsOf(quantised->graph, pixels)[0];
    ASSERT_EQ(full.size(), small.size());
    for (size_t i = 0; i < full.size(); ++i) {
      error += std::pow(full[i] - small[i], 2);
      size += std::pow(full[i], 2);
    }
  }
  EXPECT_LT(std::sqrt(error / size), 0.05);
}

TEST(Quantise, KeepsInFloatWhatWasNeverSeen) {
  const tflite::Graph graph = SmallNetwork();
  std::vector<Range> ranges = RangesOf(graph);
  const std::vector<int32_t> tensors = TensorsToCalibrate(graph);
  const int32_t sum = tflite::FindTensor(graph.subgraphs[0], "sum");
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i] == sum) ranges[i] = {};
  }
  const auto quantised = Quantise(graph, ranges);
  ASSERT_TRUE(quantised.ok()) << quantised.status();
  ASSERT_TRUE(tflite::CheckGraph(quantised->graph).ok());
  EXPECT_EQ(quantised->quantised, 6) << "neither the sum nor what reads it";
  Random random(13);
  const image::Image pixels = MakeSmallPicture(random).pixels;
  const std::vector<float> full = OutputsOf(graph, pixels)[0];
  const std::vector<float> small = OutputsOf(quantised->graph, pixels)[0];
  for (size_t i = 0; i < full.size(); ++i) EXPECT_NEAR(full[i], small[i], 0.5);
}

TEST(Quantise, GivesTheSameBytesAgain) {
  const tflite::Graph graph = SmallNetwork();
  const std::vector<Range> ranges = RangesOf(graph);
  EXPECT_EQ(tflite::WriteModel(Quantise(graph, ranges)->graph).value(),
            tflite::WriteModel(Quantise(graph, ranges)->graph).value());
}

TEST(Quantise, RefusesWhatHasNothingToGain) {
  const tflite::Graph graph = SmallNetwork();
  const std::vector<Range> unseen(TensorsToCalibrate(graph).size());
  EXPECT_EQ(Quantise(graph, unseen).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(Quantise, RefusesWeightsThatAreNotFinite) {
  tflite::Graph graph = SmallNetwork();
  const std::vector<Range> ranges = RangesOf(graph);
  tflite::Subgraph& main = graph.subgraphs[0];
  tflite::Tensor& weights = main.tensors[static_cast<size_t>(tflite::FindTensor(main, "last"))];
  tflite::SetConstant(graph, weights, std::vector<std::byte>(128 * sizeof(float), std::byte{0xff}));
  EXPECT_EQ(Quantise(graph, ranges).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace bowerbird::train
