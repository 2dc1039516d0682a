// SPDX-License-Identifier: Apache-2.0
//
// In which order a model writes the four numbers of a box.
#pragma once

#include <array>
#include <cstddef>

namespace bowerbird::vision {

// Position i of a box holds order[i]: 0 = xmin, 1 = ymin, 2 = xmax, 3 = ymax. A permutation of
// 0..3.
using BoxOrder = std::array<int, 4>;

inline constexpr BoxOrder kDefaultBoxOrder = {1, 0, 3, 2};  // ymin, xmin, ymax, xmax

constexpr bool IsPermutation(const BoxOrder& order) {
  int seen = 0;
  for (const int entry : order) {
    if (entry < 0 || entry > 3) return false;
    seen |= 1 << entry;
  }
  return seen == 0b1111;
}

// Where each of xmin, ymin, xmax, ymax stands.
constexpr std::array<int, 4> PositionsOf(const BoxOrder& order) {
  std::array<int, 4> positions{};
  for (int i = 0; i < 4; ++i) positions[static_cast<size_t>(order[static_cast<size_t>(i)])] = i;
  return positions;
}

}  // namespace bowerbird::vision
