// SPDX-License-Identifier: Apache-2.0
//
// The steps of a load that may change the graph: operators that the runtime lacks, the form that is
// faster here, the memory that all of it may take. Private to this room.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "infer/serving_trial.h"
#include "infer/tflite_model.h"
#include "tflite/graph.h"

namespace bowerbird::infer {

// What the runtime is given: of the two sound ones that which is measured to be faster here, or one
// that was chosen before.
enum class Form { kMeasured, kAsGiven, kFloat };

// What is known of a load so far.
struct LoadStep {
  const TfliteOptions& options;
  std::span<const std::byte> file;
  RuntimeReport& report;
  std::string file_sha256 = {};  // hexadecimal; may be "" for ReadForRuntime
  Form form = Form::kMeasured;
};

struct ReadyGraph {
  tflite::Graph graph;
  bool changed = false;  // it is not the file's any more
};

// The file as a graph that this runtime can run: checked, operators that it lacks replaced by
// others (unless `prepare` says no) and, whatever `prepare` says, checks put in front of operators
// that would take a caller's numbers on trust. An error: it is damaged, needs what the runtime has
// not, or an operator is not safe and cannot be made so.
absl::StatusOr<ReadyGraph> ReadForRuntime(const LoadStep& step);

// After the file has passed the probe, which may be asked to measure: the form, and how it behaves
// while it is served (nothing where nobody is asked). A form of which not even one instance has
// room is not taken. Whether the graph was changed. A form that cannot be had is no error: the note
// in the report says why.
bool TakeForm(const LoadStep& step, bool allow_delegate, tflite::Graph& graph,
              std::optional<ServingTrial>& trial);

}  // namespace bowerbird::infer
