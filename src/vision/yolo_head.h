// SPDX-License-Identifier: Apache-2.0
//
// One tensor of candidates, a row each: centre, size, for some an objectness, and a score for every
// class. That is what YOLOv5, YOLOv8, YOLOX and their kin give.
#pragma once

#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "image/image.h"
#include "vision/candidate.h"

namespace bowerbird::vision {

struct YoloLayout {
  enum class Coordinates {
    kRelative,  // shares of the input
    kPixels,    // pixels of the input
    kGrid,      // YOLOX: offset from the cell in strides, logarithm of the size in strides
  };
  int64_t candidates = 0;
  int64_t columns = 0;         // 4 + objectness + classes
  bool columns_first = false;  // [1, columns, candidates] instead of [1, candidates, columns]
  bool objectness = true;
  bool logits = false;  // objectness and scores need a sigmoid
  Coordinates coordinates = Coordinates::kPixels;
};

// The cell of a feature map that a candidate belongs to.
struct GridCell {
  int x = 0, y = 0, stride = 1;
};

// The cells of `count` candidates for an input of this size: maps by growing stride, each by row
// and column, or by anchor, row and column with three anchors. Empty when no usual set of strides
// gives that count.
struct YoloGrid {
  std::vector<GridCell> cells;
  int anchors = 1;  // candidates a cell: 1 for YOLOX and YOLOv8, 3 for YOLOv5
};
YoloGrid GridFor(image::Size input, int64_t count);

// Candidates of at least `minimum_score`, in the model's order; what is not finite is dropped.
// `cells` is used for Coordinates::kGrid only. FAILED_PRECONDITION when the lengths do not match.
absl::StatusOr<std::vector<Candidate>> DecodeYolo(std::span<const float> values,
                                                  const YoloLayout& layout,
                                                  std::span<const GridCell> cells,
                                                  image::Size input, double minimum_score);

}  // namespace bowerbird::vision
