// SPDX-License-Identifier: Apache-2.0
#include "train/graft.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/file_system.h"
#include "base/status.h"
#include "tflite/attached_files.h"
#include "tflite/checks.h"
#include "tflite/edit.h"
#include "tflite/metadata.h"
#include "train/float_graph.h"
#include "train/model_ends.h"
#include "train/taps.h"

namespace bowerbird::train {
namespace {

using tflite::Operator;
using tflite::Subgraph;
using tflite::TensorType;

// Codes of the format.
constexpr int32_t kConcatenation = 2;
constexpr int32_t kDequantize = 6;
constexpr int32_t kFullyConnected = 9;
constexpr int32_t kLogistic = 14;
constexpr int32_t kSoftmax = 25;
constexpr int32_t kMean = 40;
constexpr int32_t kQuantize = 114;
constexpr uint64_t kMaxBaseBytes = uint64_t{1} << 30;
constexpr char kInputName[] = "image";
constexpr char kLabelFile[] = "labels.txt";

const tflite::Tensor& TensorOf(const tflite::Graph& graph, int32_t tensor) {
  return graph.subgraphs[0].tensors[static_cast<size_t>(tensor)];
}

bool IsBytes(TensorType type) { return type == TensorType::kInt8 || type == TensorType::kUint8; }

// The file as it is; the graph keeps its bytes.
absl::StatusOr<tflite::Graph> ReadAsItIs(const std::string& path) {
  const auto files = MakeFileSystem();
  ASSIGN_OR_RETURN(const std::string text, ReadFile(*files, path, kMaxBaseBytes));
  std::vector<std::byte> bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  ASSIGN_OR_RETURN(tflite::Graph graph, tflite::ReadGraph(bytes));
  graph.Keep(std::move(bytes));
  RETURN_IF_ERROR(tflite::CheckGraph(graph));
  return graph;
}

// Whether the network itself computes in bytes, not only its ends or its constants.
bool IsQuantized(const tflite::Graph& graph) {
  return std::ranges::any_of(graph.subgraphs[0].operators, [&](const Operator& op) {
    const std::string name = graph.operator_codes[op.code].Name();
    return (name == "CONV_2D" || name == "DEPTHWISE_CONV_2D") &&
           IsBytes(TensorOf(graph, op.outputs[0]).type);
  });
}

bool HasHalves(const tflite::Graph& graph) {
  return std::ranges::any_of(graph.subgraphs[0].tensors, [](const tflite::Tensor& tensor) {
    return tensor.type == TensorType::kFloat16;
  });
}

int32_t MeanAxes(tflite::Graph& graph) {
  const std::vector<int32_t> axes{1, 2};
  tflite::Tensor tensor;
  tensor.name = "embedding/axes";
  tensor.type = TensorType::kInt32;
  tensor.shape = {2};
  std::vector<std::byte> bytes(axes.size() * sizeof(int32_t));
  std::memcpy(bytes.data(), axes.data(), bytes.size());
  return tflite::AddConstant(graph, 0, std::move(tensor), std::move(bytes));
}

// A tap as a float vector [1, D].
absl::StatusOr<int32_t> AsVector(tflite::Graph& graph, int32_t tensor) {
  const std::string name = TensorOf(graph, tensor).name;
  const std::vector<int32_t> shape = TensorOf(graph, tensor).shape;
  const TensorType type = TensorOf(graph, tensor).type;
  if ((shape.size() != 2 && shape.size() != 4) || shape[0] != 1 ||
      (type != TensorType::kFloat32 && !IsBytes(type)))
    return FailedPrecondition("tensor '" + name +
                              "' is no embedding: it is neither a map [1, H, W, D] nor a vector "
                              "[1, D] of float32, int8 or uint8");
  if (IsBytes(type)) {
    const int32_t version = type == TensorType::kInt8 ? 2 : 1;
    tensor = Append(graph, kDequantize, {tensor}, {{name + "/float", shape}},
                    tflite::Table("DequantizeOptions"), version)[0];
  }
  if (shape.size() == 2) return tensor;
  return Append(graph, kMean, {tensor, MeanAxes(graph)}, {{name + "/mean", {1, shape[3]}}},
                tflite::Table::Of("ReducerOptions", {{"keep_dims", int64_t{0}}}))[0];
}

absl::StatusOr<int32_t> JoinTaps(tflite::Graph& graph, const std::vector<int32_t>& taps) {
  std::vector<int32_t> parts;
  int32_t depth = 0;
  for (const int32_t tap : taps) {
    ASSIGN_OR_RETURN(const int32_t part, AsVector(graph, tap));
    parts.push_back(part);
    depth += TensorOf(graph, part).shape[1];
  }
  if (parts.size() == 1) return parts[0];
  return Append(graph, kConcatenation, parts, {{"embedding", {1, depth}}},
                tflite::Table::Of("ConcatenationOptions", {{"axis", int64_t{1}}}))[0];
}

// Makes an int8 picture a uint8 one of the same values.
void TakeUnsigned(tflite::Graph& graph) {
  Subgraph& main = graph.subgraphs[0];
  const int32_t old_input = main.inputs[0];
  tflite::Tensor bytes = main.tensors[static_cast<size_t>(old_input)];
  bytes.name = kInputName;
  bytes.type = TensorType::kUint8;
  bytes.shape_signature.clear();
  for (int64_t& zero : bytes.quantization.zero_point) zero += 128;
  Operator op;
  op.code = tflite::FindOrAddOperatorCode(graph, {.builtin = kQuantize, .version = 1});
  op.inputs = {tflite::AddTensor(main, std::move(bytes))};
  op.outputs = {old_input};
  op.options = tflite::Table("QuantizeOptions");
  main.inputs = op.inputs;
  main.operators.insert(main.operators.begin(), std::move(op));
}

// Base and taps in one graph, which ends at the taps.
struct CutBase {
  FloatGraph base;
  std::vector<std::string> taps;
  bool half_precision = false;
};

absl::StatusOr<CutBase> CutBaseAt(const std::string& path, const EmbeddingOptions& options) {
  CutBase cut;
  ASSIGN_OR_RETURN(tflite::Graph as_it_is, ReadAsItIs(path));
  cut.half_precision = HasHalves(as_it_is);
  const bool quantized = IsQuantized(as_it_is);
  const bool takes_bytes = !as_it_is.subgraphs[0].inputs.empty() &&
                           IsBytes(TensorOf(as_it_is, as_it_is.subgraphs[0].inputs[0]).type);
  // Also says whether the file takes one colour picture, and how it scales it.
  ASSIGN_OR_RETURN(cut.base, ReadFloatGraph(path));
  const bool in_float = !quantized && !takes_bytes;
  if (!in_float) {
    cut.base.graph = std::move(as_it_is);
    cut.base.places.clear();
  }
  const tflite::Graph& graph = cut.base.graph;
  std::vector<int32_t> taps;
  if (options.taps.empty()) {
    ASSIGN_OR_RETURN(taps, FindTaps(graph));
  } else {
    ASSIGN_OR_RETURN(taps, NamedTaps(graph, cut.base.places, options.taps));
  }
  for (const int32_t tap : taps) cut.taps.push_back(TensorOf(graph, tap).name);
  RETURN_IF_ERROR(in_float
                      ? CutAt(cut.base, taps)
                      : tflite::Cut(cut.base.graph, std::vector(graph.subgraphs[0].inputs), taps));
  return cut;
}

tflite::FileMetadata MetadataOf(const GraftedFile& file) {
  tflite::FileMetadata metadata;
  metadata.name = file.name;
  metadata.description = file.description;
  tflite::TensorMetadata input;
  input.name = kInputName;
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

absl::StatusOr<Embedding> ReadEmbedding(const std::string& path, const EmbeddingOptions& options) {
  ASSIGN_OR_RETURN(CutBase cut, CutBaseAt(path, options));
  Embedding embedding;
  const image::Size old_size = cut.base.input_size();
  embedding.size = old_size;
  if (options.side > 0) {
    embedding.size = {options.side, options.side};
  } else if (cut.taps.size() > 1) {
    embedding.size = {std::min(old_size.width, kDetectorSide),
                      std::min(old_size.height, kDetectorSide)};
  }
  if (embedding.size != old_size) RETURN_IF_ERROR(SetInputSize(cut.base.graph, embedding.size));
  tflite::Graph& graph = cut.base.graph;
  const std::vector<int32_t> taps = graph.subgraphs[0].outputs;
  ASSIGN_OR_RETURN(const int32_t vector, JoinTaps(graph, taps));
  graph.subgraphs[0].outputs = {vector};
  graph.signatures.clear();
  graph.metadata.clear();
  switch (TensorOf(graph, graph.subgraphs[0].inputs[0]).type) {
    case TensorType::kUint8:
      graph.subgraphs[0].tensors[static_cast<size_t>(graph.subgraphs[0].inputs[0])].name =
          kInputName;
      break;
    case TensorType::kInt8:
      TakeUnsigned(graph);
      break;
    default:
      RETURN_IF_ERROR(TakeBytes(graph, cut.base.scaling, kInputName));
  }
  RETURN_IF_ERROR(tflite::Prune(graph));
  embedding.depth = TensorOf(graph, graph.subgraphs[0].outputs[0]).shape[1];
  embedding.taps = std::move(cut.taps);
  embedding.half_precision = cut.half_precision;
  embedding.graph = std::move(graph);
  return embedding;
}

absl::StatusOr<std::string> WriteEmbeddingFile(const Embedding& embedding) {
  tflite::Graph graph = embedding.graph;
  if (embedding.half_precision) RETURN_IF_ERROR(HalveWeights(graph));
  RETURN_IF_ERROR(Annotate(tflite::CheckGraph(graph), "the embedding"));
  return tflite::WriteModelFile(graph, {});
}

absl::StatusOr<std::string> WriteGraftedFile(const Embedding& embedding, const LinearHead& head,
                                             const GraftedFile& file) {
  const size_t labels = file.labels.size();
  if (head.bias.size() != labels || labels == 0 ||
      head.weights.size() != labels * static_cast<size_t>(embedding.depth))
    return InvalidArgument("a head of " + std::to_string(head.bias.size()) + " labels and " +
                           std::to_string(head.weights.size()) + " weights does not fit " +
                           std::to_string(labels) + " labels and " +
                           std::to_string(embedding.depth) + " features");
  tflite::Graph graph = embedding.graph;
  const auto count = static_cast<int32_t>(labels);
  const int32_t weights = AddFloats(graph, "head/weights", {count, embedding.depth}, head.weights);
  const int32_t bias = AddFloats(graph, "head/bias", {count}, head.bias);
  const int32_t logits =
      Append(graph, kFullyConnected, {graph.subgraphs[0].outputs[0], weights, bias},
             {{"logits", {1, count}}}, tflite::Table("FullyConnectedOptions"))[0];
  const std::vector<NewTensor> output{{"probability", {1, count}}};
  graph.subgraphs[0].outputs = file.independent
                                   ? Append(graph, kLogistic, {logits}, output)
                                   : Append(graph, kSoftmax, {logits}, output,
                                            tflite::Table::Of("SoftmaxOptions", {{"beta", 1.0F}}));
  RETURN_IF_ERROR(CheckFinite(graph));
  if (embedding.half_precision) RETURN_IF_ERROR(HalveWeights(graph));
  RETURN_IF_ERROR(tflite::SetFileMetadata(graph, MetadataOf(file)));
  RETURN_IF_ERROR(tflite::Prune(graph));
  RETURN_IF_ERROR(Annotate(tflite::CheckGraph(graph), "the trained classifier"));
  std::string lines;
  for (const std::string& label : file.labels) lines += label + "\n";
  return tflite::WriteModelFile(graph, std::vector<tflite::AttachedFile>{{kLabelFile, lines}});
}

}  // namespace bowerbird::train
