// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "base/status.h"
#include "tflite/edit.h"
#include "tflite/metadata.h"
#include "tflite/references.h"

namespace bowerbird::tflite {
namespace {

size_t At(int32_t index) { return static_cast<size_t>(index); }

// Operators that do something besides computing their outputs: they stay even when nothing reads
// those. Whatever calls subgraphs is taken for such.
bool HasEffects(const Graph& graph, const Operator& op) {
  constexpr int32_t kEffects[] = {136, 138, 144};  // HASHTABLE, HASHTABLE_IMPORT, ASSIGN_VARIABLE
  return op.outputs.empty() || !CalledSubgraphs(op).empty() ||
         op.options_2.Bool("has_side_effect") ||
         std::ranges::count(kEffects, graph.operator_codes[op.code].builtin) > 0;
}

void DropDeadOperators(const Graph& graph, Subgraph& subgraph) {
  std::vector<bool> needed(subgraph.tensors.size(), false);
  for (const int32_t output : subgraph.outputs) needed[At(output)] = true;
  std::vector<bool> alive(subgraph.operators.size(), false);
  for (size_t i = subgraph.operators.size(); i-- > 0;) {
    const Operator& op = subgraph.operators[i];
    alive[i] = HasEffects(graph, op) ||
               std::ranges::any_of(op.outputs, [&](int32_t output) { return needed[At(output)]; });
    if (!alive[i]) continue;
    for (const int32_t input : op.inputs) {
      if (input >= 0) needed[At(input)] = true;
    }
  }
  KeepOnly(subgraph.operators, alive);
}

void DropUnusedTensors(Graph& graph, size_t index) {
  Subgraph& subgraph = graph.subgraphs[index];
  std::vector<bool> used(subgraph.tensors.size(), false);
  // Calls `visit` for everything that names a tensor.
  const auto each = [&](auto visit) {
    for (auto* list : {&subgraph.inputs, &subgraph.outputs}) std::ranges::for_each(*list, visit);
    for (Operator& op : subgraph.operators) {
      for (auto* list : {&op.inputs, &op.outputs, &op.intermediates}) {
        std::ranges::for_each(*list, visit);
      }
    }
    for (Signature& signature : graph.signatures) {
      if (signature.subgraph != index) continue;
      for (auto* names : {&signature.inputs, &signature.outputs}) {
        for (TensorName& name : *names) {
          auto tensor = static_cast<int32_t>(name.tensor);
          visit(tensor);
          name.tensor = static_cast<uint32_t>(tensor);
        }
      }
    }
  };
  each([&](int32_t tensor) {
    if (tensor >= 0) used[At(tensor)] = true;
  });
  const std::vector<int32_t> place = Renumber(used);
  each([&](int32_t& tensor) {
    if (tensor >= 0) tensor = place[At(tensor)];
  });
  KeepOnly(subgraph.tensors, used);
}

absl::Status DropUncalledSubgraphs(Graph& graph) {
  std::vector<bool> called(graph.subgraphs.size(), false);
  std::vector<size_t> open = {0};
  for (const Signature& signature : graph.signatures) open.push_back(signature.subgraph);
  while (!open.empty()) {
    const size_t index = open.back();
    open.pop_back();
    if (called[index]) continue;
    called[index] = true;
    for (const Operator& op : graph.subgraphs[index].operators) {
      for (const int32_t next : CalledSubgraphs(op)) open.push_back(At(next));
    }
  }
  if (std::ranges::find(called, false) == called.end()) return absl::OkStatus();
  const std::vector<int32_t> place = Renumber(called);
  KeepOnly(graph.subgraphs, called);
  for (Signature& signature : graph.signatures) {
    signature.subgraph = static_cast<uint32_t>(place[signature.subgraph]);
  }
  for (Subgraph& subgraph : graph.subgraphs) {
    for (Operator& op : subgraph.operators) RETURN_IF_ERROR(RenumberCalls(op, place));
  }
  return absl::OkStatus();
}

void DropUnusedCodes(Graph& graph) {
  std::vector<bool> used(graph.operator_codes.size(), false);
  for (const Subgraph& subgraph : graph.subgraphs) {
    for (const Operator& op : subgraph.operators) used[op.code] = true;
  }
  const std::vector<int32_t> place = Renumber(used);
  KeepOnly(graph.operator_codes, used);
  for (Subgraph& subgraph : graph.subgraphs) {
    for (Operator& op : subgraph.operators) op.code = static_cast<uint32_t>(place[op.code]);
  }
}

// The first buffer is the empty one, to which all empty ones go.
void DropUnusedBuffers(Graph& graph) {
  std::vector<bool> used(graph.buffers.size(), false);
  const auto use = [&](size_t buffer) { used[buffer] = !graph.buffers[buffer].data.empty(); };
  for (const Subgraph& subgraph : graph.subgraphs) {
    for (const Tensor& tensor : subgraph.tensors) use(tensor.buffer);
  }
  for (const MetadataEntry& entry : graph.metadata) use(entry.buffer);
  for (const int32_t buffer : graph.metadata_buffers) use(At(buffer));
  const std::vector<int32_t> place = Renumber(used, 1);
  const auto placed = [&](size_t buffer) { return std::max(place[buffer], 0); };
  for (Subgraph& subgraph : graph.subgraphs) {
    for (Tensor& tensor : subgraph.tensors) {
      tensor.buffer = static_cast<uint32_t>(placed(tensor.buffer));
    }
  }
  for (MetadataEntry& entry : graph.metadata) {
    entry.buffer = static_cast<uint32_t>(placed(entry.buffer));
  }
  for (int32_t& buffer : graph.metadata_buffers) buffer = placed(At(buffer));
  KeepOnly(graph.buffers, used);
  graph.buffers.insert(graph.buffers.begin(), Buffer());
}

absl::Status PruneInPlace(Graph& graph) {
  for (Subgraph& subgraph : graph.subgraphs) DropDeadOperators(graph, subgraph);
  RETURN_IF_ERROR(DropUncalledSubgraphs(graph));
  for (size_t i = 0; i < graph.subgraphs.size(); ++i) DropUnusedTensors(graph, i);
  DropUnusedCodes(graph);
  DropUnusedBuffers(graph);
  return absl::OkStatus();
}

// Which operators of the main subgraph a cut keeps.
class CutPlan {
 public:
  CutPlan(const Graph& graph, std::span<const int32_t> inputs, std::span<const int32_t> outputs)
      : graph_(graph), main_(graph.subgraphs[0]), inputs_(inputs), outputs_(outputs) {}

