// SPDX-License-Identifier: Apache-2.0
#include "tflite/checks.h"

#include <flatbuffers/flexbuffers.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/status.h"

namespace bowerbird::tflite {
namespace {

// A single tensor beyond this cannot be meant for a machine of this kind.
constexpr uint64_t kMaxTensorBytes = uint64_t{1} << 31;
constexpr size_t kMaxRank = 8;

// Bytes of `tensor` by shape and type; nullopt if the shape is negative or too large. 0 for types
// without a fixed size.
std::optional<uint64_t> ByteSize(const Tensor& tensor) {
  uint64_t bits = TensorTypeBits(tensor.type);
  for (const int32_t extent : tensor.shape) {
    if (extent < 0) return std::nullopt;
    bits *= static_cast<uint64_t>(extent);
    if (bits > kMaxTensorBytes * 8) return std::nullopt;
  }
  return (bits + 7) / 8;
}

bool HasNoElements(const Tensor& tensor) {
  for (const int32_t extent : tensor.shape) {
    if (extent == 0) return true;
  }
  return false;
}

std::string ShapeText(const std::vector<int32_t>& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + "]";
}

// Contents of a constant of strings: a count, count + 1 offsets that do not fall, characters.
bool IsStringBuffer(std::span<const std::byte> data) {
  const auto number = [&](size_t index) {
    int32_t value = 0;
    std::memcpy(&value, data.data() + index * sizeof(value), sizeof(value));
    return value;
  };
  if (data.size() < 2 * sizeof(int32_t)) return false;
  const int32_t count = number(0);
  if (count < 0 || (static_cast<uint64_t>(count) + 2) * sizeof(int32_t) > data.size()) return false;
  int32_t last = static_cast<int32_t>((static_cast<size_t>(count) + 2) * sizeof(int32_t));
  for (size_t i = 1; i <= static_cast<size_t>(count) + 1; ++i) {
    if (number(i) < last) return false;
    last = number(i);
  }
  return static_cast<size_t>(last) <= data.size();
}

// Checks one subgraph against the graph that it belongs to.
class SubgraphChecker {
 public:
  SubgraphChecker(const Graph& graph, size_t index)
      : graph_(graph), index_(index), subgraph_(graph.subgraphs[index]) {}

  absl::Status Check() {
    for (size_t i = 0; i < subgraph_.tensors.size(); ++i) RETURN_IF_ERROR(CheckTensor(i));
    written_.assign(subgraph_.tensors.size(), false);
    RETURN_IF_ERROR(CheckIndices("an input", subgraph_.inputs, false));
    RETURN_IF_ERROR(CheckIndices("an output", subgraph_.outputs, false));
    for (const int32_t input : subgraph_.inputs) {
      if (IsConstant(Index(input)))
        return Wrong(TensorText(Index(input)) + " is an input and a constant");
      written_[Index(input)] = true;
    }
    for (size_t i = 0; i < subgraph_.operators.size(); ++i) RETURN_IF_ERROR(CheckOperator(i));
    for (const int32_t output : subgraph_.outputs) {
      if (!IsReadable(Index(output))) {
        return Wrong("the output " + TensorText(Index(output)) + " is written by no operator");
      }
    }
    return absl::OkStatus();
  }

 private:
  static size_t Index(int32_t index) { return static_cast<size_t>(index); }

  absl::Status Wrong(const std::string& what) const {
    return InvalidArgument("the model's graph is wrong: " +
                           (index_ == 0 ? "" : "in subgraph " + std::to_string(index_) + ", ") +
                           what + "; export it again");
  }

  std::string TensorText(size_t index) const {
    return "tensor " + std::to_string(index) + " ('" + subgraph_.tensors[index].name + "')";
  }

  std::string OperatorText(size_t index) const {
    return "operator " + std::to_string(index) + " (" +
           graph_.operator_codes[subgraph_.operators[index].code].Name() + ")";
  }

