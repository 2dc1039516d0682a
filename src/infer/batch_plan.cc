// SPDX-License-Identifier: Apache-2.0
#include "infer/batch_plan.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "base/status.h"
#include "infer/memory_plan.h"
#include "infer/row_trial.h"

namespace bowerbird::infer {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

// Copies in and out, threads to wake: together must be that much cheaper.
constexpr double kMargin = 1.2;

std::string Microseconds(nanoseconds time) {
  return std::to_string(std::chrono::duration_cast<microseconds>(time).count()) + " us";
}

// The shapes of one call; nullopt if there is none that a row could have.
std::optional<std::vector<Shape>> RowShapes(const ModelMetadata& metadata) {
  std::vector<Shape> shapes;
  for (const TensorInfo& input : metadata.inputs) {
    if (input.shape.empty() || (input.shape[0] != 1 && input.shape[0] != -1)) return std::nullopt;
    if (DTypeSize(input.type) == 0) return std::nullopt;
    shapes.push_back(input.shape);
    shapes.back()[0] = 1;
    const auto count = ElementCount(shapes.back());
    if (!count || *count == 0) return std::nullopt;
  }
  if (shapes.empty() || metadata.outputs.empty()) return std::nullopt;
  return shapes;
}

// What the child of a probe has found out; of a file that is trusted, what is found out now.
ServingTrial TrialOf(const LoadedTflite& loaded, const TfliteOptions& options) {
  if (loaded.trial.has_value()) return *loaded.trial;
  ServingTrial trial;
  TryRows(loaded, options, trial).IgnoreError();  // it is in the refusal
  return trial;
}

}  // namespace

absl::Status ShapeRows(const LoadedTflite& loaded, const TfliteOptions& options, BatchPlan& plan) {
  plan.rows = options.batch_rows;
  if (plan.rows <= 1) return FailedPrecondition("switched off");
  if (options.num_threads != 1) {
    return FailedPrecondition("only done with one thread per instance");
  }
  auto shapes = RowShapes(loaded.metadata);
  if (!shapes) return FailedPrecondition("the inputs have no batch of 1");
  plan.row_shapes = *std::move(shapes);
  plan.output_shapes = loaded.instance->shapes().outputs;
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<TfliteInstance>> MakeForRows(const LoadedTflite& loaded,
                                                            int num_threads,
                                                            const BatchPlan& plan) {
  ASSIGN_OR_RETURN(std::unique_ptr<TfliteInstance> made, MakeInstance(loaded, num_threads));
  std::vector<Shape> shapes = plan.row_shapes;
  for (Shape& shape : shapes) shape[0] = plan.rows;
  RETURN_IF_ERROR(made->ResizeInputs(shapes));
  return made;
}

absl::Status RunTogether(TfliteInstance& instance, const BatchPlan& plan,
                         std::span<BatchRow* const> rows) {
  const auto many = static_cast<size_t>(plan.rows);
  const RuntimeShapes shapes = instance.shapes();
  for (size_t i = 0; i < shapes.inputs.size(); ++i) {
    const std::span<std::byte> memory = instance.Input(static_cast<int>(i));
    const size_t size = memory.size() / many;
    for (size_t r = 0; r < many; ++r) {
      // Rows that nobody wants repeat a caller's: zeros may be no valid input.
      const std::vector<std::byte>& bytes = rows[std::min(r, rows.size() - 1)]->inputs[i];
      if (bytes.size() != size) return Internal("a row has another size than the run");
      std::memcpy(memory.subspan(r * size, size).data(), bytes.data(), size);
    }
  }
  RETURN_IF_ERROR(instance.Invoke(Context()));
  for (size_t r = 0; r < rows.size(); ++r) rows[r]->outputs.resize(shapes.outputs.size());
  for (size_t i = 0; i < shapes.outputs.size(); ++i) {
    const TensorView view = instance.Output(static_cast<int>(i));
    Shape expected = plan.output_shapes[i];
    if (!expected.empty()) expected[0] = plan.rows;
    if (expected.empty() || !std::ranges::equal(view.shape, expected)) {
      return FailedPrecondition("output " + std::to_string(i) + " has no row for each call");
    }
    const size_t size = view.bytes.size() / many;
    for (size_t r = 0; r < rows.size(); ++r) {
      const std::span<const std::byte> row = view.bytes.subspan(r * size, size);
      rows[r]->outputs[i].assign(row.begin(), row.end());
    }
  }
  return absl::OkStatus();
}

absl::Status RunAlone(TfliteInstance& instance, const BatchPlan& plan, BatchRow& row) {
  RETURN_IF_ERROR(instance.ResizeInputs(plan.row_shapes));
  for (size_t i = 0; i < plan.row_shapes.size(); ++i) {
    const std::span<std::byte> memory = instance.Input(static_cast<int>(i));
    if (memory.size() != row.inputs[i].size()) return Internal("a row of another size");
    if (!memory.empty()) std::memcpy(memory.data(), row.inputs[i].data(), memory.size());
  }
  RETURN_IF_ERROR(instance.Invoke(Context()));
  row.outputs.resize(plan.output_shapes.size());
  for (size_t i = 0; i < plan.output_shapes.size(); ++i) {
    const TensorView view = instance.Output(static_cast<int>(i));
    if (!std::ranges::equal(view.shape, plan.output_shapes[i])) {
      return FailedPrecondition("output " + std::to_string(i) +
                                " changes its shape from call to call: set batching to 1");
    }
    row.outputs[i].assign(view.bytes.begin(), view.bytes.end());
  }
  return absl::OkStatus();
}

BatchPlan PlanBatching(const LoadedTflite& loaded, const TfliteOptions& options) {
  BatchPlan plan;
  const auto off = [&](const std::string& why) {
    plan.rows = 0;
    plan.verdict = "off: " + why;
    return plan;
  };
  if (const absl::Status possible = ShapeRows(loaded, options, plan); !possible.ok()) {
    return off(MessageOf(possible));
  }
  const int instances = WantedInstances(options);
  if (!PlanMemory(loaded.need, options.max_memory_bytes, instances, true).with_rows) {
    return off("with it " + std::to_string(instances) + " instances would take " +
               Megabytes(loaded.need.Of(instances, true)) + " MB, the limit is " +
               Megabytes(options.max_memory_bytes));
  }
  const ServingTrial trial = TrialOf(loaded, options);
  if (!trial.refusal.empty()) return off(trial.refusal);
  plan.alone = trial.alone;
  plan.together = trial.together;
  const double ratio =
      static_cast<double>(plan.together.count()) / static_cast<double>(plan.alone.count());
  plan.worth_rows = std::max(2, static_cast<int>(std::ceil(kMargin * ratio)));
  const std::string times = std::to_string(plan.rows) + " calls take " +
                            Microseconds(plan.together) + " together, one takes " +
                            Microseconds(plan.alone);
  if (plan.worth_rows > plan.rows) return off("it does not pay, " + times);
  plan.verdict = "from " + std::to_string(plan.worth_rows) + " waiting calls: " + times;
  return plan;
}

}  // namespace bowerbird::infer
