// SPDX-License-Identifier: Apache-2.0
#include "infer/prepare_missing.h"

#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "tflite/edit.h"

namespace bowerbird::infer {
namespace {

using tflite::Operator;
using tflite::Table;
using tflite::Tensor;
using tflite::TensorType;

constexpr int32_t kConcatenation = 2;
constexpr int32_t kConv2d = 3;
constexpr int32_t kDepthwiseConv2d = 4;
constexpr int32_t kRelu = 19;
constexpr int32_t kSub = 41;
constexpr int32_t kSplit = 49;
constexpr int32_t kCast = 53;
constexpr int32_t kMinimum = 57;
constexpr int32_t kLess = 58;
constexpr int32_t kGreater = 61;
constexpr int32_t kRelu0To1 = 152;
constexpr int32_t kSign = 158;

std::vector<std::byte> BytesOf(const void* data, size_t size) {
  const auto* bytes = static_cast<const std::byte*>(data);
  return {bytes, bytes + size};
}

// Rewrites the operators of one subgraph.
class Replacer {
 public:
  Replacer(tflite::Graph& graph, size_t subgraph) : graph_(graph), index_(subgraph) {}

  // What stands in for the operator; nothing if it may stay.
  absl::StatusOr<std::optional<std::vector<Operator>>> Replace(const Operator& op) {
    switch (graph_.operator_codes[op.code].builtin) {
      case kConv2d:
        return ReplaceConvolution(op);
      case kRelu0To1:
        if (IsFloatUnary(op)) return Wrap(ReplaceRelu0To1(op));
        break;
      case kSign:
        if (IsFloatUnary(op)) return Wrap(ReplaceSign(op));
        break;
      default:
        break;
    }
    return std::nullopt;
  }

 private:
  static std::optional<std::vector<Operator>> Wrap(std::vector<Operator> operators) {
    return operators;
  }

  tflite::Subgraph& subgraph() { return graph_.subgraphs[index_]; }
  const Tensor& At(int32_t tensor) { return subgraph().tensors[static_cast<size_t>(tensor)]; }

  bool IsFloatUnary(const Operator& op) {
    return op.inputs.size() == 1 && op.outputs.size() == 1 && op.inputs[0] >= 0 &&
           At(op.inputs[0]).type == TensorType::kFloat32;
  }

  Operator Make(int32_t code, int32_t version, Table options, std::vector<int32_t> inputs,
                std::vector<int32_t> outputs) {
    Operator op;
    op.code = tflite::FindOrAddOperatorCode(graph_, {.builtin = code, .version = version});
    op.options = std::move(options);
    op.inputs = std::move(inputs);
    op.outputs = std::move(outputs);
    return op;
  }

  int32_t Like(int32_t tensor, const std::string& suffix, TensorType type) {
    Tensor made = At(tensor);
    made.name += suffix;
    made.type = type;
    made.buffer = 0;
    return tflite::AddTensor(subgraph(), std::move(made));
  }

  int32_t Scalar(const std::string& name, float value) {
    Tensor tensor;
    tensor.name = name;
    return tflite::AddConstant(graph_, index_, std::move(tensor), BytesOf(&value, sizeof(value)));
  }

  std::vector<Operator> ReplaceRelu0To1(const Operator& op) {
    const int32_t positive = Like(op.outputs[0], "/relu", TensorType::kFloat32);
    return {Make(kRelu, 1, {}, op.inputs, {positive}),
            Make(kMinimum, 1, Table("MaximumMinimumOptions"),
                 {positive, Scalar(At(op.outputs[0]).name + "/one", 1)}, op.outputs)};
  }

  std::vector<Operator> ReplaceSign(const Operator& op) {
    const int32_t out = op.outputs[0];
    const int32_t zero = Scalar(At(out).name + "/zero", 0);
    const int32_t above = Like(out, "/above", TensorType::kBool);
    const int32_t below = Like(out, "/below", TensorType::kBool);
    const int32_t one = Like(out, "/one", TensorType::kFloat32);
    const int32_t minus = Like(out, "/minus", TensorType::kFloat32);
    return {Make(kGreater, 1, Table("GreaterOptions"), {op.inputs[0], zero}, {above}),
            Make(kLess, 1, Table("LessOptions"), {op.inputs[0], zero}, {below}),
            Make(kCast, 1, {}, {above}, {one}), Make(kCast, 1, {}, {below}, {minus}),
            Make(kSub, 1, Table("SubOptions"), {one, minus}, {out})};
  }

