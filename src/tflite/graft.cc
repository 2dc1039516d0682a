// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <utility>

#include "base/status.h"
#include "tflite/edit.h"
#include "tflite/references.h"

namespace bowerbird::tflite {
namespace {

size_t At(int32_t index) { return static_cast<size_t>(index); }

absl::Status CheckJoint(const Tensor& given, const Tensor& wanted) {
  const std::string ends = "'" + given.name + "' cannot feed '" + wanted.name + "': ";
  if (given.type != wanted.type) {
    return InvalidArgument(ends + TensorTypeName(given.type) + " is not " +
                           TensorTypeName(wanted.type));
  }
  if (given.shape != wanted.shape) return InvalidArgument(ends + "their shapes differ");
  const bool is_real = given.type == TensorType::kFloat32 || given.type == TensorType::kFloat16;
  if (!is_real && (given.quantization.scale != wanted.quantization.scale ||
                   given.quantization.zero_point != wanted.quantization.zero_point)) {
    return InvalidArgument(ends + "they are quantised differently");
  }
  return absl::OkStatus();
}

absl::Status CheckJoints(const Graph& graph, std::span<const int32_t> at, const Graph& part) {
  const Subgraph& main = graph.subgraphs[0];
  const Subgraph& added = part.subgraphs[0];
  if (at.size() != added.inputs.size()) {
    return InvalidArgument("the part has " + std::to_string(added.inputs.size()) + " inputs, but " +
                           std::to_string(at.size()) + " tensors are given");
  }
  for (size_t i = 0; i < at.size(); ++i) {
    if (at[i] < 0 || At(at[i]) >= main.tensors.size()) {
      return InvalidArgument("cannot graft onto tensor " + std::to_string(at[i]) + " of " +
                             std::to_string(main.tensors.size()));
    }
    RETURN_IF_ERROR(CheckJoint(main.tensors[At(at[i])], added.tensors[At(added.inputs[i])]));
  }
  const auto is_external = [](const Tensor& tensor) { return tensor.is_external(); };
  for (const Subgraph& subgraph : part.subgraphs) {
    if (std::ranges::any_of(subgraph.tensors, is_external)) {
      return InvalidArgument("the part keeps values in another file: write it with its values");
    }
  }
  return absl::OkStatus();
}

// Copies the parts of one graph into another and translates their indices.
class Grafter {
 public:
  Grafter(Graph& graph, const Graph& part) : graph_(graph), part_(part) {
    graph_.KeepWith(part);
    if (graph_.buffers.empty()) graph_.buffers.emplace_back();
    buffer_base_ = static_cast<uint32_t>(graph_.buffers.size());
    std::ranges::copy(part.buffers, std::back_inserter(graph_.buffers));
    // The part's main subgraph becomes a piece of ours; the others are appended.
    subgraph_place_.push_back(0);
    for (size_t i = 1; i < part.subgraphs.size(); ++i) {
      subgraph_place_.push_back(static_cast<int32_t>(graph.subgraphs.size() + i - 1));
    }
    for (const OperatorCode& code : part.operator_codes) {
      code_place_.push_back(FindOrAddOperatorCode(graph_, code));
    }
    for (const Tensor& tensor : graph.subgraphs[0].tensors) names_.insert(tensor.name);
  }

  absl::StatusOr<std::vector<int32_t>> Run(std::span<const int32_t> at) {
    const Subgraph& source = part_.subgraphs[0];
    std::vector<int32_t> place(source.tensors.size(), -1);
    for (size_t i = 0; i < at.size(); ++i) place[At(source.inputs[i])] = at[i];
    Subgraph& main = graph_.subgraphs[0];
    for (size_t i = 0; i < place.size(); ++i) {
      if (place[i] >= 0) continue;
      Tensor tensor = Moved(source.tensors[i]);
      tensor.name = FreeName(tensor.name);
      place[i] = AddTensor(main, std::move(tensor));
    }
    const auto move = [&](std::vector<int32_t>& indices) {
      for (int32_t& index : indices) index = index < 0 ? index : place[At(index)];
    };
    for (Operator op : source.operators) {
      move(op.inputs);
      move(op.outputs);
      move(op.intermediates);
      RETURN_IF_ERROR(Translate(op));
      main.operators.push_back(std::move(op));
    }
    std::vector<int32_t> outputs = source.outputs;
    move(outputs);
    for (size_t i = 1; i < part_.subgraphs.size(); ++i) {
      RETURN_IF_ERROR(AppendSubgraph(part_.subgraphs[i]));
    }
    return outputs;
  }

 private:
  Tensor Moved(Tensor tensor) const {
    tensor.buffer += buffer_base_;
    return tensor;
  }

  // Readers look tensors up by their names.
  std::string FreeName(const std::string& name) {
    std::string free = name;
    for (int i = 1; !free.empty() && names_.contains(free); ++i) {
      free = name + "_" + std::to_string(i);
    }
    names_.insert(free);
    return free;
  }

  absl::Status Translate(Operator& op) const {
    op.code = code_place_[op.code];
    op.debug_metadata_index = -1;  // counted in a metadata entry that stays behind
    return RenumberCalls(op, subgraph_place_);
  }

  absl::Status AppendSubgraph(const Subgraph& source) {
    Subgraph subgraph = source;
    subgraph.debug_metadata_index = -1;
    for (Tensor& tensor : subgraph.tensors) tensor = Moved(std::move(tensor));
    for (Operator& op : subgraph.operators) RETURN_IF_ERROR(Translate(op));
    graph_.subgraphs.push_back(std::move(subgraph));
    return absl::OkStatus();
  }

  Graph& graph_;
  const Graph& part_;
  uint32_t buffer_base_ = 0;
  std::vector<int32_t> subgraph_place_;
  std::vector<uint32_t> code_place_;
  std::set<std::string> names_;
};

}  // namespace

absl::StatusOr<std::vector<int32_t>> Graft(Graph& graph, std::span<const int32_t> at,
                                           const Graph& part) {
  for (const Graph* each : {static_cast<const Graph*>(&graph), &part}) {
    RETURN_IF_ERROR(CheckEditable(*each));
    RETURN_IF_ERROR(CheckReferences(*each));
  }
  RETURN_IF_ERROR(CheckJoints(graph, at, part));
  Graph grafted = graph;
  ASSIGN_OR_RETURN(std::vector<int32_t> outputs, Grafter(grafted, part).Run(at));
  graph = std::move(grafted);
  return outputs;
}

}  // namespace bowerbird::tflite
