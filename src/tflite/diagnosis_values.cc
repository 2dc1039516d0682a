// SPDX-License-Identifier: Apache-2.0
//
// Operators to which the numbers of a caller could do harm.
#include <utility>

#include "tflite/diagnosis_parts.h"
#include "tflite/value_guard.h"

namespace bowerbird::tflite {

void JudgeValues(const Case& model, std::vector<Finding>& findings) {
  if (!model.is_sound) return;
  Graph graph = model.view.graph();
  const absl::StatusOr<std::vector<std::string>> guarded = GuardValues(graph);
  if (!guarded.ok()) {
    findings.push_back({.id = "values-unsafe",
                        .severity = Severity::kError,
                        .what = "numbers that the runtime takes on trust could harm this process",
                        .which = std::string(guarded.status().message()),
                        .remedy = "export the model with constants in range there, or do that step "
                                  "outside of it"});
    return;
  }
  if (guarded->empty()) return;
  findings.push_back({.id = "values-checked",
                      .severity = Severity::kNote,
                      .what = "operators that would take indices or divisors of a caller on trust",
                      .which = std::to_string(guarded->size()) + " of them: " + ListOf(*guarded),
                      .remedy = "nothing: they are checked here; elsewhere, check the numbers "
                                "before each call"});
}

}  // namespace bowerbird::tflite
