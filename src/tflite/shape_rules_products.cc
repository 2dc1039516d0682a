// SPDX-License-Identifier: Apache-2.0
//
// Operators that sum over dimensions: layers, matrix products, recurrent cells, reductions, and the
// custom operator at the end of detectors.
#include <flatbuffers/flexbuffers.h>

#include <algorithm>
#include <optional>

#include "base/status.h"
#include "tflite/shape_rules.h"

namespace bowerbird::tflite {
namespace {

std::vector<int64_t> Wide(const Shape& shape) { return {shape.begin(), shape.end()}; }

absl::Status FullyConnected(OperatorShapes& op) {
  RETURN_IF_ERROR(op.NeedRank(1, 2));
  const Shape& in = op.In(0);
  const int64_t units = op.In(1)[0];
  const int64_t depth = op.In(1)[1];
  const int64_t elements = Elements(in);
  if (depth == 0 || elements % depth != 0) return op.Wrong("the weights are for another depth");
  if (!op.options().Bool("keep_num_dims")) return op.Out(0, {elements / depth, units});
  if (in.empty() || in.back() != depth) return op.Wrong("the weights are for another depth");
  std::vector<int64_t> out = Wide(in);
  out.back() = units;
  return op.Out(0, out);
}

absl::Status BatchMatMul(OperatorShapes& op) {
  const Shape& x = op.In(0);
  const Shape& y = op.In(1);
  if (x.size() < 2 || y.size() < 2) return op.Wrong("matrices have two dimensions");
  const bool adj_x = op.options().Bool("adj_x");
  const bool adj_y = op.options().Bool("adj_y");
  const int64_t inner_x = x[x.size() - (adj_x ? 2 : 1)];
  const int64_t inner_y = y[y.size() - (adj_y ? 1 : 2)];
  if (inner_x != inner_y) return op.Wrong("the matrices do not fit each other");
  std::vector<int64_t> out(std::max(x.size(), y.size()), 1);
  for (size_t i = 2; i < out.size(); ++i) {  // from the end
    const int64_t a = i < x.size() ? x[x.size() - 1 - i] : 1;
    const int64_t b = i < y.size() ? y[y.size() - 1 - i] : 1;
    if (a != b && a != 1 && b != 1) return op.Wrong("the batches do not fit each other");
    out[out.size() - 1 - i] = a == 1 ? b : a;
  }
  out[out.size() - 2] = x[x.size() - (adj_x ? 1 : 2)];
  out[out.size() - 1] = y[y.size() - (adj_y ? 2 : 1)];
  return op.Out(0, out);
}

// Sums, means and the like over the axes of the second input.
absl::Status Reduce(OperatorShapes& op) {
  const std::vector<int64_t>* axes = op.Values(1);
  if (axes == nullptr) return op.DependsOnValues();
  const Shape& in = op.In(0);
  std::vector<bool> reduced(in.size(), false);
  for (const int64_t given : *axes) {
    const std::optional<size_t> axis = AxisOf(given, in.size());
    if (!axis) return op.Wrong("there is no axis " + std::to_string(given));
    reduced[*axis] = true;
  }
  const bool keep = op.options().Bool("keep_dims");
  std::vector<int64_t> out;
  for (size_t i = 0; i < in.size(); ++i) {
    if (!reduced[i]) out.push_back(in[i]);
    if (reduced[i] && keep) out.push_back(1);
  }
  return op.Out(0, out);
}

absl::Status ArgOf(OperatorShapes& op) {
  const std::vector<int64_t>* where = op.Values(1);
  if (where == nullptr) return op.DependsOnValues();
  std::vector<int64_t> out = Wide(op.In(0));
  const auto axis = where->size() == 1 ? AxisOf(where->front(), out.size()) : std::nullopt;
  if (!axis) return op.Wrong("the axis is out of range");
  out.erase(out.begin() + static_cast<std::ptrdiff_t>(*axis));
  return op.Out(0, out);
}

// Inputs 5 to 8 are the recurrent weights, 16 the projection, which may be left out.
absl::Status SequenceLstm(OperatorShapes& op) {
  constexpr size_t kRecurrentToOutput = 8;
  RETURN_IF_ERROR(op.NeedRank(0, 3));
  if (!op.Has(kRecurrentToOutput) || op.In(kRecurrentToOutput).size() != 2) {
    return op.Wrong("the recurrent weights are missing");
  }
  return op.Out(0, {op.In(0)[0], op.In(0)[1], op.In(kRecurrentToOutput)[1]});
}

// Inputs: x, weights of features, weights of time, bias, state.
absl::Status Svdf(OperatorShapes& op) {
  RETURN_IF_ERROR(op.NeedRank(0, 2));
  RETURN_IF_ERROR(op.NeedRank(1, 2));
  const int64_t rank = op.options().Int("rank");
  if (rank < 1 || op.In(1)[0] % rank != 0) return op.Wrong("the rank does not divide the filters");
  return op.Out(0, {op.In(0)[0], op.In(1)[0] / rank});
}

absl::Status SequenceRnn(OperatorShapes& op) {
  RETURN_IF_ERROR(op.NeedRank(0, 3));
  RETURN_IF_ERROR(op.NeedRank(1, 2));
  return op.Out(0, {op.In(0)[0], op.In(0)[1], op.In(1)[0]});
}

absl::Status Rnn(OperatorShapes& op) {
  RETURN_IF_ERROR(op.NeedRank(0, 2));
  RETURN_IF_ERROR(op.NeedRank(1, 2));
  return op.Out(0, {op.In(0)[0], op.In(1)[0]});
}

absl::Status Rfft2d(OperatorShapes& op) {
  const std::vector<int64_t>* length = op.Values(1);
  if (length == nullptr) return op.DependsOnValues();
  std::vector<int64_t> out = Wide(op.In(0));
  if (length->size() != 2 || out.size() < 2) return op.Wrong("the lengths are not two numbers");
  out[out.size() - 2] = (*length)[0];
  out[out.size() - 1] = (*length)[1] / 2 + 1;
  return op.Out(0, out);
}

// Boxes [1, n, 4], classes [1, n], scores [1, n], count [1].
absl::Status DetectionPostProcess(OperatorShapes& op) {
  const auto data = op.op().custom_options;
  const auto* bytes = reinterpret_cast<const uint8_t*>(data.data());
  if (data.empty() || !flexbuffers::VerifyBuffer(bytes, data.size(), nullptr)) {
    return op.Wrong("its options are damaged");
  }
  const flexbuffers::Reference root = flexbuffers::GetRoot(bytes, data.size());
  if (!root.IsMap()) return op.Wrong("its options are damaged");
  const int64_t detections = ClampToExtent(root.AsMap()["max_detections"].AsInt64());
  const int64_t classes = ClampToExtent(root.AsMap()["max_classes_per_detection"].AsInt64());
  const int64_t count = detections * classes;
  RETURN_IF_ERROR(op.Out(0, {1, count, 4}));
  RETURN_IF_ERROR(op.Out(1, {1, count}));
  RETURN_IF_ERROR(op.Out(2, {1, count}));
  return op.Out(3, {1});
}

}  // namespace

std::vector<ShapeRule> ProductRules() {
  std::vector<ShapeRule> rules = {{"FULLY_CONNECTED", FullyConnected, 2},
                                  {"BATCH_MATMUL", BatchMatMul, 2},
                                  {"ARG_MAX", ArgOf, 2},
                                  {"ARG_MIN", ArgOf, 2},
                                  {"UNIDIRECTIONAL_SEQUENCE_LSTM", SequenceLstm},
                                  {"SVDF", Svdf, 3},
                                  {"UNIDIRECTIONAL_SEQUENCE_RNN", SequenceRnn, 3},
                                  {"RNN", Rnn, 3},
                                  {"RFFT2D", Rfft2d, 2},
                                  {"TFLite_Detection_PostProcess", DetectionPostProcess, 3, 4}};
  for (const std::string_view name :
       {"MEAN", "SUM", "REDUCE_PROD", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_ANY", "REDUCE_ALL"}) {
    rules.push_back({name, Reduce, 2});
  }
  return rules;
}

}  // namespace bowerbird::tflite
