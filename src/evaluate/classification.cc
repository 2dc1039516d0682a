// SPDX-License-Identifier: Apache-2.0
#include "evaluate/classification.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace bowerbird::evaluate {
namespace {

double Ratio(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

void FillRatios(LabelFigures& figures) {
  if (figures.answers > 0) figures.precision = Ratio(figures.right, figures.answers);
  if (figures.truths > 0) figures.recall = Ratio(figures.right, figures.truths);
  figures.f1 = Ratio(2 * figures.right, figures.answers + figures.truths);
}

double MacroF1(const std::vector<LabelFigures>& labels) {
  double sum = 0;
  uint64_t count = 0;
  for (const LabelFigures& label : labels) {
    if (label.truths == 0 && label.answers == 0) continue;
    sum += label.f1;
    ++count;
  }
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

// Of label k over all pictures.
std::vector<float> ColumnOf(const ScoredPictures& scored, size_t pictures, size_t k) {
  std::vector<float> column(pictures);
  const size_t labels = scored.labels.size();
  for (size_t i = 0; i < pictures; ++i) column[i] = scored.scores[i * labels + k];
  return column;
}

void FillCalibration(std::vector<CalibrationBin>& bins, uint64_t pictures, double& ece) {
  ece = 0;
  for (CalibrationBin& bin : bins) {
    if (bin.pictures == 0) continue;
    const auto count = static_cast<double>(bin.pictures);
    bin.mean_score /= count;
    bin.accuracy /= count;
    ece += std::abs(bin.accuracy - bin.mean_score) * count / static_cast<double>(pictures);
  }
}

// (low, high]: where the 15 bins of the paper have their edges; 0 belongs to the first.
size_t BinOf(float score) {
  const double place = std::ceil(static_cast<double>(score) * kCalibrationBins) - 1;
  return static_cast<size_t>(std::clamp(place, 0.0, kCalibrationBins - 1.0));
}

}  // namespace

PrecisionRecall PrecisionRecallOf(std::span<const float> scores,
                                  const std::vector<bool>& positive) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  const auto positives = static_cast<uint64_t>(std::count(positive.begin(), positive.end(), true));
  PrecisionRecall curve;
  if (positives > 0) curve.average_precision = 0;
  uint64_t right = 0, before = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    if (positive[order[i]]) ++right;
    const bool last = i + 1 == order.size();
    // Equal scores are told apart by no threshold: one point for all of them.
    if (!last && scores[order[i + 1]] == scores[order[i]]) continue;
    const double precision = Ratio(right, i + 1);
    curve.threshold.push_back(scores[order[i]]);
    curve.precision.push_back(precision);
    curve.recall.push_back(Ratio(right, positives));
    if (positives == 0) continue;
    *curve.average_precision += precision * Ratio(right - before, positives);
    before = right;
    const double f1 = Ratio(2 * right, i + 1 + positives);
    if (f1 > curve.best_f1.value_or(0)) {
      curve.best_f1 = f1;
      const double next = last ? 0 : static_cast<double>(scores[order[i + 1]]);
      curve.suggested_threshold = (static_cast<double>(scores[order[i]]) + next) / 2;
    }
  }
  return curve;
}

ClassifierFigures EvaluateClassifier(const ScoredPictures& scored,
                                     std::span<const uint32_t> truth) {
  const size_t labels = scored.labels.size();
  ClassifierFigures figures;
  figures.pictures = truth.size();
  figures.per_label.resize(labels);
  figures.confusion.resize(labels * labels);
  figures.calibration.resize(kCalibrationBins);
  if (truth.empty()) return figures;
  uint64_t right = 0;
  for (size_t i = 0; i < truth.size(); ++i) {
    const auto row = std::span(scored.scores).subspan(i * labels, labels);
    const auto best = std::max_element(row.begin(), row.end());
    const auto answer = static_cast<size_t>(best - row.begin());
    const bool hit = answer == truth[i];
    right += hit ? 1 : 0;
    ++figures.per_label[truth[i]].truths;
    ++figures.per_label[answer].answers;
    if (hit) ++figures.per_label[answer].right;
    ++figures.confusion[truth[i] * labels + answer];
    CalibrationBin& bin = figures.calibration[BinOf(*best)];
    ++bin.pictures;
    bin.mean_score += static_cast<double>(*best);
    bin.accuracy += hit ? 1 : 0;
  }
  for (size_t k = 0; k < labels; ++k) {
    FillRatios(figures.per_label[k]);
    std::vector<bool> positive(truth.size());
    for (size_t i = 0; i < truth.size(); ++i) positive[i] = truth[i] == k;
    figures.per_label[k].curve = PrecisionRecallOf(ColumnOf(scored, truth.size(), k), positive);
  }
  figures.accuracy = Ratio(right, truth.size());
  figures.macro_f1 = MacroF1(figures.per_label);
  FillCalibration(figures.calibration, figures.pictures, figures.ece);
  return figures;
}

MultiLabelFigures EvaluateMultiLabel(const ScoredPictures& scored,
                                     std::span<const std::vector<uint32_t>> truth,
                                     double threshold) {
  const size_t labels = scored.labels.size();
  MultiLabelFigures figures;
  figures.pictures = truth.size();
  figures.per_label.resize(labels);
  std::vector<bool> exact(truth.size(), true);
  uint64_t truths = 0, answers = 0, right = 0, curves = 0;
  double precision_sum = 0;
  for (size_t k = 0; k < labels; ++k) {
    LabelFigures& label = figures.per_label[k];
    const std::vector<float> column = ColumnOf(scored, truth.size(), k);
    std::vector<bool> positive(truth.size());
    for (size_t i = 0; i < truth.size(); ++i) {
      positive[i] = std::find(truth[i].begin(), truth[i].end(), k) != truth[i].end();
      const bool said = static_cast<double>(column[i]) >= threshold;
      label.truths += positive[i] ? 1 : 0;
      label.answers += said ? 1 : 0;
      label.right += positive[i] && said ? 1 : 0;
      if (positive[i] != said) exact[i] = false;
    }
    FillRatios(label);
    label.curve = PrecisionRecallOf(column, positive);
    truths += label.truths;
    answers += label.answers;
    right += label.right;
    if (label.curve.average_precision.has_value()) {
      precision_sum += *label.curve.average_precision;
      ++curves;
    }
  }
  figures.exact_match =
      Ratio(static_cast<uint64_t>(std::count(exact.begin(), exact.end(), true)), truth.size());
  figures.macro_f1 = MacroF1(figures.per_label);
  figures.micro_f1 = Ratio(2 * right, truths + answers);
  if (curves > 0) figures.mean_average_precision = precision_sum / static_cast<double>(curves);
  return figures;
}

}  // namespace bowerbird::evaluate
