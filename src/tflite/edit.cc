// SPDX-License-Identifier: Apache-2.0
#include "tflite/edit.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/status.h"

namespace bowerbird::tflite {
namespace {

bool InRange(int32_t index, size_t size) { return index >= 0 && static_cast<size_t>(index) < size; }

}  // namespace

Links::Links(const Subgraph& subgraph)
    : producers_(subgraph.tensors.size(), -1), consumers_(subgraph.tensors.size()) {
  for (size_t i = 0; i < subgraph.operators.size(); ++i) {
    const auto op = static_cast<int32_t>(i);
    for (const int32_t input : subgraph.operators[i].inputs) {
      if (!InRange(input, consumers_.size())) continue;
      std::vector<int32_t>& readers = consumers_[static_cast<size_t>(input)];
      if (readers.empty() || readers.back() != op) readers.push_back(op);
    }
    for (const int32_t output : subgraph.operators[i].outputs) {
      if (InRange(output, producers_.size())) producers_[static_cast<size_t>(output)] = op;
    }
  }
}

int32_t FindTensor(const Subgraph& subgraph, std::string_view name) {
  const auto found = std::ranges::find(subgraph.tensors, name, &Tensor::name);
  return found == subgraph.tensors.end() ? -1
                                         : static_cast<int32_t>(found - subgraph.tensors.begin());
}

bool IsConstant(const Graph& graph, const Tensor& tensor) {
  return tensor.buffer < graph.buffers.size() && !graph.buffers[tensor.buffer].data.empty();
}

int32_t AddTensor(Subgraph& subgraph, Tensor tensor) {
  subgraph.tensors.push_back(std::move(tensor));
  return static_cast<int32_t>(subgraph.tensors.size() - 1);
}

int32_t AddConstant(Graph& graph, size_t subgraph, Tensor tensor, std::vector<std::byte> bytes) {
  SetConstant(graph, tensor, std::move(bytes));
  return AddTensor(graph.subgraphs.at(subgraph), std::move(tensor));
}

void SetConstant(Graph& graph, Tensor& tensor, std::vector<std::byte> bytes) {
  if (graph.buffers.empty()) graph.buffers.emplace_back();  // the first one is always empty
  graph.buffers.push_back({.data = graph.Keep(std::move(bytes))});
  tensor.buffer = static_cast<uint32_t>(graph.buffers.size() - 1);
}

uint32_t FindOrAddOperatorCode(Graph& graph, const OperatorCode& code) {
  for (size_t i = 0; i < graph.operator_codes.size(); ++i) {
    const OperatorCode& known = graph.operator_codes[i];
    if (known.builtin == code.builtin && known.custom == code.custom &&
        known.version == code.version && known.unknown == code.unknown) {
      return static_cast<uint32_t>(i);
    }
  }
  graph.operator_codes.push_back(code);
  return static_cast<uint32_t>(graph.operator_codes.size() - 1);
}

void ReplaceUses(Graph& graph, size_t subgraph, int32_t from, int32_t to) {
  Subgraph& part = graph.subgraphs.at(subgraph);
  for (Operator& op : part.operators) std::ranges::replace(op.inputs, from, to);
  std::ranges::replace(part.outputs, from, to);
  for (Signature& signature : graph.signatures) {
    if (signature.subgraph != subgraph) continue;
    for (TensorName& name : signature.outputs) {
      if (name.tensor == static_cast<uint32_t>(from)) name.tensor = static_cast<uint32_t>(to);
    }
  }
}

absl::Status ReplaceOperator(Graph& graph, size_t subgraph, size_t op,
                             std::vector<Operator> replacement) {
  RETURN_IF_ERROR(CheckEditable(graph));
  if (subgraph >= graph.subgraphs.size() || op >= graph.subgraphs[subgraph].operators.size()) {
    return InvalidArgument("there is no operator " + std::to_string(op) + " in subgraph " +
                           std::to_string(subgraph) + " to replace");
  }
  std::vector<Operator>& operators = graph.subgraphs[subgraph].operators;
  const auto at = operators.begin() + static_cast<std::ptrdiff_t>(op);
  if (replacement.empty()) {
    operators.erase(at);
    return absl::OkStatus();
  }
  *at = std::move(replacement.front());
  operators.insert(at + 1, std::make_move_iterator(replacement.begin() + 1),
                   std::make_move_iterator(replacement.end()));
  return absl::OkStatus();
}

}  // namespace bowerbird::tflite
