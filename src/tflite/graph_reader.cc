// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "base/status.h"
#include "tflite/graph.h"
#include "tflite/schema/model_fb.h"
#include "tflite/table_codec.h"

namespace bowerbird::tflite {
namespace {

// Deeper nesting than this format can have is an attack on the verifier's stack.
constexpr flatbuffers::uoffset_t kMaxDepth = 32;
constexpr flatbuffers::uoffset_t kMaxTables = 250'000;
constexpr uint32_t kSchemaVersion = 3;
// Elements of vectors and characters of names that are copied out. Real models stay below a
// million.
constexpr size_t kMaxCopiedElements = 16'000'000;

std::span<const std::byte> Bytes(const flatbuffers::Vector<uint8_t>* vector) {
  if (vector == nullptr) return {};
  return {reinterpret_cast<const std::byte*>(vector->data()), vector->size()};
}

// Copies a verified FlatBuffer into values, up to kMaxCopiedElements.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> file) : file_(file) {}

  Graph Read(const schema::Model& model) {
    Graph graph;
    graph.version = model.version();
    graph.description = Text(model.description());
    graph.unknown = Unknown(model, "Model");
    graph.operator_codes = Elements<OperatorCode>(
        model.operator_codes(), [this](const auto& code) { return ReadOperatorCode(code); });
    graph.subgraphs = Elements<Subgraph>(
        model.subgraphs(), [this](const auto& subgraph) { return ReadSubgraph(subgraph); });
    graph.buffers = Elements<Buffer>(model.buffers(),
                                     [this](const auto& buffer) { return ReadBuffer(buffer); });
    graph.metadata = Elements<MetadataEntry>(model.metadata(), [this](const auto& source) {
      return MetadataEntry{.name = Text(source.name()),
                           .buffer = source.buffer(),
                           .unknown = Unknown(source, "Metadata")};
    });
    graph.metadata_buffers = Values(model.metadata_buffer());
    graph.signatures = Elements<Signature>(
        model.signature_defs(), [this](const auto& source) { return ReadSignature(source); });
    graph.external_groups = Elements<std::string>(
        model.external_buffer_groups(), [this](const auto& source) { return Text(source.name()); });
    graph.external_buffers = Elements<ExternalBuffer>(
        model.external_buffers(), [this](const auto& source) { return ReadExternal(source); });
    return graph;
  }

  // Whether everything was there and within limits.
  absl::Status status() const {
    if (cut_short_) {
      return InvalidArgument(
          "damaged TensorFlow Lite file: values that should stand behind its FlatBuffer are not "
          "there (is it cut short? fetch or export it again)");
    }
    if (budget_.exceeded()) {
      return InvalidArgument(
          "damaged TensorFlow Lite file: it repeats parts beyond any real model");
    }
    return absl::OkStatus();
  }

 private:
  template <typename T>
  static const flatbuffers::Table& AsTable(const T& source) {
    return reinterpret_cast<const flatbuffers::Table&>(source);
  }

  template <typename T>
  static std::string Unknown(const T& source, std::string_view table) {
    return UnknownField(AsTable(source), *FindTableSchema(table));
  }

  static const FieldSchema& FieldOf(std::string_view table, std::string_view field) {
    return *FindTableSchema(table)->Find(field);
  }

  std::string Text(const flatbuffers::String* text) {
    return text != nullptr && budget_.Take(text->size()) ? text->str() : std::string();
  }

  // Copied as bytes: the verifier lets vectors of 8-byte elements stand at any multiple of 4.
  // (Machines that store the low byte last are not supported: the runtime is not either.)
  template <typename T>
  std::vector<T> Values(const flatbuffers::Vector<T>* vector) {
    if (vector == nullptr || vector->size() == 0 || !budget_.Take(vector->size())) return {};
    std::vector<T> values(vector->size());
    std::memcpy(values.data(), vector->Data(), values.size() * sizeof(T));
    return values;
  }