  absl::StatusOr<std::vector<bool>> Operators() {
    RETURN_IF_ERROR(CheckEnds());
    FindReachable();
    std::vector<bool> needed(main_.tensors.size(), false);
    const auto need = [&](int32_t tensor) { needed[At(tensor)] = !is_input_[At(tensor)]; };
    for (const int32_t output : outputs_) need(output);
    std::vector<bool> kept(main_.operators.size(), false);
    for (size_t i = main_.operators.size(); i-- > 0;) {
      const Operator& op = main_.operators[i];
      kept[i] = (HasEffects(graph_, op) && IsReachable(op)) ||
                std::ranges::any_of(op.outputs, [&](int32_t t) { return needed[At(t)]; });
      if (!kept[i]) continue;
      for (const int32_t input : op.inputs) {
        if (input >= 0) need(input);
      }
    }
    RETURN_IF_ERROR(CheckNeeds(needed, kept));
    return kept;
  }

 private:
  std::string TensorText(size_t tensor) const {
    return "tensor " + std::to_string(tensor) + " ('" + main_.tensors[tensor].name + "')";
  }

  absl::Status CheckEnds() {
    is_input_.assign(main_.tensors.size(), false);
    if (outputs_.empty()) return InvalidArgument("a cut needs an output");
    for (const auto ends : {inputs_, outputs_}) {
      for (const int32_t end : ends) {
        if (end >= 0 && At(end) < main_.tensors.size()) continue;
        return InvalidArgument("cannot cut at tensor " + std::to_string(end) + " of " +
                               std::to_string(main_.tensors.size()));
      }
    }
    for (const int32_t input : inputs_) {
      if (is_input_[At(input)] || IsConstant(graph_, main_.tensors[At(input)])) {
        return InvalidArgument(TensorText(At(input)) +
                               " is a constant or named twice: it cannot become an input");
      }
      is_input_[At(input)] = true;
    }
    return absl::OkStatus();
  }

