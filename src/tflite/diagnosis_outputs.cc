// SPDX-License-Identifier: Apache-2.0
//
// What comes out of the model: boxes above all.
#include <algorithm>

#include "tflite/checks.h"
#include "tflite/diagnosis_parts.h"

namespace bowerbird::tflite {
namespace {

constexpr char kPostprocess[] = "TFLite_Detection_PostProcess";
// Boxes in fractions of the picture stay below this, those of pixels do not.
constexpr double kLargestFraction = 2;

const BoundingBoxes* BoxesOf(const Case& model) {
  if (!model.evidence.metadata) return nullptr;
  for (const TensorMetadata& output : model.evidence.metadata->outputs) {
    if (output.boxes) return &*output.boxes;
  }
  return nullptr;
}

void JudgeBoxOrder(const Case& model, std::vector<Finding>& findings) {
  const BoundingBoxes* boxes = BoxesOf(model);
  if (boxes == nullptr) {
    if (!model.view.Has(kPostprocess)) return;
    findings.push_back({.id = "box-order-unknown",
                        .severity = Severity::kNote,
                        .what = "the order of box corners is not in the file",
                        .which = "ymin, xmin, ymax, xmax is assumed, as " +
                                 std::string(kPostprocess) + " writes them",
                        .remedy = "write it into the file with `inspect --fix OUT`, or set "
                                  "xmin_ymin_xmax_ymax_order in the vision service if boxes come "
                                  "out wrong"});
    return;
  }
  const std::vector<uint32_t> kDefault = {1, 0, 3, 2};
  const std::vector<uint32_t> order =
      boxes->index.empty() ? std::vector<uint32_t>{0, 1, 2, 3} : boxes->index;
  if (boxes->form != BoundingBoxes::Form::kBoundaries || order == kDefault) return;
  std::vector<std::string> names;
  for (const uint32_t corner : order) {
    constexpr std::string_view kNames[] = {"xmin", "ymin", "xmax", "ymax"};
    names.emplace_back(corner < 4 ? kNames[corner] : "?");
  }
  findings.push_back({.id = "box-order-other",
                      .severity = Severity::kNote,
                      .what = "box corners do not stand in the usual order, which is ymin, xmin, "
                              "ymax, xmax",
                      .which = ListOf(names),
                      .remedy = "nothing here, the metadata is heeded; clients that read the "
                                "tensor themselves must heed it, too"});
}

void AddPixelBoxes(const std::string& which, std::vector<Finding>& findings) {
  findings.push_back({.id = "boxes-in-pixels",
                      .severity = Severity::kNote,
                      .what = "boxes are in pixels of the input or in cells, not in fractions of "
                              "the picture",
                      .which = which,
                      .remedy = "nothing in the vision service, which measures this; clients that "
                                "read the tensor themselves must scale the boxes"});
}

void JudgeBoxUnits(const Case& model, std::vector<Finding>& findings) {
  if (const BoundingBoxes* boxes = BoxesOf(model); boxes != nullptr) {
    if (boxes->in_pixels) AddPixelBoxes("the metadata says so", findings);
    return;
  }
  const int index = CandidateOutput(model.view);
  const std::optional<RunFacts>& run = model.evidence.run;
  if (index < 0 || !run || run->largest.size() <= static_cast<size_t>(index)) return;
  const double largest = run->largest[static_cast<size_t>(index)];
  const Tensor& output = *model.view.outputs()[static_cast<size_t>(index)];
  if (largest > kLargestFraction) {
    AddPixelBoxes("output " + Quoted(output) + " reaches " + NumberText(largest), findings);
  }
}

void JudgeUnread(const Case& model, std::vector<Finding>& findings) {
  if (!model.is_sound) return;
  const std::vector<std::vector<bool>> unread = UnreadTensors(model.view.graph());
  std::vector<std::string> names;
  for (size_t i = 0; i < unread.size(); ++i) {
    for (size_t t = 0; t < unread[i].size(); ++t) {
      if (unread[i][t]) names.push_back(Quoted(model.view.graph().subgraphs[i].tensors[t]));
    }
  }
  if (names.empty()) return;
  findings.push_back({.id = "output-unused",
                      .severity = Severity::kNote,
                      .what = "operators compute what nothing reads",
                      .which = ListOf(names),
                      .remedy = "export without it; XNNPACK of 2022 cannot leave such tensors out, "
                                "so the operators may have to run beside it"});
}

void JudgeTypes(const std::vector<const Tensor*>& ends, const std::string& what,
                std::vector<Finding>& findings) {
  for (const Tensor* tensor : ends) {
    if (tensor == nullptr) continue;
    const bool is_double = tensor->type == TensorType::kFloat64;
    const bool cannot_travel =
        tensor->type == TensorType::kString || tensor->type == TensorType::kComplex64 ||
        tensor->type == TensorType::kComplex128 || tensor->type == TensorType::kResource ||
        tensor->type == TensorType::kVariant;
    if (!is_double && !cannot_travel) continue;
    findings.push_back(
        {.id = is_double ? "io-float64" : "io-type",
         .severity = is_double ? Severity::kWarning : Severity::kError,
         .what = is_double ? "numbers of 64 bits go in or out: twice the bytes, and few kernels"
                           : "callers can neither give nor take tensors of this type",
         .which = what + " " + Quoted(*tensor) + " is " + TensorTypeName(tensor->type),
         .remedy = is_double ? "export the model in float32"
                             : "move that step out of the model and export it again"});
  }
}

}  // namespace

void JudgeOutputs(const Case& model, std::vector<Finding>& findings) {
  JudgeTypes(model.view.inputs(), "input", findings);
  JudgeTypes(model.view.outputs(), "output", findings);
  JudgeBoxOrder(model, findings);
  JudgeBoxUnits(model, findings);
  JudgeUnread(model, findings);
}

}  // namespace bowerbird::tflite
