// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "app/inspect_command.h"

namespace bowerbird::app {
namespace {

using nlohmann::ordered_json;

// Names in model files may hold any bytes: nothing of them moves a terminal's cursor.
std::string Text(const ordered_json& value) {
  std::string text = value.is_string()
                         ? value.get<std::string>()
                         : value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

std::string Number(double value, const char* format) {
  char text[64];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

std::string Megabytes(const ordered_json& bytes) {
  return Number(bytes.get<double>() / 1e6, "%.2f MB");
}

// "1.23 million"
std::string Count(double count) {
  if (count >= 1e9) return Number(count / 1e9, "%.2f billion");
  if (count >= 1e6) return Number(count / 1e6, "%.2f million");
  return Number(count, "%.0f");
}

std::string TensorLine(const char* what, const ordered_json& info) {
  std::string line = std::string(what) + Text(info["name"]) + "  " + Text(info["type"]) + " " +
                     info["shape"].dump();
  if (info.contains("layout")) absl::StrAppend(&line, " ", Text(info["layout"]));
  if (info.contains("quantization")) {
    absl::StrAppend(&line, "  real = (q - ", info["quantization"]["zero_point"].dump(), ") * ",
                    Number(info["quantization"]["scale"].get<double>(), "%.6g"));
  }
  if (info.contains("normalization")) {
    absl::StrAppend(&line, "  (v - ", info["normalization"]["mean"].dump(), ") / ",
                    info["normalization"]["std"].dump());
  }
  if (info.contains("box_order")) absl::StrAppend(&line, "  corners ", info["box_order"].dump());
  absl::StrAppend(&line, "\n");
  return line;
}

std::string LabelsLine(const ordered_json& labels) {
  std::string line =
      absl::StrCat("labels     ", labels["count"].dump(), " (", Text(labels["source"]), ")");
  for (const ordered_json& label : labels["first"]) absl::StrAppend(&line, " ", Text(label), ",");
  return line + (labels["first"].empty() ? "\n" : " ...\n");
}

std::string GraphLines(const ordered_json& graph) {
  std::string text = absl::StrCat("file       ", Megabytes(graph["file_bytes"]), ", ",
                                  Count(graph["parameters"].get<double>()), " parameters");
  if (graph.contains("multiply_adds")) {
    absl::StrAppend(&text, ", ", Count(graph["multiply_adds"].get<double>()), " multiply-adds");
  }
  text += "\nweights   ";
  for (const auto& [type, bytes] : graph["weights_by_type"].items()) {
    absl::StrAppend(&text, " ", type, " ", Megabytes(bytes), ",");
  }
  if (graph.contains("activation_bytes")) {
    absl::StrAppend(&text, " activations ", Megabytes(graph["activation_bytes"]));
  }
  text += "\noperators ";
  for (const ordered_json& op : graph["operators"]) {
    absl::StrAppend(&text, " ", Text(op["operator"]), " x", op["count"].dump(), " (v",
                    op["version"].dump(), ")");
  }
  absl::StrAppend(&text, "\n");
  return text;
}

// Names and counts of the operators on one side of the border.
std::string Side(const ordered_json& operators, bool in_delegate) {
  std::string text;
  for (const ordered_json& op : operators) {
    const int delegated = op["delegated"].get<int>();
    const int count = in_delegate ? delegated : op["count"].get<int>() - delegated;
    if (count > 0) absl::StrAppend(&text, " ", Text(op["operator"]), " x", count);
  }
  return text.empty() ? std::string(" nothing") : text;
}

std::string RuntimeLines(const ordered_json& report) {
  const ordered_json& runtime = report["runtime"];
  std::string text = absl::StrCat("runtime    TensorFlow Lite ", Text(runtime["linked"]));
  if (!runtime["needed"].is_null()) absl::StrAppend(&text, ", asked for ", Text(runtime["needed"]));
  if (!runtime.contains("delegate"))
    return absl::StrCat(text, runtime["runs"].get<bool>() ? "\n" : ": refused\n");
  absl::StrAppend(&text, ", delegate ", Text(runtime["delegate"]), " (",
                  Text(runtime["delegated_operators"]), " of ", Text(runtime["operators"]),
                  " operators)\n");
  const ordered_json& operators = report["graph"]["operators"];
  if (runtime["prepared"].get<bool>())
    text += "prepared   another form of the graph is run; as the file is:\n";
  if (!operators.empty() && operators[0].contains("delegated")) {
    absl::StrAppend(&text, "inside    ", Side(operators, true), "\nbeside    ",
                    Side(operators, false), "\n");
  }
  return text;
}

std::string MeasuredLines(const ordered_json& measured) {
  if (measured.is_null()) return "";
  return absl::StrCat("latency    ", Number(measured["p50_ms"].get<double>(), "%.3f ms p50, "),
                      Number(measured["p99_ms"].get<double>(), "%.3f ms p99; loads in "),
                      Number(measured["load_ms"].get<double>(), "%.1f ms\n"), "memory     ",
                      Number(measured["peak_rss_mb"].get<double>(), "%.1f MB at most\n"));
}

}  // namespace

std::string InspectText(const ordered_json& report) {
  std::string text = Text(report["model"]) + ": " + Text(report["task"]) + ", because " +
                     Text(report["task_reason"]) + "\n";
  for (const ordered_json& info : report["inputs"]) text += TensorLine("input      ", info);
  for (const ordered_json& info : report["outputs"]) text += TensorLine("output     ", info);
  text += LabelsLine(report["labels"]) + GraphLines(report["graph"]) + RuntimeLines(report) +
          MeasuredLines(report["measured"]);
  for (const ordered_json& finding : report["findings"]) {
    absl::StrAppend(&text, Text(finding["severity"]), " ", Text(finding["id"]), ": ",
                    Text(finding["what"]), "\n  ", Text(finding["which"]), "\n  -> ",
                    Text(finding["remedy"]), "\n");
  }
  return text;
}

}  // namespace bowerbird::app
