// SPDX-License-Identifier: Apache-2.0
#include "tflite/shapes.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "base/status.h"
#include "tflite/shape_rules.h"

namespace bowerbird::tflite {
namespace {

constexpr size_t kMaxValues = 1024;  // of a tensor whose numbers are followed
constexpr int64_t kMaxElements = int64_t{1} << 40;

const ShapeRule* FindRule(std::string_view name) {
  static const auto& rules = *[] {  // outlives every other static
    auto* all = new std::map<std::string_view, ShapeRule>();
    for (const auto& family :
         {ElementwiseRules(), WindowRules(), LayoutRules(), SliceRules(), ProductRules()}) {
      for (const ShapeRule& rule : family) all->emplace(rule.name, rule);
    }
    return all;
  }();
  const auto found = rules.find(name);
  return found == rules.end() ? nullptr : &found->second;
}

template <typename T>
std::vector<int64_t> Numbers(std::span<const std::byte> data) {
  std::vector<T> numbers(data.size() / sizeof(T));
  if (!numbers.empty()) std::memcpy(numbers.data(), data.data(), numbers.size() * sizeof(T));
  // They stand for extents and positions: what lies beyond those is as good as the limit, and the
  // rules cannot overflow.
  std::vector<int64_t> clamped;
  clamped.reserve(numbers.size());
  for (const T number : numbers) clamped.push_back(ClampToExtent(number));
  return clamped;
}

// The values of a small constant of whole numbers.
std::optional<std::vector<int64_t>> ConstantValues(const Graph& graph, const Tensor& tensor) {
  const std::span<const std::byte> data = graph.buffers[tensor.buffer].data;
  const size_t width = TensorTypeBits(tensor.type) / 8;
  if (data.empty() || tensor.is_sparse() || width == 0 || data.size() > kMaxValues * width) {
    return std::nullopt;
  }
  if (tensor.type == TensorType::kInt32) return Numbers<int32_t>(data);
  if (tensor.type == TensorType::kInt64) return Numbers<int64_t>(data);
  return std::nullopt;
}

ShapeState StartingFrom(const Graph& graph, const Subgraph& subgraph,
                        std::span<const Shape> inputs) {
  ShapeState state{graph, subgraph, {}, {}};
  state.shapes.resize(subgraph.tensors.size());
  state.values.resize(subgraph.tensors.size());
  for (size_t i = 0; i < subgraph.tensors.size(); ++i) {
    const Tensor& tensor = subgraph.tensors[i];
    const bool is_empty = std::ranges::count(tensor.shape, 0) > 0;
    if (!graph.buffers[tensor.buffer].data.empty() || tensor.is_variable || is_empty) {
      state.shapes[i] = tensor.shape;
      state.values[i] = ConstantValues(graph, tensor);
    }
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    state.shapes[static_cast<size_t>(subgraph.inputs[i])] = inputs[i];
  }
  return state;
}

bool InputsAreKnown(const ShapeState& state, const Operator& op) {
  return std::ranges::all_of(op.inputs, [&](int32_t input) {
    return input < 0 || state.shapes[static_cast<size_t>(input)].has_value();
  });
}

bool HasEnough(const ShapeRule& rule, const Operator& op) {
  if (op.inputs.size() < rule.inputs || op.outputs.size() < rule.outputs) return false;
  return std::all_of(op.inputs.begin(),
                     op.inputs.begin() + static_cast<std::ptrdiff_t>(rule.inputs),
                     [](int32_t input) { return input >= 0; });
}

// Applies the rule of one operator. `unknown` takes the first reason why a shape is not known.
absl::Status Step(ShapeState& state, size_t index, std::string& unknown) {
  const Operator& op = state.subgraph.operators[index];
  // An output that is empty in the file may have another shape now.
  for (const int32_t output : op.outputs) state.shapes[static_cast<size_t>(output)].reset();
  if (!InputsAreKnown(state, op)) return absl::OkStatus();
  OperatorShapes shapes(state, index);
  const std::string name = state.graph.operator_codes[op.code].Name();
  const ShapeRule* rule = FindRule(name);
  if (rule == nullptr) {
    RETURN_IF_ERROR(shapes.NotKnown("the shape of its output is not known here"));
  } else if (!HasEnough(*rule, op)) {
    return shapes.Wrong("inputs or outputs are missing");
  } else {
    RETURN_IF_ERROR(rule->run(shapes));
    FollowValues(shapes, name);
  }
  if (unknown.empty() && !shapes.why_not_known().empty()) {
    unknown = "operator " + std::to_string(index) + " (" + name + "): " + shapes.why_not_known();
  }
  return absl::OkStatus();
}

}  // namespace

int64_t ClampToExtent(int64_t number) {
  constexpr int64_t kLimit = int64_t{1} << 31;
  return std::clamp(number, -kLimit, kLimit);
}

int64_t Elements(const Shape& shape) {
  int64_t count = 1;
  for (const int32_t extent : shape) count *= extent;
  return count;
}

std::optional<size_t> AxisOf(int64_t axis, size_t rank) {
  const auto dimensions = static_cast<int64_t>(rank);
  if (axis < -dimensions || axis >= dimensions) return std::nullopt;
  return static_cast<size_t>(axis < 0 ? axis + dimensions : axis);
}

std::string ShapeText(std::span<const int32_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + "]";
}

OperatorShapes::OperatorShapes(ShapeState& state, size_t index)
    : state_(state), index_(index), op_(state.subgraph.operators[index]) {}

size_t OperatorShapes::Tensor(const std::vector<int32_t>& list, size_t i) const {
  return static_cast<size_t>(list.at(i));
}

bool OperatorShapes::Has(size_t input) const {
  return input < op_.inputs.size() && op_.inputs[input] >= 0;
}

const Shape& OperatorShapes::In(size_t input) const {
  return *state_.shapes[Tensor(op_.inputs, input)];
}

TensorType OperatorShapes::InType(size_t input) const {
  return state_.subgraph.tensors[Tensor(op_.inputs, input)].type;
}

const std::vector<int64_t>* OperatorShapes::Values(size_t input) const {
  if (!Has(input)) return nullptr;
  const auto& values = state_.values[Tensor(op_.inputs, input)];
  const bool is_whole = values && static_cast<int64_t>(values->size()) == Elements(In(input));
  return is_whole ? &*values : nullptr;
}

absl::Status OperatorShapes::Out(size_t output, const std::vector<int64_t>& shape) {
  Shape checked;
  int64_t elements = 1;
  for (const int64_t extent : shape) {
    if (extent < 0) return Wrong("an extent of its output would be " + std::to_string(extent));
    const int64_t factor = std::max<int64_t>(extent, 1);
    if (extent > INT32_MAX || elements > kMaxElements / factor) {
      return Wrong("its output would be too large");
    }
    elements *= factor;
    checked.push_back(static_cast<int32_t>(extent));
  }
  state_.shapes[Tensor(op_.outputs, output)] = std::move(checked);
  return absl::OkStatus();
}

absl::Status OperatorShapes::OutLike(size_t output, size_t input) {
  state_.shapes[Tensor(op_.outputs, output)] = In(input);
  return absl::OkStatus();
}

void OperatorShapes::OutValues(size_t output, std::vector<int64_t> values) {
  std::ranges::transform(values, values.begin(), ClampToExtent);
  if (values.size() <= kMaxValues) state_.values[Tensor(op_.outputs, output)] = std::move(values);
}

absl::Status OperatorShapes::NotKnown(std::string_view why) {
  why_not_known_ = why;
  for (const int32_t output : op_.outputs) state_.shapes[static_cast<size_t>(output)].reset();
  return absl::OkStatus();
}

absl::Status OperatorShapes::DependsOnValues() {
  return NotKnown("its output depends on values that only a run knows");
}

absl::Status OperatorShapes::Wrong(const std::string& what) const {
  std::string text = "operator " + std::to_string(index_) + " (" +
                     state_.graph.operator_codes[op_.code].Name() + ") of ";
  for (size_t i = 0; i < op_.inputs.size(); ++i) {
    if (i > 0) text += ", ";
    text += Has(i) ? ShapeText(In(i)) : "nothing";
  }
  return InvalidArgument(text + ": " + what);
}

absl::Status OperatorShapes::NeedRank(size_t input, size_t rank) const {
  if (In(input).size() == rank) return absl::OkStatus();
  return Wrong("input " + std::to_string(input) + " should have " + std::to_string(rank) +
               " dimensions");
}

absl::StatusOr<InferredShapes> InferShapes(const Graph& graph, size_t subgraph,
                                           std::span<const Shape> inputs) {
  const Subgraph& part = graph.subgraphs.at(subgraph);
  if (inputs.size() != part.inputs.size()) {
    return InvalidArgument("the model has " + std::to_string(part.inputs.size()) + " inputs, not " +
                           std::to_string(inputs.size()));
  }
  for (const Shape& shape : inputs) {
    int64_t elements = 1;
    for (const int32_t extent : shape) {
      const int64_t factor = std::max(extent, 1);
      if (extent < 0 || elements > kMaxElements / factor) {
        return InvalidArgument(ShapeText(shape) + " is not the shape of an input");
      }
      elements *= factor;
    }
  }
  ShapeState state = StartingFrom(graph, part, inputs);
  InferredShapes inferred;
  for (size_t i = 0; i < part.operators.size(); ++i) {
    RETURN_IF_ERROR(Step(state, i, inferred.unknown));
  }
  inferred.tensors = std::move(state.shapes);
  return inferred;
}

absl::StatusOr<InferredShapes> InferShapes(const Graph& graph, size_t subgraph) {
  const Subgraph& part = graph.subgraphs.at(subgraph);
  std::vector<Shape> inputs;
  for (const int32_t input : part.inputs) {
    inputs.push_back(part.tensors[static_cast<size_t>(input)].shape);
  }
  return InferShapes(graph, subgraph, inputs);
}

absl::Status Reshape(Graph& graph, std::span<const Shape> inputs) {
  RETURN_IF_ERROR(CheckEditable(graph));
  ASSIGN_OR_RETURN(const InferredShapes inferred, InferShapes(graph, 0, inputs));
  if (!inferred.unknown.empty()) {
    return Unimplemented("the model cannot be given other input shapes: " + inferred.unknown);
  }
  Subgraph& main = graph.subgraphs[0];
  for (size_t i = 0; i < main.tensors.size(); ++i) {
    const std::optional<Shape>& shape = inferred.tensors[i];
    if (!shape || *shape == main.tensors[i].shape) continue;
    main.tensors[i].shape = *shape;
    main.tensors[i].shape_signature.clear();
  }
  return absl::OkStatus();
}

}  // namespace bowerbird::tflite
