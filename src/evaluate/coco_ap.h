// SPDX-License-Identifier: Apache-2.0
//
// Average precision and recall as the COCO challenge defines them
// (https://cocodataset.org/#detection-eval), boxes only.
//
// For each of ten overlaps (0.50, 0.55 .. 0.95) the detections of a picture and category, best
// first and at most 100, each take the truth they overlap most and that is still free; precision is
// read at 101 recalls (0, 0.01 .. 1) from the curve made falling; the mean over recalls, overlaps
// and categories is AP. A truth outside a range of areas, or a crowd, is neither hit nor miss.
// The figures are those of the challenge's own program, to rounding.
#pragma once

#include <optional>
#include <vector>

#include "evaluate/detection_set.h"

namespace bowerbird::evaluate {

// 0..1; absent where no truth counts (no small thing in the set, say).
struct CocoFigures {
  std::optional<double> ap, ap50, ap75;
  std::optional<double> ap_small, ap_medium, ap_large;  // below 32^2, to 96^2, above, square pixels
  std::optional<double> ar1, ar10, ar100;  // recall with at most so many detections a picture
  std::optional<double> ar_small, ar_medium, ar_large;
};

struct CocoResult {
  CocoFigures all;                        // means over categories that have truth
  std::vector<CocoFigures> per_category;  // as DetectionSet::categories
};

CocoResult CocoAveragePrecision(const DetectionSet& set);

}  // namespace bowerbird::evaluate
