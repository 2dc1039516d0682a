// SPDX-License-Identifier: Apache-2.0
#include "tflite/write.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/status.h"
#include "tflite/buffer_plan.h"
#include "tflite/schema/model_fb.h"
#include "tflite/table_codec.h"

namespace bowerbird::tflite {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

constexpr size_t kAlignment = 16;       // of constants: what kernels may load at once
constexpr int32_t kOldCodeLimit = 127;  // the old byte field holds this for newer operators
// FlatBuffers ends the process beyond this, so an estimate is compared with it beforehand.
constexpr uint64_t kMaxFileBytes = FLATBUFFERS_MAX_BUFFER_SIZE;
constexpr uint64_t kTableBytes = 256;  // more than any table takes without its vectors

uint64_t EstimateBytes(const Table& table) {
  uint64_t bytes = kTableBytes;
  for (const Table::Field& field : table.fields()) {
    if (const auto* text = std::get_if<std::string>(&field.value)) bytes += text->size();
    if (const auto* numbers = std::get_if<std::vector<int64_t>>(&field.value)) {
      bytes += numbers->size() * sizeof(int64_t);
    }
    if (const auto* reals = std::get_if<std::vector<float>>(&field.value)) {
      bytes += reals->size() * sizeof(float);
    }
    if (const auto* tables = std::get_if<std::vector<Table>>(&field.value)) {
      for (const Table& child : *tables) bytes += EstimateBytes(child);
    }
  }
  return bytes;
}

uint64_t EstimateBytes(const Tensor& tensor) {
  const Quantization& quantization = tensor.quantization;
  uint64_t bytes = 2 * kTableBytes + tensor.name.size() +
                   sizeof(int32_t) * (tensor.shape.size() + tensor.shape_signature.size()) +
                   sizeof(float) * (quantization.scale.size() + quantization.min.size() +
                                    quantization.max.size()) +
                   sizeof(int64_t) * quantization.zero_point.size() +
                   EstimateBytes(quantization.details) + EstimateBytes(tensor.sparsity);
  for (const Table& held : tensor.variant_tensors) bytes += EstimateBytes(held);
  return bytes;
}

uint64_t EstimateBytes(const Operator& op) {
  return kTableBytes + EstimateBytes(op.options) + EstimateBytes(op.options_2) +
         sizeof(int32_t) * (op.inputs.size() + op.outputs.size() + op.intermediates.size()) +
         op.mutating_variable_inputs.size() + op.custom_options.size();
}

// No less than the file will have.
uint64_t EstimateBytes(const Graph& graph, const BufferPlan& buffers) {
  uint64_t bytes = kTableBytes + graph.description.size() + 4 * graph.metadata_buffers.size();
  for (const auto& data : buffers.stored) bytes += kTableBytes + data.size();
  for (const OperatorCode& code : graph.operator_codes) bytes += kTableBytes + code.custom.size();
  for (const MetadataEntry& entry : graph.metadata) bytes += kTableBytes + entry.name.size();
  for (const std::string& group : graph.external_groups) bytes += kTableBytes + group.size();
  for (const auto& external : graph.external_buffers)
    bytes += kTableBytes + external.packing.size();
  for (const Signature& signature : graph.signatures) {
    bytes += kTableBytes + signature.key.size() + signature.old_tag.size();
    for (const auto* names : {&signature.inputs, &signature.outputs}) {
      for (const TensorName& name : *names) bytes += kTableBytes + name.name.size();
    }
  }
  for (const Subgraph& subgraph : graph.subgraphs) {
    bytes += kTableBytes + subgraph.name.size() +
             sizeof(int32_t) * (subgraph.inputs.size() + subgraph.outputs.size());
    for (const Tensor& tensor : subgraph.tensors) bytes += EstimateBytes(tensor);
    for (const Operator& op : subgraph.operators) bytes += EstimateBytes(op);
  }
  return bytes;
}

// One file under construction. What readers tell apart from an empty value is left out when empty.
class Writer {
 public:
  explicit Writer(const BufferPlan& plan) : plan_(plan) {}

