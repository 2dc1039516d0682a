// SPDX-License-Identifier: Apache-2.0
//
// The output of a classifier as confidences.
#pragma once

#include <span>
#include <vector>

namespace bowerbird::vision {

// Several values: unchanged when all lie in 0..1, else their softmax. One value: its sigmoid when
// it lies outside -1..1, else unchanged. Then NormalizeScore. Defined for every input: infinities
// take the whole mass between them, NaN counts as impossible.
std::vector<double> ClassConfidences(std::span<const float> values);

// 1 / (1 + e^-x), without overflow; NaN gives 0.
double Sigmoid(double x);

}  // namespace bowerbird::vision
