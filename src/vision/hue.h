// SPDX-License-Identifier: Apache-2.0
//
// Hue, saturation and value of a pixel.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace bowerbird::vision {

struct Hsv {
  double hue = 0;                    // degrees, 0 <= hue <= 360
  double saturation = 0, value = 0;  // 0..1
};

// Rounded down as the reference machine keeps them: hue to 1/65535 of the circle, saturation and
// value to 1/255, so that both decide alike at a limit.
Hsv ToHsv(uint8_t red, uint8_t green, uint8_t blue);

// "#RRGGBB", upper or lower case.
struct Rgb {
  uint8_t red = 0, green = 0, blue = 0;
};
std::optional<Rgb> ParseColor(std::string_view text);

// The twelve names of the colour circle, 30 degrees each: "red" around 0, "rose" around 330.
std::string_view HueName(double hue);

// The arc of hues within `share` of the circle around `center`, both ends included.
class HueArc {
 public:
  HueArc(double center, double share);
  bool Contains(double hue) const {
    if (everything_) return true;
    return low_ <= high_ ? hue >= low_ && hue <= high_ : hue >= low_ || hue <= high_;
  }

 private:
  bool everything_;
  double low_, high_;  // degrees; low > high where the arc crosses 0
};

}  // namespace bowerbird::vision
