// SPDX-License-Identifier: Apache-2.0
//
// Scales that lose what they should hold: clipped ranges, one scale for things of different size,
// and the clamps that uint8 graphs hide in them.
#include <algorithm>
#include <cmath>
#include <set>

#include "tflite/diagnosis_parts.h"

namespace bowerbird::tflite {
namespace {

// A requantisation that loses more of the range than this is no rounding.
constexpr double kClippedShare = 0.25;
// Scores lie in 0..1; with coarser steps than this they are no ranking any more.
constexpr double kCoarsestScoreStep = 0.05;

// The quantised tensors from which output `index` is put together, through steps that only move
// values, itself included.
std::set<int32_t> PartsOf(const GraphView& view, int32_t index) {
  std::set<int32_t> parts;
  std::vector<int32_t> open = {index};
  while (!open.empty()) {
    const int32_t at = open.back();
    open.pop_back();
    if (view.tensor(at) == nullptr || !parts.insert(at).second) continue;
    const Operator* op = view.ProducerOf(at);
    if (op == nullptr) continue;
    const std::string name = view.NameOf(*op);
    if (name == "CONCATENATION") {
      open.insert(open.end(), op->inputs.begin(), op->inputs.end());
    } else if (name == "DEQUANTIZE" || name == "QUANTIZE" || name == "RESHAPE" ||
               name == "TRANSPOSE" || name == "STRIDED_SLICE" || name == "SQUEEZE") {
      if (!op->inputs.empty()) open.push_back(op->inputs[0]);
    }
  }
  return parts;
}

// QUANTIZE and CONCATENATION, which give values another scale without computing anything.
struct Clip {
  const Tensor* from;
  const Tensor* to;
  int32_t index;  // of `to`
};

std::vector<Clip> Clips(const GraphView& view) {
  std::vector<Clip> clips;
  for (const Operator& op : view.operators()) {
    if (!view.Is(op, "QUANTIZE") && !view.Is(op, "CONCATENATION")) continue;
    const Tensor* to = view.OutputOf(op, 0);
    if (to == nullptr || !IsQuantized8(*to)) continue;
    const RealRange after = RangeOf(*to);
    for (size_t i = 0; i < op.inputs.size(); ++i) {
      const Tensor* from = view.InputOf(op, i);
      if (from == nullptr || !IsQuantized8(*from)) continue;
      const RealRange before = RangeOf(*from);
      const double lost =
          std::max(0.0, after.low - before.low) + std::max(0.0, before.high - after.high);
      if (lost > kClippedShare * before.width()) clips.push_back({from, to, op.outputs[0]});
    }
  }
  return clips;
}

std::string RangeText(const Tensor& tensor) {
  const RealRange range = RangeOf(tensor);
  return NumberText(range.low) + " to " + NumberText(range.high);
}

// The quantised tensor that holds boxes and scores side by side; nullptr if there is none.
const Tensor* JointTensor(const GraphView& view, const std::set<int32_t>& parts) {
  const std::vector<int32_t>& shape = view.outputs()[0]->shape;
  for (const int32_t index : parts) {
    const Tensor* tensor = view.tensor(index);
    const Operator* maker = view.ProducerOf(index);
    if (IsQuantized8(*tensor) && maker != nullptr &&
        std::ranges::is_permutation(tensor->shape, shape)) {
      return tensor;
    }
  }
  return nullptr;
}

// A tensor that a convolution computes, and so is bounded by nothing, under a scale that holds
// 0..1: the one that converters give to LOGISTIC, forced upon the boxes beside its scores.
const Tensor* UnboundedPart(const GraphView& view, const std::set<int32_t>& parts,
                            const Tensor& joint) {
  const RealRange range = RangeOf(joint);
  if (range.low != 0 || std::abs(range.high - 1) > 0.02) return nullptr;
  for (const int32_t index : parts) {
    const Operator* maker = view.ProducerOf(index);
    if (maker == nullptr || maker->options.Int("fused_activation_function") != 0) continue;
    const std::string name = view.NameOf(*maker);
    if (name == "CONV_2D" || name == "DEPTHWISE_CONV_2D" || name == "FULLY_CONNECTED") {
      return view.tensor(index);
    }
  }
  return nullptr;
}

void AddSaturated(const std::string& which, std::vector<Finding>& findings) {
  findings.push_back({.id = "box-tensor-saturated",
                      .severity = Severity::kError,
                      .what = "boxes and scores share one scale that cannot hold the boxes: they "
                              "are cut off, so every box is wrong however good its score",
                      .which = which,
                      .remedy = "export again with boxes and scores as separate outputs, or with "
                                "a float head; nothing in this file can bring the boxes back"});
}

void JudgeBoxTensor(const Case& model, const std::vector<Clip>& clips, std::set<int32_t>& explained,
                    std::vector<Finding>& findings) {
  if (CandidateOutput(model.view) < 0) return;
  const std::set<int32_t> parts = PartsOf(model.view, model.view.OutputIndex(0));
  for (const Clip& clip : clips) {
    if (!parts.contains(clip.index)) continue;
    if (explained.empty()) {
      AddSaturated(Quoted(*clip.from) + " holds " + RangeText(*clip.from) + ", " +
                       Quoted(*clip.to) + " only " + RangeText(*clip.to),
                   findings);
    }
    explained.insert(clip.index);
  }
  const Tensor* joint = JointTensor(model.view, parts);
  if (joint == nullptr || !explained.empty()) return;
  if (const Tensor* part = UnboundedPart(model.view, parts, *joint); part != nullptr) {
    return AddSaturated(Quoted(*joint) + " holds " + RangeText(*joint) +
                            ", the range of scores, and boxes come into it from " + Quoted(*part) +
                            ", which nothing bounds",
                        findings);
  }
  const double step = joint->quantization.scale[0];
  if (step <= kCoarsestScoreStep) return;
  findings.push_back(
      {.id = "box-tensor-coarse",
       .severity = Severity::kError,
       .what = "boxes and scores share one scale that is too coarse for scores",
       .which = Quoted(*joint) + " holds " + RangeText(*joint) + " in steps of " + NumberText(step),
       .remedy = "export again with boxes and scores as separate outputs, or with "
                 "boxes in fractions of the picture"});
}

void JudgeClips(const std::vector<Clip>& clips, const std::set<int32_t>& explained,
                std::vector<Finding>& findings) {
  std::vector<std::string> places;
  for (const Clip& clip : clips) {
    if (explained.contains(clip.index)) continue;
    places.push_back(Quoted(*clip.from) + " (" + RangeText(*clip.from) + ") into " +
                     Quoted(*clip.to) + " (" + RangeText(*clip.to) + ")");
  }
  if (places.empty()) return;
  findings.push_back({.id = "quantization-clips",
                      .what = "values are cut off where they get another scale",
                      .which = ListOf(places, 2),
                      .remedy = "compare with the float model; calibrate again with pictures like "
                                "those it will see"});
}

bool ComputesLinearly(const std::string& name) {
  return name == "CONV_2D" || name == "DEPTHWISE_CONV_2D" || name == "FULLY_CONNECTED" ||
         name == "ADD" || name == "MUL" || name == "SUB";
}

// Graphs trained with simulated quantisation drop their ReLU6: an output that can hold nothing but
// 0..6 does the same work. In float the clamp would be gone.
void JudgeClamps(const Case& model, std::vector<Finding>& findings) {
  std::vector<std::string> hidden;
  for (const Operator& op : model.view.operators()) {
    const Tensor* output = model.view.OutputOf(op, 0);
    if (output == nullptr || output->type != TensorType::kUint8 || !IsQuantized8(*output)) continue;
    const RealRange range = RangeOf(*output);
    const bool is_relu6 = range.low == 0 && std::abs(range.high - 6) < 0.1;
    if (!is_relu6 || !ComputesLinearly(model.view.NameOf(op))) continue;
    if (op.options.Int("fused_activation_function") == 0) hidden.push_back(Quoted(*output));
  }
  if (hidden.empty()) return;
  findings.push_back({.id = "hidden-relu6",
                      .severity = Severity::kNote,
                      .what = "clamps at 0 and 6 are hidden in the quantisation of outputs",
                      .which = std::to_string(hidden.size()) + " operators: " + ListOf(hidden),
                      .remedy = "nothing as it is; whoever converts the file to float must put "
                                "ReLU6 back"});
}

}  // namespace

void JudgeQuantization(const Case& model, std::vector<Finding>& findings) {
  const std::vector<Clip> clips = Clips(model.view);
  std::set<int32_t> explained;
  JudgeBoxTensor(model, clips, explained, findings);
  JudgeClips(clips, explained, findings);
  JudgeClamps(model, findings);
}

}  // namespace bowerbird::tflite
