// SPDX-License-Identifier: Apache-2.0
//
// AddDetector of detector_graph.h: the heads of "SSD: Single Shot MultiBox Detector" (Liu et al.,
// 2016) behind a classifier's last two scales, with smaller maps of separable convolutions as
// SSDLite has them.
#include <array>
#include <cmath>

#include "base/status.h"
#include "tflite/edit.h"
#include "train/detector_graph.h"
#include "train/model_ends.h"
#include "train/random.h"

namespace bowerbird::train {
namespace {

// Codes and choices of the format.
constexpr int32_t kConcatenation = 2;
constexpr int32_t kConv2d = 3;
constexpr int32_t kDepthwiseConv2d = 4;
constexpr int32_t kReshape = 22;
constexpr int64_t kRelu6 = 3;
constexpr float kRareLogit = -4.6F;

constexpr std::array<int32_t, 4> kExtraDepths{512, 256, 256, 128};
constexpr int kFirstStride = 16;

// Grows a graph at its end.
class HeadBuilder {
 public:
  HeadBuilder(tflite::Graph& graph, int labels, uint64_t seed)
      : graph_(graph), labels_(labels), random_(seed) {}

  std::vector<int32_t> ShapeOf(int32_t tensor) const {
    return graph_.subgraphs[0].tensors[static_cast<size_t>(tensor)].shape;
  }

  // Half the extent: 1x1 to half the depth, 3x3 with stride 2, 1x1 to `depth`.
  int32_t Smaller(int32_t map, int32_t depth) {
    const int32_t narrow = Convolution(map, depth / 2, kRelu6, Spread(ShapeOf(map)[3]), 0);
    return Convolution(Halved(narrow), depth, kRelu6, Spread(depth / 2), 0);
  }

  // The heads of one map, `boxes` anchors a cell.
  void AddHeads(int32_t map, int boxes) {
    const std::vector<int32_t> shape = ShapeOf(map);
    const int32_t anchors = shape[1] * shape[2] * boxes;
    const int32_t codes = Convolution(map, boxes * 4, 0, 0.01, 0);
    const int32_t logits = Convolution(map, boxes * labels_, 0, 0.01, kRareLogit);
    codes_.push_back(Reshaped(codes, {1, anchors, 4}));
    logits_.push_back(Reshaped(logits, {1, anchors, labels_}));
  }

  void Finish() { graph_.subgraphs[0].outputs = {Joined(codes_, 4), Joined(logits_, labels_)}; }

 private:
  // He's initialisation.
  static double Spread(int32_t inputs) { return std::sqrt(2.0 / inputs); }

  std::string Name() { return "detector/" + std::to_string(count_++); }

  int32_t Weights(std::vector<int32_t> shape, double deviation) {
    size_t count = 1;
    for (const int32_t extent : shape) count *= static_cast<size_t>(extent);
    std::vector<float> values(count);
    for (float& value : values) value = static_cast<float>(random_.Normal(deviation));
    return AddFloats(graph_, Name(), std::move(shape), values);
  }

  int32_t Convolution(int32_t map, int32_t depth, int64_t activation, double deviation,
                      float bias) {
    std::vector<int32_t> shape = ShapeOf(map);
    const int32_t weights = Weights({depth, 1, 1, shape[3]}, deviation);
    const int32_t biases =
        AddFloats(graph_, Name(), {depth}, std::vector<float>(static_cast<size_t>(depth), bias));
    shape[3] = depth;
    const std::string name = Name();
    return Append(
        graph_, kConv2d, {map, weights, biases}, {{name, shape}},
        tflite::Table::Of("Conv2DOptions", {{"padding", int64_t{0}},
                                            {"stride_w", int64_t{1}},
                                            {"stride_h", int64_t{1}},
                                            {"fused_activation_function", activation}}))[0];
  }

  int32_t Halved(int32_t map) {
    std::vector<int32_t> shape = ShapeOf(map);
    const int32_t depth = shape[3];
    const int32_t weights = Weights({1, 3, 3, depth}, Spread(9));
    const int32_t biases =
        AddFloats(graph_, Name(), {depth}, std::vector<float>(static_cast<size_t>(depth)));
    shape[1] = (shape[1] + 1) / 2;
    shape[2] = (shape[2] + 1) / 2;
    const std::string name = Name();
    return Append(
        graph_, kDepthwiseConv2d, {map, weights, biases}, {{name, shape}},
        tflite::Table::Of("DepthwiseConv2DOptions", {{"padding", int64_t{0}},
                                                     {"stride_w", int64_t{2}},
                                                     {"stride_h", int64_t{2}},
                                                     {"depth_multiplier", int64_t{1}},
                                                     {"fused_activation_function", kRelu6}}))[0];
  }

  int32_t Reshaped(int32_t tensor, const std::vector<int32_t>& shape) {
    const std::string name = Name();
    return Append(
        graph_, kReshape, {tensor}, {{name, shape}},
        tflite::Table::Of("ReshapeOptions",
                          {{"new_shape", std::vector<int64_t>(shape.begin(), shape.end())}}))[0];
  }

  int32_t Joined(const std::vector<int32_t>& parts, int32_t columns) {
    int32_t anchors = 0;
    for (const int32_t part : parts) anchors += ShapeOf(part)[1];
    const std::string name = Name();
    return Append(graph_, kConcatenation, parts, {{name, {1, anchors, columns}}},
                  tflite::Table::Of("ConcatenationOptions", {{"axis", int64_t{1}}}))[0];
  }

  tflite::Graph& graph_;
  const int labels_;
  Random random_;
  int count_ = 0;
  std::vector<int32_t> codes_, logits_;
};

// The last tensor that an operator of the network writes with maps of this size.
int32_t LastMap(const tflite::Graph& graph, int height, int width) {
  const tflite::Subgraph& main = graph.subgraphs[0];
  int32_t last = -1;
  for (const tflite::Operator& op : main.operators) {
    for (const int32_t output : op.outputs) {
      const std::vector<int32_t>& shape = main.tensors[static_cast<size_t>(output)].shape;
      if (shape.size() == 4 && shape[1] == height && shape[2] == width) last = output;
    }
  }
  return last;
}

}  // namespace

absl::StatusOr<DetectorGraph> AddDetector(FloatGraph base, int labels, uint64_t seed) {
  if (labels < 1) return InvalidArgument("a detector of no labels");
  const image::Size size = base.input_size();
  const auto extent = [](int pixels, int stride) { return (pixels + stride - 1) / stride; };
  std::vector<int32_t> maps;
  for (const int stride : {kFirstStride, 2 * kFirstStride}) {
    maps.push_back(LastMap(base.graph, extent(size.height, stride), extent(size.width, stride)));
    if (maps.back() < 0)
      return FailedPrecondition("the base model has no map of a " + std::to_string(stride) +
                                "th of the picture to put a detector on");
  }
  RETURN_IF_ERROR(CutAt(base, maps));
  maps = base.main().outputs;
  DetectorGraph detector;
  detector.first_new_operator = base.main().operators.size();
  HeadBuilder builder(base.graph, labels, seed);
  for (const int32_t depth : kExtraDepths) maps.push_back(builder.Smaller(maps.back(), depth));
  const vision::AnchorLayout layout{.layers = static_cast<int>(maps.size()),
                                    .first_stride = kFirstStride};
  for (size_t i = 0; i < maps.size(); ++i) builder.AddHeads(maps[i], i == 0 ? 3 : 6);
  builder.Finish();
  detector.anchors = vision::GenerateAnchors(size, layout);
  detector.labels = labels;
  detector.base = std::move(base);
  return detector;
}

}  // namespace bowerbird::train
