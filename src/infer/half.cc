// SPDX-License-Identifier: Apache-2.0
#include "infer/half.h"

#include <bit>
#include <cstddef>

namespace bowerbird::infer {

float FloatFromHalf(uint16_t half) {
  const uint32_t sign = (half & 0x8000U) << 16;
  const uint32_t magnitude = half & 0x7fffU;
  if (magnitude >= 0x7c00U) {  // infinity, NaN
    return std::bit_cast<float>(sign | 0x7f800000U | ((magnitude & 0x3ffU) << 13));
  }
  if (magnitude < 0x0400U) {  // zero, subnormal: an integer number of 2^-24
    const float value = static_cast<float>(magnitude) * 0x1p-24F;
    return sign != 0 ? -value : value;
  }
  return std::bit_cast<float>(sign | ((magnitude << 13) + (112U << 23)));
}

uint16_t HalfFromFloat(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000U);
  const uint32_t magnitude = bits & 0x7fffffffU;
  if (magnitude > 0x7f800000U) return sign | 0x7e00U;   // NaN
  if (magnitude >= 0x477ff000U) return sign | 0x7c00U;  // rounds beyond 65504
  if (magnitude < 0x38800000U) {                        // below 2^-14: subnormal
    // Adding 0.5 lines the wanted bits up at the end of the mantissa; the addition rounds.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x3f000000U));
  }
  const uint32_t odd = (magnitude >> 13) & 1U;
  return static_cast<uint16_t>(sign | ((magnitude - (112U << 23) + 0xfffU + odd) >> 13));
}

void FloatsFromHalves(std::span<const uint16_t> halves, std::span<float> floats) {
  for (size_t i = 0; i < halves.size(); ++i) floats[i] = FloatFromHalf(halves[i]);
}

void HalvesFromFloats(std::span<const float> floats, std::span<uint16_t> halves) {
  for (size_t i = 0; i < floats.size(); ++i) halves[i] = HalfFromFloat(floats[i]);
}

}  // namespace bowerbird::infer
