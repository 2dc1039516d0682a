// SPDX-License-Identifier: Apache-2.0
#include "train/training_loop.h"

#include <time.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/status.h"

namespace bowerbird::train {
namespace {

// The first steps are slower than the rest: memory is not there yet.
constexpr int kUntimedSteps = 2;
constexpr int kTimedSteps = 3;
constexpr double kPlanned = 0.985;  // of the budget: later steps may take longer
constexpr int kMostBackOffs = 5;
constexpr int kKeepEvery = 25;  // steps
constexpr double kLastRate = 0.01;
constexpr double kLossMemory = 0.95;

double ProcessorSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

class Loop {
 public:
  Loop(Network& network, const tflite::Graph& graph, const BatchSource& batches,
       const LoopOptions& options)
      : network_(network), batches_(batches), options_(options), kept_(graph) {
    result_.graph = graph;
    result_.steps = options.steps;
  }

  absl::StatusOr<LoopResult> Run() {
    start_ = ProcessorSeconds();
    for (int step = 0; result_.steps == 0 || step < result_.steps; ++step) {
      if (options_.stop.stop_requested()) {
        result_.stopped = true;
        break;
      }
      RETURN_IF_ERROR(TakeStep(step));
      Time(step + 1);
      RETURN_IF_ERROR(Look(step + 1));
      if (options_.patience > 0 && without_better_ >= options_.patience) break;
    }
    RETURN_IF_ERROR(Finish());
    return std::move(result_);
  }

 private:
  double Rate(int step) const {
    const double peak = options_.learning_rate * back_off_;
    if (step < options_.warm_up) return peak * (step + 1) / options_.warm_up;
    const double span = std::max(1, result_.steps - options_.warm_up);
    const double done = std::min(1.0, (step - options_.warm_up) / span);
    return peak * (kLastRate + (1 - kLastRate) * (1 + std::cos(std::numbers::pi * done)) / 2);
  }

  absl::Status TakeStep(int step) {
    ASSIGN_OR_RETURN(const Batch batch, batches_(step));
    rate_ = Rate(step);
    ASSIGN_OR_RETURN(const StepResult taken, network_.Step(batch, rate_));
    result_.steps_taken = step + 1;
    if (!taken.applied) return BackOff(step);
    result_.loss =
        step == 0 ? taken.loss : kLossMemory * result_.loss + (1 - kLossMemory) * taken.loss;
    if ((step + 1) % kKeepEvery == 0) return network_.Export(kept_, WeightSet::kCurrent);
    return absl::OkStatus();
  }

  absl::Status BackOff(int step) {
    if (++result_.times_backed_off > kMostBackOffs)
      return FailedPrecondition("training failed at step " + std::to_string(step + 1) +
                                ": the loss is not finite, even at a learning rate of " +
                                std::to_string(rate_) + "; look for broken pictures or boxes");
    back_off_ /= 2;
    return network_.Load(kept_);
  }

  void Time(int taken) {
    const double now = ProcessorSeconds();
    if (taken <= kUntimedSteps) {
      timed_from_ = now;
      return;
    }
    result_.milliseconds_per_step =
        (now - timed_from_ - validation_) * 1e3 / (taken - kUntimedSteps);
    const bool first = result_.steps == 0 && taken >= kUntimedSteps + kTimedSteps;
    // Until then no rate depends on their number, and more steps tell better how long one takes.
    const bool again = options_.steps == 0 && taken == options_.warm_up && result_.steps != 0;
    if (!first && !again) return;
    const double left = options_.budget_seconds * kPlanned - (now - start_);
    const double steps = taken + left * 1e3 / std::max(result_.milliseconds_per_step, 0.01);
    result_.steps = static_cast<int>(
        std::clamp<double>(steps, std::max(options_.least_steps, taken), options_.most_steps));
  }

  absl::Status Look(int taken) {
    const bool due = options_.validate && options_.validate_every > 0 &&
                     taken % options_.validate_every == 0 && taken != result_.steps;
    if (due) RETURN_IF_ERROR(Validate());
    if (options_.progress) {
      options_.progress({.step = taken,
                         .steps = result_.steps,
                         .loss = result_.loss,
                         .learning_rate = rate_,
                         .milliseconds_per_step = result_.milliseconds_per_step,
                         .score = last_score_});
    }
    return absl::OkStatus();
  }

  absl::Status Validate() {
    const double before = ProcessorSeconds();
    tflite::Graph graph = kept_;
    RETURN_IF_ERROR(network_.Export(graph, options_.weights));
    ASSIGN_OR_RETURN(last_score_, options_.validate(graph));
    ++without_better_;
    if (last_score_ > result_.score) {
      without_better_ = 0;
      result_.score = last_score_;
      result_.graph = std::move(graph);
    }
    validation_ += ProcessorSeconds() - before;
    return absl::OkStatus();
  }

  absl::Status Finish() {
    if (result_.steps_taken == 0) return absl::OkStatus();
    if (options_.validate) return Validate();
    return network_.Export(result_.graph, options_.weights);
  }

  Network& network_;
  const BatchSource& batches_;
  const LoopOptions& options_;
  LoopResult result_;
  tflite::Graph kept_;  // weights that gave finite numbers
  double back_off_ = 1;
  double rate_ = 0;
  double start_ = 0;
  double timed_from_ = 0;
  double validation_ = 0;  // seconds within what is timed
  double last_score_ = -1;
  int without_better_ = 0;
};

}  // namespace

absl::StatusOr<LoopResult> RunTrainingLoop(Network& network, const tflite::Graph& graph,
                                           const BatchSource& batches, const LoopOptions& options) {
  if (options.steps <= 0 && options.budget_seconds <= 0)
    return InvalidArgument("training needs a number of steps or a budget of time");
  return Loop(network, graph, batches, options).Run();
}

}  // namespace bowerbird::train
