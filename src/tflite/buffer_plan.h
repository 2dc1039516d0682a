// SPDX-License-Identifier: Apache-2.0
//
// Which buffers of a graph a file needs: those that something refers to, equal ones once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "tflite/graph.h"

namespace bowerbird::tflite {

struct BufferPlan {
  // What is stored; the first is empty, as the format wants it.
  std::vector<std::span<const std::byte>> stored;
  // By index in the graph: the index in `stored`. 0 for those that are left out.
  std::vector<uint32_t> place;
};

// Empty buffers of computed tensors become the first one; that of a variable tensor likewise.
// INVALID_ARGUMENT: a reference is out of range.
absl::StatusOr<BufferPlan> PlanBuffers(const Graph& graph);

}  // namespace bowerbird::tflite
