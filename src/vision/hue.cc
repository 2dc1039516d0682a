// SPDX-License-Identifier: Apache-2.0
#include "vision/hue.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace bowerbird::vision {
namespace {

constexpr double kHueSteps = 65535;
constexpr double kByteSteps = 255;

// A conversion to int is several times faster than std::floor without SSE 4.1, and this runs for
// every pixel.
double RoundDown(double share, double steps) { return static_cast<int>(share * steps) / steps; }

std::optional<int> HexDigit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return std::nullopt;
}

double Wrap(double degrees) {
  const double wrapped = std::fmod(degrees, 360.0);
  return wrapped < 0 ? wrapped + 360 : wrapped;
}

}  // namespace

Hsv ToHsv(uint8_t red, uint8_t green, uint8_t blue) {
  const int high = std::max({red, green, blue});
  const int chroma = high - std::min({red, green, blue});
  Hsv hsv;
  hsv.value = high / kByteSteps;
  if (chroma == 0) return hsv;
  hsv.saturation = RoundDown(static_cast<double>(chroma) / high, kByteSteps);
  double sector = 0;
  if (high == red) {
    sector = static_cast<double>(green - blue) / chroma;
  } else if (high == green) {
    sector = static_cast<double>(blue - red) / chroma + 2;
  } else {
    sector = static_cast<double>(red - green) / chroma + 4;
  }
  if (sector < 0) sector += 6;
  hsv.hue = RoundDown(sector / 6, kHueSteps) * 360;
  return hsv;
}

std::optional<Rgb> ParseColor(std::string_view text) {
  if (text.size() != 7 || text[0] != '#') return std::nullopt;
  std::array<uint8_t, 3> channels{};
  for (size_t c = 0; c < 3; ++c) {
    const auto high = HexDigit(text[1 + 2 * c]);
    const auto low = HexDigit(text[2 + 2 * c]);
    if (!high.has_value() || !low.has_value()) return std::nullopt;
    channels[c] = static_cast<uint8_t>(*high * 16 + *low);
  }
  return Rgb{channels[0], channels[1], channels[2]};
}

std::string_view HueName(double hue) {
  static constexpr std::array<std::string_view, 12> kNames = {
      "red",  "orange",     "yellow", "lime-green", "green",   "green-blue",
      "cyan", "light-blue", "blue",   "violet",     "magenta", "rose"};
  return kNames[static_cast<size_t>(Wrap(hue + 15) / 30) % kNames.size()];
}

HueArc::HueArc(double center, double share)
    : everything_(share >= 1),
      low_(Wrap(center - share / 2 * 360)),
      high_(Wrap(center + share / 2 * 360)) {}

}  // namespace bowerbird::vision
