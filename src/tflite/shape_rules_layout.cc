// SPDX-License-Identifier: Apache-2.0
//
// Operators that put the same elements into another arrangement.
#include <algorithm>
#include <numeric>
#include <optional>

#include "base/status.h"
#include "tflite/shape_rules.h"

namespace bowerbird::tflite {
namespace {

std::vector<int64_t> Wide(const Shape& shape) { return {shape.begin(), shape.end()}; }

absl::Status NoAxis(const OperatorShapes& op, int64_t axis) {
  return op.Wrong("there is no axis " + std::to_string(axis));
}

// The shape is a second input or, where that is missing, an option; -1 stands for what is left. A
// second input that is only known in a run leaves the output unknown.
absl::Status Reshape(OperatorShapes& op) {
  std::vector<int64_t> shape = op.options().Ints("new_shape");
  if (const std::vector<int64_t>* given = op.Values(1)) {
    shape = *given;
  } else if (op.Has(1) && op.In(1) != Shape{0}) {
    return op.DependsOnValues();
  }
  // Old converters write a scalar so.
  if (op.Values(1) == nullptr && shape == std::vector<int64_t>{0}) shape.clear();
  const int64_t elements = Elements(op.In(0));
  int64_t known = 1;
  std::optional<size_t> open;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == -1 && !open) {
      open = i;
    } else if (shape[i] < 0 || shape[i] > INT32_MAX || known > INT32_MAX) {
      return op.Wrong("the shape it should get cannot be");
    } else {
      known *= shape[i];
    }
  }
  if (open && known > 0) shape[*open] = elements / known;
  if (open && known == 0) shape[*open] = 0;
  const int64_t total = open ? known * shape[*open] : known;
  if (total != elements) {
    return op.Wrong("it has " + std::to_string(elements) +
                    " elements, but the shape it should get " + std::to_string(total));
  }
  return op.Out(0, shape);
}

absl::Status Concatenation(OperatorShapes& op) {
  const std::optional<size_t> axis = AxisOf(op.options().Int("axis"), op.In(0).size());
  if (!axis) return NoAxis(op, op.options().Int("axis"));
  std::vector<int64_t> out = Wide(op.In(0));
  for (size_t i = 1; i < op.inputs(); ++i) {
    if (!op.Has(i) || op.In(i).size() != out.size()) return op.Wrong("the ranks differ");
    for (size_t d = 0; d < out.size(); ++d) {
      if (d != *axis && op.In(i)[d] != out[d]) return op.Wrong("the shapes do not join");
    }
    out[*axis] += op.In(i)[*axis];
  }
  return op.Out(0, out);
}

absl::Status Split(OperatorShapes& op) {
  const std::vector<int64_t>* where = op.Values(0);
  if (where == nullptr) return op.DependsOnValues();
  const auto axis = where->size() == 1 ? AxisOf(where->front(), op.In(1).size()) : std::nullopt;
  if (!axis) return op.Wrong("the axis is out of range");
  const auto parts = static_cast<int64_t>(op.outputs());
  std::vector<int64_t> out = Wide(op.In(1));
  if (out[*axis] % parts != 0) return op.Wrong("it does not split evenly");
  out[*axis] /= parts;
  for (size_t i = 0; i < op.outputs(); ++i) RETURN_IF_ERROR(op.Out(i, out));
  return absl::OkStatus();
}

absl::Status SplitV(OperatorShapes& op) {
  const std::vector<int64_t>* sizes = op.Values(1);
  const std::vector<int64_t>* where = op.Values(2);
  if (sizes == nullptr || where == nullptr) return op.DependsOnValues();
  const auto axis = where->size() == 1 ? AxisOf(where->front(), op.In(0).size()) : std::nullopt;
  if (!axis || sizes->size() != op.outputs())
    return op.Wrong("the parts are not as it has outputs");
  const auto given = [](int64_t sum, int64_t size) { return sum + std::max<int64_t>(size, 0); };
  const int64_t rest =
      op.In(0)[*axis] - std::accumulate(sizes->begin(), sizes->end(), int64_t{0}, given);
  for (size_t i = 0; i < op.outputs(); ++i) {
    std::vector<int64_t> out = Wide(op.In(0));
    out[*axis] = (*sizes)[i] < 0 ? rest : (*sizes)[i];
    RETURN_IF_ERROR(op.Out(i, out));
  }
  return absl::OkStatus();
}

absl::Status Transpose(OperatorShapes& op) {
  const std::vector<int64_t>* order = op.Values(1);
  if (order == nullptr) return op.DependsOnValues();
  if (order->size() != op.In(0).size()) return op.Wrong("the order is for another rank");
  std::vector<int64_t> out;
  for (const int64_t from : *order) {
    const std::optional<size_t> axis = AxisOf(from, op.In(0).size());
    if (!axis) return NoAxis(op, from);
    out.push_back(op.In(0)[*axis]);
  }
  return op.Out(0, out);
}

