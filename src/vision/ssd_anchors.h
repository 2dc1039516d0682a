// SPDX-License-Identifier: Apache-2.0
//
// The boxes that a single-shot detector's offsets are relative to. No model file holds them: they
// follow from the size of the input, by the generator of the SSD paper as TensorFlow's object
// detection models and MediaPipe use it.
#pragma once

#include <optional>
#include <vector>

#include "image/image.h"

namespace bowerbird::vision {

// Shares of the input.
struct Anchor {
  float x_center = 0, y_center = 0, width = 0, height = 0;
};

struct AnchorLayout {
  int layers = 6;
  int first_stride = 16;       // doubled from map to map
  bool reduced_lowest = true;  // three boxes instead of six a cell on the first map
};

// Maps of ceil(extent / stride) cells; boxes by row, column, shape.
std::vector<Anchor> GenerateAnchors(image::Size input, const AnchorLayout& layout);

// The layout that gives exactly `count` anchors at this input size, the usual one first; nullopt if
// none does.
std::optional<AnchorLayout> FindAnchorLayout(image::Size input, int64_t count);

}  // namespace bowerbird::vision
