// SPDX-License-Identifier: Apache-2.0
#include "tflite/diagnosis_repair.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <utility>

#include "base/status.h"
#include "tflite/edit.h"

namespace bowerbird::tflite {
namespace {

// Follows the channels of the picture from the input to the convolutions that read them.
class ChannelSwap {
 public:
  explicit ChannelSwap(const Graph& graph) : view_(graph) {}

  // The filters whose input channels must change places, by tensor index.
  absl::StatusOr<std::set<int32_t>> Filters() {
    if (view_.inputs().size() != 1 || view_.inputs()[0] == nullptr) {
      return FailedPrecondition("the model has not one input");
    }
    const PictureShape picture = PictureOf(*view_.inputs()[0]);
    if (picture.channels != 3) {
      return FailedPrecondition("input '" + view_.inputs()[0]->name +
                                "' is no picture of three channels");
    }
    axis_[view_.InputIndex(0)] = picture.channels_first ? 1 : 3;
    // Operators stand in the order in which they run, so one pass sees every tensor in time.
    for (const Operator& op : view_.operators()) RETURN_IF_ERROR(Pass(op));
    for (const Tensor* output : view_.outputs()) {
      for (const auto& [index, axis] : axis_) {
        if (view_.tensor(index) == output) {
          return FailedPrecondition("the picture itself is an output of the model");
        }
      }
    }
    return std::move(filters_);
  }

 private:
  bool Carries(const Operator& op, size_t position) const {
    return position < op.inputs.size() && axis_.contains(op.inputs[position]);
  }

  absl::Status Pass(const Operator& op) {
    const auto carried =
        std::ranges::count_if(op.inputs, [&](int32_t index) { return axis_.contains(index); });
    if (carried == 0) return absl::OkStatus();
    const std::string name = view_.NameOf(op);
    if (name == "CONV_2D" && carried == 1 && Carries(op, 0)) return Take(op);
    if (op.outputs.size() != 1) return Refuse(name);
    if (name == "CONCATENATION" && carried == std::ssize(op.inputs)) return Join(op);
    if (carried != 1 || !Carries(op, 0)) return Refuse(name);
    const int axis = axis_.at(op.inputs[0]);
    if (name == "QUANTIZE" || name == "DEQUANTIZE" || name == "PAD" || name == "CAST") {
      return Keep(op, axis);
    }
    if (name == "TRANSPOSE") return Turn(op, axis);
    if (name == "STRIDED_SLICE") {
      const Tensor* from = view_.InputOf(op, 0);
      const Tensor* to = view_.OutputOf(op, 0);
      // A slice that takes all channels; of those the first is still the first, unless it turns
      // them round, which a stride along the channels would.
      const bool keeps =
          to != nullptr && to->shape.size() == from->shape.size() &&
          to->shape[static_cast<size_t>(axis)] == from->shape[static_cast<size_t>(axis)] &&
          !TurnsRound(op, axis);
      return keeps ? Keep(op, axis) : Refuse(name);
    }
    const bool is_arithmetic = name == "MUL" || name == "ADD" || name == "SUB" || name == "DIV";
    const Tensor* other = view_.InputOf(op, 1);
    if (is_arithmetic && other != nullptr && ElementsOf(*other) == 1 &&
        !view_.ConstantOf(*other).empty()) {
      return Keep(op, axis);
    }
    return Refuse(name);
  }

  bool TurnsRound(const Operator& op, int axis) const {
    const Tensor* strides = view_.InputOf(op, 3);
    if (strides == nullptr || strides->type != TensorType::kInt32) return true;
    const std::span<const std::byte> data = view_.ConstantOf(*strides);
    const size_t at = static_cast<size_t>(axis) * sizeof(int32_t);
    if (data.size() < at + sizeof(int32_t)) return true;
    int32_t stride = 0;
    std::memcpy(&stride, data.data() + at, sizeof(stride));
    return stride != 1;
  }

  absl::Status Keep(const Operator& op, int axis) {
    axis_[op.outputs[0]] = axis;
    return absl::OkStatus();
  }

  absl::Status Turn(const Operator& op, int axis) {
    const Tensor* order = view_.InputOf(op, 1);
    const std::span<const std::byte> data =
        order == nullptr ? std::span<const std::byte>() : view_.ConstantOf(*order);
    for (size_t i = 0; (i + 1) * sizeof(int32_t) <= data.size(); ++i) {
      int32_t from = -1;
      std::memcpy(&from, data.data() + i * sizeof(from), sizeof(from));
      if (from == axis) return Keep(op, static_cast<int>(i));
    }
    return Refuse("TRANSPOSE");
  }

  // Pieces of the picture side by side along the channels: threes of channels.
  absl::Status Join(const Operator& op) {
    const int axis = axis_.at(op.inputs[0]);
    for (const int32_t index : op.inputs) {
      if (axis_.at(index) != axis) return Refuse("CONCATENATION");
    }
    return Keep(op, axis);
  }

