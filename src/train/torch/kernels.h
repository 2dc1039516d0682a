// SPDX-License-Identifier: Apache-2.0
//
// The operators of the file format in terms of the library's, differentiable. Private to
// libbowerbird_torch.so.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "train/torch/tensors.h"

namespace bowerbird::train {

// One operator, ready to run: its inputs in the operator's order (undefined where one is left out)
// to its only output. May throw the library's exceptions.
using Kernel = std::function<at::Tensor(std::span<const at::Tensor>)>;

// One operator of the main subgraph, as it is looked at when its kernel is made.
struct OperatorSource {
  const tflite::Graph& graph;
  const tflite::Operator& op;

  const tflite::Tensor& In(size_t input) const {
    return graph.subgraphs[0].tensors[static_cast<size_t>(op.inputs[input])];
  }
  const tflite::Tensor& Out() const {
    return graph.subgraphs[0].tensors[static_cast<size_t>(op.outputs[0])];
  }
  // Of a constant of type INT32. INVALID_ARGUMENT: it is left out or none.
  absl::StatusOr<std::vector<int64_t>> Whole(size_t input) const;
};

// UNIMPLEMENTED: no such operator here, or not in this form; the message says which.
absl::StatusOr<Kernel> MakeKernel(const OperatorSource& source);

// The families of operators; each returns an empty kernel for an operator that is none of its own.
absl::StatusOr<Kernel> MakeWindowKernel(const OperatorSource& source, const std::string& name);
absl::StatusOr<Kernel> MakeElementKernel(const OperatorSource& source, const std::string& name);
absl::StatusOr<Kernel> MakeLayoutKernel(const OperatorSource& source, const std::string& name);

// Applies the activation that the operator fuses. `fresh`: nothing else reads it, so it is changed
// in place.
at::Tensor Activate(at::Tensor fresh, int64_t activation);

}  // namespace bowerbird::train
