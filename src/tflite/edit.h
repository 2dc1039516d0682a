// SPDX-License-Identifier: Apache-2.0
//
// Changes to a graph. Everything here that returns a status first asks CheckEditable, and leaves
// the graph as it was unless it returns OK. Tensors and operators are named by their indices in
// their subgraph; functions that renumber say so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tflite/graph.h"

namespace bowerbird::tflite {

// Who writes and who reads each tensor of a subgraph, as it was when this was made. Indices of the
// subgraph that are out of range are left out.
class Links {
 public:
  explicit Links(const Subgraph& subgraph);

  // The operator that writes `tensor`; -1 for inputs, constants and variables.
  int32_t Producer(int32_t tensor) const { return producers_.at(static_cast<size_t>(tensor)); }
  // The operators that read `tensor`, in order, each once.
  std::span<const int32_t> Consumers(int32_t tensor) const {
    return consumers_.at(static_cast<size_t>(tensor));
  }

 private:
  std::vector<int32_t> producers_;
  std::vector<std::vector<int32_t>> consumers_;
};

// The first tensor of that name; -1 if there is none.
int32_t FindTensor(const Subgraph& subgraph, std::string_view name);

// Whether the file holds the values of `tensor`.
bool IsConstant(const Graph& graph, const Tensor& tensor);

// The index of the new tensor.
int32_t AddTensor(Subgraph& subgraph, Tensor tensor);

// A tensor whose values are `bytes`, in a new buffer that the graph keeps alive. `tensor.buffer` is
// set here. The index of the new tensor.
int32_t AddConstant(Graph& graph, size_t subgraph, Tensor tensor, std::vector<std::byte> bytes);

// Gives `tensor` values of its own; others that share its buffer keep theirs.
void SetConstant(Graph& graph, Tensor& tensor, std::vector<std::byte> bytes);

// The index of that operator, of that name and version, in graph.operator_codes.
uint32_t FindOrAddOperatorCode(Graph& graph, const OperatorCode& code);

// Everything that reads `from` (operators, outputs, signatures of the subgraph) reads `to` instead.
void ReplaceUses(Graph& graph, size_t subgraph, int32_t from, int32_t to);

// Puts `replacement` (empty: nothing) where the operator stands; the caller has added the tensors
// it uses. Operators behind it are renumbered.
absl::Status ReplaceOperator(Graph& graph, size_t subgraph, size_t op,
                             std::vector<Operator> replacement);

// Drops operators whose results nothing needs, tensors that nothing refers to, subgraphs that
// nothing calls, operator codes and buffers that are not used. Renumbers all of them. Operators
// that change a state (of variables, tables, resources) stay.
absl::Status Prune(Graph& graph);

// Keeps the part of the main subgraph that computes the tensors `outputs` from the tensors
// `inputs`, which become its inputs and outputs, and prunes the rest. INVALID_ARGUMENT: the part
// also needs an input that is not among `inputs`. Signatures and metadata that describe the old
// ends are dropped. Renumbers everything.
absl::Status Cut(Graph& graph, std::span<const int32_t> inputs, std::span<const int32_t> outputs);

// Appends a copy of the main subgraph of `part` to that of `graph`, reading `at[i]` as its i-th
// input; returns the tensors of `graph` that hold its outputs (the caller makes them outputs of the
// graph as he likes). INVALID_ARGUMENT: the ends differ in number, type or shape. Subgraphs that
// `part` calls come along; its signatures and metadata do not.
absl::StatusOr<std::vector<int32_t>> Graft(Graph& graph, std::span<const int32_t> at,
                                           const Graph& part);

}  // namespace bowerbird::tflite