  absl::Status Take(const Operator& op) {
    const Tensor* input = view_.InputOf(op, 0);
    const Tensor* filter = view_.InputOf(op, 1);
    if (axis_.at(op.inputs[0]) != 3 || filter == nullptr || filter->shape.size() != 4 ||
        input->shape.size() != 4 || filter->shape[3] != input->shape[3] ||
        filter->shape[3] % 3 != 0) {
      return Refuse("CONV_2D");
    }
    int32_t constant = op.inputs[1];
    const Operator* maker = view_.ProducerOf(constant);
    if (maker != nullptr && view_.Is(*maker, "DEQUANTIZE") && !maker->inputs.empty()) {
      if (view_.ReadersOf(constant).size() != 1) return Refuse("CONV_2D");
      constant = maker->inputs[0];
    }
    const Tensor* values = view_.tensor(constant);
    const bool is_usable =
        values != nullptr && !values->is_sparse() && !values->is_external() &&
        !view_.ConstantOf(*values).empty() && view_.ReadersOf(constant).size() == 1 &&
        TensorTypeBits(values->type) % 8 == 0 &&
        (values->quantization.scale.size() <= 1 || values->quantization.dimension == 0);
    if (!is_usable) return Refuse("CONV_2D");
    filters_.insert(constant);
    return absl::OkStatus();
  }

  static absl::Status Refuse(const std::string& name) {
    return FailedPrecondition("channels cannot be swapped through " + name +
                              "; set input_image_bgr in the vision service instead");
  }

  const GraphView view_;
  std::map<int32_t, int> axis_;  // of tensors that hold the picture: where its channels are
  std::set<int32_t> filters_;
};

// Along the last axis, the first and third of every three change places.
std::vector<std::byte> Swapped(std::span<const std::byte> data, size_t element) {
  std::vector<std::byte> swapped(data.begin(), data.end());
  for (size_t at = 0; at + 3 * element <= swapped.size(); at += 3 * element) {
    std::swap_ranges(swapped.begin() + static_cast<ptrdiff_t>(at),
                     swapped.begin() + static_cast<ptrdiff_t>(at + element),
                     swapped.begin() + static_cast<ptrdiff_t>(at + 2 * element));
  }
  return swapped;
}

bool IsGrouped(const GraphView& view, const Operator& op) {
  const Tensor* input = view.InputOf(op, 0);
  const Tensor* filter = view.InputOf(op, 1);
  return input == nullptr || filter == nullptr || input->shape.size() != 4 ||
         filter->shape.size() != 4 || input->shape[3] != filter->shape[3];
}

// The lowest version that does what `op` asks for; 0: not known here.
int32_t VersionNeeded(const GraphView& view, const Operator& op) {
  const std::string name = view.NameOf(op);
  const Tensor* input = view.InputOf(op, 0);
  const Tensor* weights = view.InputOf(op, 1);
  if (input == nullptr || weights == nullptr || op.options.Has("quantized_bias_type")) return 0;
  const auto all = [&](TensorType type) { return input->type == type && weights->type == type; };
  const bool is_plain = all(TensorType::kFloat32) || all(TensorType::kUint8);
  const bool is_int8 = all(TensorType::kInt8);
  if (weights->is_sparse() || (!is_plain && !is_int8)) return 0;
  if (name == "CONV_2D") return IsGrouped(view, op) ? 0 : is_int8 ? 3 : 1;
  if (name != "FULLY_CONNECTED" || op.options.Int("weights_format") != 0) return 0;
  if (view.InputOf(op, 2) == nullptr) return 6;  // no bias
  if (op.options.Bool("keep_num_dims")) return 5;
  return is_int8 ? 4 : 1;
}

}  // namespace

absl::StatusOr<int> SwapInputChannels(Graph& graph) {
  RETURN_IF_ERROR(CheckEditable(graph));
  ASSIGN_OR_RETURN(const std::set<int32_t> filters, ChannelSwap(graph).Filters());
  if (filters.empty()) return FailedPrecondition("no convolution reads the picture");
  for (const int32_t index : filters) {
    Tensor& filter = graph.subgraphs[0].tensors[static_cast<size_t>(index)];
    SetConstant(graph, filter,
                Swapped(graph.buffers[filter.buffer].data, TensorTypeBits(filter.type) / 8));
  }
  return static_cast<int>(filters.size());
}

void LowerVersions(Graph& graph, const std::function<bool(const OperatorCode&)>& has,
                   std::vector<std::string>& changes) {
  const GraphView view(graph);
  std::map<uint32_t, int32_t> needed;  // by operator code; 0: leave it
  for (const Operator& op : view.operators()) {
    const int32_t version = VersionNeeded(view, op);
    const auto [found, is_new] = needed.emplace(op.code, version);
    if (!is_new)
      found->second = std::min(found->second, version) == 0 ? 0 : std::max(found->second, version);
  }
  // Other subgraphs may use the same code for more than is seen here.
  if (graph.subgraphs.size() > 1) return;
  for (const auto& [code, version] : needed) {
    if (code >= graph.operator_codes.size()) continue;
    OperatorCode& declared = graph.operator_codes[code];
    OperatorCode lower = declared;
    lower.version = version;
    if (version == 0 || version >= declared.version || has(declared) || !has(lower)) continue;
    changes.push_back("lowered " + declared.Name() + " from version " +
                      std::to_string(declared.version) + " to " + std::to_string(version) +
                      ", which has all that is used");
    declared = std::move(lower);
  }
}

}  // namespace bowerbird::tflite
