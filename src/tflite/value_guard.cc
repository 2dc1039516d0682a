// SPDX-License-Identifier: Apache-2.0
#include "tflite/value_guard.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "base/status.h"
#include "tflite/caller_values.h"
#include "tflite/check_writer.h"
#include "tflite/edit.h"
#include "tflite/fixed_inputs.h"
#include "tflite/shapes.h"

namespace bowerbird::tflite {
namespace {

bool IsWhole(TensorType type) { return type == TensorType::kInt32 || type == TensorType::kInt64; }

int64_t Smallest(TensorType type) {
  return type == TensorType::kInt64 ? std::numeric_limits<int64_t>::min()
                                    : std::numeric_limits<int32_t>::min();
}

// Puts checks in front of the operators of one subgraph.
class Guard {
 public:
  Guard(Graph& graph, size_t subgraph, const std::vector<bool>& callers)
      : graph_(graph), index_(subgraph), callers_(callers) {
    const Subgraph& self = graph.subgraphs[subgraph];
    const bool is_fixed = std::ranges::all_of(self.inputs, [&](int32_t input) {
      return std::ranges::count(self.tensors[static_cast<size_t>(input)].shape_signature, -1) == 0;
    });
    // What a subgraph is given is decided by its callers, so nothing is known there.
    if (subgraph != 0 || !is_fixed) return;
    absl::StatusOr<InferredShapes> inferred = InferShapes(graph, 0);
    if (inferred.ok()) known_ = std::move(inferred->tensors);
  }

  // The checks that go before operator `number`, whose inputs are changed to what they give.
  absl::StatusOr<std::vector<Operator>> Checks(Operator& op, size_t number) {
    name_ = "operator " + std::to_string(number) + " (" + graph_.operator_codes[op.code].Name() +
            ")" + (index_ == 0 ? "" : " of subgraph " + std::to_string(index_));
    CheckWriter write(graph_, index_, op.outputs.empty() ? name_ : At(op.outputs[0]).name);
    RETURN_IF_ERROR(CheckFixedInputs(op));
    RETURN_IF_ERROR(Visit(op, write));
    return write.TakeOperators();
  }

 private:
  using Numbers = std::optional<std::vector<int64_t>>;  // nullopt: not a constant

  const Tensor& At(int32_t tensor) const {
    return graph_.subgraphs[index_].tensors[static_cast<size_t>(tensor)];
  }

  bool IsCallers(int32_t tensor) const {
    // Tensors that were added here came after the marks were made.
    return tensor >= 0 && static_cast<size_t>(tensor) < callers_.size() &&
           callers_[static_cast<size_t>(tensor)];
  }

  absl::Status Refuse(const std::string& what, const std::string& remedy) const {
    return InvalidArgument(name_ + " " + what + "; " + remedy);
  }

  static bool Has(const Operator& op, std::initializer_list<size_t> inputs) {
    return std::ranges::all_of(inputs,
                               [&](size_t i) { return i < op.inputs.size() && op.inputs[i] >= 0; });
  }

  Numbers Constant(int32_t tensor) const {
    const Tensor& constant = At(tensor);
    const std::span<const std::byte> data = graph_.buffers[constant.buffer].data;
    if (data.empty() || constant.is_sparse() || !IsWhole(constant.type)) return std::nullopt;
    const size_t size = TensorTypeBits(constant.type) / 8;
    std::vector<int64_t> values(data.size() / size);
    for (size_t i = 0; i < values.size(); ++i) {
      if (size == 8) {
        std::memcpy(&values[i], &data[i * 8], 8);
      } else {
        int32_t value = 0;
        std::memcpy(&value, &data[i * 4], 4);
        values[i] = value;
      }
    }
    return values;
  }

  // The shape that the tensor has in every run; nullopt: only a run knows.
  std::optional<Shape> Known(int32_t tensor) const {
    if (IsConstant(graph_, At(tensor))) return At(tensor).shape;
    const auto index = static_cast<size_t>(tensor);
    return index < known_.size() ? known_[index] : std::nullopt;
  }

  absl::Status CheckFixedInputs(const Operator& op) const {
    for (const size_t input : FixedInputs(graph_.operator_codes[op.code].Name())) {
      if (input >= op.inputs.size() || !IsCallers(op.inputs[input])) continue;
      return Refuse("takes sizes, axes or positions ('" + At(op.inputs[input]).name +
                        "') from what a caller sends, which this runtime does not check",
                    "export the model with a constant there, or do that step outside of it");
    }
    return absl::OkStatus();
  }

  // Checks broadcast, which kernels do for a few dimensions only.
  absl::Status NeedRank(int32_t tensor) const {
    if (At(tensor).shape.size() <= kMostCheckedRank) return absl::OkStatus();
    return Refuse("takes numbers that cannot be checked, in a tensor of more than 4 dimensions",
                  "reshape '" + At(tensor).name + "' in the model");
  }

