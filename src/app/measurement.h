// SPDX-License-Identifier: Apache-2.0
//
// One model measured in a process of its own: its peak memory is then its own, and a file that
// brings the runtime down takes only that process along. The child is this program again, with the
// hidden command `measure-model`; it answers with one line of JSON.
#pragma once

#include <chrono>
#include <string>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace CLI {
class App;
}

namespace bowerbird::app {

struct MeasureOptions {
  std::string model;
  std::string labels;            // a label file; "" = what the model has
  std::string variant = "ours";  // "plain": the bare runtime; "plain_xnnpack": with the delegate
  int threads = 1;               // of each interpreter
  int instances = 1;             // interpreters that run at the same time, one caller each
  double seconds = 0.4;          // of timed runs, after two that are not counted
  bool places = false;           // "ours": also say which operators the delegate takes
};

// Adds the hidden command.
void RegisterMeasureModel(CLI::App& app, int* exit_status);

// Runs it in a child. The answer has, for every variant:
//   p50_ms p99_ms load_ms peak_rss_mb runs calls_per_second
//   top: for each output [[index, value] ...] highest first, and range: [max - min ...]
// and for "ours" also overhead_us (p50 of a call minus its own Invoke), report and metadata, input
// ("pattern", or "zeros" where the model refuses that), and on demand delegated: [[true ...] ...]
// by subgraph and operator of the file. Errors: what the child says; FAILED_PRECONDITION with the
// signal if it was brought down.
absl::StatusOr<nlohmann::ordered_json> Measure(const MeasureOptions& options);

}  // namespace bowerbird::app
