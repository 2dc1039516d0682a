// SPDX-License-Identifier: Apache-2.0
//
// What a trained float graph gets in front of it and around its weights to become a file.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "train/float_graph.h"

namespace bowerbird::train {

// Makes the main subgraph's only input, a float picture, a uint8 one of the same size: CAST, MUL,
// ADD as `scaling` says. `name` is the new input's.
absl::Status TakeBytes(tflite::Graph& graph, const InputScaling& scaling, std::string_view name);

// Stores the weights of convolutions and products in half precision with a DEQUANTIZE behind each.
// FAILED_PRECONDITION: one is not finite, or too large for it.
absl::Status HalveWeights(tflite::Graph& graph);

// The sum over all numbers of all float constants is finite. FAILED_PRECONDITION names the tensor
// that is not.
absl::Status CheckFinite(const tflite::Graph& graph);

// Appends an operator of version `version` to the main subgraph; its outputs are new float tensors
// of these names and shapes, whose indices are returned.
struct NewTensor {
  std::string_view name;
  std::vector<int32_t> shape;
};
std::vector<int32_t> Append(tflite::Graph& graph, int32_t builtin, std::vector<int32_t> inputs,
                            const std::vector<NewTensor>& outputs, tflite::Table options = {},
                            int32_t version = 1);

// A new float constant of the main subgraph.
int32_t AddFloats(tflite::Graph& graph, std::string_view name, std::vector<int32_t> shape,
                  const std::vector<float>& values);

}  // namespace bowerbird::train
