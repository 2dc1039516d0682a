// SPDX-License-Identifier: Apache-2.0
#include "tflite/metadata.h"

#include <utility>

#include "base/status.h"
#include "tflite/schema/metadata_fb.h"
#include "tflite/table_codec.h"

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
    Check(model, schema::ModelMetadata::VT_MIN_PARSER_VERSION, "ModelMetadata");
    metadata_.name = Text(model.name());
    metadata_.description = Text(model.description());
    metadata_.version = Text(model.version());
    metadata_.author = Text(model.author());
    metadata_.license = Text(model.license());
    metadata_.min_parser_version = Text(model.min_parser_version());
    metadata_.associated_files = ReadFiles(model.associated_files());
    if (model.subgraph_metadata() != nullptr && model.subgraph_metadata()->size() > 0) {
      if (model.subgraph_metadata()->size() > 1) Unknown("metadata of a second subgraph");
      ReadSubgraph(*model.subgraph_metadata()->Get(0));
    }
    return std::move(metadata_);
  }

  bool exceeded() const { return budget_.exceeded(); }

 private:
  template <typename T>
  using Tables = flatbuffers::Vector<flatbuffers::Offset<T>>;

  void Unknown(const std::string& what) {
    if (metadata_.unknown.empty()) metadata_.unknown = what;
  }

  // Notes fields of `source` behind `last`, the last one that the schema has.
  template <typename T>
  void Check(const T& source, flatbuffers::voffset_t last, const std::string& name) {
    const auto& table = reinterpret_cast<const flatbuffers::Table&>(source);
    const auto end = flatbuffers::ReadScalar<flatbuffers::voffset_t>(table.GetVTable());
    for (int offset = last + 2; offset < end; offset += 2) {
      if (table.CheckField(static_cast<flatbuffers::voffset_t>(offset))) {
        Unknown("field " + std::to_string(offset / 2 - 2) + " of " + name);
      }
    }
  }

  std::string Text(const flatbuffers::String* text) {
    return text != nullptr && budget_.Take(text->size()) ? text->str() : std::string();
  }

  template <typename T>
  std::vector<T> Values(const flatbuffers::Vector<T>* vector) {
    if (vector == nullptr || !budget_.Take(vector->size())) return {};
    return std::vector<T>(vector->begin(), vector->end());
  }

  template <typename From, typename ReadOne>
  auto Each(const Tables<From>* tables, ReadOne read) {
    std::vector<decltype(read(std::declval<const From&>()))> values;
    if (tables == nullptr || !budget_.Take(tables->size())) return values;
    for (const From* table : *tables) values.push_back(read(*table));
    return values;
  }

  std::vector<std::string> Texts(const Tables<flatbuffers::String>* texts) {
    return Each(texts, [this](const flatbuffers::String& text) { return Text(&text); });
  }

  std::vector<AssociatedFile> ReadFiles(const Tables<schema::AssociatedFile>* files) {
    return Each(files, [this](const schema::AssociatedFile& file) {
      Check(file, schema::AssociatedFile::VT_VERSION, "AssociatedFile");
      if (file.type() < schema::AssociatedFileType::MIN ||
          file.type() > schema::AssociatedFileType::MAX)
        Unknown("an associated file of a new type");
      return AssociatedFile{.name = Text(file.name()),
                            .description = Text(file.description()),
                            .type = FileType(file.type()),
                            .locale = Text(file.locale()),
                            .version = Text(file.version())};
    });
  }

  std::vector<TensorGroup> ReadGroups(const Tables<schema::TensorGroup>* groups) {
    return Each(groups, [this](const schema::TensorGroup& group) {
      Check(group, schema::TensorGroup::VT_TENSOR_NAMES, "TensorGroup");
      return TensorGroup{.name = Text(group.name()), .tensor_names = Texts(group.tensor_names())};
    });
  }

  void ReadSubgraph(const schema::SubGraphMetadata& source) {
    Check(source, schema::SubGraphMetadata::VT_CUSTOM_METADATA, "SubGraphMetadata");
    const auto tensor = [this](const schema::TensorMetadata& each) { return ReadTensor(each); };
    metadata_.inputs = Each(source.input_tensor_metadata(), tensor);
    metadata_.outputs = Each(source.output_tensor_metadata(), tensor);
    metadata_.subgraph_name = Text(source.name());
    metadata_.subgraph_description = Text(source.description());
    metadata_.subgraph_files = ReadFiles(source.associated_files());
    metadata_.input_tokenizers = ReadTokenizers(source.input_process_units());
    metadata_.output_tokenizers = ReadTokenizers(source.output_process_units());
    metadata_.input_groups = ReadGroups(source.input_tensor_groups());
    metadata_.output_groups = ReadGroups(source.output_tensor_groups());
    metadata_.custom = Each(source.custom_metadata(), [this](const schema::CustomMetadata& custom) {
      const std::vector<uint8_t> data = Values(custom.data());
      return CustomMetadata{.name = Text(custom.name()),
                            .data = std::string(data.begin(), data.end())};
    });
  }

  std::vector<Tokenizer> ReadTokenizers(const Tables<schema::ProcessUnit>* units) {
    TensorMetadata all;
    ReadProcessUnits(units, all);
    const bool is_more = !all.mean.empty() || !all.std.empty() || all.score_calibration ||
                         all.score_threshold.has_value();
    if (is_more) Unknown("processing of a subgraph other than tokenizers");
    return std::move(all.tokenizers);
  }

  TensorMetadata ReadTensor(const schema::TensorMetadata& source) {
    Check(source, schema::TensorMetadata::VT_ASSOCIATED_FILES, "TensorMetadata");
    TensorMetadata tensor;
    tensor.name = Text(source.name());
    tensor.description = Text(source.description());
    tensor.dimension_names = Texts(source.dimension_names());
    if (source.content() != nullptr) ReadContent(*source.content(), tensor);
    ReadProcessUnits(source.process_units(), tensor);
    if (source.stats() != nullptr) {
      tensor.min = Values(source.stats()->min());
      tensor.max = Values(source.stats()->max());
    }
    tensor.associated_files = ReadFiles(source.associated_files());
    return tensor;
  }

  void ReadContent(const schema::Content& content, TensorMetadata& tensor) {
    if (const schema::ValueRange* range = content.range()) {
      tensor.content_axes = {.first = range->min(), .last = range->max()};
    }
    tensor.is_feature = content.content_properties_as_FeatureProperties() != nullptr;
    if (const auto* image = content.content_properties_as_ImageProperties()) {
      tensor.is_image = true;
      tensor.color_space = static_cast<ColorSpace>(image->color_space());
      if (const schema::ImageSize* size = image->default_size()) {
        tensor.image_size = {.width = size->width(), .height = size->height()};
      }
    } else if (const auto* boxes = content.content_properties_as_BoundingBoxProperties()) {
      if (boxes->type() > schema::BoundingBoxType::MAX ||
          boxes->coordinate_type() > schema::CoordinateType::MAX) {
        Unknown("boxes of a new form");
      }
      tensor.boxes = {.form = BoxForm(boxes->type()),
                      .index = Values(boxes->index()),
                      .in_pixels = boxes->coordinate_type() == schema::CoordinateType::PIXEL};
    } else if (const auto* audio = content.content_properties_as_AudioProperties()) {
      tensor.audio = {.sample_rate = audio->sample_rate(), .channels = audio->channels()};
    } else if (!tensor.is_feature &&
               content.content_properties_type() != schema::ContentProperties::NONE) {
      Unknown("contents of a tensor of kind " +
              std::to_string(static_cast<int>(content.content_properties_type())));
    }
  }

  void ReadProcessUnits(const Tables<schema::ProcessUnit>* units, TensorMetadata& tensor) {
    if (units == nullptr) return;
    for (const schema::ProcessUnit* unit : *units) ReadProcessUnit(*unit, tensor);
  }

  void ReadProcessUnit(const schema::ProcessUnit& unit, TensorMetadata& tensor) {
    if (const auto* options = unit.options_as_NormalizationOptions()) {
      tensor.mean = Values(options->mean());
      tensor.std = Values(options->std());
    } else if (const auto* threshold = unit.options_as_ScoreThresholdingOptions()) {
      tensor.score_threshold = threshold->global_score_threshold();
    } else if (const auto* calibration = unit.options_as_ScoreCalibrationOptions()) {
      tensor.score_calibration = {.transformation = static_cast<ScoreCalibration::Transformation>(
                                      calibration->score_transformation()),
                                  .default_score = calibration->default_score()};
    } else if (const auto* bert = unit.options_as_BertTokenizerOptions()) {
      tensor.tokenizers.push_back(
          {.kind = Tokenizer::Kind::kBert, .vocabulary = ReadFiles(bert->vocab_file())});
    } else if (const auto* piece = unit.options_as_SentencePieceTokenizerOptions()) {
      tensor.tokenizers.push_back({.kind = Tokenizer::Kind::kSentencePiece,
                                   .vocabulary = ReadFiles(piece->vocab_file()),
                                   .model = ReadFiles(piece->sentence_piece_model())});
    } else if (const auto* regex = unit.options_as_RegexTokenizerOptions()) {
      tensor.tokenizers.push_back({.kind = Tokenizer::Kind::kRegex,
                                   .vocabulary = ReadFiles(regex->vocab_file()),
                                   .delimiter = Text(regex->delim_regex_pattern())});
    } else if (unit.options_type() != schema::ProcessUnitOptions::NONE) {
      Unknown("processing of kind " + std::to_string(static_cast<int>(unit.options_type())));
    }
  }

  FileMetadata metadata_;
  CopyBudget budget_{kMaxCopiedElements};
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
