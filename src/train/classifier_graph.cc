// SPDX-License-Identifier: Apache-2.0
#include "train/classifier_graph.h"

#include <cstring>

#include "base/status.h"
#include "tflite/attached_files.h"
#include "tflite/checks.h"
#include "tflite/edit.h"
#include "tflite/metadata.h"
#include "train/model_ends.h"
#include "train/random.h"

namespace bowerbird::train {
namespace {

// Codes of the format.
constexpr int32_t kConcatenation = 2;
constexpr int32_t kFullyConnected = 9;
constexpr int32_t kLogistic = 14;
constexpr int32_t kSoftmax = 25;
constexpr int32_t kMean = 40;
constexpr double kHeadDeviation = 0.01;
constexpr char kLabelFile[] = "labels.txt";

std::vector<int32_t> ShapeOf(const tflite::Graph& graph, int32_t tensor) {
  return graph.subgraphs[0].tensors[static_cast<size_t>(tensor)].shape;
}

int32_t MeanAxes(tflite::Graph& graph) {
  const std::vector<int32_t> axes{1, 2};
  tflite::Tensor tensor;
  tensor.name = "embedding/axes";
  tensor.type = tflite::TensorType::kInt32;
  tensor.shape = {2};
  std::vector<std::byte> bytes(axes.size() * sizeof(int32_t));
  std::memcpy(bytes.data(), axes.data(), bytes.size());
  return tflite::AddConstant(graph, 0, std::move(tensor), std::move(bytes));
}

// [1, D]
absl::StatusOr<int32_t> AsVector(tflite::Graph& graph, int32_t tensor, size_t number) {
  const std::vector<int32_t> shape = ShapeOf(graph, tensor);
  if (shape.size() == 2) return tensor;
  if (shape.size() != 4)
    return FailedPrecondition("tensor '" +
                              graph.subgraphs[0].tensors[static_cast<size_t>(tensor)].name +
                              "' is no embedding: it is neither [1, H, W, D] nor [1, D]");
  const std::string name = "embedding/mean_" + std::to_string(number);
  return Append(graph, kMean, {tensor, MeanAxes(graph)}, {{name, {1, shape[3]}}},
                tflite::Table::Of("ReducerOptions", {{"keep_dims", int64_t{0}}}))[0];
}

absl::StatusOr<int32_t> Embedding(tflite::Graph& graph, const std::vector<int32_t>& tensors) {
  std::vector<int32_t> parts;
  int32_t depth = 0;
  for (const int32_t tensor : tensors) {
    ASSIGN_OR_RETURN(const int32_t part, AsVector(graph, tensor, parts.size()));
    parts.push_back(part);
    depth += ShapeOf(graph, part)[1];
  }
  if (parts.size() == 1) return parts[0];
  return Append(graph, kConcatenation, parts, {{"embedding", {1, depth}}},
                tflite::Table::Of("ConcatenationOptions", {{"axis", int64_t{1}}}))[0];
}

absl::Status CheckHead(const ClassifierHead& head, int32_t depth) {
  const auto labels = static_cast<size_t>(head.labels);
  const bool fits_weights =
      head.weights.empty() || head.weights.size() == labels * static_cast<size_t>(depth);
  const bool fits_bias = head.bias.empty() || head.bias.size() == labels;
  if (head.labels < 1 || !fits_weights || !fits_bias)
    return InvalidArgument("a head of " + std::to_string(head.labels) + " labels with " +
                           std::to_string(head.weights.size()) + " weights does not fit " +
                           std::to_string(depth) + " features");
  return absl::OkStatus();
}

tflite::FileMetadata MetadataOf(const ClassifierFileOptions& options) {
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
  tflite::TensorMetadata output;
  output.name = "probability";
  output.description = "One number a label.";
  output.is_feature = true;
  output.associated_files = {{.name = kLabelFile,
                              .description = "One label a line.",
                              .type = tflite::AssociatedFileType::kTensorAxisLabels,
                              .locale = {}}};
  metadata.outputs = {std::move(output)};
  return metadata;
}

}  // namespace

absl::StatusOr<ClassifierGraph> AddClassifier(FloatGraph base, std::span<const int32_t> tensors,
                                              const ClassifierHead& head) {
  RETURN_IF_ERROR(CutAt(base, tensors));
  tflite::Graph& graph = base.graph;
  ASSIGN_OR_RETURN(const int32_t embedding, Embedding(graph, graph.subgraphs[0].outputs));
  const int32_t depth = ShapeOf(graph, embedding)[1];
  RETURN_IF_ERROR(CheckHead(head, depth));
  std::vector<float> weights = head.weights;
  Random random(head.seed);
  if (weights.empty()) {
    weights.resize(static_cast<size_t>(head.labels) * static_cast<size_t>(depth));
    for (float& weight : weights) weight = static_cast<float>(random.Normal(kHeadDeviation));
  }
  std::vector<float> bias = head.bias;
  bias.resize(static_cast<size_t>(head.labels));
  const int32_t weight_tensor = AddFloats(graph, "head/weights", {head.labels, depth}, weights);
  const int32_t bias_tensor = AddFloats(graph, "head/bias", {head.labels}, bias);
  graph.subgraphs[0].outputs =
      Append(graph, kFullyConnected, {embedding, weight_tensor, bias_tensor},
             {{"logits", {1, head.labels}}}, tflite::Table("FullyConnectedOptions"));
  ClassifierGraph classifier;
  classifier.head_operator = graph.subgraphs[0].operators.size() - 1;
  classifier.labels = head.labels;
  classifier.base = std::move(base);
  return classifier;
}

absl::StatusOr<std::string> WriteClassifierFile(const ClassifierGraph& classifier,
                                                const ClassifierFileOptions& options) {
  if (static_cast<int>(options.labels.size()) != classifier.labels)
    return InvalidArgument("a classifier of " + std::to_string(classifier.labels) +
                           " labels is given " + std::to_string(options.labels.size()));
  tflite::Graph graph = classifier.base.graph;
  RETURN_IF_ERROR(CheckFinite(graph));
  if (options.half_precision) RETURN_IF_ERROR(HalveWeights(graph));
  const int32_t logits = graph.subgraphs[0].outputs[0];
  const std::vector<NewTensor> output{{"probability", {1, classifier.labels}}};
  graph.subgraphs[0].outputs = options.independent
                                   ? Append(graph, kLogistic, {logits}, output)
                                   : Append(graph, kSoftmax, {logits}, output,
                                            tflite::Table::Of("SoftmaxOptions", {{"beta", 1.0F}}));
  RETURN_IF_ERROR(TakeBytes(graph, classifier.base.scaling, "image"));
  graph.signatures.clear();
  RETURN_IF_ERROR(tflite::SetFileMetadata(graph, MetadataOf(options)));
  RETURN_IF_ERROR(tflite::Prune(graph));
  RETURN_IF_ERROR(Annotate(tflite::CheckGraph(graph), "the trained classifier"));
  std::string lines;
  for (const std::string& label : options.labels) lines += label + "\n";
  return tflite::WriteModelFile(graph, std::vector<tflite::AttachedFile>{{kLabelFile, lines}});
}

}  // namespace bowerbird::train
