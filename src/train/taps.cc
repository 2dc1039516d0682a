// SPDX-License-Identifier: Apache-2.0
#include "train/taps.h"

#include <algorithm>
#include <charconv>

#include "base/status.h"
#include "tflite/edit.h"

namespace bowerbird::train {
namespace {

using tflite::Operator;
using tflite::Subgraph;

const std::vector<int32_t>& ShapeOf(const Subgraph& main, int32_t tensor) {
  return main.tensors[static_cast<size_t>(tensor)].shape;
}

bool IsMap(const std::vector<int32_t>& shape) { return shape.size() == 4 && shape[0] == 1; }

// What the last pool over the whole picture gives; -1 if there is none.
int32_t LastPool(const tflite::Graph& graph) {
  const Subgraph& main = graph.subgraphs[0];
  int32_t pooled = -1;
  for (const Operator& op : main.operators) {
    const std::string name = graph.operator_codes[op.code].Name();
    if (name != "MEAN" && name != "AVERAGE_POOL_2D") continue;
    const std::vector<int32_t>& from = ShapeOf(main, op.inputs[0]);
    const std::vector<int32_t>& to = ShapeOf(main, op.outputs[0]);
    const bool whole = to.size() == 2 || (to.size() == 4 && to[1] == 1 && to[2] == 1);
    // A squeeze-and-excitation block pools as well, but what it gives goes back into a map.
    if (IsMap(from) && from[1] * from[2] > 1 && whole && to.back() == from[3])
      pooled = op.outputs[0];
  }
  return pooled;
}

// The maps that heads read: inputs of convolutions whose results only become rows of boxes.
std::vector<int32_t> HeadMaps(const tflite::Graph& graph, const tflite::Links& links) {
  const Subgraph& main = graph.subgraphs[0];
  std::vector<int32_t> maps;
  for (const Operator& op : main.operators) {
    if (graph.operator_codes[op.code].Name() != "CONV_2D") continue;
    const auto readers = links.Consumers(op.outputs[0]);
    const bool is_head =
        readers.size() == 1 &&
        graph.operator_codes[main.operators[static_cast<size_t>(readers[0])].code].Name() ==
            "RESHAPE";
    const int32_t map = op.inputs[0];
    if (is_head && IsMap(ShapeOf(main, map)) && std::ranges::find(maps, map) == maps.end())
      maps.push_back(map);
  }
  std::ranges::stable_sort(
      maps, [&](int32_t a, int32_t b) { return ShapeOf(main, a)[1] > ShapeOf(main, b)[1]; });
  return maps;
}

// Maps as high as `like` that a convolution makes and a depthwise one reads, in order.
std::vector<int32_t> WideMaps(const tflite::Graph& graph, const tflite::Links& links,
                              int32_t like) {
  const Subgraph& main = graph.subgraphs[0];
  std::vector<int32_t> maps;
  for (const Operator& op : main.operators) {
    const int32_t map = op.outputs[0];
    if (graph.operator_codes[op.code].Name() != "CONV_2D" || !IsMap(ShapeOf(main, map)) ||
        ShapeOf(main, map)[1] != ShapeOf(main, like)[1])
      continue;
    const auto readers = links.Consumers(map);
    if (std::ranges::any_of(readers, [&](int32_t reader) {
          const Operator& next = main.operators[static_cast<size_t>(reader)];
          return graph.operator_codes[next.code].Name() == "DEPTHWISE_CONV_2D";
        }))
      maps.push_back(map);
  }
  return maps;
}

}  // namespace

absl::StatusOr<std::vector<int32_t>> FindTaps(const tflite::Graph& graph) {
  const tflite::Links links(graph.subgraphs[0]);
  const std::vector<int32_t> heads = HeadMaps(graph, links);
  if (heads.size() >= 2) {
    const std::vector<int32_t> wide = WideMaps(graph, links, heads[1]);
    return std::vector<int32_t>{heads[0], wide.empty() ? heads[1] : wide[wide.size() / 2]};
  }
  if (const int32_t pooled = LastPool(graph); pooled >= 0) return std::vector<int32_t>{pooled};
  if (!heads.empty()) return heads;
  return FailedPrecondition(
      "the base model has no embedding: neither the result of a MEAN or AVERAGE_POOL_2D over the "
      "whole picture, nor a map that CONV_2D heads of a detector read; name tensors with --taps "
      "(bowerbird inspect lists them)");
}

absl::StatusOr<std::vector<int32_t>> NamedTaps(const tflite::Graph& graph,
                                               std::span<const int32_t> places,
                                               std::span<const std::string> names) {
  std::vector<int32_t> taps;
  for (const std::string& name : names) {
    int32_t tensor = tflite::FindTensor(graph.subgraphs[0], name);
    int32_t number = -1;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
    if (tensor < 0 && parsed.ec == std::errc() && parsed.ptr == name.data() + name.size()) {
      const auto place = static_cast<size_t>(number);
      const size_t count = places.empty() ? graph.subgraphs[0].tensors.size() : places.size();
      if (number >= 0 && place < count) tensor = places.empty() ? number : places[place];
    }
    if (tensor < 0)
      return NotFound("the base model computes no tensor '" + name +
                      "' in numbers that can be read: bowerbird inspect lists its tensors");
    taps.push_back(tensor);
  }
  return taps;
}

}  // namespace bowerbird::train
