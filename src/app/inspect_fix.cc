// SPDX-License-Identifier: Apache-2.0
#include "app/inspect_fix.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <utility>

#include "absl/strings/str_split.h"
#include "app/inspect_compare.h"
#include "app/inspect_draft.h"
#include "base/status.h"
#include "infer/diagnosis_file.h"
#include "infer/preflight.h"
#include "tflite/attached_files.h"
#include "tflite/diagnosis_repair.h"

namespace bowerbird::app {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr size_t kMaxAttachedBytes = size_t{256} << 20;
constexpr char kLabelFile[] = "labels.txt";
// Channels in another order are summed in another order: floats round differently then.
constexpr double kRoundingShare = 1e-3;

absl::Status CheckOutput(const FixOptions& options) {
  std::error_code error;
  if (!fs::exists(options.output, error)) return absl::OkStatus();
  if (fs::equivalent(options.model, options.output, error)) {
    return InvalidArgument(options.output +
                           " is the model itself, which is never changed; give "
                           "another name");
  }
  if (options.overwrite) return absl::OkStatus();
  return absl::AlreadyExistsError(
      ToAbsl(options.output + " exists already; give another name, or --force to replace it"));
}

absl::StatusOr<std::vector<uint32_t>> BoxOrder(const std::string& text) {
  std::vector<uint32_t> order;
  if (text.empty()) return order;
  constexpr std::array<std::string_view, 4> kNames = {"xmin", "ymin", "xmax", "ymax"};
  for (const absl::string_view name : absl::StrSplit(ToAbsl(text), ',')) {
    const auto found = std::ranges::find(kNames, std::string_view(name.data(), name.size()));
    if (found == kNames.end()) break;
    order.push_back(static_cast<uint32_t>(found - kNames.begin()));
  }
  constexpr std::array<uint32_t, 4> kAll = {0, 1, 2, 3};
  if (std::ranges::is_permutation(order, kAll)) return order;
  return InvalidArgument("the box order '" + text +
                         "' is not made of xmin, ymin, xmax and ymax, each once, with commas "
                         "between them");
}

// The files behind the model, with the labels that are wished in place of those of that name.
absl::StatusOr<std::vector<tflite::AttachedFile>> Attached(const FixOptions& options,
                                                           infer::DiagnosisFile& file,
                                                           std::vector<std::string>& changes) {
  std::vector<tflite::AttachedFile> attached;
  if (file.evidence().zip_damage.empty()) {
    ASSIGN_OR_RETURN(attached, tflite::ReadAttachedFiles(file.bytes(), kMaxAttachedBytes));
  } else {
    changes.emplace_back("left out the archive behind the model, which is damaged");
  }
  if (options.labels.empty()) return attached;
  std::string text;
  for (const std::string& label : file.evidence().labels) text += label + "\n";
  std::erase_if(attached, [](const tflite::AttachedFile& each) { return each.name == kLabelFile; });
  attached.push_back({.name = kLabelFile, .contents = std::move(text)});
  return attached;
}

bool RuntimeHas(const tflite::OperatorCode& code) {
  tflite::Graph graph;
  graph.operator_codes = {code};
  return infer::UnknownOperators(graph).empty();
}

// The bytes of the repaired file.
absl::StatusOr<std::string> Repaired(const FixOptions& options, infer::DiagnosisFile& file,
                                     std::vector<std::string>& changes) {
  tflite::Graph graph = file.graph();
  RETURN_IF_ERROR(tflite::CheckEditable(graph));
  tflite::MetadataWishes wishes{.model_name = fs::path(options.model).stem(),
                                .label_file = options.labels.empty() ? "" : kLabelFile,
                                .label_count = file.evidence().labels.size(),
                                .mean = options.mean,
                                .std = options.std,
                                .takes_rgb = options.swap_channels};
  ASSIGN_OR_RETURN(wishes.box_order, BoxOrder(options.box_order));
  ASSIGN_OR_RETURN(
      const tflite::FileMetadata metadata,
      tflite::RepairMetadata(tflite::GraphView(graph), file.evidence().metadata, wishes, changes));
  if (options.swap_channels) {
    ASSIGN_OR_RETURN(const int count, tflite::SwapInputChannels(graph));
    changes.push_back("made it take RGB: swapped the input channels of " + std::to_string(count) +
                      (count == 1 ? " convolution" : " convolutions") +
                      "; \"input_image_bgr\": true must not be set any more");
  }
  tflite::LowerVersions(graph, RuntimeHas, changes);
  RETURN_IF_ERROR(tflite::SetFileMetadata(graph, metadata));
  ASSIGN_OR_RETURN(const std::vector<tflite::AttachedFile> attached,
                   Attached(options, file, changes));
  return tflite::WriteModelFile(graph, attached);
}

absl::Status CheckAgreement(const FixOptions& options, const ModelComparison& comparison) {
  if (!comparison.original_runs || comparison.is_equal) return absl::OkStatus();
  if (options.swap_channels && comparison.difference <= kRoundingShare) return absl::OkStatus();
  return Internal("the repaired model answers differently, by " +
                  std::to_string(comparison.difference) +
                  " of the range of an output; nothing was written");
}

}  // namespace

absl::StatusOr<ordered_json> FixModel(const FixOptions& options) {
  RETURN_IF_ERROR(CheckOutput(options));
  ASSIGN_OR_RETURN(const std::unique_ptr<infer::DiagnosisFile> file,
                   infer::DiagnosisFile::Open(options.model, options.labels));
  std::vector<std::string> changes;
  ASSIGN_OR_RETURN(const std::string bytes, Repaired(options, *file, changes));
  ASSIGN_OR_RETURN(const std::unique_ptr<Draft> draft, Draft::Write(options.output, bytes));
  ASSIGN_OR_RETURN(const std::unique_ptr<infer::DiagnosisFile> again,
                   infer::DiagnosisFile::Open(draft->path(), ""));
  const std::string& refusal = again->evidence().refusal;
  if (!refusal.empty()) {
    return FailedPrecondition("the repaired model still cannot run, so nothing was written: " +
                              refusal);
  }
  ASSIGN_OR_RETURN(const ModelComparison comparison,
                   CompareModels(options.model, draft->path(), options.swap_channels));
  RETURN_IF_ERROR(CheckAgreement(options, comparison));
  RETURN_IF_ERROR(draft->Place(options.output));
  return ordered_json{{"model", options.model},
                      {"output", options.output},
                      {"changes", changes},
                      {"original_runs", comparison.original_runs},
                      {"outputs_equal", comparison.is_equal},
                      {"largest_difference", comparison.difference}};
}

}  // namespace bowerbird::app
