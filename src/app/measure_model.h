// SPDX-License-Identifier: Apache-2.0
//
// The child's side of measurement.h: loads one variant in this process and times it.
#pragma once

#include "absl/status/statusor.h"
#include "app/measurement.h"
#include "nlohmann/json.hpp"

namespace bowerbird::app {

absl::StatusOr<nlohmann::ordered_json> MeasureHere(const MeasureOptions& options);

}  // namespace bowerbird::app
