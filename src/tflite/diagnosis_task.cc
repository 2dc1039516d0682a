// SPDX-License-Identifier: Apache-2.0
#include "tflite/diagnosis_task.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace bowerbird::tflite {
namespace {

constexpr int32_t kMinCandidates = 100;
constexpr int32_t kMinSamples = 8000;  // half a second of speech
// Sizes that networks give their feature vectors; numbers of classes are seldom any of these.
constexpr std::array<int64_t, 12> kFeatureSizes = {64,  96,  128, 192, 256,  384,
                                                   512, 576, 768, 960, 1024, 1280};
constexpr std::array<int32_t, 4> kKeypointCounts = {17, 21, 33, 39};

std::string Lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

bool Contains(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(
      words, [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

// The names of inputs or outputs, as the graph and the metadata have them.
std::string NamesOf(const std::vector<const Tensor*>& ends,
                    const std::vector<TensorMetadata>* metadata) {
  std::string names;
  for (const Tensor* tensor : ends) names += tensor == nullptr ? "" : tensor->name + " ";
  if (metadata != nullptr) {
    for (const TensorMetadata& tensor : *metadata) names += tensor.name + " ";
  }
  return Lower(names);
}

TaskGuess ByOperators(const GraphView& view) {
  if (view.Has("TFLite_Detection_PostProcess")) {
    return {Task::kDetector, "it ends in TFLite_Detection_PostProcess"};
  }
  for (const OperatorCode& code : view.graph().operator_codes) {
    const std::string name = code.Name();
    if (code.builtin == kCustomOperator && name.find("DecodePose") != std::string::npos) {
      return {Task::kPose, "it ends in " + name};
    }
    if (code.builtin == kCustomOperator && Contains(name, {"PosenetDecoder"})) {
      return {Task::kPose, "it has the operator " + name};
    }
    if (name.starts_with("Signal") || name == "Mfcc" || name == "AudioSpectrogram") {
      return {Task::kAudio, "it has the operator " + name};
    }
  }
  return {};
}

TaskGuess ByMetadata(const FileMetadata& metadata) {
  for (const TensorMetadata& output : metadata.outputs) {
    if (output.boxes) return {Task::kDetector, "its metadata describes boxes"};
  }
  std::string said = metadata.name + " " + metadata.description;
  for (const TensorMetadata& input : metadata.inputs) said += " " + input.description;
  said = Lower(said);
  struct Word {
    std::string_view text;
    Task task;
  };
  // "detect" last: classifiers are described with it, too.
  constexpr std::array<Word, 8> kWords = {{{"audio", Task::kAudio},
                                           {"segment", Task::kSegmentation},
                                           {"pose", Task::kPose},
                                           {"embed", Task::kEmbedding},
                                           {"text classif", Task::kText},
                                           {"natural language", Task::kText},
                                           {"classif", Task::kClassifier},
                                           {"detect", Task::kDetector}}};
  for (const Word& word : kWords) {
    if (word.task == Task::kPose && said.find("purpose") != std::string::npos) continue;
    if (said.find(word.text) != std::string::npos) {
      return {word.task, "its metadata says '" + std::string(word.text) + "'"};
    }
  }
  return {};
}

// What reads `tensor` once the steps that only change its form are passed.
const Operator* FirstReal(const GraphView& view, int32_t tensor) {
  for (int steps = 0; steps < 8; ++steps) {
    const std::vector<const Operator*>& readers = view.ReadersOf(tensor);
    if (readers.empty()) return nullptr;
    const Operator* op = readers.front();
    const std::string name = view.NameOf(*op);
    const bool only_form = name == "CAST" || name == "RESHAPE" || name == "QUANTIZE" ||
                           name == "DEQUANTIZE" || name == "SQUEEZE" || name == "EXPAND_DIMS";
    if (!only_form || op->outputs.empty()) return op;
    tensor = op->outputs[0];
  }
  return nullptr;
}

// What made `tensor`, likewise.
const Operator* LastReal(const GraphView& view, int32_t tensor) {
  for (int steps = 0; steps < 8; ++steps) {
    const Operator* op = view.ProducerOf(tensor);
    if (op == nullptr || op->inputs.empty()) return op;
    const std::string name = view.NameOf(*op);
    if (name != "RESHAPE" && name != "QUANTIZE" && name != "DEQUANTIZE" && name != "SQUEEZE") {
      return op;
    }
    tensor = op->inputs[0];
  }
  return nullptr;
}

bool ReadsTable(const GraphView& view, int32_t input) {
  const Operator* op = FirstReal(view, input);
  if (op == nullptr) return false;
  const std::string name = view.NameOf(*op);
  const size_t table = name == "GATHER" ? 0 : name == "EMBEDDING_LOOKUP" ? 1 : 2;
  const Tensor* rows = table < 2 ? view.InputOf(*op, table) : nullptr;
  return rows != nullptr && rows->shape.size() == 2 && rows->shape[0] > 1;
}

TaskGuess TextOf(const GraphView& view, const std::string& names) {
  const Tensor* input = view.inputs().empty() ? nullptr : view.inputs()[0];
  if (input == nullptr) return {};
  if (input->type == TensorType::kString) return {Task::kText, "its input is a string"};
  if (Contains(names, {"input_ids", "token", "input_word"})) {
    return {Task::kText, "its inputs are named as those of a language model"};
  }
  if (ReadsTable(view, view.InputIndex(0))) {
    return {Task::kText, "its input picks rows of a table, as token numbers do"};
  }
  return {};
}

// A flat input that becomes a plane of time and frequency before the first convolution.
bool BecomesSpectrogram(const GraphView& view) {
  const std::vector<const Operator*>& readers = view.ReadersOf(view.InputIndex(0));
  if (readers.empty() || !view.Is(*readers.front(), "RESHAPE")) return false;
  const Tensor* plane = view.OutputOf(*readers.front(), 0);
  if (plane == nullptr || plane->shape.size() != 4 || plane->shape[3] != 1) return false;
  const auto [small, large] = std::minmax(plane->shape[1], plane->shape[2]);
  return small >= 10 && small <= 128 && small != large;
}

TaskGuess AudioOf(const GraphView& view, const std::string& names) {
  const Tensor* input = view.inputs().size() == 1 ? view.inputs()[0] : nullptr;
  if (input == nullptr) return {};
  if (Contains(names, {"audio", "waveform", "spectrogram", "mfcc"})) {
    return {Task::kAudio, "its input is named as sound is"};
  }
  if (input->shape.size() <= 2 && ElementsOf(*input) >= kMinSamples &&
      (input->type == TensorType::kFloat32 || input->type == TensorType::kInt16)) {
    return {Task::kAudio,
            "its input is one row of " + std::to_string(ElementsOf(*input)) + " samples"};
  }
  if (input->shape.size() <= 2 && BecomesSpectrogram(view)) {
    return {Task::kAudio, "its flat input becomes a plane of time and frequency"};
  }
  return {};
}

TaskGuess PoseOf(const GraphView& view, const std::string& names) {
  if (Contains(names, {"heatmap", "keypoint", "landmark"})) {
    return {Task::kPose, "its outputs are named as keypoints are"};
  }
  for (const Tensor* output : view.outputs()) {
    if (output == nullptr || output->shape.size() != 4) continue;
    const std::vector<int32_t>& shape = output->shape;
    if (shape[1] == 1 && shape[3] == 3 && std::ranges::count(kKeypointCounts, shape[2]) > 0) {
      return {Task::kPose, "an output has " + std::to_string(shape[2]) + " points of 3 numbers"};
    }
  }
  return {};
}

bool SamePositions(const Tensor& a, const Tensor& b) {
  return a.shape.size() == 3 && b.shape.size() == 3 && a.shape[1] == b.shape[1] &&
         a.shape[1] >= kMinCandidates;
}

TaskGuess DetectorOf(const GraphView& view) {
  const std::vector<const Tensor*>& outputs = view.outputs();
  if (const int index = CandidateOutput(view); index >= 0) {
    return {Task::kDetector, "its output " + ShapeText(*outputs[static_cast<size_t>(index)]) +
                                 " is a tensor of candidates"};
  }
  if (outputs.size() == 2 && SamePositions(*outputs[0], *outputs[1])) {
    return {Task::kDetector, "its outputs are offsets and scores of " +
                                 std::to_string(outputs[0]->shape[1]) + " anchors"};
  }
  const auto is_boxes = [](const Tensor* tensor) {
    return tensor->shape.size() == 3 && tensor->shape[2] == 4;
  };
  const auto boxes = std::ranges::find_if(outputs, is_boxes);
  if (outputs.size() >= 3 && boxes != outputs.end()) {
    return {Task::kDetector, "its output " + ShapeText(**boxes) + " has four numbers a row"};
  }
  return {};
}

bool IsVector(const Tensor& tensor) {
  return std::ranges::count_if(tensor.shape, [](int32_t extent) { return extent != 1; }) <= 1;
}

TaskGuess VectorOf(const GraphView& view, const std::string& names, bool has_labels,
                   bool has_picture) {
  const Tensor& output = *view.outputs()[0];
  const int64_t width = ElementsOf(output);
  const Operator* last = LastReal(view, view.OutputIndex(0));
  const std::string end = last == nullptr ? "" : view.NameOf(*last);
  if (end == "SOFTMAX" || end == "LOG_SOFTMAX" || end == "LOGISTIC") {
    return {Task::kClassifier, "it ends in " + end + " over " + std::to_string(width) + " outputs"};
  }
  if (has_labels) return {Task::kClassifier, "its metadata names labels for one row of outputs"};
  if (Contains(names, {"embedding", "feature_vector"})) {
    return {Task::kEmbedding, "its output is named as a feature vector"};
  }
  if (end == "L2_NORMALIZATION") return {Task::kEmbedding, "it ends in L2_NORMALIZATION"};
  if (!has_picture) return {};
  if (std::ranges::count(kFeatureSizes, width) > 0) {
    return {Task::kEmbedding, "its output is a row of " + std::to_string(width) +
                                  " numbers without labels, as feature vectors are"};
  }
  if (width > 1) {
    return {Task::kClassifier,
            "a picture becomes one row of " + std::to_string(width) + " numbers"};
  }
  return {};
}

TaskGuess ByShapes(const GraphView& view, const std::optional<FileMetadata>& metadata) {
  const std::vector<const Tensor*>& outputs = view.outputs();
  const std::string in_names = NamesOf(view.inputs(), metadata ? &metadata->inputs : nullptr);
  const std::string out_names = NamesOf(outputs, metadata ? &metadata->outputs : nullptr);
  for (const TaskGuess& guess : {TextOf(view, in_names), AudioOf(view, in_names)}) {
    if (guess.task != Task::kUnknown) return guess;
  }
  if (view.inputs().empty() || outputs.empty() || view.inputs()[0] == nullptr ||
      std::ranges::count(outputs, nullptr) > 0) {
    return {};
  }
  const bool has_picture = PictureOf(*view.inputs()[0]).channels > 0;
  if (has_picture) {
    for (const TaskGuess& guess : {PoseOf(view, out_names), DetectorOf(view)}) {
      if (guess.task != Task::kUnknown) return guess;
    }
    const std::vector<int32_t>& shape = outputs[0]->shape;
    if (shape.size() == 4 && shape[1] > 1 && shape[2] > 1) {
      return {Task::kSegmentation,
              "a picture becomes a plane of numbers, " + ShapeText(*outputs[0])};
    }
  }
  if (outputs.size() != 1 || !IsVector(*outputs[0])) return {};
  const bool has_labels =
      metadata && !metadata->outputs.empty() &&
      std::ranges::any_of(metadata->outputs[0].associated_files, [](const AssociatedFile& file) {
        return file.type == AssociatedFileType::kTensorAxisLabels;
      });
  return VectorOf(view, out_names, has_labels, has_picture);
}

}  // namespace

std::string_view TaskName(Task task) {
  switch (task) {
    case Task::kClassifier:
      return "classifier";
    case Task::kDetector:
      return "detector";
    case Task::kSegmentation:
      return "segmentation";
    case Task::kEmbedding:
      return "embedding";
    case Task::kAudio:
      return "audio";
    case Task::kText:
      return "text";
    case Task::kPose:
      return "pose";
    case Task::kUnknown:
      break;
  }
  return "unknown";
}

int CandidateOutput(const GraphView& view) {
  if (view.inputs().size() != 1 || view.inputs()[0] == nullptr ||
      PictureOf(*view.inputs()[0]).channels == 0 || view.outputs().size() != 1 ||
      view.outputs()[0] == nullptr) {
    return -1;
  }
  const std::vector<int32_t>& shape = view.outputs()[0]->shape;
  if (shape.size() != 3) return -1;
  const auto [columns, candidates] = std::minmax(shape[1], shape[2]);
  return columns >= 5 && candidates >= kMinCandidates ? 0 : -1;
}

bool LooksLikeYolox(const GraphView& view) {
  if (CandidateOutput(view) < 0) return false;
  const Tensor& input = *view.inputs()[0];
  if (!PictureOf(input).channels_first) return false;
  int64_t cells = 0;
  for (const int32_t stride : {8, 16, 32}) {
    cells += int64_t{input.shape[2] / stride} * (input.shape[3] / stride);
  }
  return view.outputs()[0]->shape[1] == cells;
}

TaskGuess GuessTask(const GraphView& view, const std::optional<FileMetadata>& metadata) {
  TaskGuess guess = ByOperators(view);
  if (guess.task == Task::kUnknown && metadata) guess = ByMetadata(*metadata);
  if (guess.task == Task::kUnknown) guess = ByShapes(view, metadata);
  if (guess.task == Task::kUnknown) guess.reason = "neither operators nor shapes tell";
  return guess;
}

}  // namespace bowerbird::tflite
