// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "app/inspect_command.h"
#include "app/measurement.h"
#include "app/model_json.h"
#include "base/status.h"
#include "infer/diagnosis_file.h"
#include "tflite/checks.h"
#include "tflite/diagnosis_inventory.h"
#include "tflite/footprint.h"
#include "tflite/work.h"

namespace bowerbird::app {
namespace {

using nlohmann::ordered_json;
using tflite::Evidence;
using tflite::Graph;

constexpr double kMeasuredSeconds = 0.5;

ordered_json GraphFacts(const infer::DiagnosisFile& file,
                        const std::vector<std::vector<bool>>& delegated) {
  const Graph& graph = file.graph();
  const tflite::Weights weights = tflite::WeightsOf(graph);
  ordered_json facts = {{"file_bytes", file.size()},
                        {"description", graph.description},
                        {"subgraphs", graph.subgraphs.size()},
                        {"parameters", weights.parameters}};
  // These read indices that only a sound graph keeps in range.
  if (tflite::CheckGraph(graph).ok()) {
    const tflite::Footprint footprint = tflite::Measure(graph);
    facts["weights_bytes"] = footprint.constant_bytes;
    facts["activation_bytes"] = footprint.peak_activation_bytes;
    facts["multiply_adds"] = tflite::TotalMultiplyAdds(graph);
  }
  facts["weights_by_type"] = weights.bytes_by_type;
  facts["operators"] = ordered_json::array();
  for (const tflite::OperatorUse& use : tflite::OperatorsOf(graph, delegated)) {
    ordered_json entry = {{"operator", use.name}, {"version", use.version}, {"count", use.count}};
    if (use.is_custom) entry["custom"] = true;
    if (!delegated.empty()) entry["delegated"] = use.delegated;
    facts["operators"].push_back(std::move(entry));
  }
  return facts;
}

ordered_json ToJson(const std::vector<tflite::Finding>& findings) {
  ordered_json list = ordered_json::array();
  for (const tflite::Finding& finding : findings) {
    list.push_back({{"id", finding.id},
                    {"severity", tflite::SeverityName(finding.severity)},
                    {"what", finding.what},
                    {"which", finding.which},
                    {"remedy", finding.remedy}});
  }
  return list;
}

// Runs the model in a process of its own. Null if it must not or cannot be run; then the evidence
// says why.
ordered_json Run(const InspectOptions& options, Evidence& evidence) {
  if (!options.measure || !evidence.refusal.empty()) return nullptr;
  absl::StatusOr<ordered_json> run = Measure({.model = options.model,
                                              .labels = options.labels,
                                              .seconds = kMeasuredSeconds,
                                              .places = true});
  if (!run.ok()) {
    evidence.refusal = MessageOf(run.status());
    return nullptr;
  }
  const ordered_json& report = (*run)["report"];
  tflite::RunFacts& facts = evidence.run.emplace();
  facts.delegate = report["delegate"].get<std::string>();
  facts.warnings = report["warnings"].get<std::vector<std::string>>();
  if (run->contains("delegated")) {
    facts.delegated = (*run)["delegated"].get<std::vector<std::vector<bool>>>();
  }
  facts.is_prepared = report.value("prepared", false);
  for (const ordered_json& top : (*run)["top"]) {
    facts.largest.push_back(top.empty() ? 0 : top[0][1].get<double>());
  }
  return *std::move(run);
}

ordered_json RuntimeFacts(const Evidence& evidence, const ordered_json& run) {
  const std::string needed = tflite::NeededRuntime(evidence.graph);
  ordered_json facts = {{"linked", evidence.runtime_version},
                        {"needed", needed.empty() ? ordered_json() : ordered_json(needed)},
                        {"runs", evidence.refusal.empty()}};
  if (!evidence.refusal.empty()) facts["refusal"] = evidence.refusal;
  if (run.is_null()) return facts;
  for (const char* key :
       {"delegate", "delegated_operators", "operators", "preparation", "warnings"}) {
    facts[key] = run["report"][key];
  }
  facts["prepared"] = evidence.run->is_prepared;
  return facts;
}

ordered_json Measured(const ordered_json& run) {
  if (run.is_null()) return nullptr;
  ordered_json measured;
  for (const char* key : {"p50_ms", "p99_ms", "load_ms", "peak_rss_mb", "runs", "input"}) {
    measured[key] = run[key];
  }
  return measured;
}

// Inputs, outputs and labels as callers see them; from the run where there was one, whose shapes
// are the real ones.
ordered_json Described(const infer::DiagnosisFile& file, const ordered_json& run) {
  if (!run.is_null()) return run["metadata"];
  if (file.described()) return app::ToJson(*file.described());
  return app::ToJson(infer::ModelMetadata());
}

}  // namespace

absl::StatusOr<ordered_json> InspectModel(const InspectOptions& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<infer::DiagnosisFile> file,
                   infer::DiagnosisFile::Open(options.model, options.labels));
  Evidence& evidence = file->evidence();
  const ordered_json run = Run(options, evidence);
  const tflite::GraphView view(file->graph());
  const tflite::TaskGuess guess = tflite::GuessTask(view, evidence.metadata);
  ordered_json described = Described(*file, run);
  described["labels"]["source"] = evidence.labels.empty()   ? "none"
                                  : !options.labels.empty() ? options.labels
                                                            : "packed in the file";
  return ordered_json{{"model", options.model},
                      {"task", tflite::TaskName(guess.task)},
                      {"task_reason", guess.reason},
                      {"name", described["name"]},
                      {"description", described["description"]},
                      {"inputs", described["inputs"]},
                      {"outputs", described["outputs"]},
                      {"labels", described["labels"]},
                      {"graph", GraphFacts(*file, evidence.run ? evidence.run->delegated
                                                               : std::vector<std::vector<bool>>())},
                      {"runtime", RuntimeFacts(evidence, run)},
                      {"measured", Measured(run)},
                      {"findings", ToJson(tflite::Diagnose(evidence))}};
}

}  // namespace bowerbird::app
