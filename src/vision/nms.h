// SPDX-License-Identifier: Apache-2.0
//
// Non-maximum suppression: of boxes of one class that cover the same thing, the best one stays.
#pragma once

#include <vector>

#include "vision/candidate.h"

namespace bowerbird::vision {

struct NmsOptions {
  double iou_threshold = 0.5;  // a box is dropped when its overlap with a better one exceeds this
  // Work is quadratic in what enters, so only the best enter. 0: no limit.
  int max_candidates = 1000;
  int max_kept = 100;
};

// Intersection over union; 0 when either box has no area. Corners in any order.
double Iou(const Candidate& a, const Candidate& b);

// Greedy, per category. The result is sorted by score, best first, ties in the order given.
std::vector<Candidate> Suppress(std::vector<Candidate> candidates, const NmsOptions& options);

}  // namespace bowerbird::vision
