// SPDX-License-Identifier: Apache-2.0
#include "train/float_graph.h"

#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>

#include "base/status.h"
#include "infer/prepare_float.h"
#include "tflite/checks.h"
#include "tflite/edit.h"
#include "tflite/metadata.h"
#include "train/constants.h"

namespace bowerbird::train {
namespace {

using tflite::Operator;
using tflite::Subgraph;
using tflite::TensorType;

absl::StatusOr<tflite::Graph> ReadFile(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (!stream || text.empty()) return NotFound("base model '" + path + "' cannot be read");
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  std::vector<std::byte> bytes(first, first + text.size());
  absl::StatusOr<tflite::Graph> graph = tflite::ReadGraph(bytes);
  if (!graph.ok()) return Annotate(graph.status(), "base model '" + path + "'");
  graph->Keep(std::move(bytes));  // moves the vector, not what the graph points to
  return graph;
}

// While tensors are renumbered their names carry the numbers they had.
void NumberNames(Subgraph& main) {
  for (size_t i = 0; i < main.tensors.size(); ++i)
    main.tensors[i].name = std::to_string(i) + " " + main.tensors[i].name;
}

std::vector<int32_t> TakeNumbers(Subgraph& main, size_t count) {
  std::vector<int32_t> places(count, -1);
  for (size_t i = 0; i < main.tensors.size(); ++i) {
    tflite::Tensor& tensor = main.tensors[i];
    size_t number = count;
    const char* const first = tensor.name.data();
    const auto [end, error] = std::from_chars(first, first + tensor.name.size(), number);
    if (error != std::errc() || number >= count) continue;
    tensor.name.erase(0, static_cast<size_t>(end - first) + 1);
    if (tensor.type == TensorType::kFloat32) places[number] = static_cast<int32_t>(i);
  }
  return places;
}

std::string NameOf(const tflite::Graph& graph, const Operator& op) {
  return graph.operator_codes[op.code].Name();
}

std::optional<float> OneFloat(const tflite::Graph& graph, int32_t tensor) {
  if (tensor < 0) return std::nullopt;
  const tflite::Tensor& constant = graph.subgraphs[0].tensors[static_cast<size_t>(tensor)];
  if (constant.type != TensorType::kFloat32 || !tflite::IsConstant(graph, constant))
    return std::nullopt;
  const std::vector<float> values = FloatsOf(graph, constant);
  return values.size() == 1 ? std::optional(values[0]) : std::nullopt;
}

// Of a file that was trained here, which scales its picture itself: see TakeBytes.
std::optional<int32_t> ScaledPicture(const tflite::Graph& graph, InputScaling& scaling) {
  const Subgraph& main = graph.subgraphs[0];
  const tflite::Links links(main);
  int32_t tensor = main.inputs[0];
  InputScaling found;
  for (const char* const wanted : {"CAST", "MUL", "ADD"}) {
    const std::span<const int32_t> readers = links.Consumers(tensor);
    if (readers.size() != 1) return std::nullopt;
    const Operator& op = main.operators[static_cast<size_t>(readers[0])];
    if (NameOf(graph, op) != wanted || op.outputs.size() != 1) return std::nullopt;
    if (op.inputs.size() == 2) {
      const std::optional<float> value = OneFloat(graph, op.inputs[1]);
      if (!value.has_value()) return std::nullopt;
      (op.inputs[0] == tensor && NameOf(graph, op) == "MUL" ? found.scale : found.offset) = *value;
    }
    tensor = op.outputs[0];
  }
  scaling = found;
  return tensor;
}

// The float tensor behind an input of the file, and what its numbers mean.
absl::StatusOr<int32_t> FloatInput(const tflite::Graph& graph, InputScaling& scaling) {
  const Subgraph& main = graph.subgraphs[0];
  const int32_t input = main.inputs[0];
  const tflite::Tensor& tensor = main.tensors[static_cast<size_t>(input)];
  if (tensor.type == TensorType::kFloat32) return input;
  if (const auto scaled = ScaledPicture(graph, scaling); scaled.has_value()) return *scaled;
  const tflite::Links links(main);
  const std::span<const int32_t> readers = links.Consumers(input);
  if (readers.size() != 1 || tensor.quantization.scale.size() != 1)
    return Unimplemented("input '" + tensor.name + "' is not a quantised picture");
  const Operator& reader = main.operators[static_cast<size_t>(readers[0])];
  if (NameOf(graph, reader) != "DEQUANTIZE")
    return Unimplemented("input '" + tensor.name + "' is read by " + NameOf(graph, reader) +
                         ", not as a quantised picture");
  const int64_t zero =
      tensor.quantization.zero_point.empty() ? 0 : tensor.quantization.zero_point[0];
  // A channel c is c - 128 in a picture of int8.
  const int64_t shift = tensor.type == TensorType::kInt8 ? 128 : 0;
  scaling.scale = tensor.quantization.scale[0];
  scaling.offset = -static_cast<float>(zero + shift) * scaling.scale;
  return reader.outputs[0];
}

// Metadata counts channels 0..255: (channel - mean) / std.
absl::Status ReadScaling(const tflite::Graph& graph, InputScaling& scaling) {
  const std::span<const std::byte> buffer = graph.MetadataBuffer(tflite::kMetadataName);
  if (buffer.empty()) return absl::OkStatus();
  const absl::StatusOr<tflite::FileMetadata> metadata = tflite::ReadFileMetadata(buffer);
  if (!metadata.ok() || metadata->inputs.empty()) return absl::OkStatus();
  const tflite::TensorMetadata& input = metadata->inputs[0];
  if (input.std.empty() || input.mean.empty()) return absl::OkStatus();
  const auto differs = [](const std::vector<float>& values) {
    return std::set<float>(values.begin(), values.end()).size() > 1;
  };
  if (differs(input.mean) || differs(input.std))
    return Unimplemented("input '" + input.name + "' scales each colour in its own way");
  if (input.std[0] > 0)
    scaling = {.scale = 1 / input.std[0], .offset = -input.mean[0] / input.std[0]};
  return absl::OkStatus();
}

// What an output of the file is made from, apart from conversions for callers.
std::vector<int32_t> FloatOutputs(const tflite::Graph& graph) {
  const Subgraph& main = graph.subgraphs[0];
  const tflite::Links links(main);
  std::vector<int32_t> outputs;
  for (const int32_t output : main.outputs) {
    const int32_t producer = links.Producer(output);
    if (producer < 0) continue;
    const Operator& op = main.operators[static_cast<size_t>(producer)];
    const std::string name = NameOf(graph, op);
    if (name == "TFLite_Detection_PostProcess" && op.inputs.size() >= 2)
      return {op.inputs[0], op.inputs[1]};
    outputs.push_back(name == "QUANTIZE" ? op.inputs[0] : output);
  }
  return outputs;
}

}  // namespace

image::Size FloatGraph::input_size() const {
  const std::vector<int32_t>& shape = main().tensors[static_cast<size_t>(main().inputs[0])].shape;
  return {shape[2], shape[1]};
}

absl::StatusOr<FloatGraph> ReadFloatGraph(const std::string& path) {
  FloatGraph base;
  ASSIGN_OR_RETURN(base.graph, ReadFile(path));
  RETURN_IF_ERROR(Annotate(tflite::CheckGraph(base.graph), "base model '" + path + "'"));
  Subgraph& main = base.graph.subgraphs[0];
  if (main.inputs.size() != 1) return Unimplemented("base model '" + path + "' has several inputs");
  const std::vector<int32_t>& shape = main.tensors[static_cast<size_t>(main.inputs[0])].shape;
  if (shape.size() != 4 || shape[0] != 1 || shape[3] != 3)
    return Unimplemented("base model '" + path + "' does not take one colour picture [1, H, W, 3]");
  RETURN_IF_ERROR(ReadScaling(base.graph, base.scaling));
  const size_t tensors = main.tensors.size();
  NumberNames(main);
  RETURN_IF_ERROR(infer::ComputeInFloat(base.graph).status());
  ASSIGN_OR_RETURN(const int32_t input, FloatInput(base.graph, base.scaling));
  const std::vector<int32_t> outputs = FloatOutputs(base.graph);
  RETURN_IF_ERROR(tflite::Cut(base.graph, std::vector<int32_t>{input}, outputs));
  base.places = TakeNumbers(base.graph.subgraphs[0], tensors);
  return base;
}

absl::Status CutAt(FloatGraph& base, std::span<const int32_t> outputs) {
  const std::vector<int32_t> inputs = base.main().inputs;
  std::vector<int32_t> numbers(base.main().tensors.size(), -1);
  tflite::Graph cut = base.graph;
  NumberNames(cut.subgraphs[0]);
  RETURN_IF_ERROR(tflite::Cut(cut, inputs, outputs));
  numbers = TakeNumbers(cut.subgraphs[0], numbers.size());
  base.graph = std::move(cut);
  for (int32_t& place : base.places) {
    if (place >= 0) place = numbers[static_cast<size_t>(place)];
  }
  return absl::OkStatus();
}

}  // namespace bowerbird::train
