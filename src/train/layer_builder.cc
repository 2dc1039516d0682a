// SPDX-License-Identifier: Apache-2.0
#include "train/layer_builder.h"

#include <cmath>
#include <utility>

#include "train/model_ends.h"

namespace bowerbird::train {
namespace {

// Codes of the format.
constexpr int32_t kAdd = 0;
constexpr int32_t kConcatenation = 2;
constexpr int32_t kConv2d = 3;
constexpr int32_t kDepthwiseConv2d = 4;
constexpr int32_t kReshape = 22;
constexpr int32_t kWindow = 3;  // of depthwise convolutions

int64_t CodeOf(Activation activation) { return static_cast<int64_t>(activation); }

void Shrink(std::vector<int32_t>& shape, int32_t stride) {
  shape[1] = (shape[1] + stride - 1) / stride;
  shape[2] = (shape[2] + stride - 1) / stride;
}

}  // namespace

std::vector<int32_t> LayerBuilder::ShapeOf(int32_t tensor) const {
  return graph_.subgraphs[0].tensors[static_cast<size_t>(tensor)].shape;
}

std::string LayerBuilder::Name() { return prefix_ + "/" + std::to_string(count_++); }

int32_t LayerBuilder::Weights(std::vector<int32_t> shape, double deviation) {
  size_t count = 1;
  for (const int32_t extent : shape) count *= static_cast<size_t>(extent);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random_.Normal(deviation));
  return AddFloats(graph_, Name(), std::move(shape), values);
}

int32_t LayerBuilder::Convolution(int32_t map, const ConvolutionLayer& layer) {
  std::vector<int32_t> shape = ShapeOf(map);
  const int32_t inputs = shape[3] * layer.kernel * layer.kernel;
  const double deviation = layer.deviation > 0 ? layer.deviation : std::sqrt(2.0 / inputs);
  const int32_t weights = Weights({layer.depth, layer.kernel, layer.kernel, shape[3]}, deviation);
  const int32_t biases =
      AddFloats(graph_, Name(), {layer.depth},
                std::vector<float>(static_cast<size_t>(layer.depth), layer.bias));
  Shrink(shape, layer.stride);
  shape[3] = layer.depth;
  const std::string name = Name();
  return Append(graph_, kConv2d, {map, weights, biases}, {{name, shape}},
                tflite::Table::Of("Conv2DOptions",
                                  {{"padding", int64_t{0}},
                                   {"stride_w", int64_t{layer.stride}},
                                   {"stride_h", int64_t{layer.stride}},
                                   {"fused_activation_function", CodeOf(layer.activation)}}))[0];
}

int32_t LayerBuilder::Depthwise(int32_t map, int32_t stride, Activation activation) {
  std::vector<int32_t> shape = ShapeOf(map);
  const int32_t depth = shape[3];
  const int32_t weights =
      Weights({1, kWindow, kWindow, depth}, std::sqrt(2.0 / (kWindow * kWindow)));
  const int32_t biases =
      AddFloats(graph_, Name(), {depth}, std::vector<float>(static_cast<size_t>(depth)));
  Shrink(shape, stride);
  const std::string name = Name();
  return Append(graph_, kDepthwiseConv2d, {map, weights, biases}, {{name, shape}},
                tflite::Table::Of("DepthwiseConv2DOptions",
                                  {{"padding", int64_t{0}},
                                   {"stride_w", int64_t{stride}},
                                   {"stride_h", int64_t{stride}},
                                   {"depth_multiplier", int64_t{1}},
                                   {"fused_activation_function", CodeOf(activation)}}))[0];
}

int32_t LayerBuilder::Sum(int32_t a, int32_t b, Activation activation) {
  const std::string name = Name();
  return Append(
      graph_, kAdd, {a, b}, {{name, ShapeOf(a)}},
      tflite::Table::Of("AddOptions", {{"fused_activation_function", CodeOf(activation)}}))[0];
}

int32_t LayerBuilder::Reshaped(int32_t tensor, const std::vector<int32_t>& shape) {
  const std::string name = Name();
  return Append(
      graph_, kReshape, {tensor}, {{name, shape}},
      tflite::Table::Of("ReshapeOptions",
                        {{"new_shape", std::vector<int64_t>(shape.begin(), shape.end())}}))[0];
}

int32_t LayerBuilder::Joined(const std::vector<int32_t>& parts, int32_t columns) {
  int32_t rows = 0;
  for (const int32_t part : parts) rows += ShapeOf(part)[1];
  const std::string name = Name();
  return Append(graph_, kConcatenation, parts, {{name, {1, rows, columns}}},
                tflite::Table::Of("ConcatenationOptions", {{"axis", int64_t{1}}}))[0];
}

}  // namespace bowerbird::train
