// SPDX-License-Identifier: Apache-2.0
//
// Operators that take a part of their input, or put something around it.
#include <algorithm>
#include <optional>

#include "base/status.h"
#include "tflite/shape_rules.h"
#include "tflite/strided_slice.h"

namespace bowerbird::tflite {
namespace {

absl::Status Pad(OperatorShapes& op) {
  const std::vector<int64_t>* pairs = op.Values(1);
  if (pairs == nullptr) return op.DependsOnValues();
  const Shape& in = op.In(0);
  if (pairs->size() != 2 * in.size()) return op.Wrong("the padding is for another rank");
  std::vector<int64_t> out;
  for (size_t i = 0; i < in.size(); ++i) {
    if ((*pairs)[2 * i] < 0 || (*pairs)[2 * i + 1] < 0) return op.Wrong("padding below 0");
    out.push_back(in[i] + (*pairs)[2 * i] + (*pairs)[2 * i + 1]);
  }
  return op.Out(0, out);
}

absl::Status Slice(OperatorShapes& op) {
  const std::vector<int64_t>* begin = op.Values(1);
  const std::vector<int64_t>* size = op.Values(2);
  if (begin == nullptr || size == nullptr) return op.DependsOnValues();
  const Shape& in = op.In(0);
  if (begin->size() != in.size() || size->size() != in.size()) {
    return op.Wrong("the slice is for another rank");
  }
  std::vector<int64_t> out;
  for (size_t i = 0; i < in.size(); ++i) {
    const int64_t extent = (*size)[i] == -1 ? in[i] - (*begin)[i] : (*size)[i];
    if ((*begin)[i] < 0 || extent < 0 || (*begin)[i] + extent > in[i]) {
      return op.Wrong("the slice lies outside");
    }
    out.push_back(extent);
  }
  return op.Out(0, out);
}

absl::Status StridedSlice(OperatorShapes& op) {
  const auto *begin = op.Values(1), *end = op.Values(2), *strides = op.Values(3);
  if (begin == nullptr || end == nullptr || strides == nullptr) return op.DependsOnValues();
  const auto slice = PlanStridedSlice(op.In(0), *begin, *end, *strides, op.options());
  if (!slice) return op.Wrong("the slice does not fit the input");
  return op.Out(0, slice->shape);
}

absl::Status Gather(OperatorShapes& op) {
  const Shape& in = op.In(0);
  const Shape& indices = op.In(1);
  const std::optional<size_t> axis = AxisOf(op.options().Int("axis"), in.size());
  int64_t batch = op.options().Int("batch_dims");
  if (batch < 0) batch += static_cast<int64_t>(indices.size());
  if (!axis || batch < 0 || batch > static_cast<int64_t>(std::min(*axis, indices.size()))) {
    return op.Wrong("the axis is out of range");
  }
  const auto at = static_cast<std::ptrdiff_t>(*axis);
  std::vector<int64_t> out(in.begin(), in.begin() + at);
  out.insert(out.end(), indices.begin() + static_cast<std::ptrdiff_t>(batch), indices.end());
  out.insert(out.end(), in.begin() + at + 1, in.end());
  return op.Out(0, out);
}

absl::Status GatherNd(OperatorShapes& op) {
  const Shape& in = op.In(0);
  const Shape& indices = op.In(1);
  if (indices.empty() || static_cast<size_t>(indices.back()) > in.size()) {
    return op.Wrong("the indices are for another rank");
  }
  std::vector<int64_t> out(indices.begin(), indices.end() - 1);
  out.insert(out.end(), in.begin() + indices.back(), in.end());
  return op.Out(0, out);
}

absl::Status EmbeddingLookup(OperatorShapes& op) {
  RETURN_IF_ERROR(op.NeedRank(0, 1));
  if (op.In(1).empty()) return op.Wrong("the table is a scalar");
  std::vector<int64_t> out(op.In(1).begin(), op.In(1).end());
  out[0] = op.In(0)[0];
  return op.Out(0, out);
}

absl::Status TopK(OperatorShapes& op) {
  const std::vector<int64_t>* count = op.Values(1);
  if (count == nullptr) return op.DependsOnValues();
  std::vector<int64_t> out(op.In(0).begin(), op.In(0).end());
  if (out.empty() || count->size() != 1 || count->front() > out.back()) {
    return op.Wrong("it has fewer elements than it should give");
  }
  out.back() = count->front();
  RETURN_IF_ERROR(op.Out(0, out));
  return op.Out(1, out);
}

absl::Status ScatterNd(OperatorShapes& op) {
  const std::vector<int64_t>* shape = op.Values(2);
  return shape == nullptr ? op.DependsOnValues() : op.Out(0, *shape);
}

}  // namespace

std::vector<ShapeRule> SliceRules() {
  return {{"PAD", Pad, 2},
          {"PADV2", Pad, 2},
          {"MIRROR_PAD", Pad, 2},
          {"SLICE", Slice, 3},
          {"STRIDED_SLICE", StridedSlice, 4},
          {"GATHER", Gather, 2},
          {"GATHER_ND", GatherNd, 2},
          {"EMBEDDING_LOOKUP", EmbeddingLookup, 2},
          {"TOPK_V2", TopK, 2, 2},
          {"SCATTER_ND", ScatterNd, 3}};
}

}  // namespace bowerbird::tflite
