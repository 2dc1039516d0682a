// SPDX-License-Identifier: Apache-2.0
//
// Whole numbers that graphs compute shapes with: from SHAPE to where the shape is used.
#include <algorithm>
#include <functional>
#include <numeric>

#include "tflite/shape_rules.h"
#include "tflite/strided_slice.h"

namespace bowerbird::tflite {
namespace {

using Numbers = std::vector<int64_t>;

bool IsWhole(TensorType type) { return type == TensorType::kInt32 || type == TensorType::kInt64; }

void FollowShape(OperatorShapes& op) {
  const Shape& in = op.In(0);
  op.OutValues(0, Numbers(in.begin(), in.end()));
}

void PassOn(OperatorShapes& op) {
  if (const Numbers* values = op.Values(0)) op.OutValues(0, *values);
}

// Lists and numbers put side by side.
void Join(OperatorShapes& op) {
  Numbers joined;
  for (size_t i = 0; i < op.inputs(); ++i) {
    const Numbers* values = op.Values(i);
    if (values == nullptr || op.In(i).size() > 1) return;
    joined.insert(joined.end(), values->begin(), values->end());
  }
  op.OutValues(0, std::move(joined));
}

void FollowGather(OperatorShapes& op) {
  const Numbers* values = op.Values(0);
  const Numbers* indices = op.Values(1);
  if (values == nullptr || indices == nullptr || op.In(0).size() != 1) return;
  Numbers taken;
  for (const int64_t index : *indices) {
    if (index < 0 || index >= static_cast<int64_t>(values->size())) return;
    taken.push_back((*values)[static_cast<size_t>(index)]);
  }
  op.OutValues(0, std::move(taken));
}

void FollowStridedSlice(OperatorShapes& op) {
  const Numbers* values = op.Values(0);
  const Numbers *begin = op.Values(1), *end = op.Values(2), *strides = op.Values(3);
  if (values == nullptr || begin == nullptr || end == nullptr || strides == nullptr) return;
  if (op.In(0).size() != 1) return;
  const auto slice = PlanStridedSlice(op.In(0), *begin, *end, *strides, op.options());
  if (!slice) return;
  Numbers taken;
  taken.reserve(static_cast<size_t>(slice->count[0]));
  for (int64_t i = 0; i < slice->count[0]; ++i) {
    taken.push_back(values->at(static_cast<size_t>(slice->first[0] + i * slice->step[0])));
  }
  op.OutValues(0, std::move(taken));
}

void FollowSlice(OperatorShapes& op) {
  const Numbers *values = op.Values(0), *begin = op.Values(1), *size = op.Values(2);
  if (values == nullptr || begin == nullptr || size == nullptr || op.In(0).size() != 1) return;
  const auto first = values->begin() + begin->front();  // the rule has checked the range
  const int64_t count = size->front() == -1 ? values->end() - first : size->front();
  op.OutValues(0, Numbers(first, first + count));
}

// One number with each of a list, or two lists of one length. Numbers lie within 2^31, so that no
// result overflows.
template <typename Compute>
void Arithmetic(OperatorShapes& op, Compute compute) {
  const Numbers* a = op.Values(0);
  const Numbers* b = op.Values(1);
  if (a == nullptr || b == nullptr || !IsWhole(op.InType(0)) || a->empty() || b->empty()) return;
  if (a->size() != b->size() && a->size() != 1 && b->size() != 1) return;
  if (op.In(0).size() > 1 || op.In(1).size() > 1) return;
  Numbers result;
  result.reserve(std::max(a->size(), b->size()));
  for (size_t i = 0; i < std::max(a->size(), b->size()); ++i) {
    result.push_back(compute((*a)[a->size() == 1 ? 0 : i], (*b)[b->size() == 1 ? 0 : i]));
  }
  op.OutValues(0, std::move(result));
}

void Product(OperatorShapes& op) {
  const Numbers* values = op.Values(0);
  if (values == nullptr || op.In(0).size() != 1 || op.Values(1) == nullptr) return;
  int64_t product = 1;
  for (const int64_t value : *values) product = ClampToExtent(product * value);
  op.OutValues(0, {product});
}

}  // namespace

void FollowValues(OperatorShapes& op, std::string_view name) {
  if (!op.why_not_known().empty()) return;
  if (name == "SHAPE") return FollowShape(op);
  if (name == "RESHAPE" || name == "SQUEEZE" || name == "EXPAND_DIMS" || name == "CAST") {
    return PassOn(op);
  }
  if (name == "PACK" || name == "CONCATENATION") return Join(op);
  if (name == "GATHER") return FollowGather(op);
  if (name == "STRIDED_SLICE") return FollowStridedSlice(op);
  if (name == "SLICE") return FollowSlice(op);
  if (name == "REDUCE_PROD") return Product(op);
  if (name == "ADD") return Arithmetic(op, std::plus<>());
  if (name == "SUB") return Arithmetic(op, std::minus<>());
  if (name == "MUL") return Arithmetic(op, std::multiplies<>());
  if (name == "MAXIMUM") return Arithmetic(op, [](int64_t a, int64_t b) { return std::max(a, b); });
  if (name == "MINIMUM") return Arithmetic(op, [](int64_t a, int64_t b) { return std::min(a, b); });
  if (name == "DIV" || name == "FLOOR_DIV") {
    // Extents are not negative: both round alike.
    return Arithmetic(op, [](int64_t a, int64_t b) { return b == 0 ? 0 : a / b; });
  }
}

}  // namespace bowerbird::tflite
