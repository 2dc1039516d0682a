// SPDX-License-Identifier: Apache-2.0
//
// What `bowerbird evaluate` says of one model, and of two beside each other.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "app/evaluate_model.h"
#include "app/finder_flags.h"
#include "evaluate/html_report.h"
#include "nlohmann/json.hpp"

namespace bowerbird::app {

struct Evaluated {
  // evaluate/report.h and: invoke_ms_p50, invoke_ms_p95, call_ms_p50, call_ms_p95 (from the bytes
  // of a picture to what is in it), memory_mb, file_bytes; mistakes: "picture", "what".
  nlohmann::ordered_json report;
  evaluate::HtmlDetails details;
  ModelAnswers answers;
};

// Reads the model and the folder. Ctrl-C ends it with CANCELLED.
absl::StatusOr<Evaluated> EvaluateModel(const FinderFlags& flags, const LabelledFolder& folder);

// Both reports ("model", "other"), what differs by figure and by class ("difference": other less
// model), and "agreement": the share of pictures for which both say the same best label, or of
// detections from a score of 0.4 on that the other one has, too (same label, overlap of 0.5).
// FAILED_PRECONDITION where one finds boxes and the other does not.
absl::StatusOr<nlohmann::ordered_json> Compare(const Evaluated& model, const Evaluated& other);
// Figures and classes, a line each: model, other, difference.
std::string TextOfComparison(const nlohmann::ordered_json& comparison);

}  // namespace bowerbird::app