  absl::Status OutOfRange(int32_t tensor) const {
    return Refuse("has a constant out of range ('" + At(tensor).name + "')",
                  "export the model again");
  }

  absl::Status Visit(Operator& op, CheckWriter& write) {
    const std::string name = graph_.operator_codes[op.code].Name();
    if (name == "GATHER" && Has(op, {0, 1})) return VisitGather(op, write);
    if (name == "GATHER_ND" && Has(op, {0, 1})) return VisitGatherNd(op, write);
    if (name == "SCATTER_ND" && Has(op, {0, 1, 2})) return VisitScatterNd(op, write);
    if (name == "SPARSE_TO_DENSE" && Has(op, {0, 1})) return VisitSparse(op, write);
    if (name == "REVERSE_SEQUENCE" && Has(op, {0, 1})) return VisitReverse(op, write);
    if (name == "SLICE" && Has(op, {0, 1, 2})) return VisitSlice(op, write);
    if (name == "STRIDED_SLICE" && Has(op, {0, 1, 2, 3})) return VisitStridedSlice(op, write);
    const bool divides = name == "DIV" || name == "FLOOR_DIV" || name == "FLOOR_MOD";
    if (divides && Has(op, {0, 1}) && IsWhole(At(op.inputs[1]).type)) return VisitDivide(op, write);
    return absl::OkStatus();
  }

  absl::Status VisitGather(Operator& op, CheckWriter& write) {
    int32_t& indices = op.inputs[1];
    if (!IsWhole(At(indices).type)) return absl::OkStatus();
    const auto axis = static_cast<int32_t>(op.options.Int("axis"));
    std::optional<int64_t> extent;
    if (const std::optional<Shape> shape = Known(op.inputs[0])) {
      const int64_t at = axis < 0 ? axis + static_cast<int64_t>(shape->size()) : axis;
      if (at < 0 || at >= static_cast<int64_t>(shape->size())) {
        return Refuse("has an axis that its input lacks", "export the model again");
      }
      extent = (*shape)[static_cast<size_t>(at)];
    }
    const Numbers values = Constant(indices);
    if (values && extent) {
      const bool fits = std::ranges::all_of(
          *values, [&](int64_t value) { return value >= 0 && value < *extent; });
      return fits ? absl::OkStatus() : OutOfRange(indices);
    }
    RETURN_IF_ERROR(NeedRank(indices));
    const TensorType type = At(indices).type;
    const int32_t limit =
        extent ? write.Number(*extent, type) : write.Extent(op.inputs[0], axis, type);
    return CheckIndices(indices, limit, write);
  }

  absl::Status CheckIndices(int32_t& indices, int32_t limit, CheckWriter& write) {
    RETURN_IF_ERROR(NeedRank(indices));
    const int32_t zero = write.Number(0, At(indices).type);
    indices = write.Unless(write.Or(write.IsLess(indices, zero), write.IsAtLeast(indices, limit)),
                           indices);
    return absl::OkStatus();
  }

  // How many dimensions a row of `indices` counts, which must be so in every run.
  absl::StatusOr<int32_t> RowLength(int32_t& indices, CheckWriter& write) {
    const std::optional<Shape> known = Known(indices);
    const Tensor& tensor = At(indices);
    const Shape shape = known                            ? *known
                        : tensor.shape_signature.empty() ? tensor.shape
                                                         : tensor.shape_signature;
    if (shape.empty() || shape.back() < 1 || std::ranges::count(shape, -1) > 1) {
      return Refuse("has positions whose number of coordinates is not known",
                    "export the model with fixed shapes");
    }
    if (!known) {
      // A run with rows of another length must not come this far: the last extent is spelt out.
      Shape spelt = shape;
      if (spelt.size() > 1 && std::ranges::count(spelt, -1) == 0) spelt[0] = -1;
      indices = write.Reshaped(indices, spelt);
    }
    return shape.back();
  }

