// SPDX-License-Identifier: Apache-2.0
//
// IEEE half precision at the boundary of models: the wire has no such type, so callers see float32.
#pragma once

#include <cstdint>
#include <span>

namespace bowerbird::infer {

float FloatFromHalf(uint16_t half);
// Rounds to nearest even; too large becomes infinity.
uint16_t HalfFromFloat(float value);

// Both spans have the same length.
void FloatsFromHalves(std::span<const uint16_t> halves, std::span<float> floats);
void HalvesFromFloats(std::span<const float> floats, std::span<uint16_t> halves);

}  // namespace bowerbird::infer