  absl::StatusOr<std::string> Write(const Graph& graph) {
    const auto buffers = WriteBuffers();
    const auto codes = Vector<schema::OperatorCode>(
        graph.operator_codes, [this](const OperatorCode& code) { return WriteCode(code); });
    std::vector<Offset<schema::SubGraph>> written;
    for (const Subgraph& subgraph : graph.subgraphs) {
      ASSIGN_OR_RETURN(written.emplace_back(), WriteSubgraph(subgraph));
    }
    const auto subgraphs = builder_.CreateVector(written);
    const auto metadata =
        Optional<schema::Metadata>(graph.metadata, [this](const MetadataEntry& entry) {
          return schema::CreateMetadata(builder_, Text(entry.name), plan_.place[entry.buffer]);
        });
    const auto signatures = Optional<schema::SignatureDef>(
        graph.signatures, [this](const Signature& signature) { return WriteSignature(signature); });
    const auto groups =
        Optional<schema::ExternalBufferGroup>(graph.external_groups, [this](const auto& name) {
          return schema::CreateExternalBufferGroup(builder_, Text(name));
        });
    const auto externals = Optional<schema::ExternalBuffer>(
        graph.external_buffers, [this](const ExternalBuffer& external) {
          return schema::CreateExternalBuffer(builder_, external.id, external.group,
                                              external.offset, external.length,
                                              Text(external.packing));
        });
    std::vector<int32_t> metadata_buffers;
    metadata_buffers.reserve(graph.metadata_buffers.size());
    for (const int32_t buffer : graph.metadata_buffers) {
      metadata_buffers.push_back(static_cast<int32_t>(plan_.place[static_cast<size_t>(buffer)]));
    }
    const auto old_metadata = Values(metadata_buffers);
    const auto description = Text(graph.description);
    const auto model =
        schema::CreateModel(builder_, graph.version, codes, subgraphs, description, buffers,
                            old_metadata, metadata, signatures, groups, externals);
    schema::FinishModelBuffer(builder_, model);
    return std::string(reinterpret_cast<const char*>(builder_.GetBufferPointer()),
                       builder_.GetSize());
  }

 private:
  Offset<flatbuffers::String> Text(const std::string& text) {
    return text.empty() ? 0 : builder_.CreateString(text);
  }

  template <typename T>
  Offset<flatbuffers::Vector<T>> Values(const std::vector<T>& values) {
    return values.empty() ? 0 : builder_.CreateVector(values);
  }

  // Zero points by channel are mostly zeros of the same few lengths: eight bytes each, a seventh of
  // a small quantised file. Tables may point to one vector.
  Offset<flatbuffers::Vector<int64_t>> Once(const std::vector<int64_t>& values) {
    const auto [found, is_new] = written_.try_emplace(values);
    if (is_new) found->second = Values(values);
    return found->second;
  }

  template <typename To, typename From, typename WriteOne>
  Offset<flatbuffers::Vector<Offset<To>>> Vector(const std::vector<From>& parts, WriteOne write) {
    std::vector<Offset<To>> written;
    written.reserve(parts.size());
    for (const From& part : parts) written.push_back(write(part));
    return builder_.CreateVector(written);
  }

  template <typename To, typename From, typename WriteOne>
  Offset<flatbuffers::Vector<Offset<To>>> Optional(const std::vector<From>& parts, WriteOne write) {
    return parts.empty() ? 0 : Vector<To>(parts, write);
  }

  Offset<flatbuffers::Vector<uint8_t>> Bytes(std::span<const std::byte> data, size_t alignment) {
    if (data.empty()) return 0;
    builder_.ForceVectorAlignment(data.size(), 1, alignment);
    return builder_.CreateVector(reinterpret_cast<const uint8_t*>(data.data()), data.size());
  }

  Offset<flatbuffers::Vector<Offset<schema::Buffer>>> WriteBuffers() {
    return Vector<schema::Buffer>(plan_.stored, [this](std::span<const std::byte> data) {
      return schema::CreateBuffer(builder_, Bytes(data, kAlignment));
    });
  }

  Offset<schema::OperatorCode> WriteCode(const OperatorCode& code) {
    return schema::CreateOperatorCode(
        builder_, static_cast<int8_t>(std::min(code.builtin, kOldCodeLimit)), Text(code.custom),
        code.version, static_cast<schema::BuiltinOperator>(code.builtin));
  }

  // The table, and the number of its type in the union `field` of `owner`.
  absl::StatusOr<std::pair<Offset<void>, uint8_t>> WriteUnion(const Table& table,
                                                              std::string_view owner,
                                                              std::string_view field) {
    if (table.empty()) return std::pair(Offset<void>(), uint8_t{0});
    const int64_t type = UnionTypeOf(*FindTableSchema(owner), field, table.name());
    if (type == 0) {
      return InvalidArgument(std::string(table.name()) + " cannot stand in " + std::string(field) +
                             " of an operator or tensor");
    }
    ASSIGN_OR_RETURN(const Offset<void> offset, WriteTable(builder_, table));
    return std::pair(offset, static_cast<uint8_t>(type));
  }

  absl::StatusOr<Offset<schema::QuantizationParameters>> WriteQuantization(
      const Quantization& source) {
    const bool is_empty = source.scale.empty() && source.zero_point.empty() && source.min.empty() &&
                          source.max.empty() && source.details.empty() && source.dimension == 0;
    if (is_empty) return Offset<schema::QuantizationParameters>(0);
    ASSIGN_OR_RETURN(const auto details,
                     WriteUnion(source.details, "QuantizationParameters", "details"));
    const auto min = Values(source.min);
    const auto max = Values(source.max);
    const auto scale = Values(source.scale);
    const auto zero_point = Once(source.zero_point);
    return schema::CreateQuantizationParameters(
        builder_, min, max, scale, zero_point,
        static_cast<schema::QuantizationDetails>(details.second), details.first, source.dimension);
  }