  // Whether all rows of a constant lie within `limits`.
  static bool RowsFit(const std::vector<int64_t>& values, std::span<const int64_t> limits) {
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i] < 0 || values[i] >= limits[i % limits.size()]) return false;
    }
    return true;
  }

  absl::Status VisitGatherNd(Operator& op, CheckWriter& write) {
    int32_t& indices = op.inputs[1];
    if (!IsWhole(At(indices).type)) return absl::OkStatus();
    const Numbers values = Constant(indices);
    ASSIGN_OR_RETURN(const int32_t count, RowLength(indices, write));
    const std::optional<Shape> shape = Known(op.inputs[0]);
    if (static_cast<size_t>(count) > (shape ? *shape : At(op.inputs[0]).shape).size()) {
      return Refuse("has positions of more coordinates than its input", "export the model again");
    }
    const TensorType type = At(indices).type;
    if (!shape) return CheckIndices(indices, write.Extents(op.inputs[0], count, type), write);
    const std::vector<int64_t> limits(shape->begin(), shape->begin() + count);
    if (values) return RowsFit(*values, limits) ? absl::OkStatus() : OutOfRange(indices);
    return CheckIndices(indices, write.Numbers(limits, type), write);
  }

  absl::Status VisitScatterNd(Operator& op, CheckWriter& write) {
    int32_t& indices = op.inputs[0];
    if (!IsWhole(At(indices).type)) return absl::OkStatus();
    const Numbers values = Constant(indices);
    ASSIGN_OR_RETURN(const int32_t count, RowLength(indices, write));
    const Numbers shape = Constant(op.inputs[2]);
    const TensorType type = At(indices).type;
    if (!shape) {
      return CheckIndices(indices, write.As(write.First(op.inputs[2], count), type), write);
    }
    if (static_cast<size_t>(count) > shape->size()) {
      return Refuse("has positions of more coordinates than its output", "export the model again");
    }
    const std::vector<int64_t> limits(shape->begin(), shape->begin() + count);
    if (values) return RowsFit(*values, limits) ? absl::OkStatus() : OutOfRange(indices);
    return CheckIndices(indices, write.Numbers(limits, type), write);
  }

  absl::Status VisitSparse(Operator& op, CheckWriter& write) {
    int32_t& indices = op.inputs[0];
    if (!IsWhole(At(indices).type)) return absl::OkStatus();
    const TensorType type = At(indices).type;
    const Numbers values = Constant(indices);
    const Numbers shape = Constant(op.inputs[1]);
    if (values && shape && !shape->empty()) {
      return RowsFit(*values, *shape) ? absl::OkStatus() : OutOfRange(indices);
    }
    if (!At(indices).shape.empty()) {
      return CheckIndices(indices, write.As(op.inputs[1], type), write);
    }
    if (!shape || shape->size() != 1) {
      return Refuse("has a position that cannot be checked", "export the model again");
    }
    return CheckIndices(indices, write.Number(shape->front(), type), write);
  }

  absl::Status VisitReverse(Operator& op, CheckWriter& write) {
    int32_t& lengths = op.inputs[1];
    if (!IsWhole(At(lengths).type)) return absl::OkStatus();
    const auto axis = static_cast<int32_t>(op.options.Int("seq_dim"));
    const std::optional<Shape> shape = Known(op.inputs[0]);
    const Numbers values = Constant(lengths);
    if (values && shape && axis >= 0 && static_cast<size_t>(axis) < shape->size()) {
      const int64_t extent = (*shape)[static_cast<size_t>(axis)];
      const bool fits = std::ranges::all_of(
          *values, [&](int64_t value) { return value >= 0 && value <= extent; });
      return fits ? absl::OkStatus() : OutOfRange(lengths);
    }
    const TensorType type = At(lengths).type;
    const int32_t below = write.IsLess(lengths, write.Number(0, type));
    const int32_t above = write.IsGreater(lengths, write.Extent(op.inputs[0], axis, type));
    lengths = write.Unless(write.Or(below, above), lengths);
    return absl::OkStatus();
  }

  absl::Status VisitSlice(Operator& op, CheckWriter& write) {
    for (const size_t input : {size_t{1}, size_t{2}}) {
      const int64_t least = input == 1 ? 0 : -1;  // a size of -1 is all that is left
      if (const Numbers values = Constant(op.inputs[input])) {
        if (std::ranges::any_of(*values, [&](int64_t value) { return value < least; })) {
          return OutOfRange(op.inputs[input]);
        }
      }
    }
    if (!IsCallers(op.inputs[1]) && !IsCallers(op.inputs[2])) return absl::OkStatus();
    const auto rank = static_cast<int32_t>(At(op.inputs[0]).shape.size());
    for (const size_t input : {size_t{1}, size_t{2}}) {
      int32_t& numbers = op.inputs[input];
      const TensorType type = At(numbers).type;
      if (!IsWhole(type)) continue;
      const int32_t below = write.IsLess(numbers, write.Number(input == 1 ? 0 : -1, type));
      const int32_t above = write.IsGreater(numbers, write.Extents(op.inputs[0], rank, type));
      numbers = write.Unless(write.Or(below, above), numbers);
    }
    return absl::OkStatus();
  }

  // Ranges are cut to the input by the kernel; a single index may come to lie one behind the end.
  absl::Status VisitStridedSlice(Operator& op, CheckWriter& write) {
    const int64_t shrunk = op.options.Int("shrink_axis_mask");
    int32_t& begin = op.inputs[1];
    if (!IsCallers(begin) || shrunk == 0) return absl::OkStatus();
    const Numbers strides = Constant(op.inputs[3]);
    if (!strides || strides->empty() || strides->size() > 8 ||
        At(begin).type != TensorType::kInt32 || op.options.Int("ellipsis_mask") != 0 ||
        op.options.Int("new_axis_mask") != 0) {
      return Refuse("takes an index from what a caller sends in a way that cannot be checked",
                    "export the model with GATHER there");
    }
    constexpr int64_t kAnywhere = int64_t{1} << 30;
    std::vector<int64_t> beyond;
    for (size_t i = 0; i < strides->size(); ++i) {
      beyond.push_back((shrunk >> i & 1) != 0 ? 0 : kAnywhere);
    }
    const auto count = static_cast<int32_t>(beyond.size());
    const int32_t extents = write.Extents(op.inputs[0], count, TensorType::kInt32);
    const int32_t limit = write.Sum(extents, write.Numbers(beyond, TensorType::kInt32));
    begin = write.Unless(write.IsAtLeast(begin, limit), begin);
    return absl::OkStatus();
  }

  absl::Status VisitDivide(Operator& op, CheckWriter& write) {
    const int32_t dividend = op.inputs[0];
    int32_t& divisor = op.inputs[1];
    const TensorType type = At(divisor).type;
    const Numbers divisors = Constant(divisor);
    const Numbers dividends = Constant(dividend);
    const bool by_zero = !divisors || std::ranges::count(*divisors, 0) > 0;
    if (divisors && by_zero) return OutOfRange(divisor);
    const bool overflows = (!divisors || std::ranges::count(*divisors, -1) > 0) &&
                           (!dividends || std::ranges::count(*dividends, Smallest(type)) > 0);
    if (!by_zero && !overflows) return absl::OkStatus();
    RETURN_IF_ERROR(NeedRank(dividend));
    RETURN_IF_ERROR(NeedRank(divisor));
    // Both are 1 instead: a run on zeros, as every load makes one, must not fail.
    int32_t sound = divisor;
    if (by_zero) {
      const int32_t zero = write.IsEqual(divisor, write.Number(0, type));
      sound = write.Sum(sound, write.As(zero, type));
    }
    if (overflows) {
      const int32_t both = write.And(write.IsEqual(dividend, write.Number(Smallest(type), type)),
                                     write.IsEqual(divisor, write.Number(-1, type)));
      const int32_t one = write.As(both, type);
      sound = write.Sum(write.Sum(sound, one), one);
    }
    divisor = sound;
    return absl::OkStatus();
  }

  Graph& graph_;
  const size_t index_;
  const std::vector<bool>& callers_;
  std::vector<std::optional<Shape>> known_;  // of the main subgraph, if its inputs are fixed
  std::string name_;                         // of the operator that is looked at
};

