// SPDX-License-Identifier: Apache-2.0
#include "vision/box_mapping.h"

#include <algorithm>
#include <array>
#include <utility>

namespace bowerbird::vision {
namespace {

int Pixel(double share, int extent) {
  return static_cast<int>(std::clamp(share, 0.0, 1.0) * std::max(extent - 1, 0));
}

}  // namespace

Detection ToPixels(const Candidate& candidate, const BoxMapping& mapping) {
  std::array<double, 2> low = {candidate.x_min, candidate.y_min};
  std::array<double, 2> high = {candidate.x_max, candidate.y_max};
  if (mapping.fit != image::Fit::kStretch) {
    // A stretched picture fills the input, so shares of one are shares of the other, without the
    // rounding that the way through pixels would add.
    const auto to_share = [&](std::array<double, 2> point) {
      point = mapping.placement.ToPicture(point[0] * mapping.input.width,
                                          point[1] * mapping.input.height);
      return std::array<double, 2>{point[0] / mapping.picture.width,
                                   point[1] / mapping.picture.height};
    };
    low = to_share(low);
    high = to_share(high);
  }
  Detection detection;
  detection.x_min = Pixel(low[0], mapping.picture.width);
  detection.y_min = Pixel(low[1], mapping.picture.height);
  detection.x_max = Pixel(high[0], mapping.picture.width);
  detection.y_max = Pixel(high[1], mapping.picture.height);
  if (detection.x_min > detection.x_max) std::swap(detection.x_min, detection.x_max);
  if (detection.y_min > detection.y_max) std::swap(detection.y_min, detection.y_max);
  detection.confidence = candidate.score;
  return detection;
}

}  // namespace bowerbird::vision
