// SPDX-License-Identifier: Apache-2.0
#include "app/inspect_command.h"

#include <cstdio>
#include <map>
#include <memory>

#include "CLI/CLI.hpp"
#include "app/commands.h"
#include "app/measurement.h"
#include "base/status.h"
#include "infer/mapped_file.h"
#include "infer/preflight.h"
#include "tflite/footprint.h"

namespace bowerbird::app {
namespace {

using nlohmann::ordered_json;

constexpr double kMeasuredSeconds = 0.5;

// {"operator", "version", "count"} of every operator that the graph uses, by name.
ordered_json Operators(const tflite::Graph& graph) {
  std::map<std::pair<std::string, int32_t>, int> counts;
  for (const tflite::Subgraph& subgraph : graph.subgraphs) {
    for (const tflite::Operator& op : subgraph.operators) {
      if (op.code >= graph.operator_codes.size()) continue;  // a finding says so
      const tflite::OperatorCode& code = graph.operator_codes[op.code];
      ++counts[{code.Name(), code.version}];
    }
  }
  ordered_json operators = ordered_json::array();
  for (const auto& [key, count] : counts) {
    operators.push_back({{"operator", key.first}, {"version", key.second}, {"count", count}});
  }
  return operators;
}

ordered_json GraphFacts(const tflite::Graph& graph, size_t file_bytes, bool sound) {
  ordered_json facts = {{"file_bytes", file_bytes}, {"description", graph.description}};
  // Measure reads indices that only a sound graph keeps in range.
  if (sound) {
    const tflite::Footprint footprint = tflite::Measure(graph);
    facts["weights_bytes"] = footprint.constant_bytes;
    facts["activation_bytes"] = footprint.peak_activation_bytes;
  }
  facts["subgraphs"] = graph.subgraphs.size();
  facts["operators"] = Operators(graph);
  return facts;
}

ordered_json ToJson(const std::vector<Finding>& findings) {
  ordered_json list = ordered_json::array();
  for (const Finding& finding : findings) {
    list.push_back({{"severity", finding.is_error ? "error" : "warning"},
                    {"what", finding.what},
                    {"remedy", finding.remedy}});
  }
  return list;
}

std::string Text(const ordered_json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

void PrintTensor(const char* what, const ordered_json& info) {
  std::printf("%-10s %s  %s %s", what, Text(info["name"]).c_str(), Text(info["type"]).c_str(),
              info["shape"].dump().c_str());
  if (info.contains("quantization")) {
    std::printf("  real = (q - %s) * %.6g", info["quantization"]["zero_point"].dump().c_str(),
                info["quantization"]["scale"].get<double>());
  }
  if (info.contains("normalization")) {
    std::printf("  (v - %s) / %s", info["normalization"]["mean"].dump().c_str(),
                info["normalization"]["std"].dump().c_str());
  }
  if (info.contains("box_order")) std::printf("  corners %s", info["box_order"].dump().c_str());
  std::printf("\n");
}

void PrintMeasured(const ordered_json& report) {
  const ordered_json& measured = report["measured"];
  const ordered_json& metadata = measured["metadata"];
  for (const ordered_json& info : metadata["inputs"]) PrintTensor("input", info);
  for (const ordered_json& info : metadata["outputs"]) PrintTensor("output", info);
  const ordered_json& labels = metadata["labels"];
  std::printf("labels     %s (%s)", labels["count"].dump().c_str(), Text(labels["source"]).c_str());
  for (const ordered_json& label : labels["first"]) std::printf(" %s,", Text(label).c_str());
  std::printf("%s\n", labels["first"].empty() ? "" : " ...");
  const ordered_json& run = measured["report"];
  std::printf("runs on    %s, delegate %s (%s of %s operators)\n", Text(run["runtime"]).c_str(),
              Text(run["delegate"]).c_str(), Text(run["delegated_operators"]).c_str(),
              Text(run["operators"]).c_str());
  std::printf("latency    %.3f ms p50, %.3f ms p99; loads in %.1f ms\n",
              measured["p50_ms"].get<double>(), measured["p99_ms"].get<double>(),
              measured["load_ms"].get<double>());
  std::printf("memory     %.1f MB at most\n", measured["peak_rss_mb"].get<double>());
}

void Print(const ordered_json& report) {
  std::printf("%s: %s\n", Text(report["model"]).c_str(), Text(report["task"]).c_str());
  if (!report["measured"].is_null()) PrintMeasured(report);
  const ordered_json& graph = report["graph"];
  std::printf("file       %.2f MB", graph["file_bytes"].get<double>() / 1e6);
  if (graph.contains("weights_bytes")) {
    std::printf(", weights %.2f MB, activations %.2f MB",
                graph["weights_bytes"].get<double>() / 1e6,
                graph["activation_bytes"].get<double>() / 1e6);
  }
  std::printf("\noperators ");
  for (const ordered_json& op : graph["operators"]) {
    std::printf(" %s x%d (v%d)", Text(op["operator"]).c_str(), op["count"].get<int>(),
                op["version"].get<int>());
  }
  std::printf("\n");
  for (const ordered_json& finding : report["findings"]) {
    std::printf("%s: %s\n  -> %s\n", Text(finding["severity"]).c_str(),
                Text(finding["what"]).c_str(), Text(finding["remedy"]).c_str());
  }
}

int Inspect(const InspectOptions& options, bool json) {
  int exit_status = 0;
  const absl::StatusOr<ordered_json> report = InspectModel(options);
  if (!report.ok()) {
    Fail(&exit_status, "inspect: " + MessageOf(report.status()));
    return exit_status;
  }
  if (json) {
    // Model files may hold any bytes as names.
    const std::string text = report->dump(2, ' ', false, ordered_json::error_handler_t::replace);
    std::printf("%s\n", text.c_str());
  } else {
    Print(*report);
  }
  return (*report)["measured"].is_null() ? 1 : 0;
}

}  // namespace

absl::StatusOr<ordered_json> InspectModel(const InspectOptions& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<infer::MappedFile> file,
                   infer::MappedFile::Open(options.model));
  const absl::StatusOr<tflite::Graph> graph = tflite::ReadGraph(file->bytes());
  if (!graph.ok()) return Annotate(graph.status(), options.model);
  const absl::Status sound = infer::Preflight(*graph);
  ordered_json measured;  // null
  std::vector<Finding> findings;
  absl::Status failure = sound;
  if (sound.ok()) {
    absl::StatusOr<ordered_json> run =
        Measure({.model = options.model, .labels = options.labels, .seconds = kMeasuredSeconds});
    failure = run.status();
    if (run.ok()) measured = *std::move(run);
  }
  if (measured.is_null()) {
    findings.push_back({.is_error = true,
                        .what = MessageOf(failure),
                        .remedy = "the model cannot run here; see what the message asks for"});
  } else {
    ordered_json& labels = measured["metadata"]["labels"];
    labels["source"] = !options.labels.empty() ? options.labels
                       : labels["count"] > 0   ? "packed in the file"
                                               : "none";
    measured.erase("top");
    measured.erase("range");
  }
  for (Finding& finding : Judge(*graph, measured)) findings.push_back(std::move(finding));
  return ordered_json{{"model", options.model},
                      {"task", GuessTask(*graph, measured)},
                      {"graph", GraphFacts(*graph, file->bytes().size(), sound.ok())},
                      {"measured", measured},
                      {"findings", ToJson(findings)}};
}

CLI::App* RegisterInspect(CLI::App& app, int* exit_status) {
  CLI::App* command =
      app.add_subcommand("inspect", "What a model file is, and what is wrong with it");
  const auto options = std::make_shared<InspectOptions>();
  const auto json = std::make_shared<bool>(false);
  command->add_option("model", options->model, "A .tflite file")->required();
  command->add_option("--labels", options->labels, "A label file to judge it with");
  command->add_flag("--json", *json, "One JSON object instead of text");
  command->footer(
      "The model is loaded and run in a process of its own. Exit status 1 if it cannot run.\n\n"
      "Example:\n"
      "  bowerbird inspect ssd.tflite --labels labels.txt");
  command->callback([options, json, exit_status] { *exit_status = Inspect(*options, *json); });
  return command;
}

}  // namespace bowerbird::app
