// SPDX-License-Identifier: Apache-2.0
#include "infer/tflite_loader.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "infer/describe.h"
#include "infer/labels.h"
#include "infer/load_observer.h"
#include "infer/preflight.h"
#include "infer/probe.h"
#include "tflite/checks.h"

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

// Whether a delegate took an operator of whose outputs one is read by nothing: XNNPACK of 2.9.0
// would write that to a null pointer. Says which tensor.
std::string UnreadOutput(const tflite::Graph& graph, const Interpreter& interpreter) {
  const std::vector<std::vector<bool>> unread = tflite::UnreadTensors(graph);
  const std::vector<std::vector<int>>& outputs = interpreter.delegated_outputs();
  for (size_t i = 0; i < std::min(unread.size(), outputs.size()); ++i) {
    for (const int tensor : outputs[i]) {
      const auto index = static_cast<size_t>(tensor);
      if (index < unread[i].size() && unread[i][index]) {
        return graph.subgraphs[i].tensors[index].name;
      }
    }
  }
  return "";
}

void Tell(const TfliteOptions& options, std::string_view stage, Delegate rung) {
  if (options.observer == nullptr) return;
  options.observer->Stage(std::string(stage) + (rung == Delegate::kNone
                                                    ? ""
                                                    : ", with " + std::string(DelegateName(rung))));
}

// One rung: an interpreter that has run on zeros, null if the delegate has nothing to do, or why it
// cannot be used. The last rung stays in use if only its run failed: zeros may be no valid input at
// all (a division, an empty search), and the caller's own data decide.
absl::StatusOr<std::unique_ptr<Interpreter>> Try(Delegate rung, const tflite::Graph& graph,
                                                 const TfliteOptions& options,
                                                 LoadedTflite& loaded) {
  Tell(options, "prepares the model", rung);
  ASSIGN_OR_RETURN(
      std::unique_ptr<Interpreter> made,
      Interpreter::Create(loaded.model.get(), rung, options.num_threads, options.observer));
  if (rung != Delegate::kNone) {
    if (made->delegated() == 0) return nullptr;
    if (const std::string name = UnreadOutput(graph, *made); !name.empty()) {
      return FailedPrecondition("nothing reads tensor '" + name +
                                "', which XNNPACK cannot leave out; export the model without it");
    }
  }
  Tell(options, "runs the model on zeros", rung);
  const absl::Status run = made->InvokeOnZeros();
  if (run.ok()) return made;
  if (rung != Delegate::kNone) return run;
  loaded.report.warnings.push_back("on zeros: " + MessageOf(run));
  return made;
}

// Goes down the ladder to the first rung that holds.
absl::StatusOr<std::unique_ptr<Interpreter>> Climb(const tflite::Graph& graph,
                                                   const TfliteOptions& options,
                                                   bool allow_delegate, LoadedTflite& loaded) {
  RuntimeReport& report = loaded.report;
  std::string why;
  std::vector<Delegate> rungs = AvailableDelegates(&why);
  if (!allow_delegate) {
    rungs = {Delegate::kNone};
  } else if (!why.empty()) {
    report.warnings.push_back(why);
  }
  absl::Status last = absl::OkStatus();
  for (const Delegate rung : rungs) {
    absl::StatusOr<std::unique_ptr<Interpreter>> tried = Try(rung, graph, options, loaded);
    last = tried.status();
    if (tried.ok() && *tried != nullptr) {
      loaded.delegate = rung;
      report.delegate = std::string(DelegateName(rung));
      report.delegated_operators = (*tried)->delegated();
      return tried;
    }
    if (!tried.ok() && rung != Delegate::kNone) {
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

absl::Status LoadMapped(const TfliteOptions& options, LoadedTflite& loaded) {
  const std::span<const std::byte> bytes = loaded.file->bytes();
  ASSIGN_OR_RETURN(const tflite::Graph graph, tflite::ReadGraph(bytes));
  RETURN_IF_ERROR(Preflight(graph));
  ASSIGN_OR_RETURN(const bool allow_delegate, AskProbe(options, loaded));
  loaded.is_dynamic = DynamicInputs(graph.subgraphs[0]);
  loaded.model.reset(TfLiteModelCreate(bytes.data(), bytes.size()));
  if (loaded.model == nullptr) return InvalidArgument("the runtime refuses the file as damaged");
  for (const tflite::Subgraph& subgraph : graph.subgraphs) {
    loaded.report.operators += static_cast<int>(subgraph.operators.size());
  }
  ASSIGN_OR_RETURN(std::unique_ptr<Interpreter> interpreter,
                   Climb(graph, options, allow_delegate, loaded));
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
