// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "app/inspect_command.h"
#include "tflite/metadata.h"

namespace bowerbird::app {
namespace {

using nlohmann::ordered_json;
using tflite::Graph;
using tflite::Tensor;
using tflite::TensorType;

constexpr char kPostprocess[] = "TFLite_Detection_PostProcess";

bool HasOperator(const Graph& graph, std::string_view name) {
  return std::ranges::any_of(graph.operator_codes,
                             [&](const auto& code) { return code.Name() == name; });
}

// The tensors at one end of the model; none where the file's indices do not hold.
std::vector<const Tensor*> Ends(const Graph& graph, bool inputs) {
  std::vector<const Tensor*> ends;
  if (graph.subgraphs.empty()) return ends;
  const tflite::Subgraph& main = graph.subgraphs[0];
  for (const int32_t index : inputs ? main.inputs : main.outputs) {
    if (index < 0 || static_cast<size_t>(index) >= main.tensors.size()) return {};
    ends.push_back(&main.tensors[static_cast<size_t>(index)]);
  }
  return ends;
}

bool IsPicture(const Tensor& tensor) {
  const std::vector<int32_t>& shape = tensor.shape;
  return shape.size() == 4 && (shape[3] == 1 || shape[3] == 3 || shape[1] == 3);
}

bool IsChannelsFirst(const Tensor& tensor) {
  return tensor.shape.size() == 4 && tensor.shape[1] == 3 && tensor.shape[3] != 3;
}

int64_t ClassesOf(const Tensor& tensor) {
  int64_t count = 1;
  for (const int32_t extent : tensor.shape) count *= std::max(extent, 1);
  return count;
}

std::string DeclaredType(const ordered_json& measured) {
  return measured.is_null() ? "" : measured["metadata"]["type"].get<std::string>();
}

bool IsDetector(const Graph& graph, const ordered_json& measured) {
  return GuessTask(graph, measured).find("detection") != std::string::npos;
}

bool IsClassifier(const Graph& graph, const ordered_json& measured) {
  return GuessTask(graph, measured).find("classification") != std::string::npos;
}

void JudgeInputs(const Graph& graph, const ordered_json& measured, std::vector<Finding>& findings) {
  for (const Tensor* input : Ends(graph, true)) {
    const std::string name = "input '" + input->name + "'";
    if (!IsPicture(*input)) continue;
    if (IsChannelsFirst(*input)) {
      findings.push_back({.what = name + " has its channels first (NCHW)",
                          .remedy = "nothing, pictures are transposed for it; a model converted to "
                                    "channels last is faster"});
    }
    if (input->type != TensorType::kUint8 && input->type != TensorType::kFloat32) {
      findings.push_back({.what = name + " is " + TensorTypeName(input->type) +
                                  "; vision services fill uint8 and float32 pictures",
                          .remedy = "convert the model with a uint8 or float32 input"});
    }
    const bool is_normalized =
        !measured.is_null() &&
        std::ranges::any_of(measured["metadata"]["inputs"], [](const ordered_json& info) {
          return info.contains("normalization");
        });
    if (input->type == TensorType::kFloat32 && !is_normalized) {
      findings.push_back({.what = name + " is float32 and the file does not say how pixels are "
                                         "scaled: (v / 255 - 0.5) / 0.5 is assumed",
                          .remedy = "set input_image_mean_value and input_image_std_dev in the "
                                    "vision service if it was trained otherwise"});
    }
  }
}

void JudgeMetadata(const Graph& graph, std::vector<Finding>& findings) {
  if (!graph.MetadataBuffer(tflite::kMetadataName).empty()) return;
  findings.push_back({.what = "the file has no metadata: tensors have the names of the graph",
                      .remedy = "name them with remap_input_names and remap_output_names in the "
                                "vision service where the guess is wrong"});
}

void JudgeLabels(const Graph& graph, const ordered_json& measured, std::vector<Finding>& findings) {
  if (measured.is_null()) return;
  const auto count = measured["metadata"]["labels"]["count"].get<int64_t>();
  const bool is_classifier = IsClassifier(graph, measured);
  if (count == 0 && (is_classifier || IsDetector(graph, measured))) {
    findings.push_back({.what = "there are no labels: classes will be numbers",
                        .remedy = "give a label file, one name a line, as label_path"});
    return;
  }
  const std::vector<const Tensor*> outputs = Ends(graph, false);
  if (!is_classifier || count == 0 || outputs.size() != 1) return;
  const int64_t classes = ClassesOf(*outputs[0]);
  if (classes == count) return;
  findings.push_back({.is_error = true,
                      .what = "there are " + std::to_string(count) + " labels for " +
                              std::to_string(classes) + " outputs",
                      .remedy = "use the label file that the model was trained with; some models "
                                "count a background class first"});
}

void JudgeBoxes(const Graph& graph, const ordered_json& measured, std::vector<Finding>& findings) {
  if (measured.is_null() || !HasOperator(graph, kPostprocess)) return;
  const bool has_order =
      std::ranges::any_of(measured["metadata"]["outputs"],
                          [](const ordered_json& info) { return info.contains("box_order"); });
  if (has_order) return;
  findings.push_back({.what = "the order of box corners is not in the file: ymin, xmin, ymax, xmax "
                              "is assumed",
                      .remedy = "set xmin_ymin_xmax_ymax_order in the vision service if boxes come "
                                "out wrong"});
}

void JudgeSpeed(const Graph& graph, const ordered_json& measured, std::vector<Finding>& findings) {
  if (graph.subgraphs.empty() || measured.is_null()) return;
  for (const ordered_json& warning : measured["report"]["warnings"]) {
    findings.push_back({.what = warning.get<std::string>(),
                        .remedy = "nothing must be done, the model runs as reported"});
  }
  const ordered_json& run = measured["report"];
  const int delegated = run["delegated_operators"].get<int>();
  const int operators = run["operators"].get<int>();
  if (delegated * 2 >= operators) return;
  const bool is_uint8 = std::ranges::any_of(graph.subgraphs[0].operators, [&](const auto& op) {
    return std::ranges::any_of(op.outputs, [&](int32_t index) {
      return graph.subgraphs[0].tensors[static_cast<size_t>(index)].type == TensorType::kUint8;
    });
  });
  findings.push_back(
      {.what = "XNNPACK runs only " + std::to_string(delegated) + " of " +
               std::to_string(operators) + " operators" +
               (is_uint8 ? ": it has no kernels for activations in uint8" : "") +
               "; the model is several times slower than it could be",
       .remedy = is_uint8 ? "export it again with int8 or float32 activations"
                          : "export it again in float32, or with int8 weights and activations"});
}

}  // namespace

std::string GuessTask(const Graph& graph, const ordered_json& measured) {
  const std::vector<const Tensor*> inputs = Ends(graph, true);
  const std::vector<const Tensor*> outputs = Ends(graph, false);
  const std::string declared = DeclaredType(measured);
  if (HasOperator(graph, kPostprocess)) return "object detection, boxes after suppression";
  if (declared == "tflite_detector") return "object detection";
  const bool has_picture = inputs.size() == 1 && IsPicture(*inputs[0]);
  const bool has_scores = outputs.size() == 1 && outputs[0]->shape.size() <= 2;
  if (declared == "tflite_classifier" && has_scores) {
    return has_picture ? "image classification" : "classification";
  }
  if (has_picture && has_scores) return "image classification";
  if (has_picture && outputs.size() == 1) {
    const std::vector<int32_t>& shape = outputs[0]->shape;
    if (shape.size() == 4 && shape[1] > 1 && shape[2] > 1) return "image segmentation";
    if (shape.size() == 3 && std::max(shape[1], shape[2]) >= 100) {
      return "object detection, one tensor of candidates";
    }
  }
  if (has_picture && outputs.size() == 2 &&
      std::ranges::all_of(outputs, [](const Tensor* t) { return t->shape.size() == 3; })) {
    return "object detection, raw box offsets and scores";
  }
  if (inputs.size() == 1 && has_scores && outputs[0]->shape.size() == 2 &&
      outputs[0]->shape[1] > 1) {
    return "classification of numbers";
  }
  return "unknown";
}

std::vector<Finding> Judge(const Graph& graph, const ordered_json& measured) {
  std::vector<Finding> findings;
  JudgeMetadata(graph, findings);
  JudgeInputs(graph, measured, findings);
  JudgeLabels(graph, measured, findings);
  JudgeBoxes(graph, measured, findings);
  JudgeSpeed(graph, measured, findings);
  return findings;
}

}  // namespace bowerbird::app
