// SPDX-License-Identifier: Apache-2.0
//
// Average precision as Pascal VOC defines it: at one overlap, detections of a category over all
// pictures, best first, each judged by the truth of its picture that it overlaps most; a second
// detection of the same truth is wrong.
//   every point  area below the curve of precision made falling (VOC 2010 and later)
//   11 points    mean of the highest precision at recalls 0, 0.1 .. 1 or more (VOC 2007)
// Everingham et al., "The Pascal Visual Object Classes (VOC) Challenge", IJCV 88, 2010,
// section 4.2.
#pragma once

#include <optional>
#include <vector>

#include "evaluate/detection_set.h"

namespace bowerbird::evaluate {

struct VocOptions {
  double overlap = 0.5;  // a hit overlaps at least so much, 0..1
  // Corners are pixels that belong to the box: PixelIntersectionOverUnion. Off: edges.
  bool pixel_corners = false;
};

struct VocFigures {
  // Absent where the category has no truth that counts.
  std::optional<double> every_point, eleven_points;
  // The curve, one element a detection that counts, best first.
  std::vector<double> recall, precision, score;
};

struct VocResult {
  std::optional<double> every_point, eleven_points;  // means over categories that have truth
  std::vector<VocFigures> per_category;
};

VocResult VocAveragePrecision(const DetectionSet& set, const VocOptions& options);

}  // namespace bowerbird::evaluate
