// SPDX-License-Identifier: Apache-2.0
//
// Grows a float graph at its end by layers whose weights are random, as He et al. ("Delving Deep
// into Rectifiers", 2015) begin: what a network is made of that has no weights from elsewhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tflite/graph.h"
#include "train/random.h"

namespace bowerbird::train {

// Codes of the format.
enum class Activation : int64_t { kNone = 0, kRelu6 = 3 };

struct ConvolutionLayer {
  int32_t depth = 0;  // of the result
  int32_t kernel = 1;
  int32_t stride = 1;
  Activation activation = Activation::kRelu6;
  double deviation = 0;  // of the weights; 0 = sqrt(2 / inputs)
  float bias = 0;
};

// Tensors are of the main subgraph; maps are [1, H, W, D] and padded as SAME.
class LayerBuilder {
 public:
  // New tensors are called `prefix`/number. The graph must outlive the builder.
  LayerBuilder(tflite::Graph& graph, std::string_view prefix, uint64_t seed)
      : graph_(graph), prefix_(prefix), random_(seed) {}

  std::vector<int32_t> ShapeOf(int32_t tensor) const;

  int32_t Convolution(int32_t map, const ConvolutionLayer& layer);
  // 3 x 3 within each channel.
  int32_t Depthwise(int32_t map, int32_t stride, Activation activation);
  // Of two maps of one shape.
  int32_t Sum(int32_t a, int32_t b, Activation activation);
  int32_t Reshaped(int32_t tensor, const std::vector<int32_t>& shape);
  // Of [1, N, columns], along N.
  int32_t Joined(const std::vector<int32_t>& parts, int32_t columns);

 private:
  std::string Name();
  int32_t Weights(std::vector<int32_t> shape, double deviation);

  tflite::Graph& graph_;
  const std::string prefix_;
  Random random_;
  int count_ = 0;
};

}  // namespace bowerbird::train
