// SPDX-License-Identifier: Apache-2.0
//
// What every detection head is decoded to, before labels and pixels.
#pragma once

namespace bowerbird::vision {

// A possible object. Corners as shares of the model's input (0..1 inside it, finite, but not yet
// clamped and, from a head that says so, not even in order); score 0..1.
struct Candidate {
  double x_min = 0, y_min = 0, x_max = 0, y_max = 0;
  double score = 0;
  int category = 0;
};

// The reference machine's rule for scores outside 0..1: below is 0, above is a percentage.
constexpr double NormalizeScore(double score) {
  if (!(score > 0)) return 0;  // NaN as well
  // A sigmoid or softmax in single precision may end a rounding above 1; that is no percentage.
  if (score > 1.0001) return score / 100 < 1 ? score / 100 : 1;
  return score < 1 ? score : 1;
}

}  // namespace bowerbird::vision
