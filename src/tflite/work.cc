// SPDX-License-Identifier: Apache-2.0
#include "tflite/work.h"

#include <limits>
#include <optional>

namespace bowerbird::tflite {
namespace {

// Files may claim any shape: beyond the type is as much as it holds.
uint64_t Times(uint64_t a, uint64_t b) {
  uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::numeric_limits<uint64_t>::max();
  return product;
}

uint64_t Plus(uint64_t a, uint64_t b) {
  uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::numeric_limits<uint64_t>::max();
  return sum;
}

uint64_t Count(const Shape& shape) {
  uint64_t count = 1;
  for (const int32_t extent : shape) count = Times(count, static_cast<uint64_t>(extent));
  return count;
}

uint64_t Last(const Shape& shape, size_t from_end) {
  return shape.size() < from_end ? 1 : static_cast<uint64_t>(shape[shape.size() - from_end]);
}

class WorkOf {
 public:
  WorkOf(const Operator& op, const InferredShapes& shapes) : op_(op), shapes_(shapes) {}

  uint64_t Of(std::string_view name) const {
    if (name == "UNIDIRECTIONAL_SEQUENCE_LSTM") return Lstm();
    if (!In(0) || !In(1) || !Out()) return 0;
    // Each output takes the filter without its dimension of outputs.
    if (name == "CONV_2D") return Times(Count(*Out()), PerOutput(*In(1), 0));
    if (name == "CONV_3D") return Times(Count(*Out()), PerOutput(*In(1), 4));
    if (name == "DEPTHWISE_CONV_2D") return Times(Count(*Out()), PerOutput(*In(1), 3));
    // Each input is spread over the filter. Inputs: output shape, weights, x.
    if (name == "TRANSPOSE_CONV") return In(2) ? Times(Count(*In(2)), PerOutput(*In(1), 3)) : 0;
    if (name == "FULLY_CONNECTED") return Times(Count(*Out()), Last(*In(1), 1));
    if (name == "BATCH_MATMUL") {
      return Times(Count(*Out()), Last(*In(0), op_.options.Bool("adj_x") ? 2 : 1));
    }
    if (name == "SVDF") {
      return In(2) ? Times(Last(*In(0), 2), Plus(Count(*In(1)), Count(*In(2)))) : 0;
    }
    if (name == "RNN") return In(2) ? Times(Last(*In(0), 2), Cell(1, 2)) : 0;
    if (name == "UNIDIRECTIONAL_SEQUENCE_RNN") {
      return In(2) ? Times(Times(Last(*In(0), 3), Last(*In(0), 2)), Cell(1, 2)) : 0;
    }
    return 0;
  }

 private:
  const Shape* Known(const std::vector<int32_t>& list, size_t i) const {
    if (i >= list.size() || list[i] < 0) return nullptr;
    const std::optional<Shape>& shape = shapes_.tensors[static_cast<size_t>(list[i])];
    return shape ? &*shape : nullptr;
  }

  const Shape* In(size_t i) const { return Known(op_.inputs, i); }
  const Shape* Out() const { return Known(op_.outputs, 0); }

  static uint64_t PerOutput(const Shape& filter, size_t output_dimension) {
    uint64_t count = 1;
    for (size_t i = 0; i < filter.size(); ++i) {
      if (i != output_dimension) count = Times(count, static_cast<uint64_t>(filter[i]));
    }
    return count;
  }

  uint64_t Cell(size_t first, size_t last) const {
    uint64_t weights = 0;
    for (size_t i = first; i <= last; ++i) {
      if (In(i)) weights = Plus(weights, Count(*In(i)));
    }
    return weights;
  }

  // Inputs 1 to 8 are the gates' weights, 16 those of the projection; each step uses all of them.
  uint64_t Lstm() const {
    if (!In(0)) return 0;
    return Times(Times(Last(*In(0), 3), Last(*In(0), 2)), Plus(Cell(1, 8), Cell(16, 16)));
  }

  const Operator& op_;
  const InferredShapes& shapes_;
};

}  // namespace

std::vector<uint64_t> MultiplyAdds(const Graph& graph, size_t subgraph,
                                   const InferredShapes& shapes) {
  std::vector<uint64_t> work;
  work.reserve(graph.subgraphs.at(subgraph).operators.size());
  for (const Operator& op : graph.subgraphs.at(subgraph).operators) {
    work.push_back(WorkOf(op, shapes).Of(graph.operator_codes[op.code].Name()));
  }
  return work;
}

uint64_t TotalMultiplyAdds(const Graph& graph) {
  InferredShapes stated;
  for (const Tensor& tensor : graph.subgraphs.at(0).tensors) stated.tensors.push_back(tensor.shape);
  uint64_t total = 0;
  for (const uint64_t work : MultiplyAdds(graph, 0, stated)) total = Plus(total, work);
  return total;
}

}  // namespace bowerbird::tflite
