// SPDX-License-Identifier: Apache-2.0
//
// What people wrote about a model and packed into its file: names, descriptions, normalisation,
// box order, label files. Plain values, copied out of the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tflite/graph.h"

namespace bowerbird::tflite {

// The name under which Graph::MetadataBuffer has it.
inline constexpr char kMetadataName[] = "TFLITE_METADATA";

enum class AssociatedFileType {
  kUnknown,
  kDescriptions,
  kTensorAxisLabels,   // one line for each index along the tensor's last axis
  kTensorValueLabels,  // one line for each value that an element can take
  kScoreCalibration,
  kVocabulary,
  kScannIndex
};

struct AssociatedFile {
  std::string name;
  std::string description;
  AssociatedFileType type = AssociatedFileType::kUnknown;
  std::string locale;  // empty: the default language
  std::string version = {};
  bool operator==(const AssociatedFile&) const = default;
};

struct BoundingBoxes {
  enum class Form { kUnknown, kBoundaries, kUpperLeft, kCenter };
  Form form = Form::kUnknown;
  // kBoundaries: index[i] says which of 0=left 1=top 2=right 3=bottom stands at i.
  std::vector<uint32_t> index;
  bool in_pixels = false;  // else in fractions of the picture
  bool operator==(const BoundingBoxes&) const = default;
};

enum class ColorSpace { kUnknown, kRgb, kGrayscale };

struct ImageSize {
  uint32_t width = 0;
  uint32_t height = 0;
  bool operator==(const ImageSize&) const = default;
};

struct AudioFormat {
  uint32_t sample_rate = 0;  // Hz
  uint32_t channels = 0;
  bool operator==(const AudioFormat&) const = default;
};

// Axes of the tensor, from `first` to `last`, that its content properties are about.
struct AxisRange {
  int32_t first = 0;
  int32_t last = 0;
  bool operator==(const AxisRange&) const = default;
};

struct ScoreCalibration {
  enum class Transformation { kIdentity, kLog, kInverseLogistic };
  Transformation transformation = Transformation::kIdentity;
  float default_score = 0;
  bool operator==(const ScoreCalibration&) const = default;
};

struct Tokenizer {
  enum class Kind { kBert, kSentencePiece, kRegex };
  Kind kind = Kind::kBert;
  std::vector<AssociatedFile> vocabulary = {};
  std::vector<AssociatedFile> model = {};  // kSentencePiece
  std::string delimiter = {};              // kRegex
  bool operator==(const Tokenizer&) const = default;
};

struct TensorMetadata {
  std::string name;
  std::string description;
  std::vector<std::string> dimension_names = {};
  // What the tensor holds: one of these at most.
  bool is_feature = false;
  bool is_image = false;
  std::optional<BoundingBoxes> boxes;
  std::optional<AudioFormat> audio = {};
  // Of images only.
  ColorSpace color_space = ColorSpace::kUnknown;
  std::optional<ImageSize> image_size = {};
  std::optional<AxisRange> content_axes = {};
  // Normalisation, (value - mean[c]) / std[c]; empty where the file has none.
  std::vector<float> mean;
  std::vector<float> std;
  std::optional<ScoreCalibration> score_calibration = {};
  std::optional<float> score_threshold;
  std::vector<Tokenizer> tokenizers = {};
  std::vector<float> min;
  std::vector<float> max;
  std::vector<AssociatedFile> associated_files;
  bool operator==(const TensorMetadata&) const = default;
};

// Tensors that belong together, as the boxes, classes and scores of a detector.
struct TensorGroup {
  std::string name;
  std::vector<std::string> tensor_names;
  bool operator==(const TensorGroup&) const = default;
};

struct CustomMetadata {
  std::string name;
  std::string data;  // bytes
  bool operator==(const CustomMetadata&) const = default;
};

struct FileMetadata {
  std::string name;
  std::string description;
  std::string version;
  std::string author;
  std::string license;
  std::string min_parser_version = {};
  std::vector<AssociatedFile> associated_files = {};
  // Of the first subgraph; the i-th entry describes its i-th input or output.
  std::vector<TensorMetadata> inputs;
  std::vector<TensorMetadata> outputs;
  std::string subgraph_name = {};
  std::string subgraph_description = {};
  std::vector<AssociatedFile> subgraph_files = {};
  std::vector<Tokenizer> input_tokenizers = {};  // of all inputs together
  std::vector<Tokenizer> output_tokenizers = {};
  std::vector<TensorGroup> input_groups = {};
  std::vector<TensorGroup> output_groups = {};
  std::vector<CustomMetadata> custom = {};
  // What the buffer says that has no place here; WriteFileMetadata refuses it.
  std::string unknown = {};
  bool operator==(const FileMetadata&) const = default;
};

// `buffer` is the contents of the buffer kMetadataName. INVALID_ARGUMENT if it is not such.
absl::StatusOr<FileMetadata> ReadFileMetadata(std::span<const std::byte> buffer);

// The contents of such a buffer. Normalisation, calibration, threshold and tokenizers are written
// in that order. FAILED_PRECONDITION: something in it is `unknown`.
absl::StatusOr<std::string> WriteFileMetadata(const FileMetadata& metadata);

// Puts `metadata` into the graph in place of what it has.
absl::Status SetFileMetadata(Graph& graph, const FileMetadata& metadata);

}  // namespace bowerbird::tflite
