// SPDX-License-Identifier: Apache-2.0
#include "tflite/diagnosis_inventory.h"

#include <set>
#include <tuple>
#include <utility>

#include "tflite/diagnosis_view.h"

namespace bowerbird::tflite {
namespace {

bool IsTrained(const Tensor& tensor) {
  switch (tensor.type) {
    case TensorType::kFloat32:
    case TensorType::kFloat16:
    case TensorType::kFloat64:
      return true;
    default:
      return !tensor.quantization.scale.empty();
  }
}

}  // namespace

std::vector<OperatorUse> OperatorsOf(const Graph& graph,
                                     const std::vector<std::vector<bool>>& delegated) {
  std::map<std::tuple<std::string, int32_t, bool>, std::pair<int, int>> counts;
  for (size_t i = 0; i < graph.subgraphs.size(); ++i) {
    const std::vector<Operator>& operators = graph.subgraphs[i].operators;
    for (size_t o = 0; o < operators.size(); ++o) {
      if (operators[o].code >= graph.operator_codes.size()) continue;  // a finding says so
      const OperatorCode& code = graph.operator_codes[operators[o].code];
      auto& [count, in_delegate] =
          counts[{code.Name(), code.version, code.builtin == kCustomOperator}];
      ++count;
      if (i < delegated.size() && o < delegated[i].size() && delegated[i][o]) ++in_delegate;
    }
  }
  std::vector<OperatorUse> uses;
  for (const auto& [key, count] : counts) {
    const auto& [name, version, is_custom] = key;
    uses.push_back({name, version, is_custom, count.first, count.second});
  }
  return uses;
}

Weights WeightsOf(const Graph& graph) {
  Weights weights;
  std::set<uint32_t> seen;
  for (const Subgraph& subgraph : graph.subgraphs) {
    for (const Tensor& tensor : subgraph.tensors) {
      if (tensor.is_variable || tensor.buffer >= graph.buffers.size()) continue;
      const size_t size = graph.buffers[tensor.buffer].data.size();
      if (size == 0 || !seen.insert(tensor.buffer).second) continue;
      weights.bytes_by_type[TensorTypeName(tensor.type)] += size;
      if (IsTrained(tensor)) weights.parameters += static_cast<uint64_t>(ElementsOf(tensor));
    }
  }
  return weights;
}

}  // namespace bowerbird::tflite
