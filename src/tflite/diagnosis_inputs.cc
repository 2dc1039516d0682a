// SPDX-License-Identifier: Apache-2.0
//
// What goes into the model: pictures above all, and how their pixels become numbers.
#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstring>
#include <optional>

#include "tflite/diagnosis_parts.h"

namespace bowerbird::tflite {
namespace {

const TensorMetadata* MetadataOf(const Case& model, size_t input) {
  const std::optional<FileMetadata>& metadata = model.evidence.metadata;
  // Entries go by position; a list of another length describes some other graph.
  if (!metadata || metadata->inputs.size() != model.view.inputs().size()) return nullptr;
  return &metadata->inputs[input];
}

bool SaysBgr(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text.find("bgr") != std::string::npos;
}

// Means of three channels that rise: blue is the darkest and red the brightest channel of
// photographs, so a list that rises begins with blue.
bool RisesAsBgr(const std::vector<float>& mean) {
  if (mean.size() != 3) return false;
  const float unit = mean[2] > 2 ? 255.0F : 1.0F;
  constexpr std::array<float, 3> kBgr = {0.406F, 0.456F, 0.485F};
  for (size_t c = 0; c < 3; ++c) {
    if (std::abs(mean[c] / unit - kBgr[c]) > 0.02F) return false;
  }
  return true;
}

// The three numbers that the graph itself takes off, or adds, to the channels of `input` first.
std::vector<float> OffsetIn(const GraphView& view, int32_t input) {
  for (const Operator* op : view.ReadersOf(input)) {
    if (!view.Is(*op, "SUB") && !view.Is(*op, "ADD")) continue;
    const Tensor* constant = view.InputOf(*op, 1);
    if (constant == nullptr || constant->type != TensorType::kFloat32) continue;
    const std::span<const std::byte> data = view.ConstantOf(*constant);
    if (ElementsOf(*constant) != 3 || data.size() != 3 * sizeof(float)) continue;
    std::vector<float> offset(3);
    std::memcpy(offset.data(), data.data(), data.size());
    for (float& value : offset) value = std::abs(value);
    return offset;
  }
  return {};
}

void JudgeColours(const Case& model, size_t position, std::vector<Finding>& findings) {
  const Tensor& input = *model.view.inputs()[position];
  const TensorMetadata* metadata = MetadataOf(model, position);
  std::string sign;
  if (SaysBgr(input.name) ||
      (metadata != nullptr && (SaysBgr(metadata->name) || SaysBgr(metadata->description)))) {
    sign = "its name or description says BGR";
  } else if (metadata != nullptr && RisesAsBgr(metadata->mean)) {
    sign = "its means are those of photographs with blue first";
  } else if (RisesAsBgr(OffsetIn(model.view, model.view.InputIndex(position)))) {
    sign = "the graph takes off the means of photographs with blue first";
  } else if (LooksLikeYolox(model.view) &&
             (metadata == nullptr || metadata->color_space != ColorSpace::kRgb)) {
    sign = "it has the form of YOLOX, which is trained with blue first and pixels 0..255";
  } else {
    return;
  }
  findings.push_back({.id = "input-bgr",
                      .what = "the model seems to want its channels as blue, green, red",
                      .which = "input " + Quoted(input) + ": " + sign,
                      .remedy = "set input_image_bgr in the vision service, or make it take RGB "
                                "with `inspect --fix OUT --input-order bgr`"});
}

void JudgeScaling(const Case& model, size_t position, std::vector<Finding>& findings) {
  const Tensor& input = *model.view.inputs()[position];
  const TensorMetadata* metadata = MetadataOf(model, position);
  if (input.type != TensorType::kFloat32 || (metadata != nullptr && !metadata->mean.empty())) {
    return;
  }
  const bool is_candidates = CandidateOutput(model.view) >= 0;
  const std::string assumed = LooksLikeYolox(model.view) ? "v, as YOLOX wants it,"
                              : is_candidates            ? "v / 255, as most YOLO models want it,"
                                                         : "(v / 255 - 0.5) / 0.5";
  findings.push_back({.id = "input-scaling-unknown",
                      .what = "the file does not say how pixels become numbers",
                      .which = "input " + Quoted(input) + " is FLOAT32; " + assumed + " is assumed",
                      .remedy = "set input_image_mean_value and input_image_std_dev in the vision "
                                "service, or write it into the file with `inspect --fix OUT "
                                "--mean M --std S` (of channels 0..255)"});
}

// A picture's quantisation should make of 0..255 one of the ranges that networks are trained on.
void JudgeQuantizedInput(const Tensor& input, std::vector<Finding>& findings) {
  if (!IsQuantized8(input)) return;
  const RealRange range = RangeOf(input);
  constexpr std::array<RealRange, 5> kUsual = {
      {{0, 1}, {-1, 1}, {0, 255}, {-128, 127}, {-0.5, 0.5}}};
  for (const RealRange& usual : kUsual) {
    const double slack = 0.02 * usual.width();
    if (std::abs(range.low - usual.low) <= slack && std::abs(range.high - usual.high) <= slack) {
      return;
    }
  }
  // Pixels scaled by the mean and deviation of ImageNet's channels: from -2.118 to 2.64.
  const bool is_imagenet = std::abs(range.low + 2.12) < 0.1 && std::abs(range.high - 2.64) < 0.1;
  findings.push_back(
      {.id = "input-quantization-odd",
       .severity = is_imagenet ? Severity::kNote : Severity::kWarning,
       .what = is_imagenet ? "pixels are scaled by the mean and deviation of ImageNet's channels"
                           : "the quantisation of the picture has no usual range of pixels",
       .which = "input " + Quoted(input) + " holds " + NumberText(range.low) + " to " +
                NumberText(range.high) + " in steps of " + NumberText(input.quantization.scale[0]),
       .remedy = "make sure that pictures are scaled as in training: a quantised input takes "
                 "numbers, not pixels, if the range is that of the calibration pictures"});
}

void JudgePicture(const Case& model, size_t position, std::vector<Finding>& findings) {
  const Tensor& input = *model.view.inputs()[position];
  const PictureShape picture = PictureOf(input);
  if (picture.channels_first) {
    findings.push_back({.id = "input-channels-first",
                        .severity = Severity::kNote,
                        .what = "the picture has its channels first (NCHW)",
                        .which = "input " + Quoted(input) + " " + ShapeText(input),
                        .remedy = "nothing, pictures are transposed for it; a model converted to "
                                  "channels last is faster"});
  }
  if (picture.channels == 4) {
    findings.push_back({.id = "input-channels",
                        .what = "the picture has four channels, and cameras give three",
                        .which = "input " + Quoted(input) + " " + ShapeText(input),
                        .remedy = "export the model with three channels, or feed it yourself"});
  }
  JudgeColours(model, position, findings);
  JudgeScaling(model, position, findings);
  JudgeQuantizedInput(input, findings);
}

void JudgeShape(const Tensor& input, std::vector<Finding>& findings) {
  const std::vector<int32_t>& signature = input.shape_signature;
  if (std::ranges::none_of(signature, [](int32_t extent) { return extent < 0; })) return;
  const bool only_batch = signature[0] < 0 && std::none_of(signature.begin() + 1, signature.end(),
                                                           [](int32_t e) { return e < 0; });
  findings.push_back({.id = "dynamic-shape",
                      .severity = Severity::kNote,
                      .what = only_batch ? "the batch size is open: 1 is used"
                                         : "the size of the input is open: each call decides",
                      .which = "input " + Quoted(input) + " " + ShapeText(input),
                      .remedy = "nothing; a model exported with a fixed size may run faster"});
}

void JudgeType(const Tensor& input, bool is_picture, std::vector<Finding>& findings) {
  const bool takes_pictures = input.type == TensorType::kFloat32 ||
                              input.type == TensorType::kUint8 || input.type == TensorType::kInt8;
  if (!is_picture || takes_pictures) return;
  findings.push_back({.id = "input-type",
                      .what = "vision services fill UINT8, INT8 and FLOAT32 pictures only",
                      .which = "input " + Quoted(input) + " is " + TensorTypeName(input.type),
                      .remedy = "convert the model with one of these types as its input"});
}

}  // namespace

void JudgeInputs(const Case& model, std::vector<Finding>& findings) {
  for (size_t i = 0; i < model.view.inputs().size(); ++i) {
    const Tensor* input = model.view.inputs()[i];
    if (input == nullptr) continue;
    const bool is_picture = PictureOf(*input).channels > 0;
    JudgeType(*input, is_picture, findings);
    if (is_picture) JudgePicture(model, i, findings);
    JudgeShape(*input, findings);
    if (model.is_sound && model.view.ReadersOf(model.view.InputIndex(i)).empty()) {
      findings.push_back({.id = "input-unused",
                          .what = "nothing in the graph reads an input",
                          .which = "input " + Quoted(*input),
                          .remedy = "callers must fill it all the same; export without it"});
    }
  }
}

}  // namespace bowerbird::tflite
