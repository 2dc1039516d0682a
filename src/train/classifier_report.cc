// SPDX-License-Identifier: Apache-2.0
#include "train/classifier_report.h"

#include <optional>

namespace bowerbird::train {
namespace {

using nlohmann::ordered_json;

ordered_json OrNull(const std::optional<double>& value) {
  return value.has_value() ? ordered_json(*value) : ordered_json(nullptr);
}

ordered_json PerClass(const std::vector<std::string>& labels,
                      const std::vector<evaluate::LabelFigures>& figures) {
  ordered_json all = ordered_json::object();
  for (size_t k = 0; k < labels.size(); ++k) {
    const evaluate::LabelFigures& one = figures[k];
    all[labels[k]] = {{"pictures", one.truths},
                      {"precision", OrNull(one.precision)},
                      {"recall", OrNull(one.recall)},
                      {"f1", one.f1},
                      {"ap", OrNull(one.curve.average_precision)},
                      {"suggested_threshold", OrNull(one.curve.suggested_threshold)}};
  }
  return all;
}

ordered_json Matrix(const std::vector<uint64_t>& confusion, size_t labels) {
  ordered_json rows = ordered_json::array();
  for (size_t k = 0; k < labels; ++k) {
    ordered_json row = ordered_json::array();
    for (size_t j = 0; j < labels; ++j) row.push_back(confusion[k * labels + j]);
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

ordered_json ClassifierScores(const evaluate::ScoredPictures& scored,
                              std::span<const std::vector<uint32_t>> truth, bool independent) {
  ordered_json report;
  report["labels"] = scored.labels;
  if (truth.empty()) return report;
  if (independent) {
    const evaluate::MultiLabelFigures figures = evaluate::EvaluateMultiLabel(scored, truth);
    report["exact_match"] = figures.exact_match;
    report["macro_f1"] = figures.macro_f1;
    report["micro_f1"] = figures.micro_f1;
    report["map"] = OrNull(figures.mean_average_precision);
    report["per_class"] = PerClass(scored.labels, figures.per_label);
    return report;
  }
  std::vector<uint32_t> labels;
  labels.reserve(truth.size());
  for (const std::vector<uint32_t>& one : truth) labels.push_back(one.front());
  const evaluate::ClassifierFigures figures = evaluate::EvaluateClassifier(scored, labels);
  report["accuracy"] = figures.accuracy;
  report["macro_f1"] = figures.macro_f1;
  report["ece"] = figures.ece;
  report["per_class"] = PerClass(scored.labels, figures.per_label);
  report["confusion"] = Matrix(figures.confusion, scored.labels.size());
  return report;
}

}  // namespace bowerbird::train
