// SPDX-License-Identifier: Apache-2.0
//
// `bowerbird inspect`: what a model file is, what will run where, and what is wrong with it.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"
#include "tflite/graph.h"

namespace bowerbird::app {

struct InspectOptions {
  std::string model;
  std::string labels;  // a label file to judge the model with
};

// Something that the owner of the model should know, and what to do about it.
struct Finding {
  bool is_error = false;  // the model cannot be used as it is; else it can, with care
  std::string what;
  std::string remedy;
};

// The whole report as `--json` prints it. An error only if the file is no model at all; a model
// that the runtime refuses has a report with a finding.
absl::StatusOr<nlohmann::ordered_json> InspectModel(const InspectOptions& options);

// Judges the static half ("model": graph facts) and the half that was run ("measured", null if it
// was not) of a report.
std::vector<Finding> Judge(const tflite::Graph& graph, const nlohmann::ordered_json& measured);

// "object detection", "image classification" ... by operators, metadata and shapes.
std::string GuessTask(const tflite::Graph& graph, const nlohmann::ordered_json& measured);

}  // namespace bowerbird::app