  absl::StatusOr<Offset<schema::Tensor>> WriteTensor(const Tensor& tensor) {
    ASSIGN_OR_RETURN(const auto quantization, WriteQuantization(tensor.quantization));
    Offset<void> sparsity;
    if (tensor.is_sparse()) {
      ASSIGN_OR_RETURN(sparsity, WriteTable(builder_, tensor.sparsity));
    }
    std::vector<Offset<schema::VariantSubType>> held;
    for (const Table& table : tensor.variant_tensors) {
      ASSIGN_OR_RETURN(const Offset<void> offset, WriteTable(builder_, table));
      held.emplace_back(offset.o);
    }
    const auto shape = builder_.CreateVector(tensor.shape);
    const auto name = Text(tensor.name);
    const auto signature = Values(tensor.shape_signature);
    const auto variants = Values(held);
    return schema::CreateTensor(builder_, shape, static_cast<schema::TensorType>(tensor.type),
                                plan_.place[tensor.buffer], name, quantization, tensor.is_variable,
                                Offset<schema::SparsityParameters>(sparsity.o), signature,
                                tensor.has_rank, variants, tensor.external_buffer);
  }

  absl::StatusOr<Offset<schema::Operator>> WriteOperator(const Operator& op) {
    ASSIGN_OR_RETURN(const auto options, WriteUnion(op.options, "Operator", "builtin_options"));
    ASSIGN_OR_RETURN(const auto options_2,
                     WriteUnion(op.options_2, "Operator", "builtin_options_2"));
    const auto inputs = builder_.CreateVector(op.inputs);
    const auto outputs = builder_.CreateVector(op.outputs);
    const auto custom = Bytes(op.custom_options, kAlignment);
    const auto mutating = Values(std::vector<uint8_t>(op.mutating_variable_inputs.begin(),
                                                      op.mutating_variable_inputs.end()));
    const auto intermediates = Values(op.intermediates);
    return schema::CreateOperator(
        builder_, op.code, inputs, outputs, static_cast<schema::BuiltinOptions>(options.second),
        options.first, custom, static_cast<schema::CustomOptionsFormat>(op.custom_options_format),
        mutating, intermediates, 0, 0, static_cast<schema::BuiltinOptions2>(options_2.second),
        options_2.first, op.debug_metadata_index);
  }

  absl::StatusOr<Offset<schema::SubGraph>> WriteSubgraph(const Subgraph& subgraph) {
    std::vector<Offset<schema::Tensor>> tensors;
    for (const Tensor& tensor : subgraph.tensors) {
      ASSIGN_OR_RETURN(tensors.emplace_back(), WriteTensor(tensor));
    }
    std::vector<Offset<schema::Operator>> operators;
    for (const Operator& op : subgraph.operators) {
      ASSIGN_OR_RETURN(operators.emplace_back(), WriteOperator(op));
    }
    const auto tensor_vector = builder_.CreateVector(tensors);
    const auto inputs = builder_.CreateVector(subgraph.inputs);
    const auto outputs = builder_.CreateVector(subgraph.outputs);
    const auto operator_vector = builder_.CreateVector(operators);
    return schema::CreateSubGraph(builder_, tensor_vector, inputs, outputs, operator_vector,
                                  Text(subgraph.name), subgraph.debug_metadata_index);
  }

  Offset<schema::SignatureDef> WriteSignature(const Signature& signature) {
    const auto name = [this](const TensorName& map) {
      return schema::CreateTensorMap(builder_, Text(map.name), map.tensor);
    };
    const auto inputs = Optional<schema::TensorMap>(signature.inputs, name);
    const auto outputs = Optional<schema::TensorMap>(signature.outputs, name);
    const auto key = Text(signature.key);
    const auto tag = Text(signature.old_tag);
    return schema::CreateSignatureDef(builder_, inputs, outputs, key, tag, signature.subgraph);
  }

  const BufferPlan& plan_;
  FlatBufferBuilder builder_;
  std::map<std::vector<int64_t>, Offset<flatbuffers::Vector<int64_t>>> written_;
};

}  // namespace

absl::StatusOr<std::string> WriteModel(const Graph& graph) {
  RETURN_IF_ERROR(CheckEditable(graph));
  ASSIGN_OR_RETURN(const BufferPlan plan, PlanBuffers(graph));
  const uint64_t estimate = EstimateBytes(graph, plan);
  if (estimate >= kMaxFileBytes) {
    return ResourceExhausted("the model would have up to " + std::to_string(estimate >> 20) +
                             " MiB; a .tflite file holds less than 2 GB: quantise its weights or "
                             "split it");
  }
  return Writer(plan).Write(graph);
}

}  // namespace bowerbird::tflite
