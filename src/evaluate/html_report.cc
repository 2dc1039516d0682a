// SPDX-License-Identifier: Apache-2.0
#include "evaluate/html_report.h"

#include <algorithm>

#include "evaluate/html_parts.h"
#include "evaluate/html_plot.h"
#include "evaluate/voc_ap.h"

namespace bowerbird::evaluate {
namespace {

using nlohmann::ordered_json;

std::string Candidates(const ordered_json& report) {
  if (!report.contains("candidates") || !report["candidates"].is_array()) return "";
  std::vector<std::pair<std::string, const ordered_json*>> rows;
  for (const ordered_json& one : report["candidates"]) {
    if (one.is_object()) rows.emplace_back(one.value("path", ""), &one);
  }
  return Table(rows, "way");
}

std::string LossPlot(const std::vector<std::pair<double, double>>& loss) {
  if (loss.size() < 2) return "";
  double most = 0;
  for (const auto& [step, value] : loss) most = std::max(most, value);
  return LinePlot({.x = "step", .y = "loss", .x_max = loss.back().first, .y_max = most},
                  {{.name = "", .points = loss}});
}

// What is left: small values and objects, as they are.
std::string Facts(const ordered_json& report) {
  std::string html;
  for (const char* key :
       {"type", "path", "seed", "split", "cross_validation", "training", "head", "base", "model"}) {
    if (report.contains(key))
      html += "<tr><td>" + std::string(key) + "</td><td style=\"text-align:left\"><code>" +
              Shown(report[key]) + "</code></td></tr>";
  }
  return html.empty() ? "" : "<div class=\"scroll\"><table>" + html + "</table></div>";
}

}  // namespace

std::vector<LabelCurve> CurvesOf(const ScoredPictures& scored,
                                 std::span<const std::vector<uint32_t>> truth) {
  const MultiLabelFigures figures = EvaluateMultiLabel(scored, truth);
  std::vector<LabelCurve> curves;
  for (size_t k = 0; k < scored.labels.size(); ++k) {
    const PrecisionRecall& curve = figures.per_label[k].curve;
    if (figures.per_label[k].truths > 0)
      curves.push_back({scored.labels[k], curve.recall, curve.precision});
  }
  return curves;
}

std::vector<LabelCurve> CurvesOf(const DetectionSet& set) {
  const VocResult voc = VocAveragePrecision(set, {});
  std::vector<LabelCurve> curves;
  for (size_t c = 0; c < set.categories.size(); ++c) {
    if (voc.per_category[c].every_point.has_value())
      curves.push_back(
          {set.categories[c], voc.per_category[c].recall, voc.per_category[c].precision});
  }
  return curves;
}

std::string HtmlReport(const ordered_json& report, const HtmlDetails& details) {
  std::string html = Figures(report) + "\n";
  html += Section("Curves", Plots(CurvePlot(details.curves) + CalibrationPlot(report) +
                                  LossPlot(details.loss)));
  html += Section("On this machine", Cost(report));
  html += Section("Confusion", Confusion(report));
  html += Section("Labels", PerClass(report));
  html += Section("Candidates", Candidates(report));
  html += Section("Worst mistakes", Mistakes(details.mistakes));
  html += Section("Warnings", List(report, "warnings"));
  html += Section("Left out", List(report, "problems"));
  html += Section("How it was made", Facts(report));
  return Page(details.title, html);
}

}  // namespace bowerbird::evaluate
