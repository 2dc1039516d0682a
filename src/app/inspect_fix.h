// SPDX-License-Identifier: Apache-2.0
//
// `bowerbird inspect M --fix OUT`: the repaired model as a new file. The original is never touched.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace bowerbird::app {

struct FixOptions {
  std::string model;
  std::string output;
  std::string labels = {};       // a label file to be packed
  std::vector<float> mean = {};  // of channels 0..255
  std::vector<float> std = {};
  std::string box_order = {};  // "ymin,xmin,ymax,xmax"
  bool swap_channels = false;  // the model wants BGR: make it take RGB
  bool overwrite = false;
};

// {"output", "changes": [...], "original_runs", "outputs_equal", "largest_difference"}. The file is
// put in its place only after it was read again and run beside the original. Errors: the output
// exists (ALREADY_EXISTS), or is the original; a wish that does not fit; answers that differ.
absl::StatusOr<nlohmann::ordered_json> FixModel(const FixOptions& options);

}  // namespace bowerbird::app
