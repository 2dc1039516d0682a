// SPDX-License-Identifier: Apache-2.0
//
// Which elements STRIDED_SLICE takes, with its masks.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tflite/shapes.h"
#include "tflite/table.h"

namespace bowerbird::tflite {

struct StridedSlicePlan {
  std::vector<int64_t> shape;  // of the output
  // For each dimension of the input: the first element, the step, how many.
  std::vector<int64_t> first;
  std::vector<int64_t> step;
  std::vector<int64_t> count;
};

// nullopt: the slice does not fit an input of that shape.
std::optional<StridedSlicePlan> PlanStridedSlice(const Shape& in, const std::vector<int64_t>& begin,
                                                 const std::vector<int64_t>& end,
                                                 const std::vector<int64_t>& strides,
                                                 const Table& options);

}  // namespace bowerbird::tflite
