// SPDX-License-Identifier: Apache-2.0
#include "infer/prepare_load.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
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

// What this machine knows, or finds out now, of the two forms.
Preparation FindOut(const LoadStep& step, bool allow_delegate, const tflite::Graph& graph) {
  ModelFacts& facts = *step.options.probe->facts();
  const FactSubject subject = {.file_sha256 = step.file_sha256,
                               .conditions = step.options.probe->conditions() + ", " +
                                             std::to_string(step.options.num_threads) + " threads" +
                                             (allow_delegate ? "" : ", no delegate")};
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

std::string Megabytes(uint64_t bytes) { return std::to_string((bytes + 999'999) / 1'000'000); }

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
  const uint64_t bytes = EstimateBytes(in_float, allow_delegate, 1);
  if (options.max_memory_bytes > 0 && bytes > options.max_memory_bytes) {
    step.report.preparation = "as given: in float32 it would take " + Megabytes(bytes) +
                              " MB, the limit is " + Megabytes(options.max_memory_bytes);
    return false;
  }
  const Preparation found = FindOut(step, allow_delegate, graph);
  step.report.preparation = found.note;
  if (!found.in_float) return false;
  graph = std::move(in_float);
  return true;
}

uint64_t EstimateBytes(const tflite::Graph& graph, bool delegated, int instances) {
  const tflite::Footprint footprint = tflite::Measure(graph);
  const auto count = static_cast<uint64_t>(instances);
  // A delegate packs the weights for each of its instances; else all read them in the file.
  const uint64_t copies = delegated ? count : 1;
  return footprint.constant_bytes * copies + footprint.peak_activation_bytes * count;
}

int InstancesWithin(const TfliteOptions& options, const tflite::Graph& graph, bool delegated,
                    int wanted) {
  if (options.max_memory_bytes == 0) return wanted;
  int instances = wanted;
  while (instances > 1 && EstimateBytes(graph, delegated, instances) > options.max_memory_bytes) {
    --instances;
  }
  return instances;
}

}  // namespace bowerbird::infer
