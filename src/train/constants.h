// SPDX-License-Identifier: Apache-2.0
//
// Values of constants as numbers, and back.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

#include "tflite/graph.h"

namespace bowerbird::train {

// Of a float32 tensor whose values the file holds.
inline std::vector<float> FloatsOf(const tflite::Graph& graph, const tflite::Tensor& tensor) {
  const std::span<const std::byte> bytes = graph.buffers[tensor.buffer].data;
  std::vector<float> values(bytes.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

template <typename T>
std::vector<std::byte> BytesOf(const std::vector<T>& values) {
  const auto* const first = reinterpret_cast<const std::byte*>(values.data());
  return {first, first + values.size() * sizeof(T)};
}

}  // namespace bowerbird::train