// Whether any operator of the graph could need a check: most graphs have none.
bool MayNeedChecks(const Graph& graph) {
  static const std::set<std::string, std::less<>> kChecked = {
      "DIV",        "FLOOR_DIV", "FLOOR_MOD",       "GATHER",        "GATHER_ND",
      "SCATTER_ND", "SLICE",     "SPARSE_TO_DENSE", "STRIDED_SLICE", "REVERSE_SEQUENCE"};
  return std::ranges::any_of(graph.operator_codes, [](const OperatorCode& code) {
    const std::string name = code.Name();
    return kChecked.contains(name) || !FixedInputs(name).empty();
  });
}

}  // namespace

absl::StatusOr<std::vector<std::string>> GuardValues(Graph& graph) {
  std::vector<std::string> guarded;
  if (!MayNeedChecks(graph)) return guarded;
  const std::vector<std::vector<bool>> callers = CallerValues(graph);
  Graph changed = graph;
  for (size_t i = 0; i < graph.subgraphs.size(); ++i) {
    Guard guard(changed, i, callers[i]);
    std::vector<Operator> operators;
    for (size_t o = 0; o < graph.subgraphs[i].operators.size(); ++o) {
      Operator op = graph.subgraphs[i].operators[o];
      ASSIGN_OR_RETURN(std::vector<Operator> checks, guard.Checks(op, o));
      if (!checks.empty()) {
        guarded.push_back("operator " + std::to_string(o) + " (" +
                          graph.operator_codes[op.code].Name() + ")");
      }
      std::ranges::move(checks, std::back_inserter(operators));
      operators.push_back(std::move(op));
    }
    changed.subgraphs[i].operators = std::move(operators);
  }
  if (guarded.empty()) return guarded;
  RETURN_IF_ERROR(CheckEditable(graph));
  graph = std::move(changed);
  return guarded;
}

}  // namespace bowerbird::tflite
