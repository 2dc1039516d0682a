// SPDX-License-Identifier: Apache-2.0
//
// Operators that compare whole numbers in a graph and end the run where a comparison holds. Made of
// operators that every runtime has; none of them makes a tensor's shape depend on values, which
// would keep delegates away from the graph.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tflite/graph.h"

namespace bowerbird::tflite {

// Broadcasting kernels take tensors of no more dimensions than this.
inline constexpr size_t kMostCheckedRank = 4;

// Tensors are named by their indices in the subgraph; new ones get names that begin with `name`.
class CheckWriter {
 public:
  CheckWriter(Graph& graph, size_t subgraph, std::string name);

  // A constant of type int32 or int64 without dimensions, so that it broadcasts to any shape.
  int32_t Number(int64_t value, TensorType type);
  int32_t Numbers(const std::vector<int64_t>& values, TensorType type);  // a list of them
  // Of `tensor`'s shape as it is when the graph runs: one extent, counted from the end if negative,
  // without dimensions; or the first `count`, as a list.
  int32_t Extent(int32_t tensor, int32_t axis, TensorType type);
  int32_t Extents(int32_t tensor, int32_t count, TensorType type);
  // The first `count` of a list.
  int32_t First(int32_t list, int32_t count);
  int32_t As(int32_t tensor, TensorType type);
  int32_t Sum(int32_t a, int32_t b);
  // The same elements; -1 in `shape` is what is left.
  int32_t Reshaped(int32_t tensor, const std::vector<int32_t>& shape);

  int32_t IsLess(int32_t a, int32_t b);
  int32_t IsAtLeast(int32_t a, int32_t b);
  int32_t IsGreater(int32_t a, int32_t b);
  int32_t IsEqual(int32_t a, int32_t b);
  int32_t Or(int32_t a, int32_t b);
  int32_t And(int32_t a, int32_t b);

  // `value`, unless `wrong` holds anywhere: then the run fails at a GATHER. The shapes broadcast.
  int32_t Unless(int32_t wrong, int32_t value);

  // In the order in which they must run.
  std::vector<Operator> TakeOperators();

 private:
  Subgraph& subgraph() { return graph_.subgraphs[index_]; }
  const Tensor& At(int32_t tensor) { return subgraph().tensors[static_cast<size_t>(tensor)]; }
  int32_t ShapeOf(int32_t tensor);
  int32_t Append(int32_t code, Table options, std::vector<int32_t> inputs, TensorType type,
                 std::vector<int32_t> shape, std::vector<int32_t> signature = {});
  int32_t Elementwise(int32_t code, std::string_view options, int32_t a, int32_t b,
                      TensorType type);

  Graph& graph_;
  const size_t index_;
  const std::string name_;
  std::vector<Operator> operators_;
};

}  // namespace bowerbird::tflite
