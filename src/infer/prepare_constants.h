// SPDX-License-Identifier: Apache-2.0
//
// Constants of a graph as float32. Private to this room.
#pragma once

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "tflite/graph.h"

namespace bowerbird::infer {

// The bytes of a float32 tensor of the same shape. FAILED_PRECONDITION: the constant is sparse,
// lies elsewhere, or has a type that cannot be multiplied out (only 8, 16 and 32 bits and halves
// can).
absl::StatusOr<std::vector<std::byte>> FloatConstant(const tflite::Graph& graph,
                                                     const tflite::Tensor& tensor);

}  // namespace bowerbird::infer
