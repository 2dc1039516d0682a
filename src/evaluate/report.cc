// SPDX-License-Identifier: Apache-2.0
#include "evaluate/report.h"

#include <algorithm>
#include <cstdio>

#include "evaluate/coco_ap.h"
#include "evaluate/voc_ap.h"

namespace bowerbird::evaluate {
namespace {

using nlohmann::ordered_json;

constexpr size_t kMostMistakes = 5;  // in the text; the JSON has more

ordered_json OrNull(const std::optional<double>& value) {
  return value.has_value() ? ordered_json(*value) : ordered_json(nullptr);
}

ordered_json ToJson(const CocoFigures& coco, const std::optional<double>& every_point,
                    const std::optional<double>& eleven_points) {
  return {{"ap", OrNull(coco.ap)},
          {"ap50", OrNull(coco.ap50)},
          {"ap75", OrNull(coco.ap75)},
          {"ap_small", OrNull(coco.ap_small)},
          {"ap_medium", OrNull(coco.ap_medium)},
          {"ap_large", OrNull(coco.ap_large)},
          {"ar1", OrNull(coco.ar1)},
          {"ar10", OrNull(coco.ar10)},
          {"ar100", OrNull(coco.ar100)},
          {"ar_small", OrNull(coco.ar_small)},
          {"ar_medium", OrNull(coco.ar_medium)},
          {"ar_large", OrNull(coco.ar_large)},
          {"voc_ap50", OrNull(every_point)},
          {"voc_ap50_11_points", OrNull(eleven_points)}};
}

// The score from which on the harmonic mean of precision and recall is best, halfway to the next.
void AddThreshold(const VocFigures& figures, ordered_json& json) {
  std::optional<double> threshold, best;
  for (size_t i = 0; i < figures.score.size(); ++i) {
    // Detections of one score are taken together or not at all.
    const double next = i + 1 < figures.score.size() ? figures.score[i + 1] : 0;
    if (next == figures.score[i]) continue;
    const double sum = figures.precision[i] + figures.recall[i];
    const double f1 = sum > 0 ? 2 * figures.precision[i] * figures.recall[i] / sum : 0;
    if (best && f1 <= *best) continue;
    best = f1;
    threshold = (figures.score[i] + next) / 2;
  }
  json["suggested_threshold"] = OrNull(threshold);
  json["best_f1"] = OrNull(best);
}

ordered_json ToJson(const LabelFigures& label) {
  return {{"pictures", label.truths},
          {"answers", label.answers},
          {"right", label.right},
          {"precision", OrNull(label.precision)},
          {"recall", OrNull(label.recall)},
          {"f1", label.f1},
          {"average_precision", OrNull(label.curve.average_precision)},
          {"suggested_threshold", OrNull(label.curve.suggested_threshold)},
          {"best_f1", OrNull(label.curve.best_f1)}};
}

// Labels that the truth has or the model said; a thousand others would only hide them.
ordered_json PerClass(const std::vector<std::string>& labels,
                      const std::vector<LabelFigures>& figures) {
  auto classes = ordered_json::object();
  for (size_t k = 0; k < labels.size(); ++k) {
    if (figures[k].truths > 0 || figures[k].answers > 0) classes[labels[k]] = ToJson(figures[k]);
  }
  return classes;
}

ordered_json Confusion(const std::vector<std::string>& labels,
                       const std::vector<uint64_t>& confusion) {
  auto rows = ordered_json::object();
  for (size_t truth = 0; truth < labels.size(); ++truth) {
    auto row = ordered_json::object();
    for (size_t answer = 0; answer < labels.size(); ++answer) {
      const uint64_t count = confusion[truth * labels.size() + answer];
      if (count > 0) row[labels[answer]] = count;
    }
    if (!row.empty()) rows[labels[truth]] = std::move(row);
  }
  return rows;
}

std::string Cell(const ordered_json& value) {
  if (value.is_null()) return "-";
  if (value.is_number_integer()) return value.dump();
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", value.get<double>());
  return text;
}

void AddPadded(std::string& line, const std::string& text, size_t width) {
  line += text;
  line.append(text.size() < width ? width - text.size() : 1, ' ');
}

std::string TextOfClasses(const ordered_json& classes) {
  std::string text;
  size_t width = 8;
  for (const auto& [label, figures] : classes.items()) width = std::max(width, label.size() + 2);
  text += "\n";
  AddPadded(text, "class", width);
  const ordered_json& first = classes.front();
  for (const auto& [key, value] : first.items()) AddPadded(text, key, key.size() + 2);
  text += "\n";
  for (const auto& [label, figures] : classes.items()) {
    AddPadded(text, label, width);
    for (const auto& [key, value] : figures.items()) AddPadded(text, Cell(value), key.size() + 2);
    text += "\n";
  }
  return text;
}

}  // namespace

ordered_json DetectionReport(const DetectionSet& set) {
  const CocoResult coco = CocoAveragePrecision(set);
  const VocResult voc = VocAveragePrecision(set, {});
  ordered_json report{
      {"pictures", set.pictures}, {"boxes", set.truth.size()}, {"detections", set.found.size()}};
  report.update(ToJson(coco.all, voc.every_point, voc.eleven_points));
  auto classes = ordered_json::object();
  for (size_t c = 0; c < set.categories.size(); ++c) {
    classes[set.categories[c]] = ToJson(coco.per_category[c], voc.per_category[c].every_point,
                                        voc.per_category[c].eleven_points);
    AddThreshold(voc.per_category[c], classes[set.categories[c]]);
  }
  report["per_class"] = std::move(classes);
  return report;
}

ordered_json ClassifierReport(const ScoredPictures& scored, std::span<const uint32_t> truth) {
  const ClassifierFigures figures = EvaluateClassifier(scored, truth);
  ordered_json report{{"pictures", figures.pictures},
                      {"accuracy", figures.accuracy},
                      {"macro_f1", figures.macro_f1},
                      {"ece", figures.ece}};
  report["per_class"] = PerClass(scored.labels, figures.per_label);
  report["confusion"] = Confusion(scored.labels, figures.confusion);
  auto bins = ordered_json::array();
  for (const CalibrationBin& bin : figures.calibration) {
    bins.push_back(
        {{"pictures", bin.pictures}, {"mean_score", bin.mean_score}, {"accuracy", bin.accuracy}});
  }
  report["calibration"] = std::move(bins);
  return report;
}

ordered_json MultiLabelReport(const ScoredPictures& scored,
                              std::span<const std::vector<uint32_t>> truth) {
  const MultiLabelFigures figures = EvaluateMultiLabel(scored, truth);
  ordered_json report{{"pictures", figures.pictures},
                      {"exact_match", figures.exact_match},
                      {"macro_f1", figures.macro_f1},
                      {"micro_f1", figures.micro_f1},
                      {"map", OrNull(figures.mean_average_precision)}};
  report["per_class"] = PerClass(scored.labels, figures.per_label);
  return report;
}

std::string TextOfReport(const ordered_json& report) {
  std::string text;
  for (const auto& [key, value] : report.items()) {
    if (!value.is_number() && !value.is_null()) continue;
    AddPadded(text, key, 20);
    text += Cell(value) + "\n";
  }
  if (!report["per_class"].empty()) text += TextOfClasses(report["per_class"]);
  if (!report.contains("mistakes") || report["mistakes"].empty()) return text;
  text += "\nworst mistakes\n";
  for (size_t i = 0; i < std::min(kMostMistakes, report["mistakes"].size()); ++i) {
    const ordered_json& one = report["mistakes"][i];
    text += "  " + one.value("picture", "") + ": " + one.value("what", "") + "\n";
  }
  return text;
}

}  // namespace bowerbird::evaluate
