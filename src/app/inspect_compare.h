// SPDX-License-Identifier: Apache-2.0
//
// Whether two model files give the same answers: both are run on the same input, in a process of
// their own, which is this program again with the hidden command `compare-models`.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace CLI {
class App;
}

namespace bowerbird::app {

struct ModelComparison {
  bool original_runs = false;
  bool is_equal = false;  // bit by bit
  double difference = 0;  // largest, as a part of the range of that output's values
};

// Adds the hidden command.
void RegisterCompareModels(CLI::App& app, int* exit_status);

// `swap_channels`: the original gets the first and third channel of the picture in each other's
// place. Errors: the repaired file does not run, or has other inputs or outputs.
absl::StatusOr<ModelComparison> CompareModels(const std::string& original,
                                              const std::string& repaired, bool swap_channels);

}  // namespace bowerbird::app
