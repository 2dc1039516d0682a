// SPDX-License-Identifier: Apache-2.0
#include "vision/yolo_layout.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/status.h"

namespace bowerbird::vision {
namespace {

using Coordinates = YoloLayout::Coordinates;

float ValueAt(std::span<const float> values, const YoloLayout& layout, size_t row, size_t column) {
  return layout.columns_first ? values[column * static_cast<size_t>(layout.candidates) + row]
                              : values[row * static_cast<size_t>(layout.columns) + column];
}

// Which axis holds the candidates: the one whose extent the strides explain, else the longer one.
YoloPlan Oriented(const infer::Shape& shape, image::Size input) {
  YoloPlan plan;
  plan.layout.candidates = shape[1];
  plan.layout.columns = shape[2];
  plan.grid = GridFor(input, shape[1]);
  if (!plan.grid.cells.empty()) return plan;
  plan.grid = GridFor(input, shape[2]);
  if (!plan.grid.cells.empty() || shape[2] > shape[1]) {
    plan.layout.candidates = shape[2];
    plan.layout.columns = shape[1];
    plan.layout.columns_first = true;
  }
  return plan;
}

// The number of labels decides; without it COCO's 80 classes, then who exports which layout:
// columns first is YOLOv8, which has no objectness.
bool HasObjectness(const YoloLayout& layout, const YoloGrid& grid, int label_count) {
  if (label_count > 0 && layout.columns == 5 + label_count) return true;
  if (label_count > 0 && layout.columns == 4 + label_count) return false;
  if (layout.columns == 85) return true;
  if (layout.columns == 84 || layout.columns == 5) return false;
  return grid.anchors > 1 || !layout.columns_first;
}

// Mean distance of the centres from the middles of their cells, in strides, under a hypothesis. A
// head predicts objects near its cell, so only the right hypothesis gives a small one.
double DistanceFromCells(std::span<const float> values, const YoloPlan& plan, image::Size input,
                         Coordinates hypothesis) {
  double sum = 0;
  for (size_t i = 0; i < plan.grid.cells.size(); ++i) {
    const GridCell& cell = plan.grid.cells[i];
    double x = ValueAt(values, plan.layout, i, 0);
    double y = ValueAt(values, plan.layout, i, 1);
    if (hypothesis == Coordinates::kGrid) {
      x += cell.x;
      y += cell.y;
    } else {
      x *= (hypothesis == Coordinates::kRelative ? input.width : 1.0) / cell.stride;
      y *= (hypothesis == Coordinates::kRelative ? input.height : 1.0) / cell.stride;
    }
    const double distance = std::hypot(x - cell.x - 0.5, y - cell.y - 0.5);
    sum += std::isfinite(distance) ? std::min(distance, 1e6) : 1e6;
  }
  return sum / static_cast<double>(std::max<size_t>(plan.grid.cells.size(), 1));
}

Coordinates CoordinatesOf(std::span<const float> values, const YoloPlan& plan, image::Size input) {
  if (!plan.grid.cells.empty()) {
    Coordinates best = Coordinates::kPixels;
    double least = DistanceFromCells(values, plan, input, best);
    for (const Coordinates other : {Coordinates::kRelative, Coordinates::kGrid}) {
      // A grid of raw offsets exists only with one candidate a cell.
      if (other == Coordinates::kGrid && plan.grid.anchors != 1) continue;
      const double distance = DistanceFromCells(values, plan, input, other);
      if (distance < least) {
        best = other;
        least = distance;
      }
    }
    return best;
  }
  for (int64_t i = 0; i < plan.layout.candidates; ++i) {
    for (size_t column = 0; column < 4; ++column) {
      if (ValueAt(values, plan.layout, static_cast<size_t>(i), column) > 2) {
        return Coordinates::kPixels;
      }
    }
  }
  return Coordinates::kRelative;
}

bool ScoresAreLogits(std::span<const float> values, const YoloLayout& layout) {
  constexpr float kRounding = 1e-2f;
  for (size_t i = 0; i < static_cast<size_t>(layout.candidates); ++i) {
    for (size_t column = 4; column < static_cast<size_t>(layout.columns); ++column) {
      const float value = ValueAt(values, layout, i, column);
      if (value < -kRounding || value > 1 + kRounding) return true;
    }
  }
  return false;
}

}  // namespace

absl::StatusOr<YoloPlan> RecognizeYolo(const infer::Shape& shape, std::span<const float> values,
                                       image::Size input, int label_count, bool forced) {
  const auto refuse = [&](const std::string& why) {
    return FailedPrecondition("an output of shape " + infer::ShapeText(shape) +
                              " is no tensor of YOLO candidates: " + why);
  };
  if (shape.size() != 3 || shape[0] != 1) return refuse("it is not [1, N, K] or [1, K, N]");
  YoloPlan plan = Oriented(shape, input);
  YoloLayout& layout = plan.layout;
  if (layout.columns < 5 || layout.candidates < 1) {
    return refuse("a candidate needs at least 5 numbers");
  }
  if (values.size() != static_cast<size_t>(layout.columns * layout.candidates)) {
    return refuse("it holds " + std::to_string(values.size()) + " values");
  }
  if (plan.grid.cells.empty() && !forced) {
    return refuse("neither extent is what strides 8, 16, 32 give for an input of " +
                  std::to_string(input.width) + "x" + std::to_string(input.height) +
                  "; set \"decoder\": \"yolo\" if it is one all the same");
  }
  layout.objectness = HasObjectness(layout, plan.grid, label_count);
  layout.logits = ScoresAreLogits(values, layout);
  layout.coordinates = CoordinatesOf(values, plan, input);
  return plan;
}

}  // namespace bowerbird::vision
