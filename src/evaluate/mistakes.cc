// SPDX-License-Identifier: Apache-2.0
#include "evaluate/mistakes.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace bowerbird::evaluate {
namespace {

constexpr double kOverlap = 0.5;

std::string Scored(const std::string& label, double score) {
  char text[16];
  std::snprintf(text, sizeof text, " %.2f", score);
  return label + text;
}

std::vector<Mistake> Worst(std::vector<Mistake> mistakes, size_t most) {
  std::ranges::stable_sort(mistakes, std::ranges::greater{}, &Mistake::weight);
  if (mistakes.size() > most) mistakes.resize(most);
  return mistakes;
}

}  // namespace

std::vector<Mistake> WorstMistakes(const ScoredPictures& scored, std::span<const uint32_t> truth,
                                   size_t most) {
  const size_t labels = scored.labels.size();
  std::vector<Mistake> mistakes;
  for (size_t i = 0; i < truth.size(); ++i) {
    const auto row = std::span(scored.scores).subspan(i * labels, labels);
    const auto best = static_cast<size_t>(std::ranges::max_element(row) - row.begin());
    if (best == truth[i]) continue;
    mistakes.push_back(
        {static_cast<uint32_t>(i), row[best],
         Scored(scored.labels[best], row[best]) + ", it is " + scored.labels[truth[i]]});
  }
  return Worst(std::move(mistakes), most);
}

std::vector<Mistake> WorstMistakes(const ScoredPictures& scored,
                                   std::span<const std::vector<uint32_t>> truth, size_t most) {
  const size_t labels = scored.labels.size();
  std::vector<Mistake> mistakes;
  for (size_t i = 0; i < truth.size(); ++i) {
    Mistake mistake{static_cast<uint32_t>(i), 0, ""};
    for (size_t k = 0; k < labels; ++k) {
      const double score = scored.scores[i * labels + k];
      const bool is = std::ranges::find(truth[i], k) != truth[i].end();
      if ((score >= 0.5) == is) continue;
      mistake.weight = std::max(mistake.weight, is ? 1 - score : score);
      mistake.what += (mistake.what.empty() ? "" : ", ") + Scored(scored.labels[k], score) +
                      (is ? " (it is)" : " (it is not)");
    }
    if (!mistake.what.empty()) mistakes.push_back(std::move(mistake));
  }
  return Worst(std::move(mistakes), most);
}

std::vector<Mistake> WorstMistakes(const DetectionSet& set, double least_score, size_t most) {
  std::vector<uint32_t> missed(set.pictures), wrong(set.pictures);
  for (const CategoryBoxes& boxes : ByCategory(set)) {
    for (uint32_t p = 0; p < set.pictures; ++p) {
      std::vector<bool> taken(boxes.truth[p].size());
      for (const uint32_t f : boxes.found[p]) {
        if (set.found[f].score < least_score) continue;
        size_t hit = taken.size();
        double best = kOverlap;
        for (size_t t = 0; t < taken.size(); ++t) {
          const double overlap =
              IntersectionOverUnion(set.found[f].box, set.truth[boxes.truth[p][t]].box);
          if (taken[t] || overlap < best) continue;
          best = overlap;
          hit = t;
        }
        if (hit < taken.size()) {
          taken[hit] = true;
        } else {
          ++wrong[p];
        }
      }
      missed[p] += static_cast<uint32_t>(std::ranges::count(taken, false));
    }
  }
  std::vector<Mistake> mistakes;
  for (uint32_t p = 0; p < set.pictures; ++p) {
    if (missed[p] + wrong[p] == 0) continue;
    mistakes.push_back(
        {p, static_cast<double>(missed[p] + wrong[p]),
         std::to_string(missed[p]) + " missed, " + std::to_string(wrong[p]) + " wrong"});
  }
  return Worst(std::move(mistakes), most);
}

}  // namespace bowerbird::evaluate
