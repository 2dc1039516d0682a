// SPDX-License-Identifier: Apache-2.0
#include "infer/diagnosis_file.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "infer/describe.h"
#include "infer/labels.h"
#include "infer/preflight.h"
#include "tensorflow/lite/c/c_api.h"
#include "tflite/checks.h"
#include "tflite/zip.h"

namespace bowerbird::infer {
namespace {

// What is unpacked to check the archive; what lies beyond is taken on trust.
constexpr size_t kMaxUnpacked = size_t{32} << 20;

absl::Status CheckArchive(std::span<const std::byte> file) {
  ASSIGN_OR_RETURN(const std::vector<tflite::ZipEntry> entries, tflite::ReadZipDirectory(file));
  size_t left = kMaxUnpacked;
  for (const tflite::ZipEntry& entry : entries) {
    if (entry.size > left) break;
    const absl::StatusOr<std::string> contents = tflite::ReadZipEntry(file, entry, left);
    if (!contents.ok()) return Annotate(contents.status(), entry.name);
    left -= contents->size();
  }
  return absl::OkStatus();
}

std::vector<Shape> ShapesOf(const tflite::Subgraph& subgraph, const std::vector<int32_t>& ends) {
  std::vector<Shape> shapes;
  for (const int32_t index : ends) {
    const std::vector<int32_t>& shape = subgraph.tensors[static_cast<size_t>(index)].shape;
    shapes.emplace_back(shape.begin(), shape.end());
  }
  return shapes;
}

}  // namespace

void DiagnosisFile::ReadMetadata() {
  const std::span<const std::byte> buffer = graph_.MetadataBuffer(tflite::kMetadataName);
  if (buffer.empty()) return;
  absl::StatusOr<tflite::FileMetadata> metadata = tflite::ReadFileMetadata(buffer);
  if (metadata.ok()) {
    evidence_->metadata = *std::move(metadata);
  } else {
    evidence_->metadata_damage = MessageOf(metadata.status());
  }
}

void DiagnosisFile::ReadArchive() {
  if (const absl::Status status = CheckArchive(file_->bytes()); !status.ok()) {
    evidence_->zip_damage = MessageOf(status);
  }
}

absl::Status DiagnosisFile::ReadLabels(const std::string& label_path) {
  if (!label_path.empty()) {
    ASSIGN_OR_RETURN(evidence_->labels, infer::ReadLabels(label_path));
    return absl::OkStatus();
  }
  if (!evidence_->metadata || !evidence_->zip_damage.empty()) return absl::OkStatus();
  absl::StatusOr<std::vector<std::string>> packed =
      PackedLabels(file_->bytes(), *evidence_->metadata);
  if (packed.ok()) {
    evidence_->labels = *std::move(packed);
  } else {
    evidence_->labels_damage = MessageOf(packed.status());
  }
  return absl::OkStatus();
}

void DiagnosisFile::Describe() {
  if (!tflite::CheckGraph(graph_).ok()) return;
  const tflite::Subgraph& main = graph_.subgraphs[0];
  described_ = infer::Describe(
      graph_, evidence_->metadata,
      {.inputs = ShapesOf(main, main.inputs), .outputs = ShapesOf(main, main.outputs)});
  described_->labels = evidence_->labels;
}

absl::StatusOr<std::unique_ptr<DiagnosisFile>> DiagnosisFile::Open(const std::string& path,
                                                                   const std::string& label_path) {
  std::unique_ptr<DiagnosisFile> opened(new DiagnosisFile);
  ASSIGN_OR_RETURN(opened->file_, MappedFile::Open(path));
  absl::StatusOr<tflite::Graph> graph = tflite::ReadGraph(opened->bytes());
  if (!graph.ok()) return Annotate(graph.status(), path);
  opened->graph_ = *std::move(graph);
  opened->evidence_.emplace(tflite::Evidence{.graph = opened->graph_});
  opened->ReadMetadata();
  opened->ReadArchive();
  RETURN_IF_ERROR(opened->ReadLabels(label_path));
  opened->Describe();
  tflite::Evidence& evidence = opened->evidence();
  evidence.runtime_version = TfLiteVersion();
  evidence.missing_operators = UnknownOperators(opened->graph_);
  evidence.refusal = MessageOf(Preflight(opened->graph_));
  return opened;
}

}  // namespace bowerbird::infer
