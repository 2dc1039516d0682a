// SPDX-License-Identifier: Apache-2.0
//
// Whether several calls of a model are faster in one run: by trying. A graph that is given more
// rows than its file says may bring the runtime down as any unknown file may, so this is done in
// the child of a probe (probe.h); elsewhere only for files that are trusted. Private to this room.
#pragma once

#include <chrono>
#include <functional>

#include "absl/status/status.h"
#include "infer/serving_trial.h"
#include "infer/tflite_loader.h"

namespace bowerbird::infer {

// By what a trial measures time; see TfliteOptions::processor_time.
using TrialClock = std::function<std::chrono::nanoseconds()>;

// Takes some tens of milliseconds of processor time at most: models for which that is not enough
// are not tried. Runs work if every row comes out bit for bit as it does alone. Sets the times, the
// refusal, and memory.rows, which means nothing where other threads are at work. An error is about
// this moment, not the file.
absl::Status TryRows(const LoadedTflite& loaded, const TfliteOptions& options, ServingTrial& trial);

// Runs `instance` on a test pattern; how that ends is no matter here.
void RunOnPattern(TfliteInstance& instance);

}  // namespace bowerbird::infer
