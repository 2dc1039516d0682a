// SPDX-License-Identifier: Apache-2.0
//
// The steps of training one network, whatever it learns: rates, budget, stopping, and what happens
// when numbers stop being finite.
//
// The rate rises over the warm-up and then falls along half a cosine to a hundredth. How many steps
// there are is either said or follows from the budget and the time of the steps of the warm-up; the
// number that was taken is in the result, and given again as `steps` gives the same weights again.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "absl/status/statusor.h"
#include "train/network.h"

namespace bowerbird::train {

struct TrainingProgress {
  int step = 0;  // of `steps`, from 1
  int steps = 0;
  double loss = 0;  // smoothed over about twenty steps
  double learning_rate = 0;
  double milliseconds_per_step = 0;
  double score = -1;  // of the last validation; < 0: none yet
};

struct LoopOptions {
  int steps = 0;              // 0 = as many as the budget has time for
  double budget_seconds = 0;  // processor time of this thread, for all steps; read if steps is 0
  int least_steps = 20;
  int most_steps = 100000;
  double learning_rate = 1e-3;
  int warm_up = 20;  // steps
  WeightSet weights = WeightSet::kCurrent;
  std::stop_token stop = {};
  std::function<void(const TrainingProgress&)> progress = {};
  // Every so many steps and after the last one the graph is scored; higher is better, and the best
  // one is the result. Without it the last one is. An error ends the training.
  int validate_every = 0;
  std::function<absl::StatusOr<double>(const tflite::Graph&)> validate = {};
  int patience = 0;  // validations without a better score until it stops; 0 = never
};

struct LoopResult {
  tflite::Graph graph;
  int steps = 0;        // that the schedule was made for
  int steps_taken = 0;  // fewer where it was stopped
  double loss = 0;
  double score = -1;  // of `graph`, if it was validated
  double milliseconds_per_step = 0;
  int times_backed_off = 0;
  bool stopped = false;  // by the token
};

// The batch of step 0, 1, ...; what it points to must stay until the next call.
using BatchSource = std::function<absl::StatusOr<Batch>(int step)>;

// Trains `network`, which was made from `graph`. When a loss or a gradient is not finite, the
// weights of a while ago are taken again and the rate is halved; FAILED_PRECONDITION names the step
// when that has happened too often.
absl::StatusOr<LoopResult> RunTrainingLoop(Network& network, const tflite::Graph& graph,
                                           const BatchSource& batches, const LoopOptions& options);

}  // namespace bowerbird::train
