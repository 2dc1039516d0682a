// SPDX-License-Identifier: Apache-2.0
//
// Input for measurements: the same values every time, without any file. Not noise, on which
// quantised models tie, but something like a picture: slow gradients and a few edges.
#pragma once

#include <cstddef>
#include <span>

#include "infer/tensor.h"

namespace bowerbird::infer {

// Fills `bytes`, the memory of a tensor of `type` and `shape`. Bytes use their whole range, floats
// lie in [-1, 1], wider integers are small (they are indices into a vocabulary more often than
// not). Each `variant`, from 0, is another picture.
void FillWithPattern(DType type, std::span<const int64_t> shape, std::span<std::byte> bytes,
                     size_t variant = 0);

}  // namespace bowerbird::infer
