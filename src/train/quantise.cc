// SPDX-License-Identifier: Apache-2.0
#include "train/quantise.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "tflite/edit.h"
#include "train/constants.h"

namespace bowerbird::train {
namespace {

using tflite::Operator;
using tflite::Quantization;
using tflite::Subgraph;
using tflite::Tensor;
using tflite::TensorType;

constexpr int32_t kDequantize = 6;
constexpr int32_t kQuantize = 114;
constexpr int kDequantizeVersion = 2;  // the first that takes int8

// How an operator becomes one of int8.
enum class Kind {
  kConvolution,  // weights by output channel along dimension 0
  kDepthwise,    // weights by channel along dimension 3
  kSum,          // any scales in and out
  kSameScale,    // the output has the numbers of the first input
  kRescaled,     // one input, another scale out
};

struct Rule {
  std::string_view name;
  Kind kind;
  int32_t version;  // the first that takes int8
};

constexpr Rule kRules[] = {
    {"CONV_2D", Kind::kConvolution, 3},
    {"DEPTHWISE_CONV_2D", Kind::kDepthwise, 3},
    {"ADD", Kind::kSum, 2},
    {"MUL", Kind::kSum, 2},
    {"AVERAGE_POOL_2D", Kind::kSameScale, 2},
    {"MAX_POOL_2D", Kind::kSameScale, 2},
    {"PAD", Kind::kSameScale, 2},
    {"RESHAPE", Kind::kSameScale, 1},
    {"MEAN", Kind::kRescaled, 2},
};

const Rule* RuleOf(const tflite::Graph& graph, const Operator& op) {
  const std::string name = graph.operator_codes[op.code].Name();
  const auto* const found =
      std::ranges::find_if(kRules, [&](const Rule& rule) { return rule.name == name; });
  return found == std::end(kRules) ? nullptr : found;
}

bool HasWeights(Kind kind) { return kind == Kind::kConvolution || kind == Kind::kDepthwise; }
// Worth it for its own sake; the others only between such.
bool Computes(Kind kind) { return HasWeights(kind) || kind == Kind::kSum; }

const Tensor& At(const tflite::Graph& graph, int32_t tensor) {
  return graph.subgraphs[0].tensors[static_cast<size_t>(tensor)];
}

bool IsComputedFloat(const tflite::Graph& graph, int32_t tensor) {
  return tensor >= 0 && At(graph, tensor).type == TensorType::kFloat32 &&
         !tflite::IsConstant(graph, At(graph, tensor)) && !At(graph, tensor).is_variable;
}

bool IsFloatConstant(const tflite::Graph& graph, int32_t tensor) {
  return tensor >= 0 && At(graph, tensor).type == TensorType::kFloat32 &&
         tflite::IsConstant(graph, At(graph, tensor)) && !At(graph, tensor).is_sparse();
}

// The inputs that carry values: not shapes, axes, weights.
std::vector<int32_t> DataInputs(const Rule& rule, const Operator& op) {
  if (rule.kind == Kind::kSum) return op.inputs;
  return {op.inputs[0]};
}

// Of a form that the rules are about.
bool CanBeInt8(const tflite::Graph& graph, const Operator& op) {
  const Rule* const rule = RuleOf(graph, op);
  if (rule == nullptr || op.inputs.empty() || op.outputs.size() != 1 ||
      !IsComputedFloat(graph, op.outputs[0]))
    return false;
  if (HasWeights(rule->kind)) {
    if (op.inputs.size() < 3 || !IsFloatConstant(graph, op.inputs[1]) ||
        !IsFloatConstant(graph, op.inputs[2]) || At(graph, op.inputs[1]).shape.size() != 4)
      return false;
  }
  return std::ranges::all_of(DataInputs(*rule, op), [&](int32_t input) {
    return IsComputedFloat(graph, input) ||
           (rule->kind == Kind::kSum && IsFloatConstant(graph, input));
  });
}

// real = (stored - zero) * scale for the 256 stored values. Zero itself is exact, which padding
// needs.
Quantization Affine(const Range& range) {
  const float low = std::min(range.min, 0.0F);
  const float high = std::max(range.max, 0.0F);
  const float scale = std::max((high - low) / 255, std::numeric_limits<float>::min());
  const float zero = std::clamp(std::round(-128 - low / scale), -128.0F, 127.0F);
  return {.scale = {scale}, .zero_point = {static_cast<int64_t>(zero)}};
}

int8_t Stored(float value, float scale, int64_t zero) {
  return static_cast<int8_t>(
      std::clamp(std::round(value / scale) + static_cast<float>(zero), -128.0F, 127.0F));
}

class Quantiser {
 public:
  Quantiser(const tflite::Graph& graph, const std::vector<int32_t>& tensors,
            const std::vector<Range>& ranges)
      : old_(graph), new_(graph) {
    for (size_t i = 0; i < tensors.size(); ++i) ranges_[tensors[i]] = ranges[i];
  }

