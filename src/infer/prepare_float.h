// SPDX-License-Identifier: Apache-2.0
//
// A pass over a graph: what it computes with numbers of 8 bits is computed in float32 instead.
// uint8 graphs have no fast kernels in the runtime of 2022, and neither have float graphs whose
// weights alone are small ("dynamic range"); their float forms have.
//
// - Constants are multiplied out: real = (stored - zero_point) * scale, in their own channel.
// - An operator that is not known to mean the same in float stays as it is; QUANTIZE and DEQUANTIZE
//   stand at the borders. The ends of the graph are such borders, so callers see the same types.
// - Numbers of 8 bits cannot leave their range, and converters count on that: a range that starts
//   at 0 is a RELU, one that ends near 6 as well a RELU6, even where the operator says NONE. Those
//   are put back. Other ends of ranges come from calibration and are let go.
// - Weights in half precision (DEQUANTIZE of a constant) are widened for good.
#pragma once

#include "absl/status/statusor.h"
#include "tflite/graph.h"

namespace bowerbird::infer {

// How many operators were changed or dropped; 0: the graph is as it was. FAILED_PRECONDITION: the
// graph has something that the pass does not understand (several subgraphs, sparse constants); it
// is to be thrown away then. `graph` has passed tflite::CheckGraph.
absl::StatusOr<int> ComputeInFloat(tflite::Graph& graph);

}  // namespace bowerbird::infer
