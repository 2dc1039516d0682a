// SPDX-License-Identifier: Apache-2.0
//
// Post-training quantisation: a float graph as one that computes in int8 where that is safe, with
// ranges of its tensors taken from pictures. Arithmetic and operator rules are those of TensorFlow
// Lite's 8-bit specification: int8 activations with a zero point, weights of convolutions symmetric
// and by output channel, biases int32.
//
// Convolutions, sums and products become int8; pools, pads, means and reshapes where an int8
// operator reads them. The rest, such as heads, softmax and box decoding, stays as it is behind a
// DEQUANTIZE: it costs next to nothing, and its precision is what the score hangs on.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tflite/graph.h"

namespace bowerbird::train {

// Of the values of a tensor over the pictures it was calibrated on.
struct Range {
  float min = std::numeric_limits<float>::infinity();
  float max = -std::numeric_limits<float>::infinity();

  bool empty() const { return !(min <= max); }
  void Add(const Range& other);
};

// Tensors of the main subgraph whose ranges Quantise needs: in that order. `graph` takes one uint8
// picture and has float weights.
std::vector<int32_t> TensorsToCalibrate(const tflite::Graph& graph);

struct QuantisedGraph {
  tflite::Graph graph;
  int quantised = 0;  // operators that compute in int8
  int kept = 0;       // operators that compute in float, those at the ends aside
};

// `ranges[i]` is that of TensorsToCalibrate(graph)[i]; what reads or writes a tensor with an empty
// one stays in float. FAILED_PRECONDITION: nothing can be quantised, or a weight is not finite.
absl::StatusOr<QuantisedGraph> Quantise(const tflite::Graph& graph,
                                        const std::vector<Range>& ranges);

}  // namespace bowerbird::train
