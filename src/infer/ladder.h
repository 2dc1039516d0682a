// SPDX-License-Identifier: Apache-2.0
//
// The ladder of delegates: an interpreter that has run, by the best of them that can. Private to
// this room.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "infer/interpreter.h"
#include "infer/load_observer.h"
#include "tflite/graph.h"

namespace bowerbird::infer {

struct LadderOptions {
  int num_threads = 1;
  bool allow_delegate = true;
  LoadObserver* observer = nullptr;
};

struct Climbed {
  std::unique_ptr<Interpreter> interpreter;
  Delegate delegate = Delegate::kNone;
  std::vector<std::string> warnings;  // why better rungs did not hold
};

// Goes down to the first rung that holds: XNNPACK with signed int8 kernels -> XNNPACK -> no
// delegate. `graph` is what `model` was made from; the interpreter needs the model.
absl::StatusOr<Climbed> Climb(const TfLiteModel* model, const tflite::Graph& graph,
                              const LadderOptions& options);

}  // namespace bowerbird::infer
