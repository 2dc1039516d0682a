// SPDX-License-Identifier: Apache-2.0
#include "evaluate/detection_set.h"

#include <algorithm>

namespace bowerbird::evaluate {
namespace {

// `edge`: what a side of a box is longer than the difference of its corners.
double Overlap(const Rectangle& a, const Rectangle& b, double edge) {
  const double width = std::min(a.x_max, b.x_max) - std::max(a.x_min, b.x_min) + edge;
  const double height = std::min(a.y_max, b.y_max) - std::max(a.y_min, b.y_min) + edge;
  if (width <= 0 || height <= 0) return 0;
  const auto area = [edge](const Rectangle& box) {
    return (box.x_max - box.x_min + edge) * (box.y_max - box.y_min + edge);
  };
  const double both = width * height;
  const double either = area(a) + area(b) - both;
  return either > 0 ? both / either : 0;
}

}  // namespace

std::vector<CategoryBoxes> ByCategory(const DetectionSet& set) {
  std::vector<CategoryBoxes> categories(set.categories.size());
  const auto add = [&](const auto& boxes, auto CategoryBoxes::*side) {
    for (uint32_t i = 0; i < boxes.size(); ++i) {
      const auto& box = boxes[i];
      if (box.category >= categories.size() || box.picture >= set.pictures) continue;
      auto& by_picture = categories[box.category].*side;
      if (by_picture.empty()) by_picture.resize(set.pictures);
      by_picture[box.picture].push_back(i);
    }
  };
  add(set.truth, &CategoryBoxes::truth);
  add(set.found, &CategoryBoxes::found);
  for (CategoryBoxes& category : categories) {
    category.truth.resize(set.pictures);
    category.found.resize(set.pictures);
    for (std::vector<uint32_t>& found : category.found) {
      std::stable_sort(found.begin(), found.end(), [&](uint32_t a, uint32_t b) {
        return set.found[a].score > set.found[b].score;
      });
    }
  }
  return categories;
}

double IntersectionOverUnion(const Rectangle& a, const Rectangle& b) { return Overlap(a, b, 0); }

double PixelIntersectionOverUnion(const Rectangle& a, const Rectangle& b) {
  return Overlap(a, b, 1);
}

}  // namespace bowerbird::evaluate
