// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "base/status.h"
#include "tflite/edit.h"
#include "tflite/metadata.h"
#include "tflite/schema/metadata_fb.h"

namespace bowerbird::tflite {
namespace {

namespace schema = metadata_schema;

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

schema::AssociatedFileType FileType(AssociatedFileType type) {
  switch (type) {
    case AssociatedFileType::kDescriptions:
      return schema::AssociatedFileType::DESCRIPTIONS;
    case AssociatedFileType::kTensorAxisLabels:
      return schema::AssociatedFileType::TENSOR_AXIS_LABELS;
    case AssociatedFileType::kTensorValueLabels:
      return schema::AssociatedFileType::TENSOR_VALUE_LABELS;
    case AssociatedFileType::kScoreCalibration:
      return schema::AssociatedFileType::TENSOR_AXIS_SCORE_CALIBRATION;
    case AssociatedFileType::kVocabulary:
      return schema::AssociatedFileType::VOCABULARY;
    case AssociatedFileType::kScannIndex:
      return schema::AssociatedFileType::SCANN_INDEX_FILE;
    case AssociatedFileType::kUnknown:
      return schema::AssociatedFileType::UNKNOWN;
  }
  return schema::AssociatedFileType::UNKNOWN;
}

schema::BoundingBoxType BoxType(BoundingBoxes::Form form) {
  switch (form) {
    case BoundingBoxes::Form::kBoundaries:
      return schema::BoundingBoxType::BOUNDARIES;
    case BoundingBoxes::Form::kUpperLeft:
      return schema::BoundingBoxType::UPPER_LEFT;
    case BoundingBoxes::Form::kCenter:
      return schema::BoundingBoxType::CENTER;
    case BoundingBoxes::Form::kUnknown:
      return schema::BoundingBoxType::UNKNOWN;
  }
  return schema::BoundingBoxType::UNKNOWN;
}

// One buffer under construction. Empty texts and lists are left out.
class Writer {
 public:
  std::string Write(const FileMetadata& metadata) {
    const std::vector<Offset<schema::SubGraphMetadata>> subgraphs = {WriteSubgraph(metadata)};
    const auto subgraph_vector = builder_.CreateVector(subgraphs);
    const auto name = Text(metadata.name);
    const auto description = Text(metadata.description);
    const auto version = Text(metadata.version);
    const auto author = Text(metadata.author);
    const auto license = Text(metadata.license);
    const auto files = Files(metadata.associated_files);
    const auto parser = Text(metadata.min_parser_version);
    schema::FinishModelMetadataBuffer(
        builder_, schema::CreateModelMetadata(builder_, name, description, version, subgraph_vector,
                                              author, license, files, parser));
    return std::string(reinterpret_cast<const char*>(builder_.GetBufferPointer()),
                       builder_.GetSize());
  }

 private:
  template <typename T>
  using Tables = Offset<flatbuffers::Vector<Offset<T>>>;

  Offset<flatbuffers::String> Text(const std::string& text) {
    return text.empty() ? 0 : builder_.CreateString(text);
  }

  template <typename T>
  Offset<flatbuffers::Vector<T>> Values(const std::vector<T>& values) {
    return values.empty() ? 0 : builder_.CreateVector(values);
  }

  Tables<flatbuffers::String> Texts(const std::vector<std::string>& texts) {
    return texts.empty() ? 0 : builder_.CreateVectorOfStrings(texts);
  }

  template <typename To, typename From, typename WriteOne>
  Tables<To> Each(const std::vector<From>& values, WriteOne write) {
    std::vector<Offset<To>> written;
    written.reserve(values.size());
    for (const From& value : values) written.push_back(write(value));
    return Values(written);
  }

  Tables<schema::AssociatedFile> Files(const std::vector<AssociatedFile>& files) {
    return Each<schema::AssociatedFile>(files, [this](const AssociatedFile& file) {
      const auto name = Text(file.name);
      const auto description = Text(file.description);
      const auto locale = Text(file.locale);
      const auto version = Text(file.version);
      return schema::CreateAssociatedFile(builder_, name, description, FileType(file.type), locale,
                                          version);
    });
  }

