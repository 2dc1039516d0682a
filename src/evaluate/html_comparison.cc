// SPDX-License-Identifier: Apache-2.0
#include "evaluate/html_comparison.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "evaluate/html_parts.h"
#include "evaluate/html_plot.h"

namespace bowerbird::evaluate {
namespace {

using nlohmann::ordered_json;

// Of these, less is better; of `pictures` and the like nothing is.
constexpr std::array<std::string_view, 7> kLessIsBetter = {
    "ece",         "invoke_ms_p50", "invoke_ms_p95", "call_ms_p50",
    "call_ms_p95", "memory_mb",     "file_bytes"};
constexpr std::array<std::string_view, 3> kNeither = {"pictures", "boxes", "detections"};

bool IsOneOf(auto& keys, std::string_view key) {
  return std::ranges::find(keys, key) != keys.end();
}

std::string DifferenceCell(std::string_view key, const ordered_json& difference) {
  if (!difference.is_number()) return "<td></td>";
  const auto value = difference.get<double>();
  std::string_view quality;
  if (value != 0 && !IsOneOf(kNeither, key))
    quality = (value < 0) == IsOneOf(kLessIsBetter, key) ? "better" : "worse";
  return "<td class=\"" + std::string(quality) + "\">" + (value > 0 ? "+" : "") +
         Shown(difference) + "</td>";
}

const ordered_json& At(const ordered_json& object, const std::string& key) {
  static const ordered_json kNone;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found == object.end() ? kNone : *found;
}

std::string HeadRow(std::string_view first) {
  return "<tr><th>" + std::string(first) +
         "</th><th>model</th><th>other</th><th>difference</th></tr>";
}

std::string Row(const std::string& name, const std::string& key, const ordered_json& model,
                const ordered_json& other, const ordered_json& difference) {
  return "<tr><td>" + Escaped(name) + "</td><td>" + Shown(At(model, key)) + "</td><td>" +
         Shown(At(other, key)) + "</td>" + DifferenceCell(key, At(difference, key)) + "</tr>";
}

std::string Numbers(const ordered_json& comparison) {
  std::string rows;
  for (const auto& [key, value] : At(comparison, "model").items()) {
    if (value.is_number())
      rows += Row(key, key, At(comparison, "model"), At(comparison, "other"),
                  At(comparison, "difference"));
  }
  return "<div class=\"scroll\"><table>" + HeadRow("figure") + rows + "</table></div>";
}

std::string Labels(const ordered_json& comparison) {
  const ordered_json& model = At(At(comparison, "model"), "per_class");
  const ordered_json& other = At(At(comparison, "other"), "per_class");
  const ordered_json& difference = At(At(comparison, "difference"), "per_class");
  if (!model.is_object() || model.empty()) return "";
  const std::string key = model.begin()->contains("ap50") ? "ap50" : "f1";
  std::string rows;
  for (const auto& [label, figures] : model.items())
    rows += Row(label, key, figures, At(other, label), At(difference, label));
  return "<div class=\"scroll\"><table>" + HeadRow(key) + rows + "</table></div>";
}

std::string Beside(const std::string& model, const std::string& other) {
  if (model.empty() && other.empty()) return "";
  return "<div class=\"beside\"><div>" + model + "</div><div>" + other + "</div></div>";
}

std::string Names(const HtmlDetails& model, const HtmlDetails& other) {
  return Beside("<small>model</small><br><b>" + Escaped(model.title) + "</b>",
                "<small>other</small><br><b>" + Escaped(other.title) + "</b>");
}

}  // namespace

std::string HtmlComparison(const ordered_json& comparison, const HtmlDetails& model,
                           const HtmlDetails& other) {
  const ordered_json& ours = At(comparison, "model");
  const ordered_json& theirs = At(comparison, "other");
  std::string html = Names(model, other) + "\n<div class=\"figures\"><div><b>" +
                     Percent(At(comparison, "agreement")) + "</b>agreement</div></div>\n";
  html += Section("Figures", Numbers(comparison));
  html += Section("Labels", Labels(comparison));
  html += Section("Curves", Beside(CurvePlot(model.curves) + CalibrationPlot(ours),
                                   CurvePlot(other.curves) + CalibrationPlot(theirs)));
  html += Section("Confusion", Beside(Confusion(ours), Confusion(theirs)));
  html += Section("Worst mistakes", Beside(Mistakes(model.mistakes), Mistakes(other.mistakes)));
  return Page("Two models side by side", html);
}

}  // namespace bowerbird::evaluate
