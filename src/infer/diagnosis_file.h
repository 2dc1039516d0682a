// SPDX-License-Identifier: Apache-2.0
//
// A model file opened for judgement: its graph, what it says of itself, and what the linked runtime
// would say to it. Nothing of it is run: that is for a process of its own.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "infer/mapped_file.h"
#include "infer/tensor.h"
#include "tflite/diagnosis.h"
#include "tflite/graph.h"

namespace bowerbird::infer {

class DiagnosisFile {
 public:
  // `label_path` (may be empty) overrides the labels packed in the file. Errors: the file cannot be
  // read or is no TFLite file; the label file cannot be read. Everything else that is wrong with
  // the model is part of the evidence.
  static absl::StatusOr<std::unique_ptr<DiagnosisFile>> Open(const std::string& path,
                                                             const std::string& label_path);

  size_t size() const { return file_->bytes().size(); }
  std::span<const std::byte> bytes() const { return file_->bytes(); }
  const tflite::Graph& graph() const { return graph_; }

  // May be added to; refers to this object's graph.
  tflite::Evidence& evidence() { return *evidence_; }

  // As callers would see the model. Nothing if the graph makes no sense.
  const std::optional<ModelMetadata>& described() const { return described_; }

 private:
  DiagnosisFile() = default;
  void ReadMetadata();
  void ReadArchive();
  absl::Status ReadLabels(const std::string& label_path);
  void Describe();

  std::unique_ptr<MappedFile> file_;
  tflite::Graph graph_;
  std::optional<tflite::Evidence> evidence_;
  std::optional<ModelMetadata> described_;
};

}  // namespace bowerbird::infer
