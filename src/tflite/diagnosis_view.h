// SPDX-License-Identifier: Apache-2.0
//
// A graph's first subgraph as one who judges it walks it: by name of operator, from a tensor to
// what made it and to what reads it. Any graph will do, also one that makes no sense: whatever
// index of it is out of range is left out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tflite/graph.h"

namespace bowerbird::tflite {

// Must not outlive the graph, which must not change meanwhile.
class GraphView {
 public:
  explicit GraphView(const Graph& graph);

  const Graph& graph() const { return graph_; }
  const std::vector<Operator>& operators() const { return main_->operators; }

  // By position; nullptr where the index is out of range.
  const std::vector<const Tensor*>& inputs() const { return inputs_; }
  const std::vector<const Tensor*>& outputs() const { return outputs_; }

  // nullptr for -1 and for any other index that the subgraph lacks.
  const Tensor* tensor(int32_t index) const;
  // Input or output `position` of `op`, likewise.
  const Tensor* InputOf(const Operator& op, size_t position) const;
  const Tensor* OutputOf(const Operator& op, size_t position) const;

  // The operator that writes `tensor`; nullptr for inputs and constants.
  const Operator* ProducerOf(int32_t tensor) const;
  const std::vector<const Operator*>& ReadersOf(int32_t tensor) const;
  // Index of the tensor that stands at an end of the model; -1 if there is none.
  int32_t InputIndex(size_t position) const;
  int32_t OutputIndex(size_t position) const;

  std::string NameOf(const Operator& op) const;
  bool Is(const Operator& op, std::string_view name) const;
  bool Has(std::string_view name) const;

  // The bytes of a constant; empty for what is computed.
  std::span<const std::byte> ConstantOf(const Tensor& tensor) const;

 private:
  const Graph& graph_;
  const Subgraph* main_;
  std::vector<const Tensor*> inputs_;
  std::vector<const Tensor*> outputs_;
  std::vector<const Operator*> producers_;
  std::vector<std::vector<const Operator*>> readers_;
};

// "[1, 224, 224, 3]", with -1 for extents that the file calls unknown.
std::string ShapeText(const Tensor& tensor);

// Number of elements, extents that are not known counted as 1. Saturates.
int64_t ElementsOf(const Tensor& tensor);

// The real values that a tensor quantised with one scale can hold; {0, 0} for others.
struct RealRange {
  double low = 0;
  double high = 0;
  double width() const { return high - low; }
};
RealRange RangeOf(const Tensor& tensor);
// Quantised to 8 bits with one scale.
bool IsQuantized8(const Tensor& tensor);

// How a tensor of rank 4 holds a picture. `channels` 0: it is none.
struct PictureShape {
  int32_t channels = 0;
  bool channels_first = false;
};
PictureShape PictureOf(const Tensor& tensor);

}  // namespace bowerbird::tflite