  void FindReachable() {
    reachable_.assign(main_.tensors.size(), false);
    for (size_t i = 0; i < main_.tensors.size(); ++i) {
      const Tensor& tensor = main_.tensors[i];
      reachable_[i] = is_input_[i] || IsConstant(graph_, tensor) || tensor.is_variable ||
                      std::ranges::count(tensor.shape, 0) > 0;
    }
    for (const Operator& op : main_.operators) {
      if (!IsReachable(op)) continue;
      for (const int32_t output : op.outputs) reachable_[At(output)] = true;
    }
  }

  bool IsReachable(const Operator& op) const {
    return std::ranges::all_of(op.inputs, [&](int32_t t) { return t < 0 || reachable_[At(t)]; });
  }

  absl::Status CheckNeeds(const std::vector<bool>& needed, const std::vector<bool>& kept) const {
    for (size_t i = 0; i < needed.size(); ++i) {
      if (needed[i] && !reachable_[i]) {
        return InvalidArgument("the part also needs " + TensorText(i) +
                               ", which is not among its inputs");
      }
    }
    for (size_t i = 0; i < kept.size(); ++i) {
      if (!kept[i]) continue;
      for (const int32_t output : main_.operators[i].outputs) {
        if (is_input_[At(output)]) {
          return InvalidArgument("the part computes " + TensorText(At(output)) +
                                 " besides others: it cannot become an input");
        }
      }
    }
    return absl::OkStatus();
  }

  const Graph& graph_;
  const Subgraph& main_;
  std::span<const int32_t> inputs_;
  std::span<const int32_t> outputs_;
  std::vector<bool> is_input_;
  std::vector<bool> reachable_;  // tensors that the inputs and constants suffice for
};

}  // namespace

absl::Status Prune(Graph& graph) {
  RETURN_IF_ERROR(CheckEditable(graph));
  RETURN_IF_ERROR(CheckReferences(graph));
  Graph pruned = graph;
  RETURN_IF_ERROR(PruneInPlace(pruned));
  graph = std::move(pruned);
  return absl::OkStatus();
}

absl::Status Cut(Graph& graph, std::span<const int32_t> inputs, std::span<const int32_t> outputs) {
  RETURN_IF_ERROR(CheckEditable(graph));
  RETURN_IF_ERROR(CheckReferences(graph));
  ASSIGN_OR_RETURN(const std::vector<bool> kept, CutPlan(graph, inputs, outputs).Operators());
  Graph cut = graph;
  Subgraph& main = cut.subgraphs[0];
  KeepOnly(main.operators, kept);
  main.inputs.assign(inputs.begin(), inputs.end());
  main.outputs.assign(outputs.begin(), outputs.end());
  std::erase_if(cut.signatures, [](const Signature& signature) { return signature.subgraph == 0; });
  std::erase_if(cut.metadata,
                [](const MetadataEntry& entry) { return entry.name == kMetadataName; });
  RETURN_IF_ERROR(PruneInPlace(cut));
  graph = std::move(cut);
  return absl::OkStatus();
}

}  // namespace bowerbird::tflite
