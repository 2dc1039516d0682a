// SPDX-License-Identifier: Apache-2.0
//
// A single-shot detector as a float graph whose outputs are encoded boxes [1, A, 4] and logits
// [1, A, C] without a background, its anchors, and its making out of another detector or out of a
// classifier.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "train/float_graph.h"
#include "vision/ssd_anchors.h"

namespace bowerbird::train {

struct DetectorGraph {
  FloatGraph base;
  std::vector<vision::Anchor> anchors;
  int labels = 0;
  // Operators from this one on are the heads and, for heads on a classifier, the layers before
  // them that are new.
  size_t first_new_operator = 0;
};

// The two ends of a detector of a file: encoded boxes and logits of its own classes.
struct DetectorEnds {
  int32_t boxes = -1;   // [1, A, 4] or [1, A, 1, 4]
  int32_t logits = -1;  // [1, A, C]
};

// FAILED_PRECONDITION: `base` is no single-shot detector with the usual anchors.
absl::StatusOr<DetectorEnds> FindDetectorEnds(const FloatGraph& base);

// Makes `base` a detector of `labels` classes: box heads stay, class heads are replaced. Column c
// of the new ones starts as column columns[c] of the old ones where that is >= 0, else as noise
// that finds nothing.
absl::StatusOr<DetectorGraph> RebuildDetector(FloatGraph base, std::span<const int> columns,
                                              uint64_t seed);

// Puts new heads and the smaller maps that they need behind the last two scales (strides 16 and 32)
// of a classifier, at the input size that the graph has. FAILED_PRECONDITION: it has no such maps.
absl::StatusOr<DetectorGraph> AddDetector(FloatGraph base, int labels, uint64_t seed);

// The first operator whose result is a map of at most one in `stride` of the picture's height.
size_t FirstSmallMap(const FloatGraph& base, int stride);

// NetworkOptions::learning_rates: 0 before operator `first_trained`, 1 from there on.
std::vector<float> RatesFrom(const tflite::Graph& graph, size_t first_trained);

}  // namespace bowerbird::train
