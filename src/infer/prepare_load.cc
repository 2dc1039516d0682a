// SPDX-License-Identifier: Apache-2.0
#include "infer/prepare_load.h"

#include <algorithm>
#include <ctime>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "infer/memory_plan.h"
#include "infer/model_facts.h"
#include "infer/preflight.h"
#include "infer/prepare.h"
#include "infer/prepare_float.h"
#include "infer/prepare_missing.h"
#include "infer/probe.h"
#include "nlohmann/json.hpp"
#include "tflite/checks.h"
#include "tflite/footprint.h"
#include "tflite/value_guard.h"

namespace bowerbird::infer {
namespace {

using tflite::TensorType;

// Whether ComputeInFloat could find anything to do: sums up no constants.
bool HasSmallNumbers(const tflite::Graph& graph) {
  return std::ranges::any_of(graph.subgraphs[0].tensors, [](const tflite::Tensor& tensor) {
    const bool is_small = tensor.type == TensorType::kUint8 || tensor.type == TensorType::kInt8 ||
                          tensor.type == TensorType::kInt16;
    return (is_small && !tensor.quantization.scale.empty()) || tensor.type == TensorType::kFloat16;
  });
}

Preparation AsGiven(const absl::Status& why) {
  Preparation preparation;
  preparation.note = "as given: " + MessageOf(why);
  return preparation;
}

// Is, or may be, about this moment and not about the file, so that it is not to be kept.
bool IsOfTheCall(const absl::Status& status) {
  return absl::IsCancelled(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsUnavailable(status) || absl::IsInternal(status) ||
         absl::IsResourceExhausted(status);
}

FactSubject SubjectOf(const LoadStep& step, bool allow_delegate) {
  return {.file_sha256 = step.file_sha256,
          .conditions = step.options.probe->conditions() + ", " +
                        std::to_string(step.options.num_threads) + " threads" +
                        (allow_delegate ? "" : ", no delegate")};
}

// What this machine knows, or finds out now, of the two forms.
Preparation FindOut(const LoadStep& step, bool allow_delegate, const tflite::Graph& graph) {
  ModelFacts& facts = *step.options.probe->facts();
  const FactSubject subject = SubjectOf(step, allow_delegate);
  if (std::optional<Preparation> known = facts.Find<Preparation>(subject)) return *std::move(known);
  absl::StatusOr<Preparation> found =
      step.options.probe->ChooseForm(step.options.context, {.path = step.options.model_path,
                                                            .bytes = step.file,
                                                            .num_threads = step.options.num_threads,
                                                            .allow_delegate = allow_delegate});
  if (absl::IsUnimplemented(found.status())) {
    found = ChooseForm(graph,
                       {.num_threads = step.options.num_threads, .allow_delegate = allow_delegate});
  }
  if (IsOfTheCall(found.status())) return AsGiven(found.status());
  if (!found.ok()) found = AsGiven(found.status());
  facts.Keep(subject, *found);
  return *std::move(found);
}

bool ReplaceMissing(const LoadStep& step, tflite::Graph& graph) {
  if (step.options.prepare == Prepare::kNone) return false;
  tflite::Graph changed = graph;
  const absl::StatusOr<int> replaced = ReplaceMissingOperators(changed);
  if (!replaced.ok() || *replaced == 0) return false;
  graph = std::move(changed);
  step.report.warnings.push_back(std::to_string(*replaced) +
                                 " operators that this runtime lacks are replaced by others");
  return true;
}

std::string TooLarge(uint64_t bytes, uint64_t limit) {
  return "as given: in float32 it would take " + Megabytes(bytes) + " MB, the limit is " +
         Megabytes(limit);
}

bool TakeFastestForm(const LoadStep& step, bool allow_delegate, tflite::Graph& graph) {
  const TfliteOptions& options = step.options;
  step.report.preparation = "as given";
  if (options.prepare == Prepare::kNone || options.probe == nullptr ||
      options.probe->facts() == nullptr || !HasSmallNumbers(graph))
    return false;
  tflite::Graph in_float = graph;
  const absl::StatusOr<int> changed = ComputeInFloat(in_float);
  if (!changed.ok()) {
    step.report.preparation = "as given: " + MessageOf(changed.status());
    return false;
  }
  if (*changed == 0) return false;
  // What is certain to be too large is not even tried.
  const tflite::Footprint weight = tflite::Measure(in_float);
  const uint64_t bytes = weight.constant_bytes + weight.peak_activation_bytes;
  if (options.max_memory_bytes > 0 && bytes > options.max_memory_bytes) {
    step.report.preparation = TooLarge(bytes, options.max_memory_bytes);
    return false;
  }
  const Preparation found = FindOut(step, allow_delegate, graph);
  step.report.preparation = found.note;
  if (!found.in_float) return false;
  graph = std::move(in_float);
  return true;
}

bool TakeSettledForm(Form form, tflite::Graph& graph) {
  if (form != Form::kFloat) return false;
  tflite::Graph in_float = graph;
  const absl::StatusOr<int> changed = ComputeInFloat(in_float);
  if (!changed.ok() || *changed == 0) return false;
  graph = std::move(in_float);
  return true;
}

// What this machine knows, or finds out now, of the model while it is served.
std::optional<ServingTrial> TrialOf(const LoadStep& step, bool allow_delegate, Form form) {
  const TfliteOptions& options = step.options;
  const bool is_wanted = options.batch_rows > 1 || options.max_memory_bytes > 0;
  if (!is_wanted || options.probe == nullptr || options.probe->facts() == nullptr) return {};
  const ProbeRequest request = {.path = options.model_path,
                                .bytes = step.file,
                                .num_threads = options.num_threads,
                                .allow_delegate = allow_delegate,
                                .in_float = form == Form::kFloat,
                                .rows = options.batch_rows};
  FactSubject subject = SubjectOf(step, allow_delegate);
  subject.conditions +=
      ", " + std::to_string(request.rows) + " rows" + (request.in_float ? ", in float32" : "");
  ModelFacts& facts = *options.probe->facts();
  std::optional<ServingTrial> trial = facts.Find<ServingTrial>(subject);
  if (!trial || trial->IsStale(std::time(nullptr))) {
    absl::StatusOr<ServingTrial> found = options.probe->TryServing(options.context, request);
    if (absl::IsUnimplemented(found.status())) return {};
    if (found.ok()) {
      found->unix_time = std::time(nullptr);
      facts.Keep(subject, *found);
      trial = *std::move(found);
    } else {
      // About this moment, so it is not kept; and a size that nobody has tried is not run.
      trial = ServingTrial();
      trial->refusal = MessageOf(found.status());
    }
  }
  if (trial->died) step.report.warnings.push_back("calls are run one by one: " + trial->refusal);
  return trial;
}

}  // namespace

absl::StatusOr<ReadyGraph> ReadForRuntime(const LoadStep& step) {
  ReadyGraph ready;
  ASSIGN_OR_RETURN(ready.graph, tflite::ReadGraph(step.file));
  // Passes take on trust what this has looked at.
  RETURN_IF_ERROR(tflite::CheckGraph(ready.graph));
  ready.changed = ReplaceMissing(step, ready.graph);
  RETURN_IF_ERROR(Preflight(ready.graph));
  ASSIGN_OR_RETURN(const std::vector<std::string> guarded, tflite::GuardValues(ready.graph));
  ready.changed = ready.changed || !guarded.empty();
  return ready;
}

bool TakeForm(const LoadStep& step, bool allow_delegate, tflite::Graph& graph,
              std::optional<ServingTrial>& trial) {
  if (step.form != Form::kMeasured) return TakeSettledForm(step.form, graph);
  const uint64_t limit = step.options.max_memory_bytes;
  tflite::Graph in_float = graph;
  if (TakeFastestForm(step, allow_delegate, in_float)) {
    trial = TrialOf(step, allow_delegate, Form::kFloat);
    if (limit == 0 || !trial || trial->memory.first <= limit) {
      graph = std::move(in_float);
      return true;
    }
    step.report.preparation = TooLarge(trial->memory.first, limit);
  }
  trial = TrialOf(step, allow_delegate, Form::kAsGiven);
  return false;
}

}  // namespace bowerbird::infer
