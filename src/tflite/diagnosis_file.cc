// SPDX-License-Identifier: Apache-2.0
//
// What people wrote into the file: metadata, labels, the archive behind the model.
#include <algorithm>

#include "tflite/diagnosis_parts.h"

namespace bowerbird::tflite {
namespace {

bool NeedsLabels(const Case& model) {
  return model.guess.task == Task::kClassifier || model.guess.task == Task::kDetector;
}

void JudgeMetadata(const Case& model, std::vector<Finding>& findings) {
  const Evidence& evidence = model.evidence;
  if (!evidence.metadata_damage.empty()) {
    findings.push_back({.id = "metadata-damaged",
                        .what = "the metadata in the file cannot be read",
                        .which = evidence.metadata_damage,
                        .remedy = "write new metadata with `inspect --fix`"});
    return;
  }
  if (!evidence.metadata) {
    findings.push_back({.id = "no-metadata",
                        .what = "the file has no metadata: nobody is told what its tensors mean",
                        .which = "tensors have the names of the graph",
                        .remedy = "write some with `inspect --fix`, or name the tensors with "
                                  "remap_input_names and remap_output_names in the vision service "
                                  "where the guess is wrong"});
    return;
  }
  const auto compare = [&](size_t described, size_t there, const std::string& ends) {
    if (described == there) return;
    findings.push_back(
        {.id = "metadata-mismatch",
         .what = "the metadata describes another graph and is not used for the " + ends,
         .which = std::to_string(described) + " " + ends + " described, " + std::to_string(there) +
                  " there",
         .remedy = "write new metadata with `inspect --fix`"});
  };
  compare(evidence.metadata->inputs.size(), model.view.inputs().size(), "inputs");
  compare(evidence.metadata->outputs.size(), model.view.outputs().size(), "outputs");
}

// How many classes the model tells apart; 0 where its outputs do not say. A detector of candidates
// may have a column for whether there is an object at all, so it has two answers.
std::vector<int64_t> ClassCounts(const Case& model) {
  const std::vector<const Tensor*>& outputs = model.view.outputs();
  if (outputs.size() != 1 || outputs[0] == nullptr) return {};
  if (model.guess.task == Task::kClassifier) {
    const int64_t count = ElementsOf(*outputs[0]);
    return count > 1 ? std::vector<int64_t>{count} : std::vector<int64_t>{};
  }
  if (CandidateOutput(model.view) < 0) return {};
  const int64_t columns = std::min(outputs[0]->shape[1], outputs[0]->shape[2]);
  return {columns - 4, columns - 5};
}

void JudgeLabels(const Case& model, std::vector<Finding>& findings) {
  const Evidence& evidence = model.evidence;
  if (!evidence.labels_damage.empty()) {
    findings.push_back({.id = "labels-unreadable",
                        .what = "the labels that the metadata names cannot be read",
                        .which = evidence.labels_damage,
                        .remedy = "pack them anew with `inspect --fix OUT --labels FILE`"});
    return;
  }
  const auto count = static_cast<int64_t>(evidence.labels.size());
  if (count == 0) {
    if (!NeedsLabels(model)) return;
    findings.push_back({.id = "no-labels",
                        .what = "there are no labels: classes will be numbers",
                        .which = "a " + std::string(TaskName(model.guess.task)),
                        .remedy = "give a label file, one name a line, as label_path, or pack it "
                                  "with `inspect --fix OUT --labels FILE`"});
    return;
  }
  const std::vector<int64_t> classes = ClassCounts(model);
  if (classes.empty() || std::ranges::count(classes, count) > 0) return;
  findings.push_back(
      {.id = "labels-count",
       .severity = Severity::kError,
       .what = "the labels are those of another model",
       .which = std::to_string(count) + " labels for " + std::to_string(classes[0]) + " outputs",
       .remedy = "use the label file that the model was trained with; some models "
                 "count a background class first"});
}

}  // namespace

void JudgeFile(const Case& model, std::vector<Finding>& findings) {
  JudgeMetadata(model, findings);
  if (!model.evidence.zip_damage.empty()) {
    findings.push_back({.id = "zip-damaged",
                        .what = "the archive with label files behind the model cannot be read",
                        .which = model.evidence.zip_damage,
                        .remedy = "get the file anew, or leave the archive out with `inspect "
                                  "--fix OUT`"});
  }
  JudgeLabels(model, findings);
  if (const absl::Status editable = CheckEditable(model.evidence.graph); !editable.ok()) {
    findings.push_back({.id = "newer-schema",
                        .severity = Severity::kNote,
                        .what = "parts of the file are newer than this program knows",
                        .which = std::string(editable.message()),
                        .remedy = "nothing, if it runs; such a file is not rewritten"});
  }
}

}  // namespace bowerbird::tflite
