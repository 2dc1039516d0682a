// SPDX-License-Identifier: Apache-2.0
#include "train/detector_file.h"

#include <cstring>

#include "base/status.h"
#include "tflite/attached_files.h"
#include "tflite/checks.h"
#include "tflite/custom_options.h"
#include "tflite/edit.h"
#include "tflite/metadata.h"
#include "train/anchors.h"
#include "train/model_ends.h"

namespace bowerbird::train {
namespace {

constexpr int32_t kLogistic = 14;
constexpr char kPostprocess[] = "TFLite_Detection_PostProcess";
constexpr char kLabelFile[] = "labels.txt";

std::vector<std::byte> PostprocessOptions(const DetectorFileOptions& options) {
  const auto boxes = static_cast<int64_t>(options.most_detections);
  // The quick way of the runtime ("regular" false) leaves what it does not fill as it was in
  // memory, which is no class at all.
  return tflite::WriteCustomOptions(
      {{"max_detections", boxes},
       {"max_classes_per_detection", int64_t{1}},
       {"detections_per_class", boxes},
       {"use_regular_nms", true},
       {"nms_score_threshold", static_cast<float>(options.least_score)},
       {"nms_iou_threshold", static_cast<float>(options.overlap)},
       {"num_classes", static_cast<int64_t>(options.labels.size())},
       {"y_scale", static_cast<float>(kCenterScale)},
       {"x_scale", static_cast<float>(kCenterScale)},
       {"h_scale", static_cast<float>(kSizeScale)},
       {"w_scale", static_cast<float>(kSizeScale)}});
}

int32_t AddAnchors(tflite::Graph& graph, const std::vector<vision::Anchor>& anchors) {
  std::vector<float> values;
  for (const vision::Anchor& anchor : anchors)
    values.insert(values.end(), {anchor.y_center, anchor.x_center, anchor.height, anchor.width});
  return AddFloats(graph, "anchors", {static_cast<int32_t>(anchors.size()), 4}, values);
}

void AddPostprocess(tflite::Graph& graph, const DetectorGraph& detector,
                    const DetectorFileOptions& options) {
  tflite::Subgraph& main = graph.subgraphs[0];
  const int32_t boxes = main.outputs[0];
  const int32_t logits = main.outputs[1];
  const std::vector<int32_t> shape = main.tensors[static_cast<size_t>(logits)].shape;
  const int32_t scores = Append(graph, kLogistic, {logits}, {{"class_scores", shape}})[0];
  const int32_t anchors = AddAnchors(graph, detector.anchors);
  const int32_t most = options.most_detections;
  main.outputs = Append(graph, tflite::kCustomOperator, {boxes, scores, anchors},
                        {{"location", {1, most, 4}},
                         {"category", {1, most}},
                         {"score", {1, most}},
                         {"number of detections", {1}}});
  tflite::Operator& op = main.operators.back();
  op.code = tflite::FindOrAddOperatorCode(
      graph, {.builtin = tflite::kCustomOperator, .custom = kPostprocess});
  op.custom_options = graph.Keep(PostprocessOptions(options));
}

tflite::TensorMetadata Output(const char* name, const char* description) {
  tflite::TensorMetadata output;
  output.name = name;
  output.description = description;
  output.is_feature = true;
  return output;
}

tflite::FileMetadata MetadataOf(const DetectorFileOptions& options) {
  tflite::FileMetadata metadata;
  metadata.name = options.name;
  metadata.description = options.description;
  tflite::TensorMetadata input;
  input.name = "image";
  input.description = "The picture, stretched to the input's size.";
  input.is_image = true;
  input.color_space = tflite::ColorSpace::kRgb;
  // The graph itself scales; runtimes that look at these leave bytes as they are.
  input.mean = {0};
  input.std = {1};
  metadata.inputs = {std::move(input)};
  tflite::TensorMetadata location = Output("location", "Corners of the boxes.");
  location.is_feature = false;
  location.boxes = tflite::BoundingBoxes{.form = tflite::BoundingBoxes::Form::kBoundaries,
                                         .index = {1, 0, 3, 2}};
  tflite::TensorMetadata category = Output("category", "Line of the label file, from 0.");
  category.associated_files = {{.name = kLabelFile,
                                .description = "One label a line.",
                                .type = tflite::AssociatedFileType::kTensorValueLabels,
                                .locale = {}}};
  metadata.outputs = {std::move(location), std::move(category),
                      Output("score", "Confidence, best first."),
                      Output("number of detections", "How many boxes there are.")};
  metadata.output_groups = {
      {.name = "detection_result", .tensor_names = {"location", "category", "score"}}};
  return metadata;
}

}  // namespace

absl::StatusOr<std::string> WriteDetectorFile(const DetectorGraph& detector,
                                              const DetectorFileOptions& options) {
  if (static_cast<int>(options.labels.size()) != detector.labels)
    return InvalidArgument("a detector of " + std::to_string(detector.labels) +
                           " classes is given " + std::to_string(options.labels.size()) +
                           " labels");
  tflite::Graph graph = detector.base.graph;
  RETURN_IF_ERROR(CheckFinite(graph));
  if (options.half_precision) RETURN_IF_ERROR(HalveWeights(graph));
  AddPostprocess(graph, detector, options);
  RETURN_IF_ERROR(TakeBytes(graph, detector.base.scaling, "image"));
  graph.signatures.clear();
  RETURN_IF_ERROR(tflite::SetFileMetadata(graph, MetadataOf(options)));
  RETURN_IF_ERROR(tflite::Prune(graph));
  RETURN_IF_ERROR(Annotate(tflite::CheckGraph(graph), "the trained detector"));
  std::string lines;
  for (const std::string& label : options.labels) lines += label + "\n";
  return tflite::WriteModelFile(graph, std::vector<tflite::AttachedFile>{{kLabelFile, lines}});
}

}  // namespace bowerbird::train
