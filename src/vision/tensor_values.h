// SPDX-License-Identifier: Apache-2.0
//
// A tensor's elements as real numbers, whatever type the model stores them in. Quantised elements
// are turned into (stored - zero_point) * scale; elements without quantisation keep their value.
#pragma once

#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "infer/tensor.h"

namespace bowerbird::vision {

// Movable, not copyable: values() may point into the tensor itself (float32 is never copied) and is
// then valid only as long as the tensor is.
class TensorValues {
 public:
  TensorValues() = default;
  TensorValues(TensorValues&&) = default;
  TensorValues& operator=(TensorValues&&) = default;
  TensorValues(const TensorValues&) = delete;
  TensorValues& operator=(const TensorValues&) = delete;

  // INVALID_ARGUMENT for strings and unknown types, and when the bytes are not whole elements.
  static absl::StatusOr<TensorValues> Read(const infer::TensorView& tensor,
                                           const infer::Quantization& quantization);
  // Borrowed, for callers that have floats already.
  static TensorValues Of(std::span<const float> values);

  std::span<const float> values() const { return values_; }

 private:
  std::vector<float> owned_;  // moving a vector keeps its buffer, so values_ stays right
  std::span<const float> values_;
};

}  // namespace bowerbird::vision
