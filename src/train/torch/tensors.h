// SPDX-License-Identifier: Apache-2.0
//
// The library's tensors, and how those of the file lie in them. Private to libbowerbird_torch.so:
// the only header that includes the library.
//
// Every tensor of four dimensions is kept N C H W, which its convolutions want, whatever the file
// means by them; all others lie as in the file.
#pragma once

#include <torch/csrc/autograd/generated/variable_factories.h>
#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tflite/graph.h"

namespace bowerbird::train {

inline at::Tensor FromFileOrder(const at::Tensor& tensor) {
  return tensor.dim() == 4 ? tensor.permute({0, 3, 1, 2}) : tensor;
}

inline at::Tensor ToFileOrder(const at::Tensor& tensor) {
  return tensor.dim() == 4 ? tensor.permute({0, 2, 3, 1}) : tensor;
}

// The dimension here of the file's dimension `axis` of a tensor of `rank` dimensions.
inline int64_t DimensionOf(int64_t axis, int64_t rank) {
  if (axis < 0) axis += rank;
  if (rank != 4) return axis;
  constexpr int64_t kPlace[] = {0, 2, 3, 1};
  return kPlace[axis & 3];
}

inline std::vector<int64_t> Wide(const std::vector<int32_t>& shape) {
  return {shape.begin(), shape.end()};
}

}  // namespace bowerbird::train
