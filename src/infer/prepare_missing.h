// SPDX-License-Identifier: Apache-2.0
//
// A pass over a graph: operators that the runtime of 2022 lacks become others that together compute
// the same.
//   CONV_2D whose filter has fewer input channels than its input (grouped convolution, version 6)
//     -> DEPTHWISE_CONV_2D where each input channel is a group of its own,
//     -> else SPLIT, one CONV_2D a group, CONCATENATION
//   RELU_0_TO_1(x) -> MINIMUM(RELU(x), 1)                                           (float32 only)
//   SIGN(x)        -> CAST(GREATER(x, 0)) - CAST(LESS(x, 0))                        (float32 only)
#pragma once

#include "absl/status/statusor.h"
#include "tflite/graph.h"

namespace bowerbird::infer {

// A grouped convolution of more groups than this stays as it is (unless it is depthwise).
inline constexpr int kMostGroups = 64;

// How many operators were replaced; 0: the graph is as it was. `graph` has passed
// tflite::CheckGraph.
absl::StatusOr<int> ReplaceMissingOperators(tflite::Graph& graph);

}  // namespace bowerbird::infer