  absl::StatusOr<QuantisedGraph> Run() {
    Choose();
    operators_ = std::exchange(main().operators, {});
    for (size_t i = 0; i < operators_.size(); ++i) {
      if (!chosen_[i]) {
        PassFloat(operators_[i]);
        continue;
      }
      RETURN_IF_ERROR(PassInt8(operators_[i]));
    }
    for (int32_t& output : main().outputs) output = AsFloat(output);
    if (result_.quantised == 0)
      return FailedPrecondition("the model has no convolution that can be computed in int8");
    RETURN_IF_ERROR(tflite::Prune(new_));
    result_.graph = std::move(new_);
    return std::move(result_);
  }

 private:
  Subgraph& main() { return new_.subgraphs[0]; }

  bool HasRange(int32_t tensor) const {
    const auto found = ranges_.find(tensor);
    return found != ranges_.end() && !found->second.empty() && std::isfinite(found->second.min) &&
           std::isfinite(found->second.max);
  }

  // From the last operator to the first: what only passes values on follows whoever reads it.
  void Choose() {
    const Subgraph& graph = old_.subgraphs[0];
    const tflite::Links links(graph);
    chosen_.assign(graph.operators.size(), false);
    for (size_t i = graph.operators.size(); i-- > 0;) {
      const Operator& op = graph.operators[i];
      if (!CanBeInt8(old_, op) || !HasRange(op.outputs[0])) continue;
      const Rule& rule = *RuleOf(old_, op);
      const auto known = [&](int32_t input) {
        return IsFloatConstant(old_, input) || HasRange(input);
      };
      if (!std::ranges::all_of(DataInputs(rule, op), known)) continue;
      const auto read = links.Consumers(op.outputs[0]);
      chosen_[i] = Computes(rule.kind) || std::ranges::any_of(read, [&](int32_t reader) {
                     return chosen_[static_cast<size_t>(reader)];
                   });
    }
    DropFront(links);
  }

  // What scales the picture is no sum of the network: see TakePicture.
  void DropFront(const tflite::Links& links) {
    const Subgraph& graph = old_.subgraphs[0];
    if (graph.inputs.size() != 1) return;
    int32_t tensor = graph.inputs[0];
    for (int step = 0; step < 3; ++step) {
      const auto readers = links.Consumers(tensor);
      if (readers.size() != 1) return;
      const auto reader = static_cast<size_t>(readers[0]);
      const std::string name = old_.operator_codes[graph.operators[reader].code].Name();
      if (name != (step == 0 ? "CAST" : step == 1 ? "MUL" : "ADD")) return;
      chosen_[reader] = false;
      tensor = graph.operators[reader].outputs[0];
      if (step == 2) TakePicture(graph.operators, links, tensor);
    }
  }

  // (channel * factor + offset) is what a quantised picture means by itself: its bytes go in as
  // they are. The zero point is whole; what rounding it leaves is put right in the first biases.
  void TakePicture(const std::vector<Operator>& operators, const tflite::Links& links,
                   int32_t scaled) {
    const Operator& add = operators[static_cast<size_t>(links.Producer(scaled))];
    const Operator& multiply = operators[static_cast<size_t>(links.Producer(add.inputs[0]))];
    if (!IsFloatConstant(old_, multiply.inputs[1]) || !IsFloatConstant(old_, add.inputs[1])) return;
    const std::vector<float> factor = FloatsOf(old_, At(old_, multiply.inputs[1]));
    const std::vector<float> offset = FloatsOf(old_, At(old_, add.inputs[1]));
    if (factor.size() != 1 || offset.size() != 1 || !(factor[0] > 0)) return;
    const float zero = std::round(-offset[0] / factor[0]);
    if (!(zero >= 0 && zero <= 255)) return;
    const auto whole = static_cast<int64_t>(zero);
    const auto input = static_cast<size_t>(old_.subgraphs[0].inputs[0]);
    picture_shift_ = {scaled, offset[0] + zero * factor[0]};
    main().tensors[input].quantization = {.scale = {factor[0]}, .zero_point = {whole}};
    picture_ = {scaled, {.scale = {factor[0]}, .zero_point = {whole - 128}}};
  }

