// SPDX-License-Identifier: Apache-2.0
//
// Whether the model runs here, and how much of it where.
#include <algorithm>
#include <cstdlib>
#include <map>

#include "tflite/diagnosis_parts.h"

namespace bowerbird::tflite {
namespace {

std::vector<int> NumbersOf(const std::string& version) {
  std::vector<int> numbers;
  for (const char* at = version.c_str(); *at != 0;) {
    char* end = nullptr;
    numbers.push_back(static_cast<int>(std::strtol(at, &end, 10)));
    if (end == at) break;
    at = *end == '.' ? end + 1 : end;
  }
  numbers.resize(3);
  return numbers;
}

void JudgeVersion(const Case& model, std::vector<Finding>& findings) {
  const std::string needed = NeededRuntime(model.view.graph());
  const std::string& linked = model.evidence.runtime_version;
  if (needed.empty() || linked.empty() || NumbersOf(needed) <= NumbersOf(linked)) return;
  findings.push_back(
      {.id = "runtime-older",
       .severity = model.evidence.refusal.empty() ? Severity::kNote : Severity::kWarning,
       .what = "the converter asked for a newer runtime than is linked",
       .which = "TensorFlow Lite " + needed + " asked for, " + linked + " here",
       .remedy = model.evidence.refusal.empty()
                     ? "nothing, it runs; compare its answers once"
                     : "convert the model for the older runtime, or install a "
                       "newer one"});
}

// Operators outside the delegate, by name.
std::map<std::string, int> Beside(const Case& model, const RunFacts& run, int* operators,
                                  int* delegated) {
  std::map<std::string, int> beside;
  const std::vector<Subgraph>& subgraphs = model.view.graph().subgraphs;
  for (size_t i = 0; i < std::min(subgraphs.size(), run.delegated.size()); ++i) {
    for (size_t o = 0; o < std::min(subgraphs[i].operators.size(), run.delegated[i].size()); ++o) {
      ++*operators;
      if (run.delegated[i][o]) {
        ++*delegated;
      } else {
        ++beside[model.view.NameOf(subgraphs[i].operators[o])];
      }
    }
  }
  return beside;
}

bool HasUint8Activations(const Case& model) {
  return std::ranges::any_of(model.view.operators(), [&](const Operator& op) {
    const Tensor* output = model.view.OutputOf(op, 0);
    const std::string name = model.view.NameOf(op);
    return output != nullptr && output->type == TensorType::kUint8 &&
           (name == "CONV_2D" || name == "DEPTHWISE_CONV_2D" || name == "FULLY_CONNECTED");
  });
}

void JudgeShare(const Case& model, const RunFacts& run, std::vector<Finding>& findings) {
  int operators = 0;
  int delegated = 0;
  const std::map<std::string, int> beside = Beside(model, run, &operators, &delegated);
  if (delegated * 2 >= operators) return;
  std::vector<std::string> names;
  names.reserve(beside.size());
  for (const auto& [name, count] : beside) names.push_back(name + " x" + std::to_string(count));
  if (run.is_prepared) {
    findings.push_back({.id = "outside-delegate",
                        .severity = Severity::kNote,
                        .what = "as the file is, most operators would run outside XNNPACK",
                        .which = std::to_string(operators - delegated) + " of " +
                                 std::to_string(operators) + ": " + ListOf(names, 6),
                        .remedy = "nothing here, where a prepared form of the graph is run"});
    return;
  }
  findings.push_back({.id = "outside-delegate",
                      .what = "most operators run outside XNNPACK, several times slower than in it",
                      .which = std::to_string(operators - delegated) + " of " +
                               std::to_string(operators) + ": " + ListOf(names, 6),
                      .remedy = HasUint8Activations(model)
                                    ? "export again with int8 or float32 activations"
                                    : "export again in float32, or with int8 weights and "
                                      "activations"});
}

}  // namespace

void JudgeRuntime(const Case& model, std::vector<Finding>& findings) {
  const Evidence& evidence = model.evidence;
  // Missing operators have findings of their own.
  if (!evidence.refusal.empty() && evidence.missing_operators.empty()) {
    findings.push_back({.id = "cannot-run",
                        .severity = Severity::kError,
                        .what = "the model does not run here",
                        .which = evidence.refusal,
                        .remedy = "see what the message asks for, then inspect the file again"});
  }
  JudgeVersion(model, findings);
  if (HasUint8Activations(model)) {
    const bool is_prepared = evidence.run && evidence.run->is_prepared;
    findings.push_back({.id = "uint8-activations",
                        .severity = is_prepared ? Severity::kNote : Severity::kWarning,
                        .what = "activations are in uint8, for which XNNPACK has no kernels here",
                        .which = "a graph of the years before int8",
                        .remedy = is_prepared
                                      ? "nothing here: it is prepared at load, in a form that has "
                                        "such kernels; for other runtimes export again with int8 "
                                        "or float32 activations"
                                      : "export again with int8 or float32 activations; at load "
                                        "the graph may be prepared in float32"});
  }
  if (!evidence.run) return;
  JudgeShare(model, *evidence.run, findings);
  for (const std::string& warning : evidence.run->warnings) {
    findings.push_back({.id = "runtime-warning",
                        .severity = Severity::kNote,
                        .what = "what was tried and given up when the model was loaded",
                        .which = warning,
                        .remedy = "nothing must be done, the model runs as reported"});
  }
}

}  // namespace bowerbird::tflite
