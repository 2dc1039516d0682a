// SPDX-License-Identifier: Apache-2.0
#include "infer/tflite_loader.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "infer/describe.h"
#include "infer/labels.h"
#include "infer/preflight.h"

namespace bowerbird::infer {
namespace {

std::vector<bool> DynamicInputs(const tflite::Subgraph& subgraph) {
  std::vector<bool> dynamic;
  for (const int32_t index : subgraph.inputs) {
    const std::vector<int32_t>& signature =
        subgraph.tensors[static_cast<size_t>(index)].shape_signature;
    dynamic.push_back(std::ranges::any_of(signature, [](int32_t extent) { return extent < 0; }));
  }
  return dynamic;
}

// Whether an interpreter of `rung` is worth a trial run.
bool TakesAnything(Delegate rung, const Interpreter& interpreter) {
  return rung == Delegate::kNone || interpreter.delegated() > 0;
}

// Goes down the ladder to the first rung that builds and runs.
absl::StatusOr<std::unique_ptr<Interpreter>> Climb(const TfliteOptions& options,
                                                   LoadedTflite& loaded) {
  RuntimeReport& report = loaded.report;
  std::string why;
  std::vector<Delegate> rungs = AvailableDelegates(&why);
  if (!options.allow_delegate) {
    rungs = {Delegate::kNone};
  } else if (!why.empty()) {
    report.warnings.push_back(why);
  }
  absl::Status last = absl::OkStatus();
  for (const Delegate rung : rungs) {
    absl::StatusOr<std::unique_ptr<Interpreter>> made =
        Interpreter::Create(loaded.model.get(), rung, options.num_threads);
    const bool built = made.ok();
    if (built && !TakesAnything(rung, **made)) continue;
    last = built ? (*made)->InvokeOnZeros() : made.status();
    const bool is_last = rung == rungs.back();
    // Zeros may be no valid input at all (a division, an empty search): the plain interpreter
    // stays in use then, and the caller's own data decide.
    if (last.ok() || (is_last && built)) {
      if (!last.ok()) report.warnings.push_back("on zeros: " + MessageOf(last));
      loaded.delegate = rung;
      report.delegate = std::string(DelegateName(rung));
      report.delegated_operators = (*made)->delegated();
      return made;
    }
    if (!is_last) {
      report.warnings.push_back("without " + std::string(DelegateName(rung)) + ": " +
                                MessageOf(last));
    }
  }
  return last;
}

std::optional<tflite::FileMetadata> FileMetadataOf(const tflite::Graph& graph,
                                                   RuntimeReport& report) {
  const std::span<const std::byte> buffer = graph.MetadataBuffer(tflite::kMetadataName);
  if (buffer.empty()) return std::nullopt;
  absl::StatusOr<tflite::FileMetadata> metadata = tflite::ReadFileMetadata(buffer);
  if (metadata.ok()) return *std::move(metadata);
  report.warnings.push_back(MessageOf(metadata.status()));
  return std::nullopt;
}

absl::Status AddLabels(const TfliteOptions& options,
                       const std::optional<tflite::FileMetadata>& metadata, LoadedTflite& loaded) {
  if (!options.label_path.empty()) {
    ASSIGN_OR_RETURN(loaded.metadata.labels, ReadLabels(options.label_path));
    for (TensorInfo& output : loaded.metadata.outputs) output.labels_path = options.label_path;
    return absl::OkStatus();
  }
  if (!metadata) return absl::OkStatus();
  absl::StatusOr<std::vector<std::string>> labels = PackedLabels(loaded.file->bytes(), *metadata);
  if (labels.ok()) {
    loaded.metadata.labels = *std::move(labels);
  } else {
    loaded.report.warnings.push_back(MessageOf(labels.status()));
  }
  return absl::OkStatus();
}

absl::Status LoadMapped(const TfliteOptions& options, LoadedTflite& loaded) {
  const std::span<const std::byte> bytes = loaded.file->bytes();
  ASSIGN_OR_RETURN(const tflite::Graph graph, tflite::ReadGraph(bytes));
  RETURN_IF_ERROR(Preflight(graph));
  loaded.is_dynamic = DynamicInputs(graph.subgraphs[0]);
  loaded.model.reset(TfLiteModelCreate(bytes.data(), bytes.size()));
  if (loaded.model == nullptr) return InvalidArgument("the runtime refuses the file as damaged");
  for (const tflite::Subgraph& subgraph : graph.subgraphs) {
    loaded.report.operators += static_cast<int>(subgraph.operators.size());
  }
  ASSIGN_OR_RETURN(std::unique_ptr<Interpreter> interpreter, Climb(options, loaded));
  loaded.instance = std::make_unique<TfliteInstance>(std::move(interpreter), loaded.is_dynamic);
  const std::optional<tflite::FileMetadata> metadata = FileMetadataOf(graph, loaded.report);
  loaded.metadata = Describe(graph, metadata, loaded.instance->shapes());
  return AddLabels(options, metadata, loaded);
}

}  // namespace

absl::StatusOr<LoadedTflite> LoadTflite(const TfliteOptions& options) {
  LoadedTflite loaded;
  ASSIGN_OR_RETURN(loaded.file, MappedFile::Open(options.model_path));
  loaded.report.runtime_version = TfLiteVersion();
  if (absl::Status status = LoadMapped(options, loaded); !status.ok()) {
    return Annotate(status, "model " + options.model_path);
  }
  // A delegate has packed its own copy of the weights; without one they are read in place.
  if (loaded.delegate != Delegate::kNone) loaded.file->DropPages();
  return loaded;
}

absl::StatusOr<std::unique_ptr<TfliteInstance>> MakeInstance(const LoadedTflite& loaded,
                                                             int num_threads) {
  ASSIGN_OR_RETURN(std::unique_ptr<Interpreter> interpreter,
                   Interpreter::Create(loaded.model.get(), loaded.delegate, num_threads));
  auto instance = std::make_unique<TfliteInstance>(std::move(interpreter), loaded.is_dynamic);
  if (loaded.delegate != Delegate::kNone) loaded.file->DropPages();
  return instance;
}

}  // namespace bowerbird::infer
