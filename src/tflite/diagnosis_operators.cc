// SPDX-License-Identifier: Apache-2.0
//
// Operators that a runtime may lack or run slowly, and weights of unusual size or form.
#include <algorithm>
#include <map>

#include "tflite/diagnosis_parts.h"

namespace bowerbird::tflite {
namespace {

constexpr uint64_t kVeryLargeConstant = uint64_t{64} << 20;

// Operators of the whole graph whose convolution sees only a part of its input's channels.
std::vector<std::string> GroupedConvolutions(const Case& model) {
  std::vector<std::string> found;
  for (const Operator& op : model.view.operators()) {
    if (!model.view.Is(op, "CONV_2D")) continue;
    const Tensor* input = model.view.InputOf(op, 0);
    const Tensor* filter = model.view.InputOf(op, 1);
    const Tensor* output = model.view.OutputOf(op, 0);
    if (input == nullptr || filter == nullptr || output == nullptr) continue;
    if (input->shape.size() != 4 || filter->shape.size() != 4 || filter->shape[3] <= 0) continue;
    const int32_t groups = input->shape[3] / filter->shape[3];
    if (groups <= 1 || input->shape[3] % filter->shape[3] != 0) continue;
    found.push_back(Quoted(*output) + " (" + std::to_string(groups) + " groups)");
  }
  return found;
}

void JudgeGroups(const Case& model, std::vector<Finding>& findings) {
  const std::vector<std::string> grouped = GroupedConvolutions(model);
  if (grouped.empty()) return;
  findings.push_back({.id = "grouped-convolution",
                      .what = "convolutions in groups, which runtimes before 2.9 refuse",
                      .which = std::to_string(grouped.size()) + " of them: " + ListOf(grouped),
                      .remedy = "split them into one convolution a group and a concatenation when "
                                "exporting, if the runtime here refuses the model"});
}

void JudgeMissing(const Case& model, std::vector<Finding>& findings) {
  const std::vector<std::string>& missing = model.evidence.missing_operators;
  std::vector<std::string> flex;
  std::vector<std::string> custom;
  std::vector<std::string> builtin;
  for (const std::string& name : missing) {
    const bool is_custom = name.find("custom operator") != std::string::npos;
    (!is_custom ? builtin : name.starts_with("Flex") ? flex : custom).push_back(name);
  }
  const std::string runtime = "TensorFlow Lite " + model.evidence.runtime_version;
  if (!builtin.empty()) {
    findings.push_back({.id = "operator-unsupported",
                        .severity = Severity::kError,
                        .what = "operators or versions of them that " + runtime + " does not have",
                        .which = ListOf(builtin, 16),
                        .remedy = "try `inspect --fix OUT`, which lowers versions whose features "
                                  "are not used; else convert the model for that runtime"});
  }
  if (!flex.empty()) {
    findings.push_back({.id = "flex-operator",
                        .severity = Severity::kError,
                        .what = "operators of full TensorFlow, which is not here",
                        .which = ListOf(flex, 16),
                        .remedy = "convert with built-in operators only (TFLITE_BUILTINS, without "
                                  "SELECT_TF_OPS), or replace these steps in the model"});
  }
  if (!custom.empty()) {
    findings.push_back({.id = "custom-operator",
                        .severity = Severity::kError,
                        .what = "operators that only the program they were made for has",
                        .which = ListOf(custom, 16),
                        .remedy = "take the model apart before these steps and do them outside, or "
                                  "run it where its operators are"});
  }
}

void JudgeConstants(const Case& model, std::vector<Finding>& findings) {
  for (const Subgraph& subgraph : model.view.graph().subgraphs) {
    for (const Tensor& tensor : subgraph.tensors) {
      const uint64_t size = model.view.ConstantOf(tensor).size();
      if (size < kVeryLargeConstant) continue;
      findings.push_back({.id = "large-constant",
                          .what = "one constant is very large",
                          .which = Quoted(tensor) + " " + ShapeText(tensor) + " has " +
                                   std::to_string(size >> 20) + " MiB",
                          .remedy = "see whether it belongs into the model (a table of "
                                    "embeddings, a mask); each process that runs it holds it"});
    }
  }
}

// Convolutions and the like whose weights have 8 bits while what flows through them is float: the
// runtime converts at every run.
struct WeightForms {
  int weighted = 0;
  std::vector<std::string> dynamic_range;
};

WeightForms FormsOf(const Case& model) {
  WeightForms forms;
  for (const Operator& op : model.view.operators()) {
    const std::string name = model.view.NameOf(op);
    if (name != "CONV_2D" && name != "DEPTHWISE_CONV_2D" && name != "FULLY_CONNECTED") continue;
    ++forms.weighted;
    const Tensor* input = model.view.InputOf(op, 0);
    const Tensor* weights = model.view.InputOf(op, 1);
    if (input == nullptr || weights == nullptr || input->type != TensorType::kFloat32) continue;
    const bool is_small = weights->type == TensorType::kInt8 || weights->type == TensorType::kUint8;
    if (is_small) forms.dynamic_range.push_back(name);
  }
  return forms;
}

void JudgeWeights(const Case& model, std::vector<Finding>& findings) {
  const WeightForms forms = FormsOf(model);
  if (!forms.dynamic_range.empty()) {
    findings.push_back({.id = "dynamic-range-weights",
                        .what = "weights of 8 bits under activations in float: XNNPACK of 2022 "
                                "leaves such operators beside it, where they run slowly",
                        .which = std::to_string(forms.dynamic_range.size()) + " of " +
                                 std::to_string(forms.weighted) + " operators with weights",
                        .remedy = "export in float32 or float16, or quantise in full with "
                                  "calibration pictures"});
  }
  const auto is_half = [&](const Tensor& tensor) {
    return tensor.type == TensorType::kFloat16 && !model.view.ConstantOf(tensor).empty();
  };
  size_t halves = 0;
  for (const Subgraph& subgraph : model.view.graph().subgraphs) {
    halves += static_cast<size_t>(std::ranges::count_if(subgraph.tensors, is_half));
  }
  if (halves == 0) return;
  findings.push_back({.id = "fp16-weights",
                      .severity = Severity::kNote,
                      .what = "weights are stored in float16 and widened when the model is loaded",
                      .which = std::to_string(halves) + " constants",
                      .remedy = "nothing: half the file, and the speed of float32"});
}

}  // namespace

void JudgeOperators(const Case& model, std::vector<Finding>& findings) {
  JudgeMissing(model, findings);
  JudgeGroups(model, findings);
  JudgeWeights(model, findings);
  JudgeConstants(model, findings);
}

}  // namespace bowerbird::tflite
