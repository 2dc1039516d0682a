// SPDX-License-Identifier: Apache-2.0
//
// The boxes around the 4-connected groups of marked pixels.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "image/image.h"

namespace bowerbird::vision {

// First and last column and row of a group, both inside it.
struct PixelBox {
  int x_min = 0, y_min = 0, x_max = 0, y_max = 0;
};

// `mask`: width * height bytes, row by row, marked where not 0. In the order in which a scan column
// by column meets the groups. Memory: at most 10 bytes a pixel, where every other pixel is marked.
std::vector<PixelBox> ConnectedBoxes(std::span<const uint8_t> mask, image::Size size);

}  // namespace bowerbird::vision
