// SPDX-License-Identifier: Apache-2.0
#include "tflite/references.h"

#include "base/status.h"

namespace bowerbird::tflite {
namespace {

absl::Status OutOfRange(const std::string& what, int64_t index, size_t size) {
  return InvalidArgument("the model's graph is wrong: " + what + " " + std::to_string(index) +
                         " of " + std::to_string(size) + "; export it again");
}

// -1 stands for nothing where `optional`.
absl::Status CheckTensors(const std::vector<int32_t>& indices, const Subgraph& subgraph,
                          const std::string& what, bool optional) {
  for (const int32_t index : indices) {
    if (optional && index == -1) continue;
    if (index < 0 || static_cast<size_t>(index) >= subgraph.tensors.size()) {
      return OutOfRange(what + " is tensor", index, subgraph.tensors.size());
    }
  }
  return absl::OkStatus();
}

absl::Status CheckOperator(const Graph& graph, const Subgraph& subgraph, const Operator& op) {
  if (op.code >= graph.operator_codes.size()) {
    return OutOfRange("an operator has code", op.code, graph.operator_codes.size());
  }
  const std::string name = graph.operator_codes[op.code].Name();
  RETURN_IF_ERROR(CheckTensors(op.inputs, subgraph, "an input of " + name, true));
  RETURN_IF_ERROR(CheckTensors(op.outputs, subgraph, "an output of " + name, false));
  RETURN_IF_ERROR(CheckTensors(op.intermediates, subgraph, "an intermediate of " + name, true));
  for (const int32_t called : CalledSubgraphs(op)) {
    if (called < 0 || static_cast<size_t>(called) >= graph.subgraphs.size()) {
      return OutOfRange(name + " calls subgraph", called, graph.subgraphs.size());
    }
  }
  return absl::OkStatus();
}

absl::Status CheckSignature(const Graph& graph, const Signature& signature) {
  if (signature.subgraph >= graph.subgraphs.size()) {
    return OutOfRange("the signature '" + signature.key + "' is of subgraph", signature.subgraph,
                      graph.subgraphs.size());
  }
  const size_t tensors = graph.subgraphs[signature.subgraph].tensors.size();
  for (const auto* names : {&signature.inputs, &signature.outputs}) {
    for (const TensorName& name : *names) {
      if (name.tensor >= tensors) {
        return OutOfRange("'" + name.name + "' of a signature is tensor", name.tensor, tensors);
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckReferences(const Graph& graph) {
  if (graph.subgraphs.empty()) return InvalidArgument("the model has no graph");
  const auto check_buffer = [&](int64_t buffer, const std::string& what) -> absl::Status {
    if (buffer >= 0 && static_cast<size_t>(buffer) < graph.buffers.size()) return absl::OkStatus();
    return OutOfRange(what + " refers to buffer", buffer, graph.buffers.size());
  };
  for (const Subgraph& subgraph : graph.subgraphs) {
    for (const Tensor& tensor : subgraph.tensors) {
      RETURN_IF_ERROR(check_buffer(tensor.buffer, "tensor '" + tensor.name + "'"));
    }
    RETURN_IF_ERROR(CheckTensors(subgraph.inputs, subgraph, "an input", false));
    RETURN_IF_ERROR(CheckTensors(subgraph.outputs, subgraph, "an output", false));
    for (const Operator& op : subgraph.operators) {
      RETURN_IF_ERROR(CheckOperator(graph, subgraph, op));
    }
  }
  for (const MetadataEntry& entry : graph.metadata) {
    RETURN_IF_ERROR(check_buffer(entry.buffer, "the metadata entry '" + entry.name + "'"));
  }
  for (const int32_t buffer : graph.metadata_buffers) {
    RETURN_IF_ERROR(check_buffer(buffer, "the list of metadata buffers"));
  }
  for (const Signature& signature : graph.signatures) {
    RETURN_IF_ERROR(CheckSignature(graph, signature));
  }
  return absl::OkStatus();
}

std::vector<int32_t> Renumber(const std::vector<bool>& kept, int32_t first) {
  std::vector<int32_t> place(kept.size(), -1);
  for (size_t i = 0; i < kept.size(); ++i) {
    if (kept[i]) place[i] = first++;
  }
  return place;
}

}  // namespace bowerbird::tflite
