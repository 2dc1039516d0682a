// SPDX-License-Identifier: Apache-2.0
#include "vision/detection.h"

#include <algorithm>
#include <cstddef>

namespace bowerbird::vision {

NormalizedBox Normalize(const Detection& detection, image::Size size) {
  if (size.width <= 0 || size.height <= 0) return {};
  const double width = size.width;
  const double height = size.height;
  return {detection.x_min / width, detection.y_min / height, detection.x_max / width,
          detection.y_max / height};
}

void KeepTop(std::vector<Classification>& classifications, int n) {
  if (n <= 0) return;
  std::stable_sort(
      classifications.begin(), classifications.end(),
      [](const Classification& a, const Classification& b) { return a.confidence > b.confidence; });
  if (classifications.size() > static_cast<size_t>(n)) {
    classifications.resize(static_cast<size_t>(n));
  }
}

}  // namespace bowerbird::vision