absl::Status Pack(OperatorShapes& op) {
  std::vector<int64_t> out = Wide(op.In(0));
  for (size_t i = 1; i < op.inputs(); ++i) {
    if (!op.Has(i) || op.In(i) != op.In(0)) return op.Wrong("the shapes differ");
  }
  const std::optional<size_t> axis = AxisOf(op.options().Int("axis"), out.size() + 1);
  if (!axis) return NoAxis(op, op.options().Int("axis"));
  out.insert(out.begin() + static_cast<std::ptrdiff_t>(*axis), static_cast<int64_t>(op.inputs()));
  return op.Out(0, out);
}

absl::Status Unpack(OperatorShapes& op) {
  std::vector<int64_t> out = Wide(op.In(0));
  const std::optional<size_t> axis = AxisOf(op.options().Int("axis"), out.size());
  if (!axis) return NoAxis(op, op.options().Int("axis"));
  if (out[*axis] != static_cast<int64_t>(op.outputs())) {
    return op.Wrong("it has " + std::to_string(op.outputs()) + " outputs");
  }
  out.erase(out.begin() + static_cast<std::ptrdiff_t>(*axis));
  for (size_t i = 0; i < op.outputs(); ++i) RETURN_IF_ERROR(op.Out(i, out));
  return absl::OkStatus();
}

// Without a list of dimensions, all of extent 1 go.
absl::Status Squeeze(OperatorShapes& op) {
  const Shape& in = op.In(0);
  const std::vector<int64_t>& listed = op.options().Ints("squeeze_dims");
  std::vector<bool> gone(in.size(), false);
  for (size_t i = 0; i < in.size(); ++i) gone[i] = listed.empty() && in[i] == 1;
  for (const int64_t dimension : listed) {
    const std::optional<size_t> axis = AxisOf(dimension, in.size());
    if (!axis || in[*axis] != 1) return op.Wrong("it should drop a dimension that is not 1");
    gone[*axis] = true;
  }
  std::vector<int64_t> out;
  for (size_t i = 0; i < in.size(); ++i) {
    if (!gone[i]) out.push_back(in[i]);
  }
  return op.Out(0, out);
}

absl::Status ExpandDims(OperatorShapes& op) {
  const std::vector<int64_t>* where = op.Values(1);
  if (where == nullptr) return op.DependsOnValues();
  std::vector<int64_t> out = Wide(op.In(0));
  const auto axis = where->size() == 1 ? AxisOf(where->front(), out.size() + 1) : std::nullopt;
  if (!axis) return op.Wrong("the axis is out of range");
  out.insert(out.begin() + static_cast<std::ptrdiff_t>(*axis), 1);
  return op.Out(0, out);
}

absl::Status Tile(OperatorShapes& op) {
  const std::vector<int64_t>* times = op.Values(1);
  if (times == nullptr) return op.DependsOnValues();
  std::vector<int64_t> out = Wide(op.In(0));
  if (times->size() != out.size()) return op.Wrong("the counts are for another rank");
  for (size_t i = 0; i < out.size(); ++i) out[i] *= (*times)[i];
  return op.Out(0, out);
}

absl::Status ShapeOf(OperatorShapes& op) {
  return op.Out(0, {static_cast<int64_t>(op.In(0).size())});
}

absl::Status Rank(OperatorShapes& op) { return op.Out(0, {}); }

absl::Status OneHot(OperatorShapes& op) {
  const std::vector<int64_t>* depth = op.Values(1);
  if (depth == nullptr) return op.DependsOnValues();
  std::vector<int64_t> out = Wide(op.In(0));
  const std::optional<size_t> axis = AxisOf(op.options().Int("axis"), out.size() + 1);
  if (!axis || depth->size() != 1) return op.Wrong("the axis or the depth is out of range");
  out.insert(out.begin() + static_cast<std::ptrdiff_t>(*axis), depth->front());
  return op.Out(0, out);
}

}  // namespace

std::vector<ShapeRule> LayoutRules() {
  return {{"RESHAPE", Reshape},
          {"CONCATENATION", Concatenation},
          {"SPLIT", Split, 2},
          {"SPLIT_V", SplitV, 3},
          {"TRANSPOSE", Transpose, 2},
          {"PACK", Pack},
          {"UNPACK", Unpack},
          {"SQUEEZE", Squeeze},
          {"EXPAND_DIMS", ExpandDims, 2},
          {"TILE", Tile, 2},
          {"SHAPE", ShapeOf},
          {"RANK", Rank},
          {"ONE_HOT", OneHot, 4}};
}

}  // namespace bowerbird::tflite
