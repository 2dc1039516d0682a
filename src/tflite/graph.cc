// SPDX-License-Identifier: Apache-2.0
#include "tflite/graph.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/status.h"
#include "tflite/schema/model_fb.h"

namespace bowerbird::tflite {
namespace {

// Deeper nesting than this format can have is an attack on the verifier's stack.
constexpr flatbuffers::uoffset_t kMaxDepth = 32;
constexpr flatbuffers::uoffset_t kMaxTables = 250'000;
constexpr uint32_t kSchemaVersion = 3;
// Elements of vectors and characters of names that are copied out. Real models stay below a
// million; without a limit a small file whose tables all share one long vector would fill the
// memory.
constexpr size_t kMaxCopiedElements = 16'000'000;

std::span<const std::byte> Bytes(const flatbuffers::Vector<uint8_t>* vector) {
  if (vector == nullptr) return {};
  return {reinterpret_cast<const std::byte*>(vector->data()), vector->size()};
}

Quantization::Scheme SchemeOf(schema::QuantizationDetails details) {
  switch (details) {
    case schema::QuantizationDetails::NONE:
      return Quantization::Scheme::kAffine;
    case schema::QuantizationDetails::BlockwiseQuantization:
      return Quantization::Scheme::kBlockwise;
    case schema::QuantizationDetails::MultiAxisQuantization:
      return Quantization::Scheme::kMultiAxis;
    default:
      return Quantization::Scheme::kCustom;
  }
}

std::vector<int32_t> CalledSubgraphs(const schema::Operator& source) {
  if (const auto* options = source.builtin_options_as_IfOptions()) {
    return {options->then_subgraph_index(), options->else_subgraph_index()};
  }
  if (const auto* options = source.builtin_options_as_WhileOptions()) {
    return {options->cond_subgraph_index(), options->body_subgraph_index()};
  }
  if (const auto* options = source.builtin_options_as_CallOnceOptions()) {
    return {options->init_subgraph_index()};
  }
  return {};
}

std::optional<SlidingWindow> WindowOf(const schema::Operator& source) {
  const auto window = [](const auto& options, std::vector<int32_t> steps) {
    steps.push_back(options.stride_h());
    steps.push_back(options.stride_w());
    return SlidingWindow{static_cast<int32_t>(options.padding()), std::move(steps)};
  };
  if (const auto* options = source.builtin_options_as_Conv2DOptions()) {
    return window(*options, {options->dilation_h_factor(), options->dilation_w_factor()});
  }
  if (const auto* options = source.builtin_options_as_DepthwiseConv2DOptions()) {
    return window(*options, {options->dilation_h_factor(), options->dilation_w_factor()});
  }
  if (const auto* options = source.builtin_options_as_Pool2DOptions()) {
    return window(*options, {options->filter_height(), options->filter_width()});
  }
  if (const auto* options = source.builtin_options_as_TransposeConvOptions()) {
    return window(*options, {});
  }
  if (const auto* options = source.builtin_options_as_Conv3DOptions()) {
    return window(*options, {options->stride_d(), options->dilation_d_factor(),
                             options->dilation_h_factor(), options->dilation_w_factor()});
  }
  return std::nullopt;
}

// Copies a verified FlatBuffer into values, up to kMaxCopiedElements.
class Reader {
 public:
  Graph Read(const schema::Model& model) {
    Graph graph;
    graph.version = model.version();
    graph.description = Text(model.description());
    graph.operator_codes = Elements<OperatorCode>(
        model.operator_codes(), [this](const auto& code) { return ReadOperatorCode(code); });
    graph.subgraphs = Elements<Subgraph>(
        model.subgraphs(), [this](const auto& subgraph) { return ReadSubgraph(subgraph); });
    graph.buffers = Elements<Buffer>(model.buffers(), [](const schema::Buffer& source) {
      return Buffer{.data = Bytes(source.data()),
                    .is_external = source.offset() > 1 && source.size() > 1};
    });
    graph.metadata = Elements<MetadataEntry>(model.metadata(), [this](const auto& source) {
      return MetadataEntry{.name = Text(source.name()), .buffer = source.buffer()};
    });
    return graph;
  }

  bool exceeded() const { return exceeded_; }

 private:
  bool Take(size_t count) {
    if (count > left_) exceeded_ = true;
    if (exceeded_) return false;
    left_ -= count;
    return true;
  }

  std::string Text(const flatbuffers::String* text) {
    return text != nullptr && Take(text->size()) ? text->str() : std::string();
  }

