// SPDX-License-Identifier: Apache-2.0
#include "evaluate/coco_ap.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

namespace bowerbird::evaluate {
namespace {

constexpr int kOverlaps = 10;
constexpr int kRecalls = 101;
constexpr std::array<size_t, 3> kMostFound{1, 10, 100};
enum Range { kAll, kSmall, kMedium, kLarge, kRanges };

// Summed up as the challenge's program does: an overlap of exactly 0.6 falls on the same side.
double OverlapAt(int t) { return t + 1 == kOverlaps ? 0.95 : 0.5 + t * ((0.95 - 0.5) / 9); }

// The challenge's limits: a box of exactly 32^2 is both small and medium.
bool InRange(double area, int range) {
  constexpr double kEdge[] = {32.0 * 32.0, 96.0 * 96.0, 1e10};
  switch (range) {
    case kAll:
      return area <= 1e10;
    case kSmall:
      return area <= kEdge[0];
    case kMedium:
      return area >= kEdge[0] && area <= kEdge[1];
    default:
      return area >= kEdge[1] && area <= kEdge[2];
  }
}

// A crowd counts as covered by what lies in it, however small.
double OverlapWith(const Rectangle& found, const TruthBox& truth) {
  if (!truth.crowd) return IntersectionOverUnion(found, truth.box);
  const double width =
      std::min(found.x_max, truth.box.x_max) - std::max(found.x_min, truth.box.x_min);
  const double height =
      std::min(found.y_max, truth.box.y_max) - std::max(found.y_min, truth.box.y_min);
  const double area = found.Area();
  return width > 0 && height > 0 && area > 0 ? width * height / area : 0;
}

enum class Fate : uint8_t { kWrong, kRight, kIgnored };

// One detection after matching, at each overlap.
struct Judged {
  double score = 0;
  size_t rank = 0;  // in its picture, 0 the best
  std::array<Fate, kOverlaps> fate{};
};

// Everything of one category in one range of areas.
struct CategoryJudgement {
  std::vector<Judged> found;  // by picture, then the best first
  size_t truths = 0;          // that count
};

class PictureMatcher {
 public:
  PictureMatcher(const DetectionSet& set, const std::vector<uint32_t>& truth,
                 const std::vector<uint32_t>& found)
      : set_(set), truth_(truth), found_(found.begin(), found.end()) {
    found_.resize(std::min(found_.size(), kMostFound.back()));
    for (const uint32_t f : found_) {
      for (const uint32_t t : truth_) {
        overlaps_.push_back(OverlapWith(set_.found[f].box, set_.truth[t]));
      }
    }
  }

