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
};

struct BoundingBoxes {
  enum class Form { kUnknown, kBoundaries, kUpperLeft, kCenter };
  Form form = Form::kUnknown;
  // kBoundaries: index[i] says which of 0=left 1=top 2=right 3=bottom stands at i.
  std::vector<uint32_t> index;
  bool in_pixels = false;  // else in fractions of the picture
};

struct TensorMetadata {
  std::string name;
  std::string description;
  bool is_image = false;
  std::optional<BoundingBoxes> boxes;
  // Normalisation, (value - mean[c]) / std[c]; empty where the file has none.
  std::vector<float> mean;
  std::vector<float> std;
  std::optional<float> score_threshold;
  std::vector<float> min;
  std::vector<float> max;
  std::vector<AssociatedFile> associated_files;
};

struct FileMetadata {
  std::string name;
  std::string description;
  std::string version;
  std::string author;
  std::string license;
  // Of the first subgraph; the i-th entry describes its i-th input or output.
  std::vector<TensorMetadata> inputs;
  std::vector<TensorMetadata> outputs;
};

// `buffer` is the contents of the buffer kMetadataName. INVALID_ARGUMENT if it is not such.
absl::StatusOr<FileMetadata> ReadFileMetadata(std::span<const std::byte> buffer);

}  // namespace bowerbird::tflite
