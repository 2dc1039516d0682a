// SPDX-License-Identifier: Apache-2.0
#include "tflite/graph.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/status.h"

namespace bowerbird::tflite {
namespace {

// Fields of any operator's options that name subgraphs.
constexpr std::string_view kCallFields[] = {
    "then_subgraph_index",         "else_subgraph_index",
    "init_subgraph_index",         "cond_subgraph_index",
    "body_subgraph_index",         "subgraph",
    "comparator_subgraph_index",   "update_computation_subgraph_index",
    "decomposition_subgraph_index"};
constexpr std::string_view kCallListFields[] = {"branch_subgraph_indices", "called_computations"};
constexpr int64_t kNone = INT64_MIN;

absl::Status NotKnown(const std::string& what, const std::string& unknown) {
  return FailedPrecondition("the model cannot be edited or written: " + what + " has " + unknown +
                            ", which this version does not know; use the file as it is");
}

std::string OperatorText(const Graph& graph, const Operator& op, size_t index) {
  const std::string name =
      op.code < graph.operator_codes.size() ? graph.operator_codes[op.code].Name() : "no code";
  return "operator " + std::to_string(index) + " (" + name + ")";
}

absl::Status CheckSubgraph(const Graph& graph, const Subgraph& subgraph) {
  if (!subgraph.unknown.empty()) {
    return NotKnown("subgraph '" + subgraph.name + "'", subgraph.unknown);
  }
  for (size_t i = 0; i < subgraph.operators.size(); ++i) {
    const Operator& op = subgraph.operators[i];
    if (!op.unknown.empty()) return NotKnown(OperatorText(graph, op, i), op.unknown);
  }
  for (size_t i = 0; i < subgraph.tensors.size(); ++i) {
    const Tensor& tensor = subgraph.tensors[i];
    if (tensor.unknown.empty()) continue;
    return NotKnown("tensor " + std::to_string(i) + " ('" + tensor.name + "')", tensor.unknown);
  }
  return absl::OkStatus();
}

template <typename Part>
absl::Status CheckParts(const std::vector<Part>& parts, const std::string& what) {
  for (size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i].unknown.empty()) {
      return NotKnown(what + " " + std::to_string(i), parts[i].unknown);
    }
  }
  return absl::OkStatus();
}

}  // namespace

Quantization::Scheme Quantization::scheme() const {
  if (details.empty()) return Scheme::kAffine;
  if (details.name() == "BlockwiseQuantization") return Scheme::kBlockwise;
  if (details.name() == "MultiAxisQuantization") return Scheme::kMultiAxis;
  return Scheme::kCustom;
}

std::string OperatorCode::Name() const {
  return builtin == kCustomOperator ? custom : BuiltinOperatorName(builtin);
}

std::span<const std::byte> Graph::MetadataBuffer(std::string_view name) const {
  for (const MetadataEntry& entry : metadata) {
    if (entry.name == name && entry.buffer < buffers.size()) return buffers[entry.buffer].data;
  }
  return {};
}

std::span<const std::byte> Graph::Keep(std::vector<std::byte> bytes) {
  return *kept_.emplace_back(std::make_shared<const std::vector<std::byte>>(std::move(bytes)));
}

void Graph::KeepWith(const Graph& other) {
  kept_.reserve(kept_.size() + other.kept_.size());
  std::ranges::copy(std::vector(other.kept_), std::back_inserter(kept_));
}

std::vector<int32_t> CalledSubgraphs(const Operator& op) {
  std::vector<int32_t> called;
  for (const Table* table : {&op.options, &op.options_2}) {
    if (table->empty()) continue;
    for (const std::string_view field : kCallFields) {
      const int64_t index = table->Int(field, kNone);
      if (index != kNone) called.push_back(static_cast<int32_t>(index));
    }
    for (const std::string_view field : kCallListFields) {
      for (const int64_t index : table->Ints(field)) called.push_back(static_cast<int32_t>(index));
    }
  }
  return called;
}

absl::Status RenumberCalls(Operator& op, std::span<const int32_t> place) {
  const auto placed = [&](int64_t index) -> absl::StatusOr<int64_t> {
    if (index < 0 || static_cast<size_t>(index) >= place.size()) {
      return InvalidArgument("an operator calls subgraph " + std::to_string(index) + " of " +
                             std::to_string(place.size()));
    }
    return place[static_cast<size_t>(index)];
  };
  for (Table* table : {&op.options, &op.options_2}) {
    if (table->empty()) continue;
    for (const std::string_view field : kCallFields) {
      const int64_t index = table->Int(field, kNone);
      if (index == kNone) continue;
      ASSIGN_OR_RETURN(const int64_t moved, placed(index));
      RETURN_IF_ERROR(table->Set(field, moved));
    }
    for (const std::string_view field : kCallListFields) {
      std::vector<int64_t> indices = table->Ints(field);
      if (indices.empty()) continue;
      for (int64_t& index : indices) {
        ASSIGN_OR_RETURN(index, placed(index));
      }
      RETURN_IF_ERROR(table->Set(field, std::move(indices)));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckEditable(const Graph& graph) {
  if (!graph.unknown.empty()) return NotKnown("the file", graph.unknown);
  for (const OperatorCode& code : graph.operator_codes) {
    if (!code.unknown.empty()) return NotKnown("the operator code " + code.Name(), code.unknown);
  }
  for (const Subgraph& subgraph : graph.subgraphs) RETURN_IF_ERROR(CheckSubgraph(graph, subgraph));
  RETURN_IF_ERROR(CheckParts(graph.buffers, "buffer"));
  RETURN_IF_ERROR(CheckParts(graph.metadata, "metadata entry"));
  RETURN_IF_ERROR(CheckParts(graph.signatures, "signature"));
  return CheckParts(graph.external_buffers, "external buffer");
}

}  // namespace bowerbird::tflite