  std::vector<bool> Truths(const flatbuffers::Vector<uint8_t>* vector) {
    const std::vector<uint8_t> values = Values(vector);
    return std::vector<bool>(values.begin(), values.end());
  }

  template <typename To, typename From, typename ReadOne>
  std::vector<To> Elements(const flatbuffers::Vector<flatbuffers::Offset<From>>* vector,
                           ReadOne read) {
    std::vector<To> values;
    if (vector == nullptr || !budget_.Take(vector->size())) return values;
    values.reserve(vector->size());
    for (const From* element : *vector) values.push_back(read(*element));
    return values;
  }

  // `size` bytes of the file at `offset`.
  std::span<const std::byte> Behind(uint64_t offset, uint64_t size) {
    if (offset <= file_.size() && size <= file_.size() - offset) {
      return file_.subspan(offset, size);
    }
    cut_short_ = true;
    return {};
  }

  Buffer ReadBuffer(const schema::Buffer& source) {
    Buffer buffer{.data = Bytes(source.data()), .unknown = Unknown(source, "Buffer")};
    // 0 and 1 are what writers put where nothing is meant.
    buffer.is_external = source.offset() > 1 && source.size() > 1;
    if (buffer.is_external) buffer.data = Behind(source.offset(), source.size());
    return buffer;
  }

  Quantization ReadQuantization(const schema::QuantizationParameters* source,
                                std::string& unknown) {
    if (source == nullptr) return {};
    constexpr std::string_view kTable = "QuantizationParameters";
    if (std::string field = Unknown(*source, kTable); unknown.empty()) unknown = std::move(field);
    return {.scale = Values(source->scale()),
            .zero_point = Values(source->zero_point()),
            .dimension = source->quantized_dimension(),
            .min = Values(source->min()),
            .max = Values(source->max()),
            .details = tables_.ReadUnion(AsTable(*source), FieldOf(kTable, "details"), unknown)};
  }

  Tensor ReadTensor(const schema::Tensor& source) {
    Tensor tensor;
    tensor.name = Text(source.name());
    tensor.type = static_cast<TensorType>(source.type());
    tensor.shape = Values(source.shape());
    tensor.shape_signature = Values(source.shape_signature());
    tensor.buffer = source.buffer();
    tensor.is_variable = source.is_variable();
    tensor.unknown = Unknown(source, "Tensor");
    tensor.quantization = ReadQuantization(source.quantization(), tensor.unknown);
    if (source.sparsity() != nullptr) {
      tensor.sparsity = tables_.Read(AsTable(*source.sparsity()),
                                     *FindTableSchema("SparsityParameters"), tensor.unknown);
    }
    tensor.has_rank = source.has_rank();
    tensor.variant_tensors = Elements<Table>(source.variant_tensors(), [&](const auto& held) {
      return tables_.Read(AsTable(held), *FindTableSchema("VariantSubType"), tensor.unknown);
    });
    tensor.external_buffer = source.external_buffer();
    return tensor;
  }

  Operator ReadOperator(const schema::Operator& source) {
    constexpr std::string_view kTable = "Operator";
    Operator op;
    op.code = source.opcode_index();
    op.inputs = Values(source.inputs());
    op.outputs = Values(source.outputs());
    op.intermediates = Values(source.intermediates());
    op.unknown = Unknown(source, kTable);
    op.options = tables_.ReadUnion(AsTable(source), FieldOf(kTable, "builtin_options"), op.unknown);
    op.options_2 =
        tables_.ReadUnion(AsTable(source), FieldOf(kTable, "builtin_options_2"), op.unknown);
    op.custom_options = Bytes(source.custom_options());
    op.custom_options_format = static_cast<int8_t>(source.custom_options_format());
    op.has_large_custom_options =
        source.large_custom_options_offset() > 1 && source.large_custom_options_size() > 1;
    if (op.has_large_custom_options) {
      op.custom_options =
          Behind(source.large_custom_options_offset(), source.large_custom_options_size());
    }
    op.mutating_variable_inputs = Truths(source.mutating_variable_inputs());
    op.debug_metadata_index = source.debug_metadata_index();
    return op;
  }

