// SPDX-License-Identifier: Apache-2.0
#include "train/augment.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace bowerbird::train {
namespace {

constexpr double kGray = 127;

// One output pixel's two neighbours along an axis.
struct Taps {
  int low = 0, high = 0;
  float share = 0;  // of `high`
  bool inside = false;
};

Taps TapsAt(double place, int extent) {
  Taps taps;
  const double center = place * extent - 0.5;
  if (center < -0.5 || center > extent - 0.5) return taps;
  const double floor = std::floor(center);
  taps.inside = true;
  taps.low = std::clamp(static_cast<int>(floor), 0, extent - 1);
  taps.high = std::clamp(static_cast<int>(floor) + 1, 0, extent - 1);
  taps.share = static_cast<float>(center - floor);
  return taps;
}

// channel -> value of the input tensor, light and scaling in one.
struct Line {
  std::array<float, 3> factor{};
  std::array<float, 3> offset{};
  float gray = 0;
  float lowest = 0, highest = 0;
};

Line LineOf(const View& view, const InputScaling& scaling) {
  Line line;
  for (size_t c = 0; c < 3; ++c) {
    line.factor[c] = static_cast<float>(view.gain[c]) * scaling.scale;
    line.offset[c] = static_cast<float>(view.bias) * scaling.scale + scaling.offset;
  }
  line.gray = static_cast<float>(kGray) * scaling.scale + scaling.offset;
  line.lowest = scaling.offset;
  line.highest = 255 * scaling.scale + scaling.offset;
  return line;
}

void Blend(const image::Image& picture, const Taps& x, const Taps& y, const Line& line,
           float* pixel) {
  const uint8_t* const upper = picture.row(y.low);
  const uint8_t* const lower = picture.row(y.high);
  const size_t left = static_cast<size_t>(x.low) * 3;
  const size_t right = static_cast<size_t>(x.high) * 3;
  for (size_t c = 0; c < 3; ++c) {
    const float above = static_cast<float>(upper[left + c]) * (1 - x.share) +
                        static_cast<float>(upper[right + c]) * x.share;
    const float below = static_cast<float>(lower[left + c]) * (1 - x.share) +
                        static_cast<float>(lower[right + c]) * x.share;
    const float channel = above * (1 - y.share) + below * y.share;
    pixel[c] = std::clamp(channel * line.factor[c] + line.offset[c], line.lowest, line.highest);
  }
}

// The view's coordinates of a point of the picture.
std::array<double, 2> ToView(const View& view, double x, double y) {
  const double determinant = view.x[0] * view.y[1] - view.x[1] * view.y[0];
  const double dx = x - view.x[2];
  const double dy = y - view.y[2];
  return {(dx * view.y[1] - dy * view.x[1]) / determinant,
          (dy * view.x[0] - dx * view.y[0]) / determinant};
}

}  // namespace

View RandomView(const AugmentOptions& options, Random& random) {
  View view;
  const double extent = random.Uniform(options.least_view, options.most_view);
  const double aspect = std::exp(random.Uniform(-1, 1) * std::log(options.aspect) / 2);
  const double width = extent * aspect;
  const double height = extent / aspect;
  const double angle = random.Uniform(-1, 1) * options.rotation * std::numbers::pi / 180;
  const bool mirrored = options.mirror && random.Chance(0.5);
  const double across = mirrored ? -width : width;
  view.x = {across * std::cos(angle), -height * std::sin(angle), 0};
  view.y = {across * std::sin(angle), height * std::cos(angle), 0};
  // The window lies in the picture, or the picture in the window.
  const double center_x = 0.5 + random.Uniform(-0.5, 0.5) * std::abs(1 - width);
  const double center_y = 0.5 + random.Uniform(-0.5, 0.5) * std::abs(1 - height);
  view.x[2] = center_x - (view.x[0] + view.x[1]) / 2;
  view.y[2] = center_y - (view.y[0] + view.y[1]) / 2;
  const double gain = random.Uniform(1 - options.gain, 1 + options.gain);
  for (double& channel : view.gain)
    channel = gain * random.Uniform(1 - options.color_gain, 1 + options.color_gain);
  view.bias = 255 * random.Uniform(-options.bias, options.bias);
  return view;
}

void FillInput(const image::Image& picture, const View& view, image::Size size,
               const InputScaling& scaling, std::span<float> input) {
  const Line line = LineOf(view, scaling);
  float* pixel = input.data();
  for (int row = 0; row < size.height; ++row) {
    const double v = (row + 0.5) / size.height;
    for (int column = 0; column < size.width; ++column, pixel += 3) {
      const double u = (column + 0.5) / size.width;
      const Taps x = TapsAt(view.x[0] * u + view.x[1] * v + view.x[2], picture.width());
      const Taps y = TapsAt(view.y[0] * u + view.y[1] * v + view.y[2], picture.height());
      if (x.inside && y.inside) {
        Blend(picture, x, y, line, pixel);
      } else {
        std::fill_n(pixel, 3, line.gray);
      }
    }
  }
}

std::optional<LabeledBox> Seen(const LabeledBox& box, const View& view, double least_visible) {
  LabeledBox whole{.label = box.label, .x_min = 1e9, .y_min = 1e9, .x_max = -1e9, .y_max = -1e9};
  for (const double x : {box.x_min, box.x_max}) {
    for (const double y : {box.y_min, box.y_max}) {
      const std::array<double, 2> corner = ToView(view, x, y);
      whole.x_min = std::min(whole.x_min, corner[0]);
      whole.x_max = std::max(whole.x_max, corner[0]);
      whole.y_min = std::min(whole.y_min, corner[1]);
      whole.y_max = std::max(whole.y_max, corner[1]);
    }
  }
  LabeledBox cut = whole;
  cut.x_min = std::clamp(whole.x_min, 0.0, 1.0);
  cut.x_max = std::clamp(whole.x_max, 0.0, 1.0);
  cut.y_min = std::clamp(whole.y_min, 0.0, 1.0);
  cut.y_max = std::clamp(whole.y_max, 0.0, 1.0);
  const double area = (whole.x_max - whole.x_min) * (whole.y_max - whole.y_min);
  const double left = (cut.x_max - cut.x_min) * (cut.y_max - cut.y_min);
  if (!(left > 0) || left < least_visible * area) return std::nullopt;
  return cut;
}

}  // namespace bowerbird::train