  int32_t AddOperator(int32_t builtin, int32_t version, int32_t input, int32_t output,
                      std::string_view options) {
    Operator op;
    op.code = tflite::FindOrAddOperatorCode(new_, {.builtin = builtin, .version = version});
    op.inputs = {input};
    op.outputs = {output};
    op.options = tflite::Table(options);
    main().operators.push_back(std::move(op));
    return output;
  }

  int32_t NewTwin(int32_t tensor, Quantization quantization) {
    Tensor twin = At(old_, tensor);
    twin.name += "/int8";
    twin.type = TensorType::kInt8;
    twin.quantization = std::move(quantization);
    return twins_[tensor] = tflite::AddTensor(main(), std::move(twin));
  }

  // The tensor in int8; of a float one by QUANTIZE.
  int32_t AsInt8(int32_t tensor) {
    const auto found = twins_.find(tensor);
    if (found != twins_.end()) return found->second;
    if (IsFloatConstant(old_, tensor)) return ConstantTwin(tensor);
    if (picture_ && picture_->first == tensor) {
      const int32_t twin = NewTwin(tensor, picture_->second);
      return AddOperator(kQuantize, 1, main().inputs[0], twin, "QuantizeOptions");
    }
    const int32_t twin = NewTwin(tensor, Affine(ranges_.at(tensor)));
    return AddOperator(kQuantize, 1, tensor, twin, "QuantizeOptions");
  }

  int32_t ConstantTwin(int32_t tensor) {
    const std::vector<float> values = FloatsOf(old_, At(old_, tensor));
    Range range;
    for (const float value : values) range.Add({value, value});
    const Quantization quantization = Affine(range);
    std::vector<int8_t> stored;
    for (const float value : values)
      stored.push_back(Stored(value, quantization.scale[0], quantization.zero_point[0]));
    const int32_t twin = NewTwin(tensor, quantization);
    tflite::SetConstant(new_, main().tensors[static_cast<size_t>(twin)], BytesOf(stored));
    return twin;
  }

  // The tensor in float; of one that is there only in int8 by DEQUANTIZE, once.
  int32_t AsFloat(int32_t tensor) {
    if (!only_int8_.contains(tensor)) return tensor;
    only_int8_.erase(tensor);
    return AddOperator(kDequantize, kDequantizeVersion, twins_.at(tensor), tensor,
                       "DequantizeOptions");
  }

  void PassFloat(Operator op) {
    for (int32_t& input : op.inputs) input = input < 0 ? input : AsFloat(input);
    if (IsComputedFloat(old_, op.outputs.empty() ? -1 : op.outputs[0])) ++result_.kept;
    main().operators.push_back(std::move(op));
  }

  absl::Status PassInt8(Operator op) {
    const Rule& rule = *RuleOf(old_, op);
    const int32_t output = op.outputs[0];
    const std::vector<int32_t> old_inputs = op.inputs;
    op.code = tflite::FindOrAddOperatorCode(
        new_, {.builtin = old_.operator_codes[op.code].builtin, .version = rule.version});
    op.inputs[0] = AsInt8(old_inputs[0]);
    if (rule.kind == Kind::kSum) op.inputs[1] = AsInt8(old_inputs[1]);
    const Quantization in = main().tensors[static_cast<size_t>(op.inputs[0])].quantization;
    if (HasWeights(rule.kind)) RETURN_IF_ERROR(QuantiseWeights(rule, old_inputs, in.scale[0], op));
    op.outputs = {NewTwin(output, rule.kind == Kind::kSameScale ? in : Affine(ranges_.at(output)))};
    only_int8_.insert(output);
    main().operators.push_back(std::move(op));
    ++result_.quantised;
    return absl::OkStatus();
  }

