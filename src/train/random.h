// SPDX-License-Identifier: Apache-2.0
//
// Numbers by chance that are the same on every machine: the standard's distributions are not.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <random>
#include <utility>
#include <vector>

namespace bowerbird::train {

class Random {
 public:
  explicit Random(uint64_t seed) : generator_(seed) {}

  // low <= result < high.
  double Uniform(double low, double high) {
    constexpr double kSteps = 9007199254740992.0;  // 2^53
    return low + (high - low) * (static_cast<double>(generator_() >> 11) / kSteps);
  }
  // 0 <= result < count; count >= 1.
  size_t Below(size_t count) { return static_cast<size_t>(Uniform(0, static_cast<double>(count))); }
  bool Chance(double probability) { return Uniform(0, 1) < probability; }
  double Normal(double deviation) {
    const double radius = std::sqrt(-2 * std::log(1 - Uniform(0, 1)));
    return deviation * radius * std::cos(2 * std::numbers::pi * Uniform(0, 1));
  }
  template <typename T>
  void Shuffle(std::vector<T>& values) {
    for (size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[Below(i)]);
  }

 private:
  std::mt19937_64 generator_;
};

}  // namespace bowerbird::train