  // Copied as bytes: the verifier lets vectors of 8-byte elements stand at any multiple of 4.
  // (Machines that store the low byte last are not supported: the runtime is not either.)
  template <typename T>
  std::vector<T> Values(const flatbuffers::Vector<T>* vector) {
    if (vector == nullptr || vector->size() == 0 || !Take(vector->size())) return {};
    std::vector<T> values(vector->size());
    std::memcpy(values.data(), vector->Data(), values.size() * sizeof(T));
    return values;
  }

  template <typename To, typename From, typename ReadOne>
  std::vector<To> Elements(const flatbuffers::Vector<flatbuffers::Offset<From>>* vector,
                           ReadOne read) {
    std::vector<To> values;
    if (vector == nullptr || !Take(vector->size())) return values;
    values.reserve(vector->size());
    for (const From* element : *vector) values.push_back(read(*element));
    return values;
  }

  Quantization ReadQuantization(const schema::QuantizationParameters* source) {
    if (source == nullptr) return {};
    return {.scheme = SchemeOf(source->details_type()),
            .scale = Values(source->scale()),
            .zero_point = Values(source->zero_point()),
            .dimension = source->quantized_dimension()};
  }

  Tensor ReadTensor(const schema::Tensor& source) {
    return {.name = Text(source.name()),
            .type = static_cast<TensorType>(source.type()),
            .shape = Values(source.shape()),
            .shape_signature = Values(source.shape_signature()),
            .buffer = source.buffer(),
            .is_variable = source.is_variable(),
            .is_sparse = source.sparsity() != nullptr,
            .is_external = source.external_buffer() != 0,
            .quantization = ReadQuantization(source.quantization())};
  }

  Operator ReadOperator(const schema::Operator& source) {
    return {.code = source.opcode_index(),
            .inputs = Values(source.inputs()),
            .outputs = Values(source.outputs()),
            .intermediates = Values(source.intermediates()),
            .subgraphs = CalledSubgraphs(source),
            .window = WindowOf(source),
            .custom_options = Bytes(source.custom_options())};
  }

  Subgraph ReadSubgraph(const schema::SubGraph& source) {
    return {.name = Text(source.name()),
            .tensors = Elements<Tensor>(source.tensors(),
                                        [this](const auto& tensor) { return ReadTensor(tensor); }),
            .inputs = Values(source.inputs()),
            .outputs = Values(source.outputs()),
            .operators = Elements<Operator>(source.operators(),
                                            [this](const auto& op) { return ReadOperator(op); })};
  }

  OperatorCode ReadOperatorCode(const schema::OperatorCode& source) {
    return {.builtin = std::max(static_cast<int32_t>(source.deprecated_builtin_code()),
                                static_cast<int32_t>(source.builtin_code())),
            .custom = Text(source.custom_code()),
            .version = source.version()};
  }

  size_t left_ = kMaxCopiedElements;
  bool exceeded_ = false;
};

absl::Status Verify(std::span<const std::byte> file) {
  constexpr size_t kHeaderSize = 8;  // root offset and identifier
  const auto* data = reinterpret_cast<const uint8_t*>(file.data());
  if (file.size() < kHeaderSize || !schema::ModelBufferHasIdentifier(data)) {
    return InvalidArgument("not a TensorFlow Lite file: the identifier TFL3 is missing");
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

std::string OperatorCode::Name() const {
  return builtin == kCustomOperator ? custom : BuiltinOperatorName(builtin);
}

std::span<const std::byte> Graph::MetadataBuffer(std::string_view name) const {
  for (const MetadataEntry& entry : metadata) {
    if (entry.name == name && entry.buffer < buffers.size()) return buffers[entry.buffer].data;
  }
  return {};
}

absl::StatusOr<Graph> ReadGraph(std::span<const std::byte> file) {
  RETURN_IF_ERROR(Verify(file));
  const schema::Model& model = *schema::GetModel(file.data());
  if (model.version() != kSchemaVersion) {
    return InvalidArgument("TensorFlow Lite schema version " + std::to_string(model.version()) +
                           " instead of 3: export the model with a converter of TensorFlow 1.9 "
                           "or later");
  }
  Reader reader;
  Graph graph = reader.Read(model);
  if (reader.exceeded()) {
    return InvalidArgument("damaged TensorFlow Lite file: it repeats parts beyond any real model");
  }
  return graph;
}

}  // namespace bowerbird::tflite
