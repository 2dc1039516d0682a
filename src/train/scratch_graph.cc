// SPDX-License-Identifier: Apache-2.0
#include "train/scratch_graph.h"

#include <algorithm>
#include <string>

#include "tflite/edit.h"
#include "train/layer_builder.h"

namespace bowerbird::train {
namespace {

constexpr int kLargestLastMap = 7;
constexpr int kMostDoublings = 3;
// Pictures of so few pixels lose too much if the first layer halves them.
constexpr int kMostHalvingsOfSmall = 2;
constexpr uint32_t kFormatVersion = 3;

// Adds what is still missing to a map: two convolutions whose result is added to it.
int32_t Residual(LayerBuilder& layers, int32_t map) {
  const int32_t depth = layers.ShapeOf(map)[3];
  const int32_t inner = layers.Convolution(map, {.depth = depth, .kernel = 3});
  const int32_t change =
      layers.Convolution(inner, {.depth = depth, .kernel = 3, .activation = Activation::kNone});
  return layers.Sum(map, change, Activation::kRelu6);
}

}  // namespace

int HalvingsOf(int side) {
  int halvings = 0;
  for (; side > kLargestLastMap; side = (side + 1) / 2) ++halvings;
  return halvings;
}

FloatGraph BuildScratchGraph(const ScratchOptions& options) {
  FloatGraph base;
  base.graph.version = kFormatVersion;
  base.graph.buffers.emplace_back();
  tflite::Subgraph& main = base.graph.subgraphs.emplace_back();
  tflite::Tensor input;
  input.name = "picture";
  input.shape = {1, options.side, options.side, 3};
  main.tensors.push_back(std::move(input));
  main.inputs = {0};
  LayerBuilder layers(base.graph, "scratch", options.seed);
  int halvings = options.halvings < 0 ? HalvingsOf(options.side) : options.halvings;
  const bool halves_first = halvings > kMostHalvingsOfSmall;
  if (halves_first) --halvings;
  int32_t map =
      layers.Convolution(0, {.depth = options.depth, .kernel = 3, .stride = halves_first ? 2 : 1});
  map = Residual(layers, map);
  for (int stage = 1; stage <= halvings; ++stage) {
    const int32_t depth = options.depth << std::min(stage, kMostDoublings);
    map = layers.Convolution(map, {.depth = depth, .kernel = 3, .stride = 2});
    map = Residual(layers, map);
  }
  base.graph.subgraphs[0].outputs = {map};
  return base;
}

std::vector<bool> ConvolutionsToNormalize(const tflite::Graph& graph) {
  const tflite::Subgraph& main = graph.subgraphs[0];
  const tflite::Links links(main);
  const auto name_of = [&](const tflite::Operator& op) {
    return graph.operator_codes[op.code].Name();
  };
  std::vector<bool> normalized(main.operators.size());
  for (size_t i = 0; i < main.operators.size(); ++i) {
    const tflite::Operator& op = main.operators[i];
    if (name_of(op) != "CONV_2D" && name_of(op) != "DEPTHWISE_CONV_2D") continue;
    const auto readers = links.Consumers(op.outputs[0]);
    normalized[i] = !readers.empty() && std::ranges::none_of(readers, [&](int32_t reader) {
      return name_of(main.operators[static_cast<size_t>(reader)]) == "RESHAPE";
    });
  }
  return normalized;
}

}  // namespace bowerbird::train
