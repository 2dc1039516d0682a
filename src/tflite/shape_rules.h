// SPDX-License-Identifier: Apache-2.0
//
// How operators make their outputs' shapes from their inputs. For the files of this room that hold
// the rules, one family of operators each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "tflite/graph.h"
#include "tflite/shapes.h"

namespace bowerbird::tflite {

// What is known of the tensors of one subgraph while its operators are walked.
struct ShapeState {
  const Graph& graph;
  const Subgraph& subgraph;
  std::vector<std::optional<Shape>> shapes;                 // by tensor
  std::vector<std::optional<std::vector<int64_t>>> values;  // small whole numbers, by tensor
};

// One operator to a rule. The shapes of all inputs that are given are known, and there are as many
// of them and of outputs as the rule asked for.
class OperatorShapes {
 public:
  OperatorShapes(ShapeState& state, size_t index);

  size_t inputs() const { return op_.inputs.size(); }
  size_t outputs() const { return op_.outputs.size(); }
  // An optional input may be left out.
  bool Has(size_t input) const;
  const Shape& In(size_t input) const;
  TensorType InType(size_t input) const;
  // nullptr: only a run knows them.
  const std::vector<int64_t>* Values(size_t input) const;

  const Table& options() const { return op_.options; }
  const Operator& op() const { return op_; }

  absl::Status Out(size_t output, const std::vector<int64_t>& shape);
  absl::Status OutLike(size_t output, size_t input);
  void OutValues(size_t output, std::vector<int64_t> values);
  // Leaves all outputs unknown.
  absl::Status NotKnown(std::string_view why);
  // "its output depends on values that only a run knows".
  absl::Status DependsOnValues();
  std::string why_not_known() const { return why_not_known_; }

  // INVALID_ARGUMENT naming the operator and the shapes it got.
  absl::Status Wrong(const std::string& what) const;
  absl::Status NeedRank(size_t input, size_t rank) const;

 private:
  size_t Tensor(const std::vector<int32_t>& list, size_t i) const;

  ShapeState& state_;
  size_t index_;
  const Operator& op_;
  std::string why_not_known_;
};

struct ShapeRule {
  std::string_view name;
  absl::Status (*run)(OperatorShapes& op);
  size_t inputs = 1;   // at least; they may not be left out
  size_t outputs = 1;  // at least
};

std::vector<ShapeRule> ElementwiseRules();
std::vector<ShapeRule> WindowRules();
std::vector<ShapeRule> LayoutRules();
std::vector<ShapeRule> SliceRules();
std::vector<ShapeRule> ProductRules();

// Numbers that are followed stay within 2^31 of 0.
int64_t ClampToExtent(int64_t number);

// The element count; shapes here stay below 2^40 elements.
int64_t Elements(const Shape& shape);

// `axis` of a shape of `rank` dimensions, counted from the end if negative; nullopt: out of range.
std::optional<size_t> AxisOf(int64_t axis, size_t rank);

// The values of the outputs, where those of the inputs are known and the operator is one of those
// that shapes are computed with.
void FollowValues(OperatorShapes& op, std::string_view name);

}  // namespace bowerbird::tflite
