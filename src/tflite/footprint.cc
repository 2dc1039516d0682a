// SPDX-License-Identifier: Apache-2.0
#include "tflite/footprint.h"

#include <algorithm>
#include <vector>

namespace bowerbird::tflite {
namespace {

constexpr size_t kNever = static_cast<size_t>(-1);

uint64_t BytesOf(const Tensor& tensor) {
  uint64_t bits = TensorTypeBits(tensor.type);
  for (const int32_t extent : tensor.shape) bits *= static_cast<uint64_t>(extent);
  return (bits + 7) / 8;
}

uint64_t PeakBytes(const Graph& graph, const Subgraph& subgraph) {
  const size_t end = subgraph.operators.size();
  std::vector<size_t> first(subgraph.tensors.size(), kNever);
  std::vector<size_t> last(subgraph.tensors.size(), 0);
  const auto touch = [&](int32_t tensor, size_t step) {
    if (tensor < 0) return;
    size_t& start = first[static_cast<size_t>(tensor)];
    if (start == kNever) start = step;
    last[static_cast<size_t>(tensor)] = std::max(last[static_cast<size_t>(tensor)], step);
  };
  for (const int32_t tensor : subgraph.inputs) touch(tensor, 0);
  for (size_t step = 0; step < end; ++step) {
    for (const int32_t tensor : subgraph.operators[step].inputs) touch(tensor, step);
    for (const int32_t tensor : subgraph.operators[step].outputs) touch(tensor, step);
  }
  for (const int32_t tensor : subgraph.outputs) touch(tensor, end);
  std::vector<int64_t> change(end + 2, 0);  // of the bytes alive, at each step
  for (size_t i = 0; i < subgraph.tensors.size(); ++i) {
    const Tensor& tensor = subgraph.tensors[i];
    if (first[i] == kNever || !graph.buffers[tensor.buffer].data.empty()) continue;
    change[first[i]] += static_cast<int64_t>(BytesOf(tensor));
    change[last[i] + 1] -= static_cast<int64_t>(BytesOf(tensor));
  }
  int64_t alive = 0;
  int64_t peak = 0;
  for (const int64_t delta : change) peak = std::max(peak, alive += delta);
  return static_cast<uint64_t>(peak);
}

}  // namespace

Footprint Measure(const Graph& graph) {
  Footprint footprint;
  for (const Buffer& buffer : graph.buffers) footprint.constant_bytes += buffer.data.size();
  for (const Subgraph& subgraph : graph.subgraphs) {
    footprint.peak_activation_bytes =
        std::max(footprint.peak_activation_bytes, PeakBytes(graph, subgraph));
  }
  return footprint;
}

}  // namespace bowerbird::tflite
