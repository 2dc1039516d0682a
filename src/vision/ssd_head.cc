// SPDX-License-Identifier: Apache-2.0
#include "vision/ssd_head.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "base/status.h"
#include "vision/class_scores.h"

namespace bowerbird::vision {
namespace {

constexpr double kCenterScale = 10;
constexpr double kSizeScale = 5;
// e^this is a box thousands of times its anchor: beyond, only infinity is left.
constexpr double kLargestExponent = 10;

bool IsFinite(const Candidate& box) {
  return std::isfinite(box.x_min) && std::isfinite(box.y_min) && std::isfinite(box.x_max) &&
         std::isfinite(box.y_max);
}

Candidate BoxAt(std::span<const float> row, const Anchor& anchor, const std::array<int, 4>& at) {
  const auto value = [&](size_t part) { return double{row[static_cast<size_t>(at[part])]}; };
  const auto grow = [](double exponent) { return std::exp(std::min(exponent, kLargestExponent)); };
  const double x = value(0) / kCenterScale * anchor.width + anchor.x_center;
  const double y = value(1) / kCenterScale * anchor.height + anchor.y_center;
  const double half_width = grow(value(2) / kSizeScale) * anchor.width / 2;
  const double half_height = grow(value(3) / kSizeScale) * anchor.height / 2;
  return {x - half_width, y - half_height, x + half_width, y + half_height, 0, 0};
}

}  // namespace

absl::StatusOr<std::vector<Candidate>> DecodeSsd(std::span<const float> location,
                                                 std::span<const float> scores,
                                                 std::span<const Anchor> anchors,
                                                 const SsdLayout& layout, double minimum_score) {
  const size_t count = anchors.size();
  const size_t classes = static_cast<size_t>(layout.classes);
  if (location.size() != count * 4 || scores.size() != count * classes) {
    return FailedPrecondition("raw boxes of " + std::to_string(location.size()) +
                              " and scores of " + std::to_string(scores.size()) +
                              " values do not fit " + std::to_string(count) + " anchors and " +
                              std::to_string(classes) + " classes");
  }
  const std::array<int, 4> at = PositionsOf(layout.order);
  const size_t first = layout.has_background ? 1 : 0;
  const size_t step = layout.classes_first ? count : 1;
  std::vector<Candidate> candidates;
  for (size_t i = 0; i < count; ++i) {
    const size_t start = layout.classes_first ? i : i * classes;
    size_t best = classes;
    for (size_t c = first; c < classes; ++c) {
      const float score = scores[start + c * step];
      if (std::isnan(score)) continue;
      if (best == classes || score > scores[start + best * step]) best = c;
    }
    if (best == classes) continue;
    const double raw = scores[start + best * step];
    const double score = layout.logits ? Sigmoid(raw) : NormalizeScore(raw);
    if (score < minimum_score) continue;
    Candidate candidate = BoxAt(location.subspan(i * 4, 4), anchors[i], at);
    if (!IsFinite(candidate)) continue;
    candidate.score = score;
    candidate.category = static_cast<int>(best - first) + layout.first_category;
    candidates.push_back(candidate);
  }
  return candidates;
}

bool LookLikeOffsets(std::span<const float> location, const BoxOrder& order) {
  const std::array<int, 4> at = PositionsOf(order);
  const size_t rows = location.size() / 4;
  size_t reversed = 0;
  for (size_t i = 0; i < rows; ++i) {
    const auto row = location.subspan(i * 4, 4);
    const auto value = [&](size_t corner) { return row[static_cast<size_t>(at[corner])]; };
    if (value(0) > value(2) || value(1) > value(3)) ++reversed;
  }
  return rows > 0 && reversed * 10 >= rows;
}

}  // namespace bowerbird::vision
