// SPDX-License-Identifier: Apache-2.0
#include "tflite/metadata.h"

#include "base/status.h"
#include "tflite/schema/metadata_fb.h"

namespace bowerbird::tflite {
namespace {

namespace schema = metadata_schema;

constexpr flatbuffers::uoffset_t kMaxDepth = 32;
constexpr flatbuffers::uoffset_t kMaxTables = 10'000;
// Tables may share one long text or vector; this bounds what the copies of it can add up to.
constexpr size_t kMaxCopiedElements = 4'000'000;

AssociatedFileType FileType(schema::AssociatedFileType type) {
  switch (type) {
    case schema::AssociatedFileType::DESCRIPTIONS:
      return AssociatedFileType::kDescriptions;
    case schema::AssociatedFileType::TENSOR_AXIS_LABELS:
      return AssociatedFileType::kTensorAxisLabels;
    case schema::AssociatedFileType::TENSOR_VALUE_LABELS:
      return AssociatedFileType::kTensorValueLabels;
    case schema::AssociatedFileType::TENSOR_AXIS_SCORE_CALIBRATION:
      return AssociatedFileType::kScoreCalibration;
    case schema::AssociatedFileType::VOCABULARY:
      return AssociatedFileType::kVocabulary;
    case schema::AssociatedFileType::SCANN_INDEX_FILE:
      return AssociatedFileType::kScannIndex;
    default:
      return AssociatedFileType::kUnknown;
  }
}

BoundingBoxes::Form BoxForm(schema::BoundingBoxType type) {
  switch (type) {
    case schema::BoundingBoxType::BOUNDARIES:
      return BoundingBoxes::Form::kBoundaries;
    case schema::BoundingBoxType::UPPER_LEFT:
      return BoundingBoxes::Form::kUpperLeft;
    case schema::BoundingBoxType::CENTER:
      return BoundingBoxes::Form::kCenter;
    default:
      return BoundingBoxes::Form::kUnknown;
  }
}

// Copies a verified FlatBuffer into values, up to kMaxCopiedElements.
class Reader {
 public:
  FileMetadata Read(const schema::ModelMetadata& model) {
    FileMetadata metadata;
    metadata.name = Text(model.name());
    metadata.description = Text(model.description());
    metadata.version = Text(model.version());
    metadata.author = Text(model.author());
    metadata.license = Text(model.license());
    if (model.subgraph_metadata() == nullptr || model.subgraph_metadata()->size() == 0) {
      return metadata;
    }
    const schema::SubGraphMetadata& subgraph = *model.subgraph_metadata()->Get(0);
    metadata.inputs = ReadTensors(subgraph.input_tensor_metadata());
    metadata.outputs = ReadTensors(subgraph.output_tensor_metadata());
    return metadata;
  }

  bool exceeded() const { return exceeded_; }

 private:
  template <typename T>
  using Tables = flatbuffers::Vector<flatbuffers::Offset<T>>;

  bool Take(size_t count) {
    if (count > left_) exceeded_ = true;
    if (exceeded_) return false;
    left_ -= count;
    return true;
  }

  std::string Text(const flatbuffers::String* text) {
    return text != nullptr && Take(text->size()) ? text->str() : std::string();
  }

  template <typename T>
  std::vector<T> Values(const flatbuffers::Vector<T>* vector) {
    if (vector == nullptr || !Take(vector->size())) return {};
    return std::vector<T>(vector->begin(), vector->end());
  }

  std::vector<TensorMetadata> ReadTensors(const Tables<schema::TensorMetadata>* tensors) {
    std::vector<TensorMetadata> values;
    if (tensors == nullptr) return values;
    for (const schema::TensorMetadata* tensor : *tensors) values.push_back(ReadTensor(*tensor));
    return values;
  }

  TensorMetadata ReadTensor(const schema::TensorMetadata& source) {
    TensorMetadata tensor;
    tensor.name = Text(source.name());
    tensor.description = Text(source.description());
    if (source.content() != nullptr) ReadContent(*source.content(), tensor);
    if (source.process_units() != nullptr) {
      for (const schema::ProcessUnit* unit : *source.process_units()) {
        ReadProcessUnit(*unit, tensor);
      }
    }
    if (source.stats() != nullptr) {
      tensor.min = Values(source.stats()->min());
      tensor.max = Values(source.stats()->max());
    }
    if (source.associated_files() != nullptr) {
      for (const schema::AssociatedFile* file : *source.associated_files()) {
        tensor.associated_files.push_back({.name = Text(file->name()),
                                           .description = Text(file->description()),
                                           .type = FileType(file->type()),
                                           .locale = Text(file->locale())});
      }
    }
    return tensor;
  }

  void ReadContent(const schema::Content& content, TensorMetadata& tensor) {
    tensor.is_image = content.content_properties_as_ImageProperties() != nullptr;
    if (const auto* boxes = content.content_properties_as_BoundingBoxProperties()) {
      tensor.boxes = {.form = BoxForm(boxes->type()),
                      .index = Values(boxes->index()),
                      .in_pixels = boxes->coordinate_type() == schema::CoordinateType::PIXEL};
    }
  }

  void ReadProcessUnit(const schema::ProcessUnit& unit, TensorMetadata& tensor) {
    if (const auto* options = unit.options_as_NormalizationOptions()) {
      tensor.mean = Values(options->mean());
      tensor.std = Values(options->std());
    } else if (const auto* threshold = unit.options_as_ScoreThresholdingOptions()) {
      tensor.score_threshold = threshold->global_score_threshold();
    }
  }

  size_t left_ = kMaxCopiedElements;
  bool exceeded_ = false;
};

}  // namespace

absl::StatusOr<FileMetadata> ReadFileMetadata(std::span<const std::byte> buffer) {
  constexpr size_t kHeaderSize = 8;  // root offset and identifier
  const auto* data = reinterpret_cast<const uint8_t*>(buffer.data());
  if (buffer.size() < kHeaderSize || !schema::ModelMetadataBufferHasIdentifier(data)) {
    return InvalidArgument("the model's metadata lacks the identifier M001");
  }
  flatbuffers::Verifier verifier(data, buffer.size(), kMaxDepth, kMaxTables);
  if (!schema::VerifyModelMetadataBuffer(verifier)) {
    return InvalidArgument("the model's metadata is damaged");
  }
  Reader reader;
  FileMetadata metadata = reader.Read(*schema::GetModelMetadata(data));
  if (reader.exceeded()) {
    return InvalidArgument("the model's metadata repeats parts beyond any real model");
  }
  return metadata;
}

}  // namespace bowerbird::tflite
