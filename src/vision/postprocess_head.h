// SPDX-License-Identifier: Apache-2.0
//
// Boxes that the graph has decoded already, with a class number and a score each, or with a score
// for every class.
#pragma once

#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "image/image.h"
#include "infer/tensor.h"
#include "vision/box_order.h"
#include "vision/candidate.h"

namespace bowerbird::vision {

struct PostprocessOutputs {
  std::span<const float> location;
  std::span<const float> category;  // empty when there is no such output
  std::span<const float> score;
  infer::Shape score_shape;
};

// How a score tensor with a column for every class is laid out beside `boxes` boxes.
struct ClasswiseLayout {
  int64_t classes = 1;
  bool classes_first = false;  // [1, C, N] instead of [1, N, C]
};
ClasswiseLayout LayoutOf(const infer::Shape& score_shape, int64_t boxes);

// Whether the boxes are pixels of the input rather than shares of it: of the finite boxes that have
// an area, at least half reach beyond 2. (The reference machine looks at the sum of the first row,
// which an empty first row turns round.)
bool AreAbsolute(std::span<const float> location);

// Boxes in model order; rows that are not finite are dropped. Absolute boxes are clamped to the
// last pixel and divided by it, as the reference machine does. UNKNOWN when the lengths do not
// match.
absl::StatusOr<std::vector<Candidate>> DecodePostprocess(const PostprocessOutputs& outputs,
                                                         const BoxOrder& order, image::Size input);

}  // namespace bowerbird::vision
