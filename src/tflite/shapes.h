// SPDX-License-Identifier: Apache-2.0
//
// Shapes of all tensors from the shapes of the inputs, without a runtime. Follows small whole
// numbers as well, so that a shape which the graph computes (SHAPE, STRIDED_SLICE, PACK, ...) is
// known where it is used.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tflite/graph.h"

namespace bowerbird::tflite {

using Shape = std::vector<int32_t>;

struct InferredShapes {
  // By tensor of the subgraph; nullopt: depends on values that only a run knows, or on an operator
  // without a rule here.
  std::vector<std::optional<Shape>> tensors;
  // "operator 7 (WHERE): its output depends on values" for the first such; empty: all are known.
  std::string unknown;
};

// `graph` has passed CheckGraph. `inputs` are the shapes of the subgraph's inputs, in its order.
// INVALID_ARGUMENT names the operator that cannot take the shapes it would get.
absl::StatusOr<InferredShapes> InferShapes(const Graph& graph, size_t subgraph,
                                           std::span<const Shape> inputs);

// The same from the shapes that the inputs have in the file.
absl::StatusOr<InferredShapes> InferShapes(const Graph& graph, size_t subgraph = 0);

// Gives the main subgraph's inputs new shapes and writes the shapes that follow into its tensors.
// UNIMPLEMENTED: some cannot be known; the graph is as it was. A constant that spells a shape out
// (of a RESHAPE) is not changed: where it no longer fits, INVALID_ARGUMENT names it.
absl::Status Reshape(Graph& graph, std::span<const Shape> inputs);

// "[1, 224, 224, 3]".
std::string ShapeText(std::span<const int32_t> shape);

}  // namespace bowerbird::tflite
