// SPDX-License-Identifier: Apache-2.0
#include "evaluate/html_parts.h"

#include <algorithm>
#include <cstdio>

#include "base/base64.h"
#include "evaluate/html_plot.h"

namespace bowerbird::evaluate {

using nlohmann::ordered_json;

namespace {

constexpr size_t kMostLines = 200;  // of lists that may be long
// A matrix with more labels is not readable; the JSON has it.
constexpr size_t kMostMatrix = 40;

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--line:#8884;--soft:#8888}
body{font:15px/1.45 system-ui,sans-serif;max-width:1100px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin:2rem 0 .6rem}
table{border-collapse:collapse}th,td{padding:.25rem .7rem;border-bottom:1px solid var(--line);text-align:right}
th:first-child,td:first-child{text-align:left}
.scroll{overflow-x:auto}.plots{display:flex;flex-wrap:wrap;gap:1rem}
figure{margin:0;flex:1 1 420px;max-width:540px}svg{width:100%}
svg text{font-size:11px;fill:currentColor}.grid{stroke:var(--line)}.even{stroke:var(--soft);stroke-dasharray:4}
figcaption span{margin-right:1rem;white-space:nowrap}figcaption i{display:inline-block;width:.7em;height:.7em;margin-right:.3em}
.beside{display:grid;grid-template-columns:1fr 1fr;gap:2rem}.beside>div{min-width:0}
.better{color:rgb(47 138 87)}.worse{color:rgb(194 82 31)}
.figures{display:flex;flex-wrap:wrap;gap:1.5rem}.figures div b{display:block;font-size:1.5rem}
.matrix td{text-align:center;border:1px solid var(--line)}
.mistakes{display:flex;flex-wrap:wrap;gap:1rem}.mistakes figure{flex:0 0 200px}.mistakes img{max-width:100%}
small,figcaption{color:GrayText;overflow-wrap:anywhere}code{overflow-wrap:anywhere}
)";

}  // namespace

std::string Page(const std::string& title, const std::string& body) {
  return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
         "<meta name=\"viewport\" content=\"width=device-width\">"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
         "img-src data:; style-src 'unsafe-inline'\"><title>" +
         Escaped(title) + "</title><style>" + std::string(kStyle) + "</style></head><body>\n<h1>" +
         Escaped(title) + "</h1>\n" + body + "</body></html>\n";
}

std::string Plots(const std::string& plots) {
  return plots.empty() ? "" : "<div class=\"plots\">" + plots + "</div>";
}

std::string Shown(const ordered_json& value) {
  if (value.is_null()) return "–";
  if (value.is_string()) return Escaped(value.get<std::string>());
  if (value.is_number_integer() || value.is_boolean()) return value.dump();
  if (value.is_number()) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", value.get<double>());
    return text;
  }
  return Escaped(value.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

std::string Percent(const ordered_json& value) {
  if (!value.is_number()) return "–";
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * value.get<double>());
  return text;
}

std::string Section(std::string_view title, const std::string& body) {
  return body.empty() ? "" : "<h2>" + std::string(title) + "</h2>\n" + body + "\n";
}

std::string Figures(const ordered_json& report) {
  constexpr std::pair<const char*, const char*> kShown[] = {
      {"accuracy", "accuracy"},
      {"macro_f1", "mean F1"},
      {"ece", "calibration error"},
      {"map", "mean average precision"},
      {"exact_match", "all labels right"},
      {"voc_ap50", "average precision (VOC, 0.5)"},
      {"ap", "average precision (COCO)"},
      {"ap50", "COCO at 0.5"},
      {"ar100", "recall (COCO, 100)"},
  };
  std::string html;
  for (const auto& [key, name] : kShown) {
    if (report.contains(key) && report[key].is_number())
      html += "<div><b>" + Percent(report[key]) + "</b>" + name + "</div>";
  }
  return html.empty() ? "" : "<div class=\"figures\">" + html + "</div>";
}

