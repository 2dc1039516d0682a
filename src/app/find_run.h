// SPDX-License-Identifier: Apache-2.0
//
// What `detect` and `classify` do with every picture: find, print a line of JSON, draw. A file that
// fails is told on stderr and the rest goes on.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/context.h"
#include "image/image.h"
#include "image/picture.h"
#include "nlohmann/json.hpp"
#include "vision/detection.h"

namespace bowerbird::app {

struct FindRun {
  std::string command;  // for messages
  std::vector<std::string> files;
  int64_t every = 1;
  std::string draw;  // folder for annotated pictures; "" = none
  std::string key;   // of the results in the JSON line
  // The results of one picture, as JSON; kept by the callee for `mark`.
  std::function<absl::StatusOr<nlohmann::ordered_json>(const Context&, const image::Picture&)> find;
  // Draws the results of the last `find` that succeeded.
  std::function<void(image::Image&)> mark;
};

// The exit status: 0, or 1 when anything failed.
int RunFind(const FindRun& run);

// [{"label", "class_id", "confidence"}]
nlohmann::ordered_json ClassificationsJson(
    const std::vector<vision::Classification>& classifications);

// For JSON: six decimals tell apart whatever a model tells apart.
double Rounded(double value);

}  // namespace bowerbird::app