  Tables<schema::TensorGroup> Groups(const std::vector<TensorGroup>& groups) {
    return Each<schema::TensorGroup>(groups, [this](const TensorGroup& group) {
      const auto name = Text(group.name);
      return schema::CreateTensorGroup(builder_, name, Texts(group.tensor_names));
    });
  }

  Offset<schema::SubGraphMetadata> WriteSubgraph(const FileMetadata& metadata) {
    const auto tensor = [this](const TensorMetadata& each) { return WriteTensor(each); };
    const auto inputs = Each<schema::TensorMetadata>(metadata.inputs, tensor);
    const auto outputs = Each<schema::TensorMetadata>(metadata.outputs, tensor);
    const auto name = Text(metadata.subgraph_name);
    const auto description = Text(metadata.subgraph_description);
    const auto files = Files(metadata.subgraph_files);
    const auto tokenizer = [this](const Tokenizer& each) { return WriteTokenizer(each); };
    const auto input_units = Each<schema::ProcessUnit>(metadata.input_tokenizers, tokenizer);
    const auto output_units = Each<schema::ProcessUnit>(metadata.output_tokenizers, tokenizer);
    const auto input_groups = Groups(metadata.input_groups);
    const auto output_groups = Groups(metadata.output_groups);
    const auto custom =
        Each<schema::CustomMetadata>(metadata.custom, [this](const CustomMetadata& each) {
          builder_.ForceVectorAlignment(each.data.size(), 1, 16);
          const auto data = builder_.CreateVector(
              reinterpret_cast<const uint8_t*>(each.data.data()), each.data.size());
          return schema::CreateCustomMetadata(builder_, Text(each.name), data);
        });
    return schema::CreateSubGraphMetadata(builder_, name, description, inputs, outputs, files,
                                          input_units, output_units, input_groups, output_groups,
                                          custom);
  }

  Offset<schema::TensorMetadata> WriteTensor(const TensorMetadata& tensor) {
    const auto name = Text(tensor.name);
    const auto description = Text(tensor.description);
    const auto dimensions = Texts(tensor.dimension_names);
    const auto content = WriteContent(tensor);
    const auto units = WriteProcessUnits(tensor);
    Offset<schema::Stats> stats = 0;
    if (!tensor.min.empty() || !tensor.max.empty()) {
      const auto max = Values(tensor.max);
      stats = schema::CreateStats(builder_, max, Values(tensor.min));
    }
    const auto files = Files(tensor.associated_files);
    return schema::CreateTensorMetadata(builder_, name, description, dimensions, content, units,
                                        stats, files);
  }

  std::pair<schema::ContentProperties, Offset<void>> WriteProperties(const TensorMetadata& tensor) {
    using schema::ContentProperties;
    if (tensor.boxes) {
      const auto index = Values(tensor.boxes->index);
      const auto unit =
          tensor.boxes->in_pixels ? schema::CoordinateType::PIXEL : schema::CoordinateType::RATIO;
      return {
          ContentProperties::BoundingBoxProperties,
          schema::CreateBoundingBoxProperties(builder_, index, BoxType(tensor.boxes->form), unit)
              .Union()};
    }
    if (tensor.is_image) {
      Offset<schema::ImageSize> size = 0;
      if (tensor.image_size) {
        size =
            schema::CreateImageSize(builder_, tensor.image_size->width, tensor.image_size->height);
      }
      const auto space = static_cast<schema::ColorSpaceType>(tensor.color_space);
      return {ContentProperties::ImageProperties,
              schema::CreateImageProperties(builder_, space, size).Union()};
    }
    if (tensor.audio) {
      return {
          ContentProperties::AudioProperties,
          schema::CreateAudioProperties(builder_, tensor.audio->sample_rate, tensor.audio->channels)
              .Union()};
    }
    if (tensor.is_feature) {
      return {ContentProperties::FeatureProperties,
              schema::CreateFeatureProperties(builder_).Union()};
    }
    return {ContentProperties::NONE, 0};
  }

