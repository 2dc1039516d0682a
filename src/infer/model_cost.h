// SPDX-License-Identifier: Apache-2.0
//
// What a model file costs on this machine: time and memory.
#pragma once

#include "absl/status/statusor.h"
#include "infer/tflite_model.h"

namespace bowerbird::infer {

struct ModelCost {
  // Of Invoke alone, milliseconds.
  double p50_ms = 0, p95_ms = 0;
  int runs = 0;
  // What the resident memory of this process grew by with the model loaded and run, in MB of 10^6
  // bytes; pages of the file count as far as they were read. Other threads that allocate or free
  // meanwhile spoil it.
  double memory_mb = 0;
};

// Loads the file with one instance and runs it on a pattern (on zeros where it takes no pattern)
// for `seconds`, 5 runs at least and one before that does not count. Errors: those of
// TfliteModel::Load and of Invoke.
absl::StatusOr<ModelCost> MeasureCost(TfliteOptions options, double seconds);

}  // namespace bowerbird::infer
