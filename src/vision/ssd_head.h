// SPDX-License-Identifier: Apache-2.0
//
// The raw heads of a single-shot detector: offsets of boxes against anchors, and a score for every
// class of every anchor.
#pragma once

#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "vision/box_order.h"
#include "vision/candidate.h"
#include "vision/ssd_anchors.h"

namespace bowerbird::vision {

struct SsdLayout {
  int64_t classes = 0;         // columns of the score tensor
  bool classes_first = false;  // [1, C, N] instead of [1, N, C]
  // Column 0 means "nothing here" and is no result.
  bool has_background = true;
  bool logits = true;      // scores need a sigmoid
  int first_category = 0;  // class number of the first column that is a result
  // Where x, y, w, h stand, as 0, 1, 2, 3. Default: y, x, h, w.
  BoxOrder order = kDefaultBoxOrder;
};

// Candidates of at least `minimum_score`, in anchor order; what is not finite is dropped. The
// offsets are scaled by 10, 10, 5, 5 as the object detection models' box coder does.
// FAILED_PRECONDITION when the lengths do not fit the anchors.
absl::StatusOr<std::vector<Candidate>> DecodeSsd(std::span<const float> location,
                                                 std::span<const float> scores,
                                                 std::span<const Anchor> anchors,
                                                 const SsdLayout& layout, double minimum_score);

// Whether four numbers a row look like offsets rather than boxes: a row in ten and more has its
// first corner behind its second.
bool LookLikeOffsets(std::span<const float> location, const BoxOrder& order);

}  // namespace bowerbird::vision
