// SPDX-License-Identifier: Apache-2.0
#include "train/model_ends.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/status.h"
#include "infer/half.h"
#include "tflite/edit.h"
#include "train/constants.h"

namespace bowerbird::train {
namespace {

using tflite::Operator;
using tflite::Subgraph;
using tflite::TensorType;

// Codes of the format.
constexpr int32_t kAdd = 0;
constexpr int32_t kDequantize = 6;
constexpr int32_t kMul = 18;
constexpr int32_t kCast = 53;
constexpr int32_t kHalfDequantizeVersion = 3;

bool HasWeights(const std::string& name) {
  return name == "CONV_2D" || name == "DEPTHWISE_CONV_2D" || name == "FULLY_CONNECTED";
}

absl::StatusOr<std::vector<uint16_t>> Halves(const tflite::Graph& graph,
                                             const tflite::Tensor& tensor) {
  const std::vector<float> values = FloatsOf(graph, tensor);
  std::vector<uint16_t> halves(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    halves[i] = infer::HalfFromFloat(values[i]);
    if (!std::isfinite(infer::FloatFromHalf(halves[i])))
      return FailedPrecondition("weight " + std::to_string(values[i]) + " of '" + tensor.name +
                                "' does not fit half precision");
  }
  return halves;
}

}  // namespace

std::vector<int32_t> Append(tflite::Graph& graph, int32_t builtin, std::vector<int32_t> inputs,
                            const std::vector<NewTensor>& outputs, tflite::Table options,
                            int32_t version) {
  Operator op;
  op.code = tflite::FindOrAddOperatorCode(graph, {.builtin = builtin, .version = version});
  op.inputs = std::move(inputs);
  op.options = std::move(options);
  for (const NewTensor& output : outputs) {
    tflite::Tensor tensor;
    tensor.name = output.name;
    tensor.shape = output.shape;
    op.outputs.push_back(tflite::AddTensor(graph.subgraphs[0], std::move(tensor)));
  }
  graph.subgraphs[0].operators.push_back(op);
  return op.outputs;
}

int32_t AddFloats(tflite::Graph& graph, std::string_view name, std::vector<int32_t> shape,
                  const std::vector<float>& values) {
  tflite::Tensor tensor;
  tensor.name = name;
  tensor.shape = std::move(shape);
  return tflite::AddConstant(graph, 0, std::move(tensor), BytesOf(values));
}

absl::Status TakeBytes(tflite::Graph& graph, const InputScaling& scaling, std::string_view name) {
  RETURN_IF_ERROR(tflite::CheckEditable(graph));
  Subgraph& main = graph.subgraphs[0];
  const int32_t old_input = main.inputs[0];
  tflite::Tensor bytes = main.tensors[static_cast<size_t>(old_input)];
  const std::vector<int32_t> shape = bytes.shape;
  bytes.name = name;
  bytes.type = TensorType::kUint8;
  bytes.shape_signature.clear();
  const int32_t input = tflite::AddTensor(main, std::move(bytes));
  std::vector<Operator> rest = std::exchange(main.operators, {});
  const auto cast = Append(graph, kCast, {input}, {{"picture/float", shape}},
                           tflite::Table::Of("CastOptions", {{"in_data_type", int64_t{3}},
                                                             {"out_data_type", int64_t{0}}}));
  const int32_t factor = AddFloats(graph, "picture/factor", {1}, {scaling.scale});
  const auto scaled = Append(graph, kMul, {cast[0], factor}, {{"picture/scaled", shape}},
                             tflite::Table("MulOptions"));
  const int32_t offset = AddFloats(graph, "picture/offset", {1}, {scaling.offset});
  Append(graph, kAdd, {scaled[0], offset}, {}, tflite::Table("AddOptions"));
  main.operators.back().outputs = {old_input};
  main.operators.insert(main.operators.end(), std::make_move_iterator(rest.begin()),
                        std::make_move_iterator(rest.end()));
  main.inputs = {input};
  return absl::OkStatus();
}

absl::Status HalveWeights(tflite::Graph& graph) {
  RETURN_IF_ERROR(tflite::CheckEditable(graph));
  tflite::Graph halved = graph;
  Subgraph& main = halved.subgraphs[0];
  std::vector<Operator> operators = std::exchange(main.operators, {});
  std::map<int32_t, int32_t> widened;  // by the float constant
  for (Operator& op : operators) {
    const bool takes_weights = HasWeights(halved.operator_codes[op.code].Name());
    for (size_t i = 1; takes_weights && i < std::min<size_t>(op.inputs.size(), 3); ++i) {
      const int32_t constant = op.inputs[i];
      if (constant < 0) continue;
      const tflite::Tensor full = main.tensors[static_cast<size_t>(constant)];
      if (full.type != TensorType::kFloat32 || !tflite::IsConstant(halved, full)) continue;
      if (!widened.contains(constant)) {
        ASSIGN_OR_RETURN(const std::vector<uint16_t> halves, Halves(halved, full));
        tflite::Tensor half = full;
        half.type = TensorType::kFloat16;
        half.name += "/half";
        const int32_t stored = tflite::AddConstant(halved, 0, std::move(half), BytesOf(halves));
        widened[constant] = Append(halved, kDequantize, {stored}, {{full.name, full.shape}},
                                   tflite::Table("DequantizeOptions"), kHalfDequantizeVersion)[0];
      }
      op.inputs[i] = widened[constant];
    }
    main.operators.push_back(std::move(op));
  }
  RETURN_IF_ERROR(tflite::Prune(halved));
  graph = std::move(halved);
  return absl::OkStatus();
}

absl::Status CheckFinite(const tflite::Graph& graph) {
  for (const tflite::Tensor& tensor : graph.subgraphs[0].tensors) {
    if (tensor.type != TensorType::kFloat32 || !tflite::IsConstant(graph, tensor)) continue;
    const std::vector<float> values = FloatsOf(graph, tensor);
    if (!std::ranges::all_of(values, [](float value) { return std::isfinite(value); }))
      return FailedPrecondition("the numbers of '" + tensor.name +
                                "' are not finite: the training went wrong");
  }
  return absl::OkStatus();
}

}  // namespace bowerbird::train
