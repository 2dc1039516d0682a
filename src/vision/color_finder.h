// SPDX-License-Identifier: Apache-2.0
//
// A Finder that knows one colour: boxes around the patches whose hue is near it.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "vision/finder.h"

namespace bowerbird::vision {

struct ColorFinderOptions {
  std::string detect_color;        // "#RRGGBB"
  double hue_tolerance = 0;        // share of the colour circle, 0 < t <= 1; 1 = any hue
  int segment_size_px = 5000;      // smallest (x_max - x_min) * (y_max - y_min)
  double saturation_cutoff = 0.2;  // a pixel needs at least this; so does detect_color
  double value_cutoff = 0.3;
  std::string label;  // empty: the name of the hue
};

// A detector only: every box has confidence 1, the largest comes first.
class ColorFinder : public Finder {
 public:
  // INVALID_ARGUMENT names the option, its value and what is allowed.
  static absl::StatusOr<std::unique_ptr<ColorFinder>> Create(const ColorFinderOptions& options);
};

}  // namespace bowerbird::vision
