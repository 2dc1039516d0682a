// SPDX-License-Identifier: Apache-2.0
//
// Operators that compute element by element: the output is as the inputs are, or as they are
// stretched to fit each other.
#include <algorithm>
#include <optional>

#include "base/status.h"
#include "tflite/shape_rules.h"

namespace bowerbird::tflite {
namespace {

// Dimensions are paired from the last; one of extent 1 is stretched. nullopt: they do not fit.
std::optional<std::vector<int64_t>> Broadcast(const std::vector<int64_t>& a, const Shape& b) {
  std::vector<int64_t> out(std::max(a.size(), b.size()), 1);
  for (size_t i = 0; i < out.size(); ++i) {
    const int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    const int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1) return std::nullopt;
    out[out.size() - 1 - i] = x == 1 ? y : x;
  }
  return out;
}

absl::Status Same(OperatorShapes& op) { return op.OutLike(0, 0); }

absl::Status BroadcastAll(OperatorShapes& op, size_t count) {
  std::vector<int64_t> shape;
  for (size_t i = 0; i < count; ++i) {
    std::optional<std::vector<int64_t>> wider = Broadcast(shape, op.In(i));
    if (!wider) return op.Wrong("the shapes do not fit each other");
    shape = *std::move(wider);
  }
  return op.Out(0, shape);
}

absl::Status Binary(OperatorShapes& op) { return BroadcastAll(op, 2); }

// The condition of the older form may be one flag for each row.
absl::Status Select(OperatorShapes& op) {
  if (op.In(1) != op.In(2)) return op.Wrong("the two choices differ in shape");
  return op.OutLike(0, 1);
}

absl::Status SelectV2(OperatorShapes& op) { return BroadcastAll(op, 3); }

absl::Status AddN(OperatorShapes& op) {
  for (size_t i = 1; i < op.inputs(); ++i) {
    if (!op.Has(i) || op.In(i) != op.In(0)) return op.Wrong("the shapes differ");
  }
  return op.OutLike(0, 0);
}

absl::Status BroadcastTo(OperatorShapes& op) {
  const std::vector<int64_t>* shape = op.Values(1);
  if (shape == nullptr) return op.DependsOnValues();
  const std::optional<std::vector<int64_t>> wide = Broadcast(*shape, op.In(0));
  if (!wide || *wide != *shape) return op.Wrong("the input does not stretch to that shape");
  return op.Out(0, *shape);
}

absl::Status BroadcastArgs(OperatorShapes& op) {
  RETURN_IF_ERROR(op.NeedRank(0, 1));
  RETURN_IF_ERROR(op.NeedRank(1, 1));
  return op.Out(0, {std::max(op.In(0)[0], op.In(1)[0])});
}

absl::Status Fill(OperatorShapes& op) {
  const std::vector<int64_t>* shape = op.Values(0);
  return shape == nullptr ? op.DependsOnValues() : op.Out(0, *shape);
}

absl::Status Range(OperatorShapes& op) {
  const auto *start = op.Values(0), *limit = op.Values(1), *delta = op.Values(2);
  if (start == nullptr || limit == nullptr || delta == nullptr) return op.DependsOnValues();
  if (start->size() != 1 || limit->size() != 1 || delta->size() != 1 || delta->front() == 0) {
    return op.Wrong("it takes three numbers, the last not 0");
  }
  const double steps = (static_cast<double>(limit->front()) - static_cast<double>(start->front())) /
                       static_cast<double>(delta->front());
  if (!(steps < INT32_MAX)) return op.Wrong("its output would be too large");
  const auto whole = static_cast<int64_t>(std::max(steps, 0.0));
  return op.Out(0, {whole + (static_cast<double>(whole) < steps ? 1 : 0)});
}

}  // namespace

std::vector<ShapeRule> ElementwiseRules() {
  std::vector<ShapeRule> rules = {{"SELECT", Select, 3},
                                  {"SELECT_V2", SelectV2, 3},
                                  {"ADD_N", AddN},
                                  {"BROADCAST_TO", BroadcastTo, 2},
                                  {"BROADCAST_ARGS", BroadcastArgs, 2},
                                  {"FILL", Fill, 2},
                                  {"RANGE", Range, 3}};
  for (const std::string_view name : {"ABS",
                                      "CAST",
                                      "CEIL",
                                      "COMPLEX_ABS",
                                      "COS",
                                      "CUMSUM",
                                      "DENSIFY",
                                      "DEQUANTIZE",
                                      "ELU",
                                      "EXP",
                                      "FAKE_QUANT",
                                      "FLOOR",
                                      "GELU",
                                      "HARD_SWISH",
                                      "IMAG",
                                      "L2_NORMALIZATION",
                                      "LEAKY_RELU",
                                      "LOCAL_RESPONSE_NORMALIZATION",
                                      "LOG",
                                      "LOG_SOFTMAX",
                                      "LOGICAL_NOT",
                                      "LOGISTIC",
                                      "MATRIX_SET_DIAG",
                                      "NEG",
                                      "QUANTIZE",
                                      "REAL",
                                      "RELU",
                                      "RELU_0_TO_1",
                                      "RELU6",
                                      "RELU_N1_TO_1",
                                      "REVERSE_SEQUENCE",
                                      "REVERSE_V2",
                                      "ROUND",
                                      "RSQRT",
                                      "SIGN",
                                      "SIN",
                                      "SOFTMAX",
                                      "SQRT",
                                      "SQUARE",
                                      "TANH",
                                      "ZEROS_LIKE",
                                      "DYNAMIC_UPDATE_SLICE",
                                      "BUCKETIZE"}) {
    rules.push_back({name, Same});
  }
  for (const std::string_view name : {"ADD",        "ATAN2",       "BITWISE_XOR",
                                      "DIV",        "EQUAL",       "FLOOR_DIV",
                                      "FLOOR_MOD",  "GREATER",     "GREATER_EQUAL",
                                      "LESS",       "LESS_EQUAL",  "LOGICAL_AND",
                                      "LOGICAL_OR", "MAXIMUM",     "MINIMUM",
                                      "MUL",        "NOT_EQUAL",   "POW",
                                      "PRELU",      "RIGHT_SHIFT", "SQUARED_DIFFERENCE",
                                      "SUB"}) {
    rules.push_back({name, Binary, 2});
  }
  return rules;
}

}  // namespace bowerbird::tflite
