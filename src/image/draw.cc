// SPDX-License-Identifier: Apache-2.0
#include "image/draw.h"

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <string>

namespace bowerbird::image {
namespace {

constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;
// Height of its capital letters at scale 1.
constexpr double kFontHeight = 21.0;
// Letters beyond the picture cost time and show nothing.
constexpr size_t kMaxText = 256;

std::string Printable(std::string_view text) {
  std::string out(text.substr(0, kMaxText));
  for (char& c : out) {
    if (c < 32 || c > 126) c = '?';
  }
  return out;
}

// The picture's own memory as OpenCV sees it.
cv::Mat View(Image& image) {
  return cv::Mat(image.height(), image.width(), CV_8UC3, image.bytes().data());
}

bool Drawable(const Image& image) { return !image.empty() && image.format() == PixelFormat::kRgb8; }

// Inclusive corners, any part of which may lie outside. 64 bits, since callers' boxes may be wild.
void FillRect(Image& image, int64_t x_min, int64_t y_min, int64_t x_max, int64_t y_max,
              Color color) {
  const int left = static_cast<int>(std::max<int64_t>(x_min, 0));
  const int right = static_cast<int>(std::min<int64_t>(x_max, image.width() - 1));
  const int top = static_cast<int>(std::max<int64_t>(y_min, 0));
  const int bottom = static_cast<int>(std::min<int64_t>(y_max, image.height() - 1));
  for (int y = top; y <= bottom; ++y) {
    uint8_t* pixel = image.row(y) + static_cast<ptrdiff_t>(left) * 3;
    for (int x = left; x <= right; ++x, pixel += 3) {
      pixel[0] = color.r;
      pixel[1] = color.g;
      pixel[2] = color.b;
    }
  }
}

bool IsLight(Color color) { return color.r * 299 + color.g * 587 + color.b * 114 > 140'000; }

struct Lettering {
  double scale;
  int thickness;
};

// The stroke goes half its thickness beyond the outline on every side.
Lettering LetteringFor(int height) {
  const int thickness = std::max(1, (height + 8) / 16);
  return {std::max(height - thickness, 4) / kFontHeight, thickness};
}

// False when no pixel of a text at (x, y) could be inside: OpenCV's own arithmetic overflows there.
bool Near(const Image& image, int x, int y) {
  constexpr int kFar = 1 << 15;
  return x > -kFar && y > -kFar && x < image.width() && y < image.height() + kFar;
}

}  // namespace

Color ColorOfClass(int class_id) {
  // Steps of the golden ratio around the colour wheel: neighbours are 138 degrees apart, and no two
  // of the first classes come close.
  const double turns = std::abs(static_cast<double>(class_id)) * 0.6180339887498949;
  const double hue = 6 * (turns - std::floor(turns));
  const auto channel = [hue](double shift) {
    const double position = std::fmod(hue + shift, 6);
    const double level = std::clamp(std::min(position, 4 - position), 0.0, 1.0);
    return static_cast<uint8_t>(std::lround(255 * (0.15 + 0.85 * level)));
  };
  return {channel(2), channel(0), channel(4)};
}

void DrawBox(Image& image, const BoxMark& box, Color color, int thickness) {
  if (!Drawable(image) || thickness < 1) return;
  const int64_t x_min = std::min(box.x_min, box.x_max), x_max = std::max(box.x_min, box.x_max);
  const int64_t y_min = std::min(box.y_min, box.y_max), y_max = std::max(box.y_min, box.y_max);
  const int64_t inset = thickness - 1;
  FillRect(image, x_min, y_min, x_max, std::min(y_min + inset, y_max), color);
  FillRect(image, x_min, std::max(y_max - inset, y_min), x_max, y_max, color);
  FillRect(image, x_min, y_min, std::min(x_min + inset, x_max), y_max, color);
  FillRect(image, std::max(x_max - inset, x_min), y_min, x_max, y_max, color);
}

void DrawText(Image& image, int x, int y, std::string_view text, Color color, int height) {
  if (!Drawable(image) || text.empty() || !Near(image, x, y)) return;
  const Lettering lettering = LetteringFor(std::min(height, image.height()));
  cv::Mat view = View(image);
  cv::putText(view, Printable(text), {x, y}, kFont, lettering.scale,
              cv::Scalar(color.r, color.g, color.b), lettering.thickness, cv::LINE_AA);
}

void DrawLabel(Image& image, int x, int y, std::string_view text, Color background, int height) {
  if (!Drawable(image) || text.empty() || !Near(image, x, y)) return;
  height = std::min(height, image.height());
  const Lettering lettering = LetteringFor(height);
  int below = 0;
  const cv::Size size =
      cv::getTextSize(Printable(text), kFont, lettering.scale, lettering.thickness, &below);
  const int margin = std::max(2, height / 6);
  FillRect(image, x, y, x + size.width + 2 * margin - 1, y + size.height + below + 2 * margin - 1,
           background);
  const Color ink = IsLight(background) ? Color{0, 0, 0} : Color{255, 255, 255};
  DrawText(image, x + margin, y + margin + size.height, text, ink, height);
}

}  // namespace bowerbird::image
