// SPDX-License-Identifier: Apache-2.0
#include "vision/ssd_anchors.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace bowerbird::vision {
namespace {

constexpr double kMinScale = 0.2;
constexpr double kMaxScale = 0.95;
constexpr double kLowestScale = 0.1;

struct BoxShape {
  double width = 0, height = 0;
};

BoxShape Shaped(double scale, double aspect_ratio) {
  const double root = std::sqrt(aspect_ratio);
  return {scale * root, scale / root};
}

double ScaleOf(int layer, int layers) {
  if (layer >= layers) return 1;  // what the last map is paired with
  if (layers == 1) return (kMinScale + kMaxScale) / 2;
  return kMinScale + (kMaxScale - kMinScale) * layer / (layers - 1);
}

std::vector<BoxShape> ShapesOf(int layer, const AnchorLayout& layout) {
  const double scale = ScaleOf(layer, layout.layers);
  if (layer == 0 && layout.reduced_lowest) {
    return {Shaped(kLowestScale, 1), Shaped(scale, 2), Shaped(scale, 0.5)};
  }
  const double between = std::sqrt(scale * ScaleOf(layer + 1, layout.layers));
  return {Shaped(scale, 1), Shaped(scale, 2),       Shaped(scale, 0.5),
          Shaped(scale, 3), Shaped(scale, 1.0 / 3), Shaped(between, 1)};
}

int Cells(int extent, int stride) { return (extent + stride - 1) / stride; }

int64_t CountOf(image::Size input, const AnchorLayout& layout) {
  int64_t count = 0;
  for (int layer = 0; layer < layout.layers; ++layer) {
    const int stride = layout.first_stride << layer;
    const int64_t boxes = layer == 0 && layout.reduced_lowest ? 3 : 6;
    count += int64_t{Cells(input.width, stride)} * Cells(input.height, stride) * boxes;
  }
  return count;
}

}  // namespace

std::vector<Anchor> GenerateAnchors(image::Size input, const AnchorLayout& layout) {
  std::vector<Anchor> anchors;
  anchors.reserve(static_cast<size_t>(CountOf(input, layout)));
  for (int layer = 0; layer < layout.layers; ++layer) {
    const int stride = layout.first_stride << layer;
    const int columns = Cells(input.width, stride);
    const int rows = Cells(input.height, stride);
    const std::vector<BoxShape> shapes = ShapesOf(layer, layout);
    for (int y = 0; y < rows; ++y) {
      for (int x = 0; x < columns; ++x) {
        for (const BoxShape& shape : shapes) {
          anchors.push_back({static_cast<float>((x + 0.5) / columns),
                             static_cast<float>((y + 0.5) / rows), static_cast<float>(shape.width),
                             static_cast<float>(shape.height)});
        }
      }
    }
  }
  return anchors;
}

std::optional<AnchorLayout> FindAnchorLayout(image::Size input, int64_t count) {
  if (input.width < 1 || input.height < 1) return std::nullopt;
  static constexpr std::array<int, 6> kLayers = {6, 5, 7, 4, 3, 2};
  for (const int first_stride : {16, 8}) {
    for (const bool reduced : {true, false}) {
      for (const int layers : kLayers) {
        const AnchorLayout layout{layers, first_stride, reduced};
        if (CountOf(input, layout) == count) return layout;
      }
    }
  }
  return std::nullopt;
}

}  // namespace bowerbird::vision
