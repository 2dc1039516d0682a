// SPDX-License-Identifier: Apache-2.0
#include "vision/output_evidence.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/status.h"

namespace bowerbird::vision {
namespace {

using LabelType = infer::AssociatedFile::LabelType;

std::string Lower(const std::string& text) { return absl::AsciiStrToLower(text); }

bool Mentions(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return absl::StrContains(text, ToAbsl(word)); });
}

// Names first: a description often mentions the other roles too ("the scores of the boxes").
bool NameMentions(const OutputSample& output, std::initializer_list<std::string_view> words) {
  return Mentions(Lower(output.info->name), words) ||
         Mentions(Lower(output.info->graph_name), words);
}

// TensorFlow Lite's detection op: its four outputs are the op's name with a number.
bool IsOpOutput(const OutputSample& output, std::string_view suffix) {
  const std::string name = "TFLite_Detection_PostProcess" + std::string(suffix);
  return output.info->graph_name == name || output.info->name == name;
}

bool HasLabels(const OutputSample& output, LabelType type) {
  const auto& files = output.info->associated_files;
  return std::any_of(files.begin(), files.end(),
                     [&](const infer::AssociatedFile& file) { return file.label_type == type; });
}

// The leading words of a description, where its subject stands: "The scores of the boxes".
bool SubjectIs(const OutputSample& output, std::initializer_list<std::string_view> words) {
  std::string text = Lower(output.info->description);
  const size_t of = text.find(" of ");
  if (of == std::string::npos) return false;
  text.resize(of);
  return Mentions(text, words);
}

bool IsInteger(const OutputSample& output) {
  switch (output.info->type) {
    case infer::DType::kFloat32:
    case infer::DType::kFloat64:
    case infer::DType::kFloat16:
    case infer::DType::kString:
    case infer::DType::kOther:
      return false;
    default:
      return output.info->quantization.scale == 0;
  }
}

bool IsWhole(float value) { return std::isfinite(value) && value == std::trunc(value); }

bool ShapedLikeBoxes(const OutputSample& output) {
  return !output.shape.empty() && output.shape.back() == 4 && output.shape.size() >= 2;
}

}  // namespace

bool IsVector(const infer::Shape& shape) {
  return std::count_if(shape.begin(), shape.end(), [](int64_t extent) { return extent != 1; }) <= 1;
}

bool SaysCount(const OutputSample& output) {
  if (output.values.values().size() != 1) return false;
  return IsOpOutput(output, ":3") || SubjectIs(output, {"number", "count"}) ||
         NameMentions(output, {"num_det", "num_box", "number of", "numdet", "count"});
}

bool SaysLocation(const OutputSample& output) {
  if (!ShapedLikeBoxes(output)) return false;
  return IsOpOutput(output, "") || output.info->box_order.has_value() ||
         SubjectIs(output, {"location", "box"}) || NameMentions(output, {"location", "box"});
}

bool SaysScore(const OutputSample& output) {
  if (IsOpOutput(output, ":2")) return true;
  if (IsOpOutput(output, ":1") || SaysLocation(output) || SaysCount(output)) return false;
  return SubjectIs(output, {"score", "confidence", "probabilit"}) ||
         NameMentions(output, {"score", "confidence", "probabilit", "class_predictions"});
}

bool SaysCategory(const OutputSample& output) {
  if (IsOpOutput(output, ":1")) return true;
  if (SaysScore(output) || SaysLocation(output) || SaysCount(output)) return false;
  if (!IsVector(output.shape)) return false;
  return HasLabels(output, LabelType::kTensorValue) ||
         SubjectIs(output, {"categor", "class", "label"}) ||
         NameMentions(output, {"categor", "class", "label"});
}

bool SaysProbability(const OutputSample& output) {
  return HasLabels(output, LabelType::kTensorAxis) ||
         NameMentions(output, {"probabilit", "softmax"});
}

bool LooksLikeCount(const OutputSample& output) {
  return output.shape.size() == 1 && output.values.values().size() == 1;
}

bool LooksLikeLocation(const OutputSample& output) {
  return output.shape.size() == 3 && output.shape.back() == 4;
}

bool HoldsFloats(const OutputSample& output) { return !IsInteger(output); }

bool HoldsWholeNumbers(const OutputSample& output) {
  if (IsInteger(output)) return true;
  double sum = 0;
  for (const float value : output.values.values()) sum += value;
  return std::isfinite(sum) && sum == std::trunc(sum);
}

bool MustBeCategory(const OutputSample& output) {
  if (IsInteger(output)) return true;
  const auto values = output.values.values();
  return std::all_of(values.begin(), values.end(), IsWhole) &&
         std::any_of(values.begin(), values.end(), [](float value) { return value > 1; });
}

bool MustBeScore(const OutputSample& output) {
  const auto values = output.values.values();
  return !IsInteger(output) &&
         std::any_of(values.begin(), values.end(), [](float value) { return !IsWhole(value); });
}

}  // namespace bowerbird::vision
