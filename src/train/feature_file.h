// SPDX-License-Identifier: Apache-2.0
//
// features.bin: what a trained model sees in each picture that it learnt from, one row of bytes a
// picture (docs/formats/features.md). From a prediction it leads back to the pictures behind it.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace bowerbird::train {

inline constexpr char kFeatureFile[] = "features.bin";

// A vector's direction in -127..127: its length does not count for a cosine. Zeros stay zeros.
std::vector<int8_t> DirectionOf(std::span<const float> features);

struct FeatureRow {
  std::string picture{};              // as the training set calls it
  std::vector<std::string> labels{};  // each once
};

struct FeatureFile {
  std::string model_hash{};         // SHA-256 of the model's file, 64 hex digits
  std::vector<std::string> taps{};  // its tensors that are the features
  size_t depth = 0;                 // of a row
  std::vector<FeatureRow> rows{};
  std::vector<int8_t> values{};  // rows * depth

  std::span<const int8_t> Row(size_t row) const {
    return std::span(values).subspan(row * depth, depth);
  }
};

// INVALID_ARGUMENT: rows and values do not fit each other.
absl::StatusOr<std::string> WriteFeatureFile(const FeatureFile& file);
// DATA_LOSS: not such a file, cut off, or changed since it was written.
absl::StatusOr<FeatureFile> ReadFeatureFile(std::string_view bytes);

struct Neighbour {
  size_t row = 0;
  double distance = 0;  // 1 - cosine: 0 = the same direction, 1 = nothing in common, up to 2
};

// Exact, the nearest first; equally near ones in their order. `query` has `depth` numbers.
std::vector<Neighbour> Nearest(const FeatureFile& file, std::span<const int8_t> query,
                               size_t count);

// What was computed while training, by picture.
using KnownFeatures = std::map<std::string, std::vector<int8_t>>;

}  // namespace bowerbird::train
