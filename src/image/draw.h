// SPDX-License-Identifier: Apache-2.0
//
// Marks on pictures: boxes and short texts. kRgb8 only; whatever lies outside is clipped.
#pragma once

#include <cstdint>
#include <string_view>

#include "image/image.h"

namespace bowerbird::image {

struct Color {
  uint8_t r = 255, g = 0, b = 0;
};

// A colour for a class, the same on every machine, far apart for neighbouring numbers.
Color ColorOfClass(int class_id);

// Corner pixels are part of the box. Coordinates in pixels.
struct BoxMark {
  int x_min = 0, y_min = 0, x_max = 0, y_max = 0;
};

void DrawBox(Image& image, const BoxMark& box, Color color, int thickness = 2);

// Text with its top left corner at (x, y), on a filled background so that it can be read on
// anything. `height` of the letters in pixels. ASCII; other bytes become '?'.
void DrawLabel(Image& image, int x, int y, std::string_view text, Color background,
               int height = 12);

// Text without background, baseline at (x, y).
void DrawText(Image& image, int x, int y, std::string_view text, Color color, int height = 12);

}  // namespace bowerbird::image
