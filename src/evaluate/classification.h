// SPDX-License-Identifier: Apache-2.0
//
// How good a classifier is, from its scores and what is there: for one label a picture
// (ClassifierFigures) and for any number of them (MultiLabelFigures).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bowerbird::evaluate {

// scores[i * labels + k]: of picture i for label k, 0..1.
struct ScoredPictures {
  std::vector<std::string> labels{};
  std::vector<float> scores{};
};

// Precision and recall of one label at every score that separates: falling scores.
struct PrecisionRecall {
  std::vector<float> threshold;
  std::vector<double> precision, recall;
  // Area below the curve, each hit weighing its precision ("average precision" of information
  // retrieval, no interpolation). Absent without a positive.
  std::optional<double> average_precision;
  // The score from which on "yes" gives the best F1, halfway to the next lower score, and that F1.
  std::optional<double> suggested_threshold, best_f1;
};

// `positive[i]`: whether picture i has the label. As many of both.
PrecisionRecall PrecisionRecallOf(std::span<const float> scores, const std::vector<bool>& positive);

struct LabelFigures {
  uint64_t truths = 0;   // pictures that have the label
  uint64_t answers = 0;  // pictures for which the model says it
  uint64_t right = 0;
  // Absent where they would divide by 0: no answer, no truth.
  std::optional<double> precision, recall;
  double f1 = 0;  // 0 where there is neither
  PrecisionRecall curve;
};

// One of `bins` of equal width: pictures whose highest score lies in it.
struct CalibrationBin {
  uint64_t pictures = 0;
  double mean_score = 0;
  double accuracy = 0;
};

inline constexpr int kCalibrationBins = 15;

struct ClassifierFigures {
  uint64_t pictures = 0;
  double accuracy = 0;
  // Mean of F1 over labels that are there or were said; a label that never occurs does not count.
  double macro_f1 = 0;
  // Expected calibration error: mean of |accuracy - score| over the bins, by pictures. Guo et al.,
  // "On Calibration of Modern Neural Networks", ICML 2017, with 15 bins.
  double ece = 0;
  std::vector<CalibrationBin> calibration;
  std::vector<LabelFigures> per_label;
  // confusion[truth * labels + answer], pictures.
  std::vector<uint64_t> confusion;
};

// `truth[i]`: the number of the label of picture i, less than the number of labels. A picture's
// answer is its highest score, the first of equal ones. No pictures: all zero.
ClassifierFigures EvaluateClassifier(const ScoredPictures& scored, std::span<const uint32_t> truth);

struct MultiLabelFigures {
  uint64_t pictures = 0;
  double exact_match = 0;  // share of pictures for which every label is right at `threshold`
  double macro_f1 = 0;     // over labels that are there or were said
  double micro_f1 = 0;     // over all decisions together
  std::optional<double> mean_average_precision;  // over labels that have a positive
  std::vector<LabelFigures> per_label;
};

// `truth[i]`: the labels of picture i, each less than the number of labels.
MultiLabelFigures EvaluateMultiLabel(const ScoredPictures& scored,
                                     std::span<const std::vector<uint32_t>> truth,
                                     double threshold = 0.5);

}  // namespace bowerbird::evaluate
