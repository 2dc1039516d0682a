// SPDX-License-Identifier: Apache-2.0
#include "tflite/diagnosis_view.h"

#include <algorithm>
#include <limits>

namespace bowerbird::tflite {
namespace {

const Subgraph& EmptySubgraph() {
  static const Subgraph empty;
  return empty;
}

}  // namespace

GraphView::GraphView(const Graph& graph)
    : graph_(graph), main_(graph.subgraphs.empty() ? &EmptySubgraph() : graph.subgraphs.data()) {
  for (const int32_t index : main_->inputs) inputs_.push_back(tensor(index));
  for (const int32_t index : main_->outputs) outputs_.push_back(tensor(index));
  producers_.resize(main_->tensors.size());
  readers_.resize(main_->tensors.size());
  for (const Operator& op : main_->operators) {
    for (const int32_t index : op.outputs) {
      if (tensor(index) != nullptr) producers_[static_cast<size_t>(index)] = &op;
    }
    for (const int32_t index : op.inputs) {
      if (tensor(index) != nullptr) readers_[static_cast<size_t>(index)].push_back(&op);
    }
  }
}

const Tensor* GraphView::tensor(int32_t index) const {
  const bool is_known = index >= 0 && static_cast<size_t>(index) < main_->tensors.size();
  return is_known ? &main_->tensors[static_cast<size_t>(index)] : nullptr;
}

const Tensor* GraphView::InputOf(const Operator& op, size_t position) const {
  return position < op.inputs.size() ? tensor(op.inputs[position]) : nullptr;
}

const Tensor* GraphView::OutputOf(const Operator& op, size_t position) const {
  return position < op.outputs.size() ? tensor(op.outputs[position]) : nullptr;
}

const Operator* GraphView::ProducerOf(int32_t index) const {
  return tensor(index) != nullptr ? producers_[static_cast<size_t>(index)] : nullptr;
}

const std::vector<const Operator*>& GraphView::ReadersOf(int32_t index) const {
  static const std::vector<const Operator*> none;
  return tensor(index) != nullptr ? readers_[static_cast<size_t>(index)] : none;
}

int32_t GraphView::InputIndex(size_t position) const {
  return position < main_->inputs.size() ? main_->inputs[position] : -1;
}

int32_t GraphView::OutputIndex(size_t position) const {
  return position < main_->outputs.size() ? main_->outputs[position] : -1;
}

std::string GraphView::NameOf(const Operator& op) const {
  return op.code < graph_.operator_codes.size() ? graph_.operator_codes[op.code].Name() : "";
}

bool GraphView::Is(const Operator& op, std::string_view name) const { return NameOf(op) == name; }

bool GraphView::Has(std::string_view name) const {
  return std::ranges::any_of(graph_.subgraphs, [&](const Subgraph& subgraph) {
    return std::ranges::any_of(subgraph.operators,
                               [&](const Operator& op) { return Is(op, name); });
  });
}

std::span<const std::byte> GraphView::ConstantOf(const Tensor& tensor) const {
  if (tensor.is_variable || tensor.buffer >= graph_.buffers.size()) return {};
  return graph_.buffers[tensor.buffer].data;
}

std::string ShapeText(const Tensor& tensor) {
  const bool has_signature = tensor.shape_signature.size() == tensor.shape.size();
  std::string text = "[";
  for (size_t i = 0; i < tensor.shape.size(); ++i) {
    const bool is_unknown = has_signature && tensor.shape_signature[i] < 0;
    text += (i > 0 ? ", " : "") + std::to_string(is_unknown ? -1 : tensor.shape[i]);
  }
  return text + "]";
}

int64_t ElementsOf(const Tensor& tensor) {
  int64_t count = 1;
  for (const int32_t extent : tensor.shape) {
    if (extent <= 0) continue;
    if (count > std::numeric_limits<int64_t>::max() / extent) {
      return std::numeric_limits<int64_t>::max();
    }
    count *= extent;
  }
  return count;
}

bool IsQuantized8(const Tensor& tensor) {
  return (tensor.type == TensorType::kUint8 || tensor.type == TensorType::kInt8) &&
         tensor.quantization.scale.size() == 1 && tensor.quantization.zero_point.size() == 1 &&
         tensor.quantization.scale[0] > 0;
}

RealRange RangeOf(const Tensor& tensor) {
  if (!IsQuantized8(tensor)) return {};
  const double scale = tensor.quantization.scale[0];
  const auto zero = static_cast<double>(tensor.quantization.zero_point[0]);
  const double first = tensor.type == TensorType::kInt8 ? -128 : 0;
  return {(first - zero) * scale, (first + 255 - zero) * scale};
}

PictureShape PictureOf(const Tensor& tensor) {
  const std::vector<int32_t>& shape = tensor.shape;
  if (shape.size() != 4) return {};
  const auto is_plane = [](int32_t height, int32_t width) { return height != 0 && width != 0; };
  if (shape[3] == 3 && is_plane(shape[1], shape[2])) return {3, false};
  if (shape[1] == 3 && is_plane(shape[2], shape[3])) return {3, true};
  // One channel: only where the other extents are those of a plane, not of a batch of vectors.
  if (shape[3] == 1 && shape[1] > 1 && shape[2] > 1) return {1, false};
  if (shape[1] == 1 && shape[2] > 1 && shape[3] > 1) return {1, true};
  if (shape[3] == 4 && shape[1] > 4 && shape[2] > 4) return {4, false};
  return {};
}

}  // namespace bowerbird::tflite