  Subgraph ReadSubgraph(const schema::SubGraph& source) {
    return {.name = Text(source.name()),
            .tensors = Elements<Tensor>(source.tensors(),
                                        [this](const auto& tensor) { return ReadTensor(tensor); }),
            .inputs = Values(source.inputs()),
            .outputs = Values(source.outputs()),
            .operators = Elements<Operator>(source.operators(),
                                            [this](const auto& op) { return ReadOperator(op); }),
            .debug_metadata_index = source.debug_metadata_index(),
            .unknown = Unknown(source, "SubGraph")};
  }

  OperatorCode ReadOperatorCode(const schema::OperatorCode& source) {
    return {.builtin = std::max(static_cast<int32_t>(source.deprecated_builtin_code()),
                                static_cast<int32_t>(source.builtin_code())),
            .custom = Text(source.custom_code()),
            .version = source.version(),
            .unknown = Unknown(source, "OperatorCode")};
  }

  Signature ReadSignature(const schema::SignatureDef& source) {
    Signature signature;
    signature.unknown = Unknown(source, "SignatureDef");
    const auto name = [&](const schema::TensorMap& map) {
      if (std::string field = Unknown(map, "TensorMap"); signature.unknown.empty()) {
        signature.unknown = std::move(field);
      }
      return TensorName{Text(map.name()), map.tensor_index()};
    };
    signature.key = Text(source.signature_key());
    signature.subgraph = source.subgraph_index();
    signature.inputs = Elements<TensorName>(source.inputs(), name);
    signature.outputs = Elements<TensorName>(source.outputs(), name);
    signature.old_tag = Text(source.deprecated_tag());
    return signature;
  }

  ExternalBuffer ReadExternal(const schema::ExternalBuffer& source) {
    return {.id = source.id(),
            .group = source.group(),
            .offset = source.offset(),
            .length = source.length(),
            .packing = Text(source.packing()),
            .unknown = Unknown(source, "ExternalBuffer")};
  }

  std::span<const std::byte> file_;
  CopyBudget budget_{kMaxCopiedElements};
  TableReader tables_{budget_};
  bool cut_short_ = false;
};

absl::Status Verify(std::span<const std::byte> file) {
  constexpr size_t kHeaderSize = 8;  // root offset and identifier
  const auto* data = reinterpret_cast<const uint8_t*>(file.data());
  if (file.size() < kHeaderSize || !schema::ModelBufferHasIdentifier(data)) {
    return InvalidArgument("not a TensorFlow Lite file: the identifier TFL3 is missing");
  }
  if (file.size() >= FLATBUFFERS_MAX_BUFFER_SIZE) {
    return InvalidArgument(
        "a TensorFlow Lite file of 2 GB or more cannot be read: quantise its weights or split the "
        "model");
  }
  flatbuffers::Verifier verifier(data, file.size(), kMaxDepth, kMaxTables);
  if (!schema::VerifyModelBuffer(verifier)) {
    return InvalidArgument(
        "damaged TensorFlow Lite file: an offset or a size in it does not hold (is it cut short? "
        "fetch or export it again)");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Graph> ReadGraph(std::span<const std::byte> file) {
  RETURN_IF_ERROR(Verify(file));
  const schema::Model& model = *schema::GetModel(file.data());
  if (model.version() != kSchemaVersion) {
    return InvalidArgument("TensorFlow Lite schema version " + std::to_string(model.version()) +
                           " instead of 3: export the model with a converter of TensorFlow 1.9 "
                           "or later");
  }
  Reader reader(file);
  Graph graph = reader.Read(model);
  RETURN_IF_ERROR(reader.status());
  return graph;
}

}  // namespace bowerbird::tflite