  void Judge(int range, CategoryJudgement& judgement) const {
    // Those that count first: they win against those that do not.
    std::vector<size_t> order(truth_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    const auto counts = [&](size_t t) {
      const TruthBox& truth = set_.truth[truth_[t]];
      return !truth.crowd && InRange(truth.area, range);
    };
    const auto counted = std::stable_partition(order.begin(), order.end(), counts);
    const size_t countable = static_cast<size_t>(counted - order.begin());
    judgement.truths += countable;

    const size_t first = judgement.found.size();
    for (size_t rank = 0; rank < found_.size(); ++rank) {
      judgement.found.push_back({set_.found[found_[rank]].score, rank, {}});
    }
    for (int t = 0; t < kOverlaps; ++t) {
      MatchAt(t, range, order, countable, {judgement.found.data() + first, found_.size()});
    }
  }

 private:
  void MatchAt(int t, int range, const std::vector<size_t>& order, size_t countable,
               std::span<Judged> judged) const {
    std::vector<bool> taken(order.size());
    for (size_t f = 0; f < judged.size(); ++f) {
      const size_t match = BestFree(f, OverlapAt(t), order, countable, taken);
      Fate fate = Fate::kWrong;
      if (match < order.size()) {
        taken[match] = true;
        fate = match < countable ? Fate::kRight : Fate::kIgnored;
      } else if (!InRange(set_.found[found_[f]].box.Area(), range)) {
        fate = Fate::kIgnored;
      }
      judged[f].fate[static_cast<size_t>(t)] = fate;
    }
  }

  // The place in `order` of the truth that the detection overlaps most, order.size() if none.
  size_t BestFree(size_t f, double least, const std::vector<size_t>& order, size_t countable,
                  const std::vector<bool>& taken) const {
    double best = std::min(least, 1 - 1e-10);
    size_t match = order.size();
    for (size_t place = 0; place < order.size(); ++place) {
      const size_t t = order[place];
      if (taken[place] && !set_.truth[truth_[t]].crowd) continue;
      if (match < countable && place >= countable) break;
      const double overlap = overlaps_[f * order.size() + t];
      if (overlap < best) continue;
      best = overlap;
      match = place;
    }
    return match;
  }

  const DetectionSet& set_;
  const std::vector<uint32_t>& truth_;
  std::vector<uint32_t> found_;
  std::vector<double> overlaps_;  // [found][truth]
};

struct Curve {
  double precision = 0;  // mean over the 101 recalls
  double recall = 0;     // at the end
};

Curve CurveAt(const CategoryJudgement& judgement, const std::vector<uint32_t>& order, size_t most,
              int overlap) {
  std::vector<double> recall, precision;
  double right = 0, wrong = 0;
  for (const uint32_t i : order) {
    const Judged& judged = judgement.found[i];
    if (judged.rank >= most) continue;
    const Fate fate = judged.fate[static_cast<size_t>(overlap)];
    if (fate == Fate::kRight) right += 1;
    if (fate == Fate::kWrong) wrong += 1;
    recall.push_back(right / static_cast<double>(judgement.truths));
    precision.push_back(right / (right + wrong + std::numeric_limits<double>::epsilon()));
  }
  for (size_t i = precision.size(); i-- > 1;) {
    precision[i - 1] = std::max(precision[i - 1], precision[i]);
  }
  Curve curve{0, recall.empty() ? 0 : recall.back()};
  size_t place = 0;
  for (int r = 0; r < kRecalls; ++r) {
    while (place < recall.size() && recall[place] < 0.01 * r) ++place;
    if (place == recall.size()) break;
    curve.precision += precision[place];
  }
  curve.precision /= kRecalls;
  return curve;
}

// Means over overlaps of one category in one range.
struct RangeFigures {
  std::optional<double> ap, ap50, ap75;
  std::array<std::optional<double>, kMostFound.size()> ar;
};

RangeFigures FiguresOf(const CategoryJudgement& judgement) {
  RangeFigures figures;
  if (judgement.truths == 0) return figures;
  std::vector<uint32_t> order(judgement.found.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return judgement.found[a].score > judgement.found[b].score;
  });
  for (size_t m = 0; m < kMostFound.size(); ++m) {
    double ap = 0, ar = 0;
    for (int t = 0; t < kOverlaps; ++t) {
      const Curve curve = CurveAt(judgement, order, kMostFound[m], t);
      ap += curve.precision / kOverlaps;
      ar += curve.recall / kOverlaps;
      if (m + 1 == kMostFound.size() && t == 0) figures.ap50 = curve.precision;
      if (m + 1 == kMostFound.size() && t == 5) figures.ap75 = curve.precision;
    }
    figures.ar[m] = ar;
    figures.ap = ap;
  }
  return figures;
}

std::optional<double> MeanOf(const std::vector<CocoFigures>& categories,
                             std::optional<double> CocoFigures::*figure) {
  double sum = 0;
  size_t count = 0;
  for (const CocoFigures& category : categories) {
    if (!(category.*figure).has_value()) continue;
    sum += *(category.*figure);
    ++count;
  }
  return count == 0 ? std::nullopt : std::optional(sum / static_cast<double>(count));
}

CocoFigures CategoryFigures(const DetectionSet& set, const CategoryBoxes& boxes) {
  std::array<CategoryJudgement, kRanges> judgements;
  for (uint32_t picture = 0; picture < set.pictures; ++picture) {
    if (boxes.truth[picture].empty() && boxes.found[picture].empty()) continue;
    const PictureMatcher matcher(set, boxes.truth[picture], boxes.found[picture]);
    for (int range = 0; range < kRanges; ++range) {
      matcher.Judge(range, judgements[static_cast<size_t>(range)]);
    }
  }
  const RangeFigures all = FiguresOf(judgements[kAll]);
  const RangeFigures small = FiguresOf(judgements[kSmall]);
  const RangeFigures medium = FiguresOf(judgements[kMedium]);
  const RangeFigures large = FiguresOf(judgements[kLarge]);
  return {all.ap,    all.ap50,  all.ap75,  small.ap,    medium.ap,    large.ap,
          all.ar[0], all.ar[1], all.ar[2], small.ar[2], medium.ar[2], large.ar[2]};
}

}  // namespace

CocoResult CocoAveragePrecision(const DetectionSet& set) {
  CocoResult result;
  for (const CategoryBoxes& boxes : ByCategory(set)) {
    result.per_category.push_back(CategoryFigures(set, boxes));
  }
  using Figures = CocoFigures;
  for (const auto figure :
       {&Figures::ap, &Figures::ap50, &Figures::ap75, &Figures::ap_small, &Figures::ap_medium,
        &Figures::ap_large, &Figures::ar1, &Figures::ar10, &Figures::ar100, &Figures::ar_small,
        &Figures::ar_medium, &Figures::ar_large}) {
    result.all.*figure = MeanOf(result.per_category, figure);
  }
  return result;
}

}  // namespace bowerbird::evaluate
