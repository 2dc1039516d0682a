// SPDX-License-Identifier: Apache-2.0
#include "tflite/diagnosis.h"

#include <algorithm>
#include <cstdio>

#include "tflite/checks.h"
#include "tflite/diagnosis_parts.h"

namespace bowerbird::tflite {

std::string_view SeverityName(Severity severity) {
  switch (severity) {
    case Severity::kError:
      return "error";
    case Severity::kWarning:
      return "warning";
    case Severity::kNote:
      break;
  }
  return "note";
}

std::string NeededRuntime(const Graph& graph) {
  std::string version;
  for (const std::byte byte : graph.MetadataBuffer("min_runtime_version")) {
    const char c = static_cast<char>(byte);
    if ((c < '0' || c > '9') && c != '.') break;
    version += c;
    if (version.size() > 16) return "";
  }
  return version;
}

std::string ListOf(const std::vector<std::string>& names, size_t shown) {
  std::string text;
  for (size_t i = 0; i < std::min(shown, names.size()); ++i) {
    text += (i > 0 ? ", " : "") + names[i];
  }
  if (names.size() > shown) text += " and " + std::to_string(names.size() - shown) + " more";
  return text;
}

std::string Quoted(const Tensor& tensor) {
  return tensor.name.empty() ? "a tensor without a name" : "'" + tensor.name + "'";
}

std::string NumberText(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.6g", value);
  return text;
}

std::vector<Finding> Diagnose(const Evidence& evidence) {
  const GraphView view(evidence.graph);
  const Case model{.evidence = evidence,
                   .view = view,
                   .is_sound = CheckGraph(evidence.graph).ok(),
                   .guess = GuessTask(view, evidence.metadata)};
  std::vector<Finding> findings;
  JudgeRuntime(model, findings);
  JudgeFile(model, findings);
  JudgeInputs(model, findings);
  JudgeOutputs(model, findings);
  JudgeOperators(model, findings);
  JudgeQuantization(model, findings);
  JudgeValues(model, findings);
  std::ranges::stable_sort(findings, std::ranges::greater(), &Finding::severity);
  return findings;
}

}  // namespace bowerbird::tflite