  bool IsConstant(size_t tensor) const {
    return !graph_.buffers[subgraph_.tensors[tensor].buffer].data.empty();
  }

  bool IsReadable(size_t tensor) const {
    return written_[tensor] || IsConstant(tensor) || subgraph_.tensors[tensor].is_variable ||
           HasNoElements(subgraph_.tensors[tensor]);
  }

  absl::Status CheckIndices(const std::string& what, const std::vector<int32_t>& indices,
                            bool optional) const {
    for (const int32_t index : indices) {
      if (optional && index == -1) continue;
      if (index < 0 || Index(index) >= subgraph_.tensors.size()) {
        return Wrong(what + " is tensor " + std::to_string(index) + " of " +
                     std::to_string(subgraph_.tensors.size()));
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckTensor(size_t index) const {
    const Tensor& tensor = subgraph_.tensors[index];
    if (tensor.is_external() ||
        (tensor.buffer < graph_.buffers.size() && graph_.buffers[tensor.buffer].is_external)) {
      return Wrong(TensorText(index) + " keeps its values outside of the file's FlatBuffer");
    }
    if (tensor.buffer >= graph_.buffers.size()) {
      return Wrong(TensorText(index) + " refers to buffer " + std::to_string(tensor.buffer) +
                   " of " + std::to_string(graph_.buffers.size()));
    }
    if (tensor.shape.size() > kMaxRank) {
      return Wrong(TensorText(index) + " has " + std::to_string(tensor.shape.size()) +
                   " dimensions; 8 are the most");
    }
    const std::optional<uint64_t> size = ByteSize(tensor);
    if (!size) {
      return Wrong(TensorText(index) + " has the shape " + ShapeText(tensor.shape) +
                   ", which is negative or larger than 2 GiB");
    }
    RETURN_IF_ERROR(CheckConstant(index, *size));
    return CheckQuantization(index);
  }

  absl::Status CheckConstant(size_t index, uint64_t size) const {
    const Tensor& tensor = subgraph_.tensors[index];
    const std::span<const std::byte> data = graph_.buffers[tensor.buffer].data;
    if (data.empty()) return absl::OkStatus();
    if (tensor.type == TensorType::kString) {
      if (IsStringBuffer(data)) return absl::OkStatus();
      return Wrong(TensorText(index) + " holds damaged strings");
    }
    if (tensor.is_sparse() || TensorTypeBits(tensor.type) == 0 || data.size() == size) {
      return absl::OkStatus();
    }
    return Wrong(TensorText(index) + " of shape " + ShapeText(tensor.shape) + " needs " +
                 std::to_string(size) + " bytes but its buffer has " + std::to_string(data.size()));
  }

  absl::Status CheckQuantization(size_t index) const {
    const Tensor& tensor = subgraph_.tensors[index];
    const Quantization& quantization = tensor.quantization;
    if (quantization.scheme() == Quantization::Scheme::kBlockwise ||
        quantization.scheme() == Quantization::Scheme::kMultiAxis) {
      return Wrong(TensorText(index) +
                   " is quantised in blocks or along several axes, which needs a newer runtime");
    }
    if (quantization.scale.empty()) return absl::OkStatus();
    if (quantization.zero_point.size() != quantization.scale.size()) {
      return Wrong(TensorText(index) + " has " + std::to_string(quantization.scale.size()) +
                   " scales but " + std::to_string(quantization.zero_point.size()) +
                   " zero points");
    }
    if (tensor.shape.empty()) return absl::OkStatus();
    if (quantization.dimension < 0 || Index(quantization.dimension) >= tensor.shape.size()) {
      return Wrong(TensorText(index) + " is quantised along dimension " +
                   std::to_string(quantization.dimension) + " of " +
                   std::to_string(tensor.shape.size()));
    }
    const auto channels = static_cast<size_t>(tensor.shape[Index(quantization.dimension)]);
    if (quantization.scale.size() > 1 && quantization.scale.size() != channels) {
      return Wrong(TensorText(index) + " has " + std::to_string(quantization.scale.size()) +
                   " scales for " + std::to_string(channels) + " channels");
    }
    return absl::OkStatus();
  }

  absl::Status CheckOperator(size_t index) {
    const Operator& op = subgraph_.operators[index];
    if (op.code >= graph_.operator_codes.size()) {
      return Wrong("operator " + std::to_string(index) + " has code " + std::to_string(op.code) +
                   " of " + std::to_string(graph_.operator_codes.size()));
    }
    const std::string name = OperatorText(index);
    RETURN_IF_ERROR(CheckIndices("an input of " + name, op.inputs, true));
    RETURN_IF_ERROR(CheckIndices("an output of " + name, op.outputs, false));
    RETURN_IF_ERROR(CheckIndices("an intermediate of " + name, op.intermediates, true));
    for (const int32_t input : op.inputs) {
      if (input >= 0 && !IsReadable(Index(input))) {
        return Wrong(name + " reads " + TensorText(Index(input)) + ", which nothing writes before");
      }
    }
    for (const int32_t output : op.outputs) {
      if (IsConstant(Index(output)) || written_[Index(output)]) {
        return Wrong(name + " writes " + TensorText(Index(output)) +
                     ", which is a constant, an input or already written");
      }
      written_[Index(output)] = true;
    }
    for (const int32_t called : CalledSubgraphs(op)) {
      if (called < 0 || Index(called) >= graph_.subgraphs.size()) {
        return Wrong(name + " calls subgraph " + std::to_string(called) + " of " +
                     std::to_string(graph_.subgraphs.size()));
      }
    }
    RETURN_IF_ERROR(CheckOptions(index));
    return CheckCustomOptions(index);
  }

  // Kernels take a table that is missing, or that belongs to another operator, for one of zeros,
  // and divide by these.
  absl::Status CheckOptions(size_t index) const {
    const Operator& op = subgraph_.operators[index];
    const std::string_view needed = NeededOptions(graph_.operator_codes[op.code].builtin);
    if (!needed.empty() && op.options.name() != needed) {
      return Wrong(OperatorText(index) + " lacks its parameters (" + std::string(needed) + ")");
    }
    if (!HasSoundWindow(op.options)) {
      return Wrong(OperatorText(index) + " has a window that cannot slide");
    }
    for (const std::string_view divisor : {"block_size", "rank"}) {
      if (op.options.Int(divisor, 1) < 1) {
        return Wrong(OperatorText(index) + " has a " + std::string(divisor) + " below 1");
      }
    }
    return absl::OkStatus();
  }

  // Empty for operators that run without.
  static std::string_view NeededOptions(int32_t builtin) {
    switch (builtin) {
      case 1:   // AVERAGE_POOL_2D
      case 12:  // L2_POOL_2D
      case 17:  // MAX_POOL_2D
        return "Pool2DOptions";
      case 3:
        return "Conv2DOptions";
      case 4:
        return "DepthwiseConv2DOptions";
      case 5:
        return "DepthToSpaceOptions";
      case 26:
        return "SpaceToDepthOptions";
      case 27:
        return "SVDFOptions";
      case 67:
        return "TransposeConvOptions";
      case 132:  // CONV_3D
      case 141:  // CONV_3D_TRANSPOSE
        return "Conv3DOptions";
      default:
        return "";
    }
  }

  // Kernels divide by the steps, and take an unknown padding for an empty output.
  static bool HasSoundWindow(const Table& options) {
    constexpr int64_t kMaxStep = 1 << 20;
    constexpr std::string_view kSteps[] = {
        "stride_d",          "stride_h",          "stride_w",     "dilation_d_factor",
        "dilation_h_factor", "dilation_w_factor", "filter_width", "filter_height"};
    const int64_t padding = options.Int("padding");
    return (padding == 0 || padding == 1) &&
           std::ranges::all_of(kSteps, [&](std::string_view field) {
             const int64_t step = options.Int(field, 1);  // 1 where it has no such step
             return step >= 1 && step <= kMaxStep;
           });
  }

  // The built-in custom operators read their options with FlexBuffers, without checking them.
  absl::Status CheckCustomOptions(size_t index) const {
    const Operator& op = subgraph_.operators[index];
    const OperatorCode& code = graph_.operator_codes[op.code];
    if (code.builtin != kCustomOperator) return absl::OkStatus();
    if (op.has_large_custom_options) {
      return Wrong(OperatorText(index) + " keeps its options outside of the file's FlatBuffer");
    }
    const auto* options = reinterpret_cast<const uint8_t*>(op.custom_options.data());
    if (op.custom_options.empty() ||
        !flexbuffers::VerifyBuffer(options, op.custom_options.size(), nullptr) ||
        !flexbuffers::GetRoot(options, op.custom_options.size()).IsMap()) {
      if (IsKnownCustom(code.custom)) return Wrong(OperatorText(index) + " has damaged options");
    }
    return absl::OkStatus();
  }

  static bool IsKnownCustom(std::string_view name) {
    return name == "TFLite_Detection_PostProcess" || name == "Mfcc" || name == "AudioSpectrogram" ||
           name == "NumericVerify";
  }

  const Graph& graph_;
  size_t index_;
  const Subgraph& subgraph_;
  std::vector<bool> written_;  // by tensor: an input of the subgraph, or an operator's output
};

// Runtimes follow calls by recursion: a cycle would end the process.
class CallChecker {
 public:
  explicit CallChecker(const Graph& graph)
      : graph_(graph), states_(graph.subgraphs.size(), State::kNew) {}

  bool EndsFrom(size_t subgraph, size_t depth = 0) {
    if (states_[subgraph] == State::kDone) return true;
    if (states_[subgraph] == State::kOpen || depth > kMaxDepth) return false;
    states_[subgraph] = State::kOpen;
    for (const Operator& op : graph_.subgraphs[subgraph].operators) {
      for (const int32_t called : CalledSubgraphs(op)) {
        if (!EndsFrom(static_cast<size_t>(called), depth + 1)) return false;
      }
    }
    states_[subgraph] = State::kDone;
    return true;
  }

 private:
  enum class State : uint8_t { kNew, kOpen, kDone };
  static constexpr size_t kMaxDepth = 100;

  const Graph& graph_;
  std::vector<State> states_;
};

}  // namespace

std::vector<std::vector<bool>> UnreadTensors(const Graph& graph) {
  std::vector<std::vector<bool>> unread;
  for (const Subgraph& subgraph : graph.subgraphs) {
    std::vector<bool>& tensors = unread.emplace_back(subgraph.tensors.size(), false);
    for (const Operator& op : subgraph.operators) {
      for (const int32_t output : op.outputs) tensors[static_cast<size_t>(output)] = true;
    }
    for (const Operator& op : subgraph.operators) {
      for (const int32_t input : op.inputs) {
        if (input >= 0) tensors[static_cast<size_t>(input)] = false;
      }
    }
    for (const int32_t output : subgraph.outputs) tensors[static_cast<size_t>(output)] = false;
  }
  return unread;
}

absl::Status CheckGraph(const Graph& graph) {
  if (graph.subgraphs.empty()) return InvalidArgument("the model has no graph");
  for (size_t i = 0; i < graph.subgraphs.size(); ++i) {
    RETURN_IF_ERROR(SubgraphChecker(graph, i).Check());
  }
  CallChecker calls(graph);
  for (size_t i = 0; i < graph.subgraphs.size(); ++i) {
    if (!calls.EndsFrom(i)) {
      return InvalidArgument("the model's graph is wrong: subgraph " + std::to_string(i) +
                             " calls itself; export it again");
    }
  }
  if (graph.subgraphs[0].outputs.empty()) return InvalidArgument("the model has no outputs");
  return absl::OkStatus();
}

}  // namespace bowerbird::tflite
