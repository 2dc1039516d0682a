// SPDX-License-Identifier: Apache-2.0
#include "tflite/caller_values.h"

#include <algorithm>
#include <set>
#include <string>

namespace bowerbird::tflite {
namespace {

size_t Index(int32_t index) { return static_cast<size_t>(index); }

// Their results are state or chance: not the same in every call.
bool HasOwnValues(const std::string& name) {
  static const std::set<std::string, std::less<>> kNames = {
      "HASHTABLE_FIND", "HASHTABLE_SIZE", "MULTINOMIAL",
      "RANDOM_UNIFORM", "READ_VARIABLE",  "RANDOM_STANDARD_NORMAL"};
  return kNames.contains(name);
}

// Spreads the mark until nothing changes; marks are never taken away, so this ends.
class Follower {
 public:
  explicit Follower(const Graph& graph) : graph_(graph) {
    for (const Subgraph& subgraph : graph.subgraphs) {
      std::vector<bool>& marks = marks_.emplace_back(subgraph.tensors.size(), false);
      for (size_t i = 0; i < marks.size(); ++i) marks[i] = subgraph.tensors[i].is_variable;
    }
    for (const int32_t input : graph.subgraphs[0].inputs) marks_[0][Index(input)] = true;
  }

  std::vector<std::vector<bool>> Follow() {
    do {
      changed_ = false;
      for (size_t i = 0; i < graph_.subgraphs.size(); ++i) {
        for (const Operator& op : graph_.subgraphs[i].operators) FollowOperator(i, op);
      }
    } while (changed_);
    return std::move(marks_);
  }

 private:
  void Mark(size_t subgraph, int32_t tensor) {
    if (marks_[subgraph][Index(tensor)]) return;
    marks_[subgraph][Index(tensor)] = true;
    changed_ = true;
  }

  bool IsMarked(size_t subgraph, int32_t tensor) const {
    return tensor >= 0 && marks_[subgraph][Index(tensor)];
  }

  // Marks to[i] of one subgraph where from[i] of another is marked.
  void Carry(size_t source, const std::vector<int32_t>& from, size_t first, size_t target,
             const std::vector<int32_t>& to) {
    for (size_t i = 0; i < to.size() && i + first < from.size(); ++i) {
      if (IsMarked(source, from[i + first])) Mark(target, to[i]);
    }
  }

  void FollowOperator(size_t subgraph, const Operator& op) {
    const std::string name = graph_.operator_codes[op.code].Name();
    if (name == "SHAPE" || name == "RANK") return;
    const std::vector<int32_t> called = CalledSubgraphs(op);
    if (!called.empty()) return FollowCalls(subgraph, op, called, name);
    const bool marked = HasOwnValues(name) || std::ranges::any_of(op.inputs, [&](int32_t input) {
                          return IsMarked(subgraph, input);
                        });
    if (!marked) return;
    for (const int32_t output : op.outputs) Mark(subgraph, output);
  }

  // A call of another kind than IF and WHILE marks all that it touches.
  void FollowCalls(size_t subgraph, const Operator& op, const std::vector<int32_t>& called,
                   const std::string& name) {
    const bool is_if = name == "IF";
    const bool is_known = is_if || name == "WHILE";
    for (const int32_t callee : called) {
      const Subgraph& body = graph_.subgraphs[Index(callee)];
      Carry(subgraph, op.inputs, is_if ? 1 : 0, Index(callee), body.inputs);
      if (!is_known) {
        for (const int32_t input : body.inputs) Mark(Index(callee), input);
      }
      Carry(Index(callee), body.outputs, 0, subgraph, op.outputs);
      if (!is_if) Carry(Index(callee), body.outputs, 0, Index(callee), body.inputs);
    }
    // What decides the branch, or how often the body runs, decides the results.
    const Subgraph& condition = graph_.subgraphs[Index(called[0])];
    const bool decided =
        !is_known || (is_if ? !op.inputs.empty() && IsMarked(subgraph, op.inputs[0])
                            : std::ranges::any_of(condition.outputs, [&](int32_t output) {
                                return IsMarked(Index(called[0]), output);
                              }));
    if (!is_if) Carry(subgraph, op.inputs, 0, subgraph, op.outputs);
    if (!decided) return;
    for (const int32_t output : op.outputs) Mark(subgraph, output);
  }

  const Graph& graph_;
  std::vector<std::vector<bool>> marks_;
  bool changed_ = false;
};

}  // namespace

std::vector<std::vector<bool>> CallerValues(const Graph& graph) { return Follower(graph).Follow(); }

}  // namespace bowerbird::tflite
