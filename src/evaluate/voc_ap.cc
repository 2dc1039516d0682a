// SPDX-License-Identifier: Apache-2.0
#include "evaluate/voc_ap.h"

#include <algorithm>
#include <numeric>

namespace bowerbird::evaluate {
namespace {

struct Ranked {
  uint32_t picture = 0;
  uint32_t index = 0;
};

std::vector<Ranked> BestFirst(const DetectionSet& set, const CategoryBoxes& boxes) {
  std::vector<Ranked> ranked;
  for (uint32_t picture = 0; picture < set.pictures; ++picture) {
    for (const uint32_t index : boxes.found[picture]) ranked.push_back({picture, index});
  }
  std::stable_sort(ranked.begin(), ranked.end(), [&](const Ranked& a, const Ranked& b) {
    return set.found[a.index].score > set.found[b.index].score;
  });
  return ranked;
}

double EveryPoint(const VocFigures& curve) {
  double area = 0, highest = 0;
  for (size_t i = curve.recall.size(); i-- > 0;) {
    highest = std::max(highest, curve.precision[i]);
    area += (curve.recall[i] - (i == 0 ? 0 : curve.recall[i - 1])) * highest;
  }
  return area;
}

double ElevenPoints(const VocFigures& curve) {
  double sum = 0;
  for (int point = 0; point <= 10; ++point) {
    double highest = 0;
    // A tenth added up, as in the programs whose figures are published: a recall of exactly 0.6
    // does not reach the seventh point there.
    const double least = point * 0.1;
    for (size_t i = 0; i < curve.recall.size(); ++i) {
      if (curve.recall[i] >= least) highest = std::max(highest, curve.precision[i]);
    }
    sum += highest;
  }
  return sum / 11;
}

VocFigures CategoryFigures(const DetectionSet& set, const CategoryBoxes& boxes,
                           const VocOptions& options) {
  const auto overlap_of =
      options.pixel_corners ? PixelIntersectionOverUnion : IntersectionOverUnion;
  size_t truths = 0;
  for (const std::vector<uint32_t>& picture : boxes.truth) {
    truths += static_cast<size_t>(std::count_if(picture.begin(), picture.end(), [&](uint32_t t) {
      return !set.truth[t].difficult && !set.truth[t].crowd;
    }));
  }
  VocFigures figures;
  std::vector<bool> taken(set.truth.size());
  double right = 0, wrong = 0;
  for (const Ranked& ranked : BestFirst(set, boxes)) {
    const FoundBox& found = set.found[ranked.index];
    double best = 0;
    const uint32_t* match = nullptr;
    for (const uint32_t& truth : boxes.truth[ranked.picture]) {
      const double overlap = overlap_of(found.box, set.truth[truth].box);
      if (overlap > best) {
        best = overlap;
        match = &truth;
      }
    }
    if (match != nullptr && best >= options.overlap) {
      if (set.truth[*match].difficult || set.truth[*match].crowd) continue;
      (taken[*match] ? wrong : right) += 1;
      taken[*match] = true;
    } else {
      wrong += 1;
    }
    figures.score.push_back(found.score);
    figures.recall.push_back(truths == 0 ? 0 : right / static_cast<double>(truths));
    figures.precision.push_back(right / (right + wrong));
  }
  if (truths > 0) {
    figures.every_point = EveryPoint(figures);
    figures.eleven_points = ElevenPoints(figures);
  }
  return figures;
}

std::optional<double> MeanOf(const std::vector<VocFigures>& categories,
                             std::optional<double> VocFigures::*figure) {
  double sum = 0;
  size_t count = 0;
  for (const VocFigures& category : categories) {
    if (!(category.*figure).has_value()) continue;
    sum += *(category.*figure);
    ++count;
  }
  return count == 0 ? std::nullopt : std::optional(sum / static_cast<double>(count));
}

}  // namespace

VocResult VocAveragePrecision(const DetectionSet& set, const VocOptions& options) {
  VocResult result;
  for (const CategoryBoxes& boxes : ByCategory(set)) {
    result.per_category.push_back(CategoryFigures(set, boxes, options));
  }
  result.every_point = MeanOf(result.per_category, &VocFigures::every_point);
  result.eleven_points = MeanOf(result.per_category, &VocFigures::eleven_points);
  return result;
}

}  // namespace bowerbird::evaluate
