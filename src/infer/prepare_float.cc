// SPDX-License-Identifier: Apache-2.0
#include "infer/prepare_float.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "infer/prepare_constants.h"
#include "tflite/edit.h"

namespace bowerbird::infer {
namespace {

using tflite::Operator;
using tflite::Tensor;
using tflite::TensorType;

constexpr int32_t kDequantize = 6;
constexpr int32_t kQuantize = 114;
constexpr int64_t kActivationNone = 0;
constexpr int64_t kActivationRelu = 1;
constexpr int64_t kActivationRelu6 = 3;

// A calibrated range of [0, 6] ends at 255 steps of 6/255; some end a step or two off.
constexpr double kRelu6End = 6.05;

// Operators whose quantised form is their float form on the numbers that the quantised ones stand
// for, up to rounding.
const std::set<std::string, std::less<>> kSameInFloat = {"ABS",
                                                         "ADD",
                                                         "ARG_MAX",
                                                         "ARG_MIN",
                                                         "AVERAGE_POOL_2D",
                                                         "BATCH_MATMUL",
                                                         "BATCH_TO_SPACE_ND",
                                                         "BROADCAST_TO",
                                                         "CONCATENATION",
                                                         "CONV_2D",
                                                         "DEPTHWISE_CONV_2D",
                                                         "DEPTH_TO_SPACE",
                                                         "DIV",
                                                         "ELU",
                                                         "EQUAL",
                                                         "EXPAND_DIMS",
                                                         "FULLY_CONNECTED",
                                                         "GATHER",
                                                         "GELU",
                                                         "GREATER",
                                                         "GREATER_EQUAL",
                                                         "HARD_SWISH",
                                                         "L2_NORMALIZATION",
                                                         "LEAKY_RELU",
                                                         "LESS",
                                                         "LESS_EQUAL",
                                                         "LOGISTIC",
                                                         "LOG_SOFTMAX",
                                                         "MAXIMUM",
                                                         "MAX_POOL_2D",
                                                         "MEAN",
                                                         "MINIMUM",
                                                         "MIRROR_PAD",
                                                         "MUL",
                                                         "NEG",
                                                         "NOT_EQUAL",
                                                         "PACK",
                                                         "PAD",
                                                         "PADV2",
                                                         "PRELU",
                                                         "REDUCE_MAX",
                                                         "REDUCE_MIN",
                                                         "RELU",
                                                         "RELU6",
                                                         "RELU_N1_TO_1",
                                                         "RESHAPE",
                                                         "RESIZE_BILINEAR",
                                                         "RESIZE_NEAREST_NEIGHBOR",
                                                         "RSQRT",
                                                         "SLICE",
                                                         "SOFTMAX",
                                                         "SPACE_TO_BATCH_ND",
                                                         "SPACE_TO_DEPTH",
                                                         "SPLIT",
                                                         "SPLIT_V",
                                                         "SQRT",
                                                         "SQUARED_DIFFERENCE",
                                                         "SQUEEZE",
                                                         "STRIDED_SLICE",
                                                         "SUB",
                                                         "SUM",
                                                         "TANH",
                                                         "TFLite_Detection_PostProcess",
                                                         "TILE",
                                                         "TOPK_V2",
                                                         "TRANSPOSE",
                                                         "TRANSPOSE_CONV",
                                                         "UNPACK"};

// Those that compute new numbers, so that their range says more than that of what they read, and
// that can fuse an activation.
const std::set<std::string, std::less<>> kFuses = {
    "ADD", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MUL", "SUB"};

class FloatRewriter {
 public:
  explicit FloatRewriter(tflite::Graph& graph) : graph_(graph), main_(graph.subgraphs[0]) {
    const size_t tensors = main_.tensors.size();
    is_quantized_.resize(tensors);
    for (size_t i = 0; i < tensors; ++i) is_quantized_[i] = IsQuantizedActivation(main_.tensors[i]);
    for (const int32_t input : main_.inputs) stored_.insert(input);
  }

  absl::StatusOr<int> Run() {
    for (const Operator& op : std::exchange(main_.operators, {})) {
      RETURN_IF_ERROR(Rewrite(op));
    }
    if (changed_ == 0) return 0;
    for (int32_t& output : main_.outputs) {
      ASSIGN_OR_RETURN(output, OutputOf(output));
    }
    for (tflite::Signature& signature : graph_.signatures) {
      for (tflite::TensorName& output : signature.outputs) {
        output.tensor = static_cast<uint32_t>(Current(static_cast<int32_t>(output.tensor)));
      }
    }
    return changed_;
  }

 private:
  static bool HasSmallType(const Tensor& tensor) {
    return tensor.type == TensorType::kUint8 || tensor.type == TensorType::kInt8 ||
           tensor.type == TensorType::kInt16;
  }

  bool IsConstant(const Tensor& tensor) const { return tflite::IsConstant(graph_, tensor); }

  bool IsQuantizedActivation(const Tensor& tensor) const {
    return HasSmallType(tensor) && tensor.quantization.scale.size() == 1 &&
           tensor.quantization.scale[0] > 0 && !tensor.is_variable && !IsConstant(tensor);
  }

  bool IsQuantized(int32_t tensor) const {
    return tensor >= 0 && static_cast<size_t>(tensor) < is_quantized_.size() &&
           is_quantized_[static_cast<size_t>(tensor)];
  }

  // A constant that has to be multiplied out where an operator of floats reads it.
  bool IsSmallConstant(int32_t index) const {
    if (index < 0) return false;
    const Tensor& tensor = At(index);
    return !tensor.quantization.scale.empty() && IsConstant(tensor) &&
           (HasSmallType(tensor) || tensor.type == TensorType::kInt32);
  }

  const Tensor& At(int32_t index) const { return main_.tensors[static_cast<size_t>(index)]; }
  const std::string NameOf(const Operator& op) const {
    return graph_.operator_codes[op.code].Name();
  }
  int32_t CodeOf(const Operator& op) const { return graph_.operator_codes[op.code].builtin; }

  // What now holds the values of a tensor of floats: itself, or what a DEQUANTIZE was made from.
  int32_t Current(int32_t tensor) const {
    const auto found = aliases_.find(tensor);
    return found == aliases_.end() ? tensor : found->second;
  }

  absl::Status Rewrite(const Operator& op) {
    switch (CodeOf(op)) {
      case kQuantize:
        if (op.inputs.size() == 1 && op.outputs.size() == 1 && IsQuantized(op.outputs[0]))
          return DropQuantize(op);
        break;
      case kDequantize:
        if (op.inputs.size() == 1 && op.outputs.size() == 1) return DropDequantize(op);
        break;
      default:
        break;
    }
    if (Touches(op) && MeansTheSameInFloat(op)) return Convert(op);
    return Keep(op);
  }

  bool Touches(const Operator& op) const {
    const auto small = [this](int32_t t) { return IsQuantized(t) || IsSmallConstant(t); };
    return std::ranges::any_of(op.inputs, small) || std::ranges::any_of(op.outputs, small);
  }

  bool MeansTheSameInFloat(const Operator& op) const {
    if (!kSameInFloat.contains(NameOf(op))) return false;
    if (op.options.name() == "FullyConnectedOptions" && op.options.Int("weights_format") != 0)
      return false;
    // Everything of 8 bits must be one of the numbers that this pass knows how to widen.
    const auto strange = [this](int32_t t) {
      return t >= 0 && HasSmallType(At(t)) && !IsQuantized(t) && !IsSmallConstant(t);
    };
    return std::ranges::none_of(op.inputs, strange) && std::ranges::none_of(op.outputs, strange) &&
           std::ranges::none_of(op.inputs,
                                [this](int32_t t) { return t >= 0 && At(t).is_variable; });
  }

  absl::Status DropQuantize(const Operator& op) {
    if (!IsQuantized(op.inputs[0]) && At(op.inputs[0]).type != TensorType::kFloat32)
      return Keep(op);
    ASSIGN_OR_RETURN(const int32_t source, FloatOf(op.inputs[0]));
    twins_[op.outputs[0]] = source;
    ++changed_;
    return absl::OkStatus();
  }

  absl::Status DropDequantize(const Operator& op) {
    const int32_t source = op.inputs[0];
    const bool is_half = At(source).type == TensorType::kFloat16 && IsConstant(At(source));
    if (!IsQuantized(source) && !IsSmallConstant(source) && !is_half) return Keep(op);
    ASSIGN_OR_RETURN(const int32_t twin, is_half ? Constant(source) : FloatOf(source));
    aliases_[op.outputs[0]] = twin;
    ++changed_;
    return absl::OkStatus();
  }

  absl::Status Convert(const Operator& op) {
    Operator converted = op;
    for (size_t i = 0; i < op.inputs.size(); ++i) {
      if (op.inputs[i] < 0) continue;
      ASSIGN_OR_RETURN(converted.inputs[i], FloatOf(op.inputs[i]));
    }
    for (int32_t& output : converted.outputs) {
      if (!IsQuantized(output)) continue;
      RestoreClamp(op, At(output), converted);
      Tensor twin = At(output);
      twin.type = TensorType::kFloat32;
      twin.quantization = {};
      const int32_t made = tflite::AddTensor(main_, std::move(twin));
      twins_[output] = made;
      output = made;
    }
    if (converted.options.name() == "FullyConnectedOptions")
      converted.options.Clear("asymmetric_quantize_inputs");
    main_.operators.push_back(std::move(converted));
    ++changed_;
    return absl::OkStatus();
  }

  void RestoreClamp(const Operator& op, const Tensor& output, Operator& converted) const {
    if (output.type == TensorType::kInt16 || !kFuses.contains(NameOf(op))) return;
    if (converted.options.Int("fused_activation_function") != kActivationNone) return;
    const bool is_unsigned = output.type == TensorType::kUint8;
    const int64_t lowest = is_unsigned ? 0 : -128;
    const int64_t highest = is_unsigned ? 255 : 127;
    const int64_t zero =
        output.quantization.zero_point.empty() ? 0 : output.quantization.zero_point[0];
    if (zero != lowest) return;
    const double end =
        static_cast<double>(highest - zero) * static_cast<double>(output.quantization.scale[0]);
    const absl::Status set = converted.options.Set(
        "fused_activation_function", end <= kRelu6End ? kActivationRelu6 : kActivationRelu);
    static_cast<void>(set);  // all of kFuses have the field, or no options at all: nothing to fuse
  }

  absl::Status Keep(const Operator& op) {
    Operator kept = op;
    for (int32_t& input : kept.inputs) {
      if (input < 0) continue;
      if (IsQuantized(input)) RETURN_IF_ERROR(StoreQuantized(input));
      input = Current(input);
    }
    for (const int32_t output : op.outputs) stored_.insert(output);
    main_.operators.push_back(std::move(kept));
    return absl::OkStatus();
  }

  // A tensor of float32 with the values of `tensor`; tensors of other kinds stay.
  absl::StatusOr<int32_t> FloatOf(int32_t tensor) {
    if (IsSmallConstant(tensor)) return Constant(tensor);
    if (!IsQuantized(tensor)) return Current(tensor);
    if (const auto found = twins_.find(tensor); found != twins_.end()) return found->second;
    if (!stored_.contains(tensor))
      return FailedPrecondition("tensor '" + At(tensor).name + "' is read before it is written");
    Tensor twin = At(tensor);
    twin.type = TensorType::kFloat32;
    twin.quantization = {};
    const int32_t made = tflite::AddTensor(main_, std::move(twin));
    twins_[tensor] = made;
    AddConversion(kDequantize, "DequantizeOptions", tensor, made, At(tensor).type);
    return made;
  }

  absl::StatusOr<int32_t> Constant(int32_t tensor) {
    if (const auto found = twins_.find(tensor); found != twins_.end()) return found->second;
    ASSIGN_OR_RETURN(std::vector<std::byte> bytes, FloatConstant(graph_, At(tensor)));
    Tensor twin = At(tensor);
    twin.type = TensorType::kFloat32;
    twin.quantization = {};
    const int32_t made = tflite::AddConstant(graph_, 0, std::move(twin), std::move(bytes));
    twins_[tensor] = made;
    return made;
  }

  // Makes sure that the 8-bit form of a tensor exists, for a reader that stays as it is.
  absl::Status StoreQuantized(int32_t tensor) {
    if (!stored_.insert(tensor).second) return absl::OkStatus();
    const auto twin = twins_.find(tensor);
    if (twin == twins_.end())
      return FailedPrecondition("tensor '" + At(tensor).name + "' is read before it is written");
    AddConversion(kQuantize, "QuantizeOptions", twin->second, tensor, At(tensor).type);
    return absl::OkStatus();
  }

  // Versions: the first one of the operator that takes `type`.
  void AddConversion(int32_t code, std::string_view options, int32_t from, int32_t to,
                     TensorType type) {
    int32_t version = 1;
    if (code == kDequantize && type == TensorType::kInt8) version = 2;
    if (code == kDequantize && type == TensorType::kInt16) version = 3;
    Operator op;
    op.code = tflite::FindOrAddOperatorCode(graph_, {.builtin = code, .version = version});
    op.inputs = {from};
    op.outputs = {to};
    op.options = tflite::Table(options);
    main_.operators.push_back(std::move(op));
  }

  absl::StatusOr<int32_t> OutputOf(int32_t output) {
    if (IsQuantized(output)) RETURN_IF_ERROR(StoreQuantized(output));
    const int32_t current = Current(output);
    if (current == output) return output;
    if (IsConstant(At(current)) || std::ranges::count(main_.inputs, current) > 0 ||
        !renamed_.insert(current).second) {
      return FailedPrecondition("output '" + At(output).name +
                                "' has no value of its own in float");
    }
    main_.tensors[static_cast<size_t>(current)].name = At(output).name;
    return current;
  }

  tflite::Graph& graph_;
  tflite::Subgraph& main_;
  std::vector<bool> is_quantized_;      // activations of 8 or 16 bits that the file has
  std::map<int32_t, int32_t> twins_;    // of those and of constants: the float32 tensor
  std::map<int32_t, int32_t> aliases_;  // outputs of dropped DEQUANTIZEs: what they equal
  std::set<int32_t> stored_;            // tensors of the file that are written in the new graph
  std::set<int32_t> renamed_;
  int changed_ = 0;
};

}  // namespace

absl::StatusOr<int> ComputeInFloat(tflite::Graph& graph) {
  RETURN_IF_ERROR(tflite::CheckEditable(graph));
  if (graph.subgraphs.size() != 1)
    return FailedPrecondition("a graph of several subgraphs is not converted");
  ASSIGN_OR_RETURN(const int changed, FloatRewriter(graph).Run());
  if (changed > 0) RETURN_IF_ERROR(tflite::Prune(graph));
  return changed;
}

}  // namespace bowerbird::infer
