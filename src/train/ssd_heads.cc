// SPDX-License-Identifier: Apache-2.0
//
// AddDetector of detector_graph.h: the heads of "SSD: Single Shot MultiBox Detector" (Liu et al.,
// 2016) behind a classifier's last two scales, with smaller maps of separable convolutions as
// SSDLite has them.
#include <array>

#include "base/status.h"
#include "train/detector_graph.h"
#include "train/layer_builder.h"

namespace bowerbird::train {
namespace {

constexpr float kRareLogit = -4.6F;
constexpr double kHeadDeviation = 0.01;

constexpr std::array<int32_t, 4> kExtraDepths{512, 256, 256, 128};
constexpr int kFirstStride = 16;

// Grows a graph at its end.
class HeadBuilder {
 public:
  HeadBuilder(tflite::Graph& graph, int labels, uint64_t seed)
      : graph_(graph), labels_(labels), layers_(graph, "detector", seed) {}

  // Half the extent: 1x1 to half the depth, 3x3 with stride 2, 1x1 to `depth`.
  int32_t Smaller(int32_t map, int32_t depth) {
    const int32_t narrow = layers_.Convolution(map, {.depth = depth / 2});
    return layers_.Convolution(layers_.Depthwise(narrow, 2, Activation::kRelu6), {.depth = depth});
  }

  // The heads of one map, `boxes` anchors a cell.
  void AddHeads(int32_t map, int boxes) {
    const std::vector<int32_t> shape = layers_.ShapeOf(map);
    const int32_t anchors = shape[1] * shape[2] * boxes;
    ConvolutionLayer head{
        .depth = boxes * 4, .activation = Activation::kNone, .deviation = kHeadDeviation};
    codes_.push_back(layers_.Reshaped(layers_.Convolution(map, head), {1, anchors, 4}));
    head.depth = boxes * labels_;
    head.bias = kRareLogit;
    logits_.push_back(layers_.Reshaped(layers_.Convolution(map, head), {1, anchors, labels_}));
  }

  void Finish() {
    const int32_t codes = layers_.Joined(codes_, 4);
    graph_.subgraphs[0].outputs = {codes, layers_.Joined(logits_, labels_)};
  }

 private:
  tflite::Graph& graph_;
  const int labels_;
  LayerBuilder layers_;
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
