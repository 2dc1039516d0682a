// SPDX-License-Identifier: Apache-2.0
//
// A classifier as a float graph whose only output is logits [1, C]: a base model up to its
// embedding, and a new head on it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "train/float_graph.h"

namespace bowerbird::train {

struct ClassifierGraph {
  FloatGraph base;
  int labels = 0;
  size_t head_operator = 0;  // the FULLY_CONNECTED; the last one
};

// Cuts at `tensors` (maps [1, H, W, D] or vectors [1, D] of base.graph), joins their means, and
// puts a fully connected layer on them. `weights` [labels, D] and `bias` [labels] are a head that
// was fitted before; empty: small noise and zeros. FAILED_PRECONDITION names a tensor of another
// shape.
struct ClassifierHead {
  int labels = 0;
  std::vector<float> weights = {};
  std::vector<float> bias = {};
  uint64_t seed = 0;
};
absl::StatusOr<ClassifierGraph> AddClassifier(FloatGraph base, std::span<const int32_t> tensors,
                                              const ClassifierHead& head);

struct ClassifierFileOptions {
  std::string name = "classifier";
  std::string description = {};
  std::vector<std::string> labels = {};  // as many as the classifier has
  bool independent = false;              // labels do not exclude each other: LOGISTIC, not SOFTMAX
  bool half_precision = false;
};

// The bytes of a file that takes a uint8 RGB picture and gives "probability" [1, C].
absl::StatusOr<std::string> WriteClassifierFile(const ClassifierGraph& classifier,
                                                const ClassifierFileOptions& options);

}  // namespace bowerbird::train
