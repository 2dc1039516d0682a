// SPDX-License-Identifier: Apache-2.0
#include "infer/batch_plan.h"

#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <optional>
#include <utility>

#include "base/status.h"
#include "infer/model_facts.h"
#include "infer/probe.h"
#include "infer/synthetic_input.h"
#include "nlohmann/json.hpp"

namespace bowerbird::infer {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// Below this, handing a call to another thread and back costs as much as running it.
constexpr nanoseconds kShortestCall = microseconds(50);
// For all calls of one run: what a load may spend on trying.
constexpr nanoseconds kLongestTrial = milliseconds(60);
// Copies in and out, threads to wake: together must be that much cheaper.
constexpr double kMargin = 1.2;
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

// By what a trial measures time; see TfliteOptions::processor_time.
using Clock = std::function<nanoseconds()>;

absl::Status TryAlone(TfliteInstance& single, const BatchPlan& plan, const Clock& now,
                      std::vector<BatchRow>& rows, BatchTrial& trial) {
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

absl::Status TryTogether(TfliteInstance& many, const BatchPlan& plan, const Clock& now,
                         std::vector<BatchRow>& rows, BatchTrial& trial) {
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
                 BatchTrial& trial) {
  const Clock now = options.processor_time ? options.processor_time : Clock(ProcessorTime);
  std::vector<BatchRow> alone = SampleRows(loaded.metadata, plan);
  RETURN_IF_ERROR(TryAlone(*loaded.instance, plan, now, alone, trial));
  ASSIGN_OR_RETURN(const auto many, MakeForRows(loaded, options.num_threads, plan));
  std::vector<BatchRow> together = SampleRows(loaded.metadata, plan);
  RETURN_IF_ERROR(TryTogether(*many, plan, now, together, trial));
  for (size_t r = 0; r < together.size(); ++r) {
    if (together[r].outputs != alone[r].outputs) {
      return FailedPrecondition("a row of a batch comes out differently than alone");
    }
  }
  return absl::OkStatus();
}

// What this machine knows of the file, or finds out now.
BatchTrial FindOut(const LoadedTflite& loaded, const TfliteOptions& options,
                   const BatchPlan& plan) {
  ModelFacts* const facts = options.probe == nullptr ? nullptr : options.probe->facts();
  FactSubject subject;
  if (facts != nullptr) {
    subject.file_sha256 = loaded.file_sha256;
    subject.conditions = options.probe->conditions() + ", " + std::to_string(plan.rows) +
                         " rows, " + loaded.report.delegate +
                         (loaded.report.prepared ? ", prepared" : "");
    if (auto known = facts->Find<BatchTrial>(subject)) return *std::move(known);
  }
  BatchTrial trial;
  const absl::Status tried = Try(loaded, options, plan, trial);
  if (!tried.ok()) trial.refusal = MessageOf(tried);
  const bool is_about_the_file = tried.ok() || absl::IsFailedPrecondition(tried);
  if (facts != nullptr && is_about_the_file) facts->Keep(subject, trial);
  return trial;
}

// What can be said without a run.
absl::Status CheckConditions(const LoadedTflite& loaded, const TfliteOptions& options,
                             BatchPlan& plan) {
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

}  // namespace

absl::StatusOr<std::unique_ptr<TfliteInstance>> MakeForRows(const LoadedTflite& loaded,
                                                            int num_threads,
                                                            const BatchPlan& plan) {
  ASSIGN_OR_RETURN(std::unique_ptr<TfliteInstance> made, MakeInstance(loaded, num_threads));
  for (size_t i = 0; i < plan.row_shapes.size(); ++i) {
    Shape shape = plan.row_shapes[i];
    shape[0] = plan.rows;
    RETURN_IF_ERROR(made->ResizeInput(static_cast<int>(i), shape));
  }
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
  for (size_t i = 0; i < plan.row_shapes.size(); ++i) {
    const int index = static_cast<int>(i);
    RETURN_IF_ERROR(instance.ResizeInput(index, plan.row_shapes[i]));
    const std::span<std::byte> memory = instance.Input(index);
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

nlohmann::json BatchTrial::ToJson() const {
  return {{"alone_ns", alone.count()}, {"together_ns", together.count()}, {"refusal", refusal}};
}

absl::StatusOr<BatchTrial> BatchTrial::FromJson(const nlohmann::json& json) {
  const auto time = [&](const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_number_integer() ? found->get<int64_t>() : -1;
  };
  const auto refusal = json.find("refusal");
  BatchTrial trial{.alone = nanoseconds(time("alone_ns")),
                   .together = nanoseconds(time("together_ns")),
                   .refusal = ""};
  if (refusal == json.end() || !refusal->is_string() || trial.alone.count() < 0 ||
      trial.together.count() < 0) {
    return InvalidArgument("not the outcome of a trial of batches");
  }
  trial.refusal = refusal->get<std::string>();
  if (trial.refusal.empty() && trial.alone.count() == 0) {
    return InvalidArgument("a trial of batches in which a call took no time");
  }
  return trial;
}

BatchPlan PlanBatching(const LoadedTflite& loaded, const TfliteOptions& options) {
  BatchPlan plan;
  plan.rows = options.batch_rows;
  const auto off = [&](const std::string& why) {
    plan.rows = 0;
    plan.verdict = "off: " + why;
    return plan;
  };
  const absl::Status possible = CheckConditions(loaded, options, plan);
  if (!possible.ok()) return off(MessageOf(possible));
  const BatchTrial trial = FindOut(loaded, options, plan);
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
