// SPDX-License-Identifier: Apache-2.0
#include "vision/yolo_head.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "base/status.h"
#include "vision/class_scores.h"

namespace bowerbird::vision {
namespace {

using Coordinates = YoloLayout::Coordinates;

// e^this is a box tens of thousands of strides wide: beyond, only infinity is left.
constexpr double kLargestExponent = 10;

int Cells(int extent, int stride) { return (extent + stride - 1) / stride; }

int64_t CountOf(image::Size input, std::initializer_list<int> strides) {
  int64_t count = 0;
  for (const int stride : strides) {
    count += int64_t{Cells(input.width, stride)} * Cells(input.height, stride);
  }
  return count;
}

std::vector<GridCell> CellsOf(image::Size input, std::initializer_list<int> strides, int anchors) {
  std::vector<GridCell> cells;
  for (const int stride : strides) {
    const int columns = Cells(input.width, stride);
    const int rows = Cells(input.height, stride);
    for (int anchor = 0; anchor < anchors; ++anchor) {
      for (int y = 0; y < rows; ++y) {
        for (int x = 0; x < columns; ++x) cells.push_back({x, y, stride});
      }
    }
  }
  return cells;
}

// Reads row by row whichever way the tensor lies.
class Rows {
 public:
  Rows(std::span<const float> values, const YoloLayout& layout)
      : values_(values),
        row_step_(layout.columns_first ? 1 : static_cast<size_t>(layout.columns)),
        column_step_(layout.columns_first ? static_cast<size_t>(layout.candidates) : 1) {}
  float at(size_t row, size_t column) const {
    return values_[row * row_step_ + column * column_step_];
  }

 private:
  std::span<const float> values_;
  size_t row_step_;
  size_t column_step_;
};

double Probability(double value, bool logits) {
  return logits ? Sigmoid(value) : NormalizeScore(value);
}

struct Scored {
  int category = -1;
  double score = 0;
};

Scored BestClass(const Rows& rows, size_t row, const YoloLayout& layout) {
  const size_t first = layout.objectness ? 5 : 4;
  const size_t columns = static_cast<size_t>(layout.columns);
  size_t best = columns;
  float top = 0;
  for (size_t column = first; column < columns; ++column) {
    const float score = rows.at(row, column);
    if (std::isnan(score) || (best != columns && !(score > top))) continue;
    best = column;
    top = score;
  }
  const double objectness = layout.objectness ? Probability(rows.at(row, 4), layout.logits) : 1.0;
  // A model of a single class may have an objectness and nothing else.
  if (first == columns) return {0, objectness};
  if (best == columns) return {};
  return {static_cast<int>(best - first), objectness * Probability(top, layout.logits)};
}

Candidate BoxAt(const Rows& rows, size_t row, Coordinates coordinates, const GridCell& cell,
                image::Size input) {
  double x = rows.at(row, 0);
  double y = rows.at(row, 1);
  double width = rows.at(row, 2);
  double height = rows.at(row, 3);
  if (coordinates == Coordinates::kGrid) {
    x = (x + cell.x) * cell.stride;
    y = (y + cell.y) * cell.stride;
    width = std::exp(std::min(width, kLargestExponent)) * cell.stride;
    height = std::exp(std::min(height, kLargestExponent)) * cell.stride;
  }
  const double scale_x = coordinates == Coordinates::kRelative ? 1.0 : input.width;
  const double scale_y = coordinates == Coordinates::kRelative ? 1.0 : input.height;
  return {(x - width / 2) / scale_x,
          (y - height / 2) / scale_y,
          (x + width / 2) / scale_x,
          (y + height / 2) / scale_y,
          0,
          0};
}

bool IsFinite(const Candidate& box) {
  return std::isfinite(box.x_min) && std::isfinite(box.y_min) && std::isfinite(box.x_max) &&
         std::isfinite(box.y_max);
}

}  // namespace

YoloGrid GridFor(image::Size input, int64_t count) {
  if (input.width < 1 || input.height < 1) return {};
  static constexpr std::initializer_list<int> kStrides[] = {
      {8, 16, 32}, {8, 16, 32, 64}, {16, 32}, {4, 8, 16, 32}};
  for (const auto& strides : kStrides) {
    const int64_t cells = CountOf(input, strides);
    if (cells == count) return {CellsOf(input, strides, 1), 1};
    if (cells * 3 == count) return {CellsOf(input, strides, 3), 3};
  }
  return {};
}

absl::StatusOr<std::vector<Candidate>> DecodeYolo(std::span<const float> values,
                                                  const YoloLayout& layout,
                                                  std::span<const GridCell> cells,
                                                  image::Size input, double minimum_score) {
  const size_t count = static_cast<size_t>(layout.candidates);
  const bool grid = layout.coordinates == Coordinates::kGrid;
  if (layout.columns < 5 || values.size() != count * static_cast<size_t>(layout.columns) ||
      (grid && cells.size() != count)) {
    return FailedPrecondition("a candidate tensor of " + std::to_string(values.size()) +
                              " values does not hold " + std::to_string(layout.candidates) +
                              " candidates of " + std::to_string(layout.columns) + " numbers");
  }
  const Rows rows(values, layout);
  std::vector<Candidate> candidates;
  for (size_t i = 0; i < count; ++i) {
    const Scored best = BestClass(rows, i, layout);
    if (best.category < 0 || !(best.score >= minimum_score)) continue;
    Candidate candidate = BoxAt(rows, i, layout.coordinates, grid ? cells[i] : GridCell{}, input);
    if (!IsFinite(candidate)) continue;
    candidate.score = best.score;
    candidate.category = best.category;
    candidates.push_back(candidate);
  }
  return candidates;
}

}  // namespace bowerbird::vision