  absl::Status QuantiseWeights(const Rule& rule, const std::vector<int32_t>& inputs, float in_scale,
                               Operator& op) {
    const Tensor& weights = At(old_, inputs[1]);
    const std::vector<float> values = FloatsOf(old_, weights);
    std::vector<float> bias = FloatsOf(old_, At(old_, inputs[2]));
    const bool depthwise = rule.kind == Kind::kDepthwise;
    const auto channels = static_cast<size_t>(weights.shape[depthwise ? 3 : 0]);
    if (channels == 0 || values.size() % channels != 0 || bias.size() != channels)
      return FailedPrecondition("the weights of '" + weights.name + "' do not fit their bias");
    const size_t each = values.size() / channels;
    const auto place = [&](size_t channel, size_t i) {
      return depthwise ? i * channels + channel : channel * each + i;
    };
    Quantization quantization{.dimension = depthwise ? 3 : 0};
    Quantization bias_quantization{.dimension = 0};
    std::vector<int8_t> stored(values.size());
    std::vector<int32_t> stored_bias(channels);
    for (size_t c = 0; c < channels; ++c) {
      float largest = 0, sum = 0;
      for (size_t i = 0; i < each; ++i) {
        largest = std::max(largest, std::fabs(values[place(c, i)]));
        sum += values[place(c, i)];
      }
      if (!std::isfinite(sum) || !std::isfinite(bias[c]))
        return FailedPrecondition("the weights of '" + weights.name + "' are not finite");
      if (picture_shift_.first == inputs[0]) bias[c] += sum * picture_shift_.second;
      const float scale = std::max(largest / 127, SmallestScale(bias[c], in_scale));
      for (size_t i = 0; i < each; ++i)
        stored[place(c, i)] = std::max<int8_t>(Stored(values[place(c, i)], scale, 0), -127);
      quantization.scale.push_back(scale);
      quantization.zero_point.push_back(0);
      bias_quantization.scale.push_back(scale * in_scale);
      bias_quantization.zero_point.push_back(0);
      stored_bias[c] = static_cast<int32_t>(std::lround(bias[c] / (scale * in_scale)));
    }
    op.inputs[1] = Store(inputs[1], TensorType::kInt8, std::move(quantization), BytesOf(stored));
    op.inputs[2] =
        Store(inputs[2], TensorType::kInt32, std::move(bias_quantization), BytesOf(stored_bias));
    return absl::OkStatus();
  }

  // A channel whose weights are all but zero would have a bias beyond int32.
  static float SmallestScale(float bias, float in_scale) {
    constexpr float kMostBias = 1 << 30;
    return std::max(std::fabs(bias) / (kMostBias * in_scale), 1e-12F);
  }

  int32_t Store(int32_t tensor, TensorType type, Quantization quantization,
                std::vector<std::byte> bytes) {
    Tensor stored = At(old_, tensor);
    stored.name += "/int8";
    stored.type = type;
    stored.quantization = std::move(quantization);
    return tflite::AddConstant(new_, 0, std::move(stored), std::move(bytes));
  }

  const tflite::Graph& old_;
  tflite::Graph new_;  // tensors of old_ keep their indices until it is pruned
  std::map<int32_t, Range> ranges_;
  std::vector<Operator> operators_;
  std::vector<bool> chosen_;          // by operator: to be int8
  std::map<int32_t, int32_t> twins_;  // by tensor: the same in int8
  std::set<int32_t> only_int8_;       // tensors that nothing computes in float any more
  std::optional<std::pair<int32_t, Quantization>> picture_;  // the scaled picture
  std::pair<int32_t, float> picture_shift_{-1, 0};           // what rounding took from it
  QuantisedGraph result_;
};

}  // namespace

void Range::Add(const Range& other) {
  min = std::min(min, other.min);
  max = std::max(max, other.max);
}

std::vector<int32_t> TensorsToCalibrate(const tflite::Graph& graph) {
  std::set<int32_t> tensors;
  for (const Operator& op : graph.subgraphs[0].operators) {
    if (!CanBeInt8(graph, op)) continue;
    tensors.insert(op.outputs[0]);
    for (const int32_t input : DataInputs(*RuleOf(graph, op), op)) {
      if (IsComputedFloat(graph, input)) tensors.insert(input);
    }
  }
  return {tensors.begin(), tensors.end()};
}

absl::StatusOr<QuantisedGraph> Quantise(const tflite::Graph& graph,
                                        const std::vector<Range>& ranges) {
  RETURN_IF_ERROR(tflite::CheckEditable(graph));
  return Quantiser(graph, TensorsToCalibrate(graph), ranges).Run();
}

}  // namespace bowerbird::train