  // What a grouped convolution is made of.
  struct Grouped {
    int32_t input, filter, bias, output;  // bias -1: none
    int32_t in_channels, group_channels, out_channels;
    int32_t groups() const { return in_channels / group_channels; }
  };

  std::optional<Grouped> AsGrouped(const Operator& op) {
    if (op.inputs.size() < 2 || op.outputs.size() != 1 || op.inputs[0] < 0 || op.inputs[1] < 0)
      return std::nullopt;
    Grouped conv{op.inputs[0],
                 op.inputs[1],
                 op.inputs.size() > 2 ? op.inputs[2] : -1,
                 op.outputs[0],
                 0,
                 0,
                 0};
    const Tensor& input = At(conv.input);
    const Tensor& filter = At(conv.filter);
    if (input.shape.size() != 4 || filter.shape.size() != 4) return std::nullopt;
    conv.in_channels = input.shape[3];
    conv.group_channels = filter.shape[3];
    conv.out_channels = filter.shape[0];
    if (conv.group_channels <= 0 || conv.in_channels <= conv.group_channels ||
        conv.in_channels % conv.group_channels != 0 || conv.out_channels % conv.groups() != 0)
      return std::nullopt;
    if (!IsStored(conv.filter) || (conv.bias >= 0 && !IsStored(conv.bias))) return std::nullopt;
    return conv;
  }

  // Whether the values lie here in full, and have whole bytes.
  bool IsStored(int32_t index) {
    const Tensor& tensor = At(index);
    size_t size = tflite::TensorTypeBits(tensor.type) / 8;
    for (const int32_t extent : tensor.shape) size *= static_cast<size_t>(extent);
    return size > 0 && !tensor.is_sparse() && !tensor.is_external() &&
           graph_.buffers[tensor.buffer].data.size() == size;
  }

  absl::StatusOr<std::optional<std::vector<Operator>>> ReplaceConvolution(const Operator& op) {
    const std::optional<Grouped> conv = AsGrouped(op);
    if (!conv) return std::nullopt;
    if (conv->group_channels == 1) return Wrap({Depthwise(op, *conv)});
    if (conv->groups() > kMostGroups) return std::nullopt;
    return Wrap(SplitUp(op, *conv));
  }

  // Of the same operator without groups, by its types: float and uint8, int8, int8 weights alone.
  int32_t VersionFor(const Grouped& conv, int32_t int8_version, int32_t hybrid_version) {
    if (At(conv.filter).type != TensorType::kInt8) return 1;
    return At(conv.input).type == TensorType::kFloat32 ? hybrid_version : int8_version;
  }

  Operator Depthwise(const Operator& op, const Grouped& conv) {
    Tensor filter = At(conv.filter);
    const std::span<const std::byte> data = graph_.buffers[filter.buffer].data;
    const size_t size = tflite::TensorTypeBits(filter.type) / 8;
    const auto out = static_cast<size_t>(conv.out_channels);
    const size_t window =
        static_cast<size_t>(filter.shape[1]) * static_cast<size_t>(filter.shape[2]);
    // [out, height, width, 1] -> [1, height, width, out]
    std::vector<std::byte> turned(data.size());
    for (size_t o = 0; o < out; ++o) {
      for (size_t at = 0; at < window; ++at) {
        std::memcpy(&turned[(at * out + o) * size], &data[(o * window + at) * size], size);
      }
    }
    filter.name += "/depthwise";
    filter.shape = {1, filter.shape[1], filter.shape[2], conv.out_channels};
    filter.shape_signature.clear();
    filter.quantization.dimension = 3;
    const int32_t made = tflite::AddConstant(graph_, index_, std::move(filter), std::move(turned));
    Table options("DepthwiseConv2DOptions");
    for (const char* field : {"padding", "stride_w", "stride_h", "fused_activation_function",
                              "dilation_w_factor", "dilation_h_factor"}) {
      options.Set(field, op.options.Int(field)).IgnoreError();  // both tables have all of them
    }
    options.Set("depth_multiplier", int64_t{conv.out_channels / conv.in_channels}).IgnoreError();
    std::vector<int32_t> inputs = op.inputs;
    inputs[1] = made;
    return Make(kDepthwiseConv2d, VersionFor(conv, 3, 6), std::move(options), std::move(inputs),
                op.outputs);
  }

