// SPDX-License-Identifier: Apache-2.0
//
// `bowerbird inspect`: what a model file is, what will run where, and what is wrong with it.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace bowerbird::app {

struct InspectOptions {
  std::string model;
  std::string labels = {};  // a label file to judge the model with
  bool measure = true;      // run it, in a process of its own; false: look at the file only
};

// The whole report as `--json` prints it (docs/doctor.md). An error only if the file is no model at
// all or the label file cannot be read; a model that the runtime refuses has a report with a
// finding.
absl::StatusOr<nlohmann::ordered_json> InspectModel(const InspectOptions& options);

// The report for people, as text of several lines.
std::string InspectText(const nlohmann::ordered_json& report);

}  // namespace bowerbird::app
