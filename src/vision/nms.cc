// SPDX-License-Identifier: Apache-2.0
#include "vision/nms.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace bowerbird::vision {
namespace {

double Area(const Candidate& box) {
  return std::abs(box.x_max - box.x_min) * std::abs(box.y_max - box.y_min);
}

double SharedLength(double a0, double a1, double b0, double b1) {
  const double low = std::max(std::min(a0, a1), std::min(b0, b1));
  const double high = std::min(std::max(a0, a1), std::max(b0, b1));
  return std::max(high - low, 0.0);
}

}  // namespace

double Iou(const Candidate& a, const Candidate& b) {
  const double shared = SharedLength(a.x_min, a.x_max, b.x_min, b.x_max) *
                        SharedLength(a.y_min, a.y_max, b.y_min, b.y_max);
  if (shared <= 0) return 0;
  return shared / (Area(a) + Area(b) - shared);
}

std::vector<Candidate> Suppress(std::vector<Candidate> candidates, const NmsOptions& options) {
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
  if (options.max_candidates > 0 &&
      candidates.size() > static_cast<size_t>(options.max_candidates)) {
    candidates.resize(static_cast<size_t>(options.max_candidates));
  }
  std::vector<Candidate> kept;
  for (const Candidate& candidate : candidates) {
    if (options.max_kept > 0 && kept.size() >= static_cast<size_t>(options.max_kept)) break;
    const bool covered = std::any_of(kept.begin(), kept.end(), [&](const Candidate& better) {
      return better.category == candidate.category &&
             Iou(better, candidate) > options.iou_threshold;
    });
    if (!covered) kept.push_back(candidate);
  }
  return kept;
}

}  // namespace bowerbird::vision