  // Part `group` of `parts` along the first dimension.
  int32_t Slice(int32_t whole, int32_t group, int32_t parts) {
    Tensor part = At(whole);
    const std::span<const std::byte> data = graph_.buffers[part.buffer].data;
    const size_t bytes = data.size() / static_cast<size_t>(parts);
    const int32_t rows = part.shape[0] / parts;
    part.name.append("/").append(std::to_string(group));
    part.shape[0] = rows;
    part.shape_signature.clear();
    tflite::Quantization& q = part.quantization;
    const auto begin = static_cast<size_t>(group) * static_cast<size_t>(rows);
    const auto cut = [&](auto& values) {
      if (values.size() <= 1 || q.dimension != 0) return;
      values = {values.begin() + static_cast<ptrdiff_t>(begin),
                values.begin() + static_cast<ptrdiff_t>(begin) + rows};
    };
    cut(q.scale);
    cut(q.zero_point);
    q.min.clear();
    q.max.clear();
    const std::span<const std::byte> own = data.subspan(static_cast<size_t>(group) * bytes, bytes);
    return tflite::AddConstant(graph_, index_, std::move(part), {own.begin(), own.end()});
  }

  int32_t Part(int32_t whole, int32_t group, int32_t channels) {
    Tensor part = At(whole);
    part.name.append("/").append(std::to_string(group));
    part.shape[3] = channels;
    if (part.shape_signature.size() == 4) part.shape_signature[3] = channels;
    part.buffer = 0;
    return tflite::AddTensor(subgraph(), std::move(part));
  }

  std::vector<Operator> SplitUp(const Operator& op, const Grouped& conv) {
    const int32_t groups = conv.groups();
    const bool is_int8 = At(conv.input).type == TensorType::kInt8;
    const int32_t axis = 3;
    Tensor axis_tensor;
    axis_tensor.name = At(conv.output).name + "/axis";
    axis_tensor.type = TensorType::kInt32;
    const int32_t axis_index =
        tflite::AddConstant(graph_, index_, std::move(axis_tensor), BytesOf(&axis, sizeof(axis)));
    std::vector<int32_t> ins, outs;
    std::vector<Operator> made(1);
    for (int32_t group = 0; group < groups; ++group) {
      ins.push_back(Part(conv.input, group, conv.group_channels));
      outs.push_back(Part(conv.output, group, conv.out_channels / groups));
      std::vector<int32_t> inputs = {ins.back(), Slice(conv.filter, group, groups)};
      if (conv.bias >= 0) inputs.push_back(Slice(conv.bias, group, groups));
      made.push_back(
          Make(kConv2d, VersionFor(conv, 3, 5), op.options, std::move(inputs), {outs.back()}));
    }
    made[0] =
        Make(kSplit, is_int8 ? 2 : 1, Table::Of("SplitOptions", {{"num_splits", int64_t{groups}}}),
             {axis_index, conv.input}, ins);
    made.push_back(Make(kConcatenation, is_int8 ? 2 : 1,
                        Table::Of("ConcatenationOptions", {{"axis", int64_t{axis}}}), outs,
                        {conv.output}));
    return made;
  }

  tflite::Graph& graph_;
  const size_t index_;
};

}  // namespace

absl::StatusOr<int> ReplaceMissingOperators(tflite::Graph& graph) {
  RETURN_IF_ERROR(tflite::CheckEditable(graph));
  int replaced = 0;
  for (size_t i = 0; i < graph.subgraphs.size(); ++i) {
    Replacer replacer(graph, i);
    std::vector<Operator> kept;
    for (const Operator& op : std::exchange(graph.subgraphs[i].operators, {})) {
      ASSIGN_OR_RETURN(auto others, replacer.Replace(op));
      if (!others) {
        kept.push_back(op);
        continue;
      }
      ++replaced;
      kept.insert(kept.end(), others->begin(), others->end());
    }
    graph.subgraphs[i].operators = std::move(kept);
  }
  if (replaced > 0) RETURN_IF_ERROR(tflite::Prune(graph));
  return replaced;
}

}  // namespace bowerbird::infer
