// SPDX-License-Identifier: Apache-2.0
//
// Which form of a graph is run: as the file has it, or another one that gives callers the same
// results sooner. Both are built and timed here, side by side, on the same synthetic inputs; the
// other form is taken only if it is clearly faster and its results agree.
//
// Agreement: of each output, the root mean square of the differences, over that of the output's own
// variation, on kPreparationInputs inputs. Where a graph ends in an operator that ranks
// (detections, the index of the largest) what goes into that operator is compared: after it a tie
// may turn a small difference into a large one.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "nlohmann/json_fwd.hpp"
#include "tflite/graph.h"

namespace bowerbird::infer {

inline constexpr int kPreparationInputs = 4;
// The quantised MobileNets and SSDs that are published differ from their float forms by 0.05 to
// 0.2 in this measure, with the same top results; a wrong clamp or scale gives 0.5 and more.
inline constexpr double kMostDifference = 0.3;
// A form must save this part of the time to be worth its memory.
inline constexpr double kLeastGain = 0.05;

// What was found out about one file, as it is kept (model_facts.h).
struct Preparation {
  static constexpr std::string_view kKind = "preparation";

  bool in_float = false;  // take the float form
  double given_ms = 0;    // one run, the fastest of several; 0: not measured
  double float_ms = 0;
  double difference = 0;  // of the worst output
  std::string note;       // what was taken and why, for people

  nlohmann::json ToJson() const;
  static absl::StatusOr<Preparation> FromJson(const nlohmann::json& json);
};

struct PrepareOptions {
  int num_threads = 1;
  bool allow_delegate = true;
};

// `given` is a graph that runs and that ComputeInFloat changes. An error: its float form does not
// run, or neither can be compared; then the file is run as given.
absl::StatusOr<Preparation> ChooseForm(const tflite::Graph& given, const PrepareOptions& options);

}  // namespace bowerbird::infer
