// SPDX-License-Identifier: Apache-2.0
#include "infer/tflite_loader.h"

#include <algorithm>
#include <utility>

#include "base/sha256.h"
#include "base/status.h"
#include "infer/describe.h"
#include "infer/labels.h"
#include "infer/ladder.h"
#include "infer/prepare_load.h"
#include "infer/probe.h"
#include "tflite/write.h"

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

// Whether the file may be loaded with the delegate; an error if it may not be loaded at all.
absl::StatusOr<bool> AskProbe(const TfliteOptions& options, LoadedTflite& loaded) {
  if (options.probe == nullptr) return options.allow_delegate;
  ASSIGN_OR_RETURN(
      Clearance cleared,
      options.probe->Check(options.context, {.path = options.model_path,
                                             .bytes = loaded.file->bytes(),
                                             .num_threads = options.num_threads,
                                             .allow_delegate = options.allow_delegate}));
  if (!cleared.warning.empty()) loaded.report.warnings.push_back(std::move(cleared.warning));
  return cleared.allow_delegate && options.allow_delegate;
}

// The bytes that the runtime gets: the file's own, or those of the changed graph.
absl::StatusOr<std::span<const std::byte>> BytesOf(const tflite::Graph& graph, bool changed,
                                                   LoadedTflite& loaded) {
  if (!changed) return loaded.file->bytes();
  ASSIGN_OR_RETURN(const std::string written, tflite::WriteModel(graph));
  ASSIGN_OR_RETURN(loaded.prepared, MappedFile::OfBytes(written));
  loaded.report.prepared = true;
  return loaded.prepared->bytes();
}

// The runtime's model and its first interpreter.
absl::Status Build(const TfliteOptions& options, const tflite::Graph& graph, bool allow_delegate,
                   LoadedTflite& loaded) {
  RuntimeReport& report = loaded.report;
  report.operators = 0;
  for (const tflite::Subgraph& subgraph : graph.subgraphs) {
    report.operators += static_cast<int>(subgraph.operators.size());
  }
  ASSIGN_OR_RETURN(Climbed climbed, Climb(loaded.model.get(), graph,
                                          {.num_threads = options.num_threads,
                                           .allow_delegate = allow_delegate,
                                           .observer = options.observer}));
  loaded.delegate = climbed.delegate;
  report.delegate = std::string(DelegateName(climbed.delegate));
  report.delegated_operators = climbed.interpreter->delegated();
  report.warnings.insert(report.warnings.end(), climbed.warnings.begin(), climbed.warnings.end());
  loaded.instance =
      std::make_unique<TfliteInstance>(std::move(climbed.interpreter), loaded.is_dynamic);
  return absl::OkStatus();
}

absl::Status LoadMapped(const TfliteOptions& options, Form form, LoadedTflite& loaded) {
  // Now, while its pages are needed anyway: they are let go once it is loaded.
  if (options.probe != nullptr && options.probe->facts() != nullptr)
    loaded.file_sha256 = Sha256Hex(loaded.file->bytes());
  const LoadStep step{options, loaded.file->bytes(), loaded.report, loaded.file_sha256, form};
  ASSIGN_OR_RETURN(ReadyGraph ready, ReadForRuntime(step));
  tflite::Graph& graph = ready.graph;
  ASSIGN_OR_RETURN(const bool allow_delegate, AskProbe(options, loaded));
  loaded.allow_delegate = allow_delegate;
  loaded.in_float = TakeForm(step, allow_delegate, graph, loaded.trial);
  const bool changed = loaded.in_float || ready.changed;
  loaded.is_dynamic = DynamicInputs(graph.subgraphs[0]);
  ASSIGN_OR_RETURN(const std::span<const std::byte> bytes, BytesOf(graph, changed, loaded));
  loaded.model.reset(TfLiteModelCreate(bytes.data(), bytes.size()));
  if (loaded.model == nullptr) return InvalidArgument("the runtime refuses the file as damaged");
  RETURN_IF_ERROR(Build(options, graph, allow_delegate, loaded));
  loaded.need =
      EstimateNeed(graph, bytes.size(), loaded.delegate != Delegate::kNone, options.batch_rows);
  if (loaded.trial && loaded.trial->memory.first > 0) loaded.need = loaded.trial->memory;
  const std::optional<tflite::FileMetadata> metadata = FileMetadataOf(graph, loaded.report);
  loaded.metadata = Describe(graph, metadata, loaded.instance->shapes());
  return AddLabels(options, metadata, loaded);
}

}  // namespace

absl::StatusOr<LoadedTflite> LoadTflite(const TfliteOptions& options, Form form) {
  LoadedTflite loaded;
  ASSIGN_OR_RETURN(loaded.file, MappedFile::Open(options.model_path));
  loaded.report.runtime_version = TfLiteVersion();
  if (absl::Status status = LoadMapped(options, form, loaded); !status.ok()) {
    return Annotate(status, "model " + options.model_path);
  }
  // A delegate has packed its own copy of the weights; without one they are read in place.
  if (loaded.delegate != Delegate::kNone || loaded.prepared != nullptr) loaded.file->DropPages();
  if (loaded.delegate != Delegate::kNone && loaded.prepared != nullptr) {
    loaded.prepared->DropPages();
  }
  return loaded;
}

absl::StatusOr<std::unique_ptr<TfliteInstance>> MakeInstance(const LoadedTflite& loaded,
                                                             int num_threads) {
  ASSIGN_OR_RETURN(std::unique_ptr<Interpreter> interpreter,
                   Interpreter::Create(loaded.model.get(), loaded.delegate, num_threads));
  auto instance = std::make_unique<TfliteInstance>(std::move(interpreter), loaded.is_dynamic);
  if (loaded.delegate != Delegate::kNone) {
    (loaded.prepared != nullptr ? loaded.prepared : loaded.file)->DropPages();
  }
  return instance;
}

}  // namespace bowerbird::infer