  Offset<schema::Content> WriteContent(const TensorMetadata& tensor) {
    const auto [type, properties] = WriteProperties(tensor);
    Offset<schema::ValueRange> range = 0;
    if (tensor.content_axes) {
      range =
          schema::CreateValueRange(builder_, tensor.content_axes->first, tensor.content_axes->last);
    }
    if (properties.IsNull() && range.IsNull()) return 0;
    return schema::CreateContent(builder_, type, properties, range);
  }

  Tables<schema::ProcessUnit> WriteProcessUnits(const TensorMetadata& tensor) {
    using schema::ProcessUnitOptions;
    std::vector<Offset<schema::ProcessUnit>> units;
    const auto add = [&](ProcessUnitOptions type, Offset<void> options) {
      units.push_back(schema::CreateProcessUnit(builder_, type, options));
    };
    if (!tensor.mean.empty() || !tensor.std.empty()) {
      const auto mean = Values(tensor.mean);
      const auto std = Values(tensor.std);
      add(ProcessUnitOptions::NormalizationOptions,
          schema::CreateNormalizationOptions(builder_, mean, std).Union());
    }
    if (const auto& calibration = tensor.score_calibration) {
      const auto kind = static_cast<schema::ScoreTransformationType>(calibration->transformation);
      add(ProcessUnitOptions::ScoreCalibrationOptions,
          schema::CreateScoreCalibrationOptions(builder_, kind, calibration->default_score)
              .Union());
    }
    if (tensor.score_threshold) {
      add(ProcessUnitOptions::ScoreThresholdingOptions,
          schema::CreateScoreThresholdingOptions(builder_, *tensor.score_threshold).Union());
    }
    for (const Tokenizer& tokenizer : tensor.tokenizers) units.push_back(WriteTokenizer(tokenizer));
    return Values(units);
  }

  Offset<schema::ProcessUnit> WriteTokenizer(const Tokenizer& tokenizer) {
    using schema::ProcessUnitOptions;
    const auto vocabulary = Files(tokenizer.vocabulary);
    if (tokenizer.kind == Tokenizer::Kind::kBert) {
      return schema::CreateProcessUnit(
          builder_, ProcessUnitOptions::BertTokenizerOptions,
          schema::CreateBertTokenizerOptions(builder_, vocabulary).Union());
    }
    if (tokenizer.kind == Tokenizer::Kind::kRegex) {
      const auto delimiter = Text(tokenizer.delimiter);
      return schema::CreateProcessUnit(
          builder_, ProcessUnitOptions::RegexTokenizerOptions,
          schema::CreateRegexTokenizerOptions(builder_, delimiter, vocabulary).Union());
    }
    const auto model = Files(tokenizer.model);
    return schema::CreateProcessUnit(
        builder_, ProcessUnitOptions::SentencePieceTokenizerOptions,
        schema::CreateSentencePieceTokenizerOptions(builder_, model, vocabulary).Union());
  }

  FlatBufferBuilder builder_;
};

}  // namespace

absl::StatusOr<std::string> WriteFileMetadata(const FileMetadata& metadata) {
  if (!metadata.unknown.empty()) {
    return FailedPrecondition("the model's metadata cannot be written: it has " + metadata.unknown +
                              ", which this version does not know; use the file as it is");
  }
  return Writer().Write(metadata);
}

absl::Status SetFileMetadata(Graph& graph, const FileMetadata& metadata) {
  RETURN_IF_ERROR(CheckEditable(graph));
  ASSIGN_OR_RETURN(const std::string text, WriteFileMetadata(metadata));
  const auto bytes = std::as_bytes(std::span(text));
  if (graph.buffers.empty()) graph.buffers.emplace_back();  // the first one is always empty
  graph.buffers.push_back({.data = graph.Keep({bytes.begin(), bytes.end()})});
  const auto buffer = static_cast<uint32_t>(graph.buffers.size() - 1);
  const auto entry = std::ranges::find(graph.metadata, kMetadataName, &MetadataEntry::name);
  if (entry != graph.metadata.end()) {
    entry->buffer = buffer;
  } else {
    graph.metadata.push_back({.name = kMetadataName, .buffer = buffer});
  }
  return absl::OkStatus();
}

}  // namespace bowerbird::tflite
