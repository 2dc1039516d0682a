// SPDX-License-Identifier: Apache-2.0
//
// A base model kept as it is, up to its embedding, and a new head on it. A quantised base stays
// quantised to the bit; one in half precision stays so.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "image/image.h"
#include "tflite/graph.h"
#include "train/head_fit.h"

namespace bowerbird::train {

struct EmbeddingOptions {
  std::vector<std::string> taps = {};  // names or numbers of tensors; empty: FindTaps
  int side = 0;  // of the square input; 0: the file's, but of detectors at most kDetectorSide
};

// Detectors look at more pixels than a classifier gains from: at 224 their features were as good as
// at 300, in half the time.
inline constexpr int kDetectorSide = 224;

struct Embedding {
  tflite::Graph graph;  // a uint8 picture [1, H, W, 3] to one float vector [1, depth]
  image::Size size;
  int depth = 0;
  std::vector<std::string> taps;  // their names
  bool half_precision = false;    // weights are stored so
};

// FAILED_PRECONDITION: no embedding, or taps that are none. Else as ReadFloatGraph.
absl::StatusOr<Embedding> ReadEmbedding(const std::string& path, const EmbeddingOptions& options);

// A file whose only output is the embedding.
absl::StatusOr<std::string> WriteEmbeddingFile(const Embedding& embedding);

struct GraftedFile {
  std::string name = "classifier";
  std::string description = {};
  std::vector<std::string> labels = {};
  bool independent = false;  // labels do not exclude each other
};

// The bytes of a file that takes a uint8 RGB picture and gives "probability" [1, labels].
// INVALID_ARGUMENT: head, labels and embedding do not fit each other.
absl::StatusOr<std::string> WriteGraftedFile(const Embedding& embedding, const LinearHead& head,
                                             const GraftedFile& file);

}  // namespace bowerbird::train
