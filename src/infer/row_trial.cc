// SPDX-License-Identifier: Apache-2.0
#include "infer/row_trial.h"

#include <time.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/status.h"
#include "infer/batch_plan.h"
#include "infer/synthetic_input.h"

namespace bowerbird::infer {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// Below this, handing a call to another thread and back costs as much as running it.
constexpr nanoseconds kShortestCall = microseconds(50);
// For all calls of one run: what a first load may spend on trying.
constexpr nanoseconds kLongestTrial = milliseconds(60);
constexpr int kRounds = 3;

// Of this thread, so that what else the machine does hardly counts; the interpreter has no other.
nanoseconds ProcessorTime() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + nanoseconds(now.tv_nsec);
}

std::string Microseconds(nanoseconds time) {
  return std::to_string(std::chrono::duration_cast<microseconds>(time).count()) + " us";
}

// Calls that differ: what comes out of a run in the wrong row is noticed.
std::vector<BatchRow> SampleRows(const ModelMetadata& metadata, const BatchPlan& plan) {
  std::vector<BatchRow> rows(static_cast<size_t>(plan.rows));
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t i = 0; i < plan.row_shapes.size(); ++i) {
      const DType type = metadata.inputs[i].type;
      const auto count = static_cast<size_t>(*ElementCount(plan.row_shapes[i]));
      std::vector<std::byte> bytes(count * DTypeSize(type));
      FillWithPattern(type, plan.row_shapes[i], bytes);
      const size_t shift = count * r / rows.size() * DTypeSize(type);
      std::rotate(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(shift), bytes.end());
      rows[r].inputs.push_back(std::move(bytes));
    }
  }
  return rows;
}

absl::Status TryAlone(TfliteInstance& single, const BatchPlan& plan, const TrialClock& now,
                      std::vector<BatchRow>& rows, ServingTrial& trial) {
  trial.alone = nanoseconds::max();
  for (BatchRow& row : rows) {
    const nanoseconds start = now();
    RETURN_IF_ERROR(RunAlone(single, plan, row));
    trial.alone = std::min(trial.alone, now() - start);
    const std::string time = "a call takes " + Microseconds(trial.alone);
    if (trial.alone < kShortestCall) return FailedPrecondition(time + " only");
    if (trial.alone * plan.rows > kLongestTrial)
      return FailedPrecondition(time + ", too long to try");
  }
  return absl::OkStatus();
}

absl::Status TryTogether(TfliteInstance& many, const BatchPlan& plan, const TrialClock& now,
                         std::vector<BatchRow>& rows, ServingTrial& trial) {
  std::vector<BatchRow*> pointers(rows.size());
  std::ranges::transform(rows, pointers.begin(), [](BatchRow& row) { return &row; });
  trial.together = nanoseconds::max();
  for (int round = 0; round < kRounds; ++round) {
    const nanoseconds start = now();
    RETURN_IF_ERROR(RunTogether(many, plan, pointers));
    trial.together = std::min(trial.together, now() - start);
    if (trial.together > trial.alone * plan.rows) break;  // hopeless: spare the start the rest
  }
  return absl::OkStatus();
}

absl::Status Try(const LoadedTflite& loaded, const TfliteOptions& options, const BatchPlan& plan,
                 ServingTrial& trial) {
  const TrialClock now =
      options.processor_time ? options.processor_time : TrialClock(ProcessorTime);
  std::vector<BatchRow> alone = SampleRows(loaded.metadata, plan);
  RETURN_IF_ERROR(TryAlone(*loaded.instance, plan, now, alone, trial));
  std::vector<BatchRow> together = SampleRows(loaded.metadata, plan);
  const uint64_t before = AnonymousBytes();
  ASSIGN_OR_RETURN(const auto many, MakeForRows(loaded, options.num_threads, plan));
  RETURN_IF_ERROR(TryTogether(*many, plan, now, together, trial));
  const uint64_t after = AnonymousBytes();
  trial.memory.rows = after > before ? after - before : 0;
  for (size_t r = 0; r < together.size(); ++r) {
    if (together[r].outputs != alone[r].outputs) {
      return FailedPrecondition("a row of a batch comes out differently than alone");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status TryRows(const LoadedTflite& loaded, const TfliteOptions& options,
                     ServingTrial& trial) {
  BatchPlan plan;
  absl::Status tried = ShapeRows(loaded, options, plan);
  if (tried.ok()) tried = Try(loaded, options, plan, trial);
  trial.refusal = MessageOf(tried);
  return tried.ok() || absl::IsFailedPrecondition(tried) || absl::IsInvalidArgument(tried)
             ? absl::OkStatus()
             : tried;
}

void RunOnPattern(TfliteInstance& instance) {
  for (size_t i = 0; i < instance.shapes().inputs.size(); ++i) {
    const TensorView view = instance.InputView(static_cast<int>(i));
    const std::span<std::byte> bytes = instance.Input(static_cast<int>(i));
    if (bytes.data() != nullptr) FillWithPattern(view.type, view.shape, bytes);
  }
  instance.Invoke(Context()).IgnoreError();
}

}  // namespace bowerbird::infer
