// SPDX-License-Identifier: Apache-2.0
#include "vision/class_scores.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "vision/candidate.h"

namespace bowerbird::vision {
namespace {

// What a softmax computed in single precision may exceed 0..1 by.
constexpr float kRounding = 1e-4f;

bool IsProbability(float value) { return value >= -kRounding && value <= 1 + kRounding; }

// Subtracts the maximum first, so that no exponential overflows.
std::vector<double> Softmax(std::span<const float> values) {
  double top = -std::numeric_limits<double>::infinity();
  for (const float value : values) {
    if (value > top) top = value;
  }
  std::vector<double> shares(values.size(), 0.0);
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double value = values[i];
    if (std::isnan(value) || (std::isinf(value) && value < 0)) continue;
    shares[i] = std::isinf(top) ? (value == top ? 1.0 : 0.0) : std::exp(value - top);
    sum += shares[i];
  }
  if (sum > 0) {
    for (double& share : shares) share /= sum;
  }
  return shares;
}

}  // namespace

double Sigmoid(double x) {
  if (std::isnan(x)) return 0;
  if (x >= 0) return 1 / (1 + std::exp(-x));
  const double e = std::exp(x);
  return e / (1 + e);
}

std::vector<double> ClassConfidences(std::span<const float> values) {
  std::vector<double> confidences;
  if (values.size() == 1) {
    const double value = values[0];
    confidences = {value < -1 || value > 1 + kRounding ? Sigmoid(value) : value};
  } else if (std::all_of(values.begin(), values.end(), IsProbability)) {
    confidences.assign(values.begin(), values.end());
  } else {
    confidences = Softmax(values);
  }
  for (double& confidence : confidences) confidence = NormalizeScore(confidence);
  return confidences;
}

}  // namespace bowerbird::vision