// Rows that are objects, one column a key; `first` is the head of the first column.
std::string Table(const std::vector<std::pair<std::string, const ordered_json*>>& rows,
                  std::string_view first) {
  std::vector<std::string> keys;
  for (const auto& [name, row] : rows) {
    for (const auto& [key, value] : row->items()) {
      if (std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
    }
  }
  if (keys.empty()) return "";
  std::string html = "<div class=\"scroll\"><table><tr><th>" + std::string(first) + "</th>";
  for (const std::string& key : keys) html += "<th>" + Escaped(key) + "</th>";
  html += "</tr>";
  for (const auto& [name, row] : rows) {
    html += "<tr><td>" + Escaped(name) + "</td>";
    for (const std::string& key : keys)
      html += "<td>" + (row->contains(key) ? Shown((*row)[key]) : "") + "</td>";
    html += "</tr>";
  }
  return html + "</table></div>";
}

std::string PerClass(const ordered_json& report) {
  if (!report.contains("per_class") || !report["per_class"].is_object()) return "";
  std::vector<std::pair<std::string, const ordered_json*>> rows;
  for (const auto& [label, figures] : report["per_class"].items()) {
    if (figures.is_object()) rows.emplace_back(label, &figures);
  }
  return Table(rows, "label");
}

std::string Confusion(const ordered_json& report) {
  if (!report.contains("confusion") || !report["confusion"].is_object()) return "";
  std::vector<std::string> labels;
  const auto add = [&](const std::string& label) {
    if (std::ranges::find(labels, label) == labels.end()) labels.push_back(label);
  };
  for (const auto& [truth, answers] : report["confusion"].items()) add(truth);
  for (const auto& [truth, answers] : report["confusion"].items()) {
    for (const auto& [answer, count] : answers.items()) add(answer);
  }
  if (labels.size() > kMostMatrix) return "";
  std::string html = "<div class=\"scroll\"><table class=\"matrix\"><tr><th>is \\ said</th>";
  for (const std::string& label : labels) html += "<th>" + Escaped(label) + "</th>";
  html += "</tr>";
  for (const std::string& truth : labels) {
    const ordered_json row = report["confusion"].value(truth, ordered_json::object());
    double all = 0;
    for (const auto& [answer, count] : row.items()) all += count.get<double>();
    html += "<tr><td>" + Escaped(truth) + "</td>";
    for (const std::string& answer : labels) {
      const auto count = row.value(answer, 0.0);
      const int strength = all > 0 ? static_cast<int>(80 * count / all) : 0;
      const char* const color = truth == answer ? "47 138 87" : "194 82 31";
      html += "<td style=\"background:rgb(" + std::string(color) + " / " +
              std::to_string(strength) + "%)\">" +
              (count > 0 ? Shown(static_cast<int>(count)) : "") + "</td>";
    }
    html += "</tr>";
  }
  return html + "</table></div>";
}

std::string CurvePlot(const std::vector<LabelCurve>& curves) {
  std::vector<PlotLine> lines;
  for (const LabelCurve& curve : curves) {
    PlotLine& line = lines.emplace_back();
    line.name = curve.label;
    for (size_t i = 0; i < curve.recall.size(); ++i)
      line.points.emplace_back(curve.recall[i], curve.precision[i]);
  }
  return lines.empty() ? "" : LinePlot({.x = "recall", .y = "precision"}, lines);
}

std::string CalibrationPlot(const ordered_json& report) {
  if (!report.contains("calibration") || !report["calibration"].is_array()) return "";
  PlotLine line;
  for (const ordered_json& bin : report["calibration"]) {
    if (bin.value("pictures", 0) > 0)
      line.points.emplace_back(bin.value("mean_score", 0.0), bin.value("accuracy", 0.0));
  }
  if (line.points.empty()) return "";
  return LinePlot({.x = "score", .y = "share that is right", .diagonal = true}, {line});
}

std::string Mistakes(const std::vector<ShownPicture>& pictures) {
  std::string html;
  for (const ShownPicture& picture : pictures)
    html += "<figure><img alt=\"\" src=\"data:image/jpeg;base64," + Base64Encode(picture.jpeg) +
            "\"><figcaption>" + Escaped(picture.caption) + "</figcaption></figure>\n";
  return html.empty() ? "" : "<div class=\"mistakes\">" + html + "</div>";
}

std::string List(const ordered_json& report, const char* key) {
  if (!report.contains(key) || !report[key].is_array() || report[key].empty()) return "";
  std::string html = "<ul>";
  size_t shown = 0;
  for (const ordered_json& one : report[key]) {
    if (shown++ == kMostLines) break;
    html += "<li>" + Shown(one) + "</li>";
  }
  if (report[key].size() > kMostLines)
    html += "<li>and " + std::to_string(report[key].size() - kMostLines) + " more</li>";
  return html + "</ul>";
}

std::string Cost(const ordered_json& report) {
  constexpr std::pair<const char*, const char*> kShown[] = {
      {"invoke_ms_p50", "ms of Invoke, median"},
      {"invoke_ms_p95", "ms, 95 of 100"},
      {"call_ms_p50", "ms from picture to answer, median"},
      {"call_ms_p95", "ms, 95 of 100"},
      {"memory_mb", "MB in memory"},
      {"file_bytes", "bytes of the file"},
  };
  std::string html;
  for (const auto& [key, name] : kShown) {
    if (report.contains(key) && report[key].is_number())
      html += "<div><b>" + Shown(report[key]) + "</b>" + name + "</div>";
  }
  return html.empty() ? "" : "<div class=\"figures\">" + html + "</div>";
}

}  // namespace bowerbird::evaluate
