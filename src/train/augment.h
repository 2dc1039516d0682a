// SPDX-License-Identifier: Apache-2.0
//
// Pictures as they might have been taken otherwise: nearer or farther, moved, turned, mirrored,
// brighter, in other light. Boxes follow.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "image/image.h"
#include "train/float_graph.h"
#include "train/random.h"

namespace bowerbird::train {

struct AugmentOptions {
  // Of the part of the picture that is seen, over the picture: > 1 shows a border of gray.
  double least_view = 0.5;
  double most_view = 1.3;
  double aspect = 1.15;      // width over height of that part, at most, and its inverse
  double rotation = 0;       // degrees to either side
  bool mirror = true;        // left for right, half of the time
  double gain = 0.3;         // a factor of 1 - gain .. 1 + gain on all channels
  double color_gain = 0.08;  // and another for each
  double bias = 0.1;         // added, as a share of the range of a channel
};

// Where a view's points lie in the picture, both in shares 0..1, and what happens to its light:
//   x' = x[0] * u + x[1] * v + x[2],  y' = y[0] * u + y[1] * v + y[2],
//   channel' = channel * gain[c] + bias (of 0..255).
struct View {
  std::array<double, 3> x{1, 0, 0};
  std::array<double, 3> y{0, 1, 0};
  std::array<double, 3> gain{1, 1, 1};
  double bias = 0;
};

View RandomView(const AugmentOptions& options, Random& random);

// `picture` (kRgb8) seen so, at `size`, as the input of a network [H, W, 3]: bilinear at half-pixel
// centres, gray where the view leaves the picture. `input` has room for exactly that.
void FillInput(const image::Image& picture, const View& view, image::Size size,
               const InputScaling& scaling, std::span<float> input);

// Shares of the picture.
struct LabeledBox {
  int label = 0;
  double x_min = 0, y_min = 0, x_max = 0, y_max = 0;
};

// The box as the view shows it, cut at its borders; nullopt if less than `least_visible` of its
// area is left.
std::optional<LabeledBox> Seen(const LabeledBox& box, const View& view, double least_visible = 0.4);

}  // namespace bowerbird::train
