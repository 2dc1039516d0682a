// SPDX-License-Identifier: Apache-2.0
//
// A pass over a graph: kernels of TensorFlow Lite 2.9 trust numbers that a caller can choose. An
// index beyond its tensor reads or writes memory that is not the tensor's, a divisor of 0 ends the
// process. Checks are put in front of such operands, which make the run fail instead; numbers
// within range go through unchanged.
//
//   indices      GATHER, GATHER_ND, SCATTER_ND, SPARSE_TO_DENSE, REVERSE_SEQUENCE (lengths),
//                SLICE (begin, size), STRIDED_SLICE (begin, where it takes one index of an axis)
//   divisors     DIV, FLOOR_DIV, FLOOR_MOD of whole numbers: 0, and -1 under the smallest number,
//                count as 1 instead
//
// Operands that decide how large a tensor is, or along which axis a kernel works (fixed_inputs.h),
// must not be the caller's at all: such a graph is refused.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tflite/graph.h"

namespace bowerbird::tflite {

// The operators that were given checks: "operator 3 (GATHER)"; none: the graph is as it was.
// INVALID_ARGUMENT names an operator whose constant operand is out of range, or whose operand
// cannot be checked, and says what to do. `graph` has passed CheckGraph.
absl::StatusOr<std::vector<std::string>> GuardValues(Graph& graph);

}  // namespace bowerbird::tflite
