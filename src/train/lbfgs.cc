// SPDX-License-Identifier: Apache-2.0
#include "train/lbfgs.h"

#include <algorithm>
#include <cmath>
#include <deque>

namespace bowerbird::train {
namespace {

constexpr size_t kMemory = 8;  // pairs kept; more changed nothing on heads
constexpr double kSufficientDecrease = 1e-4;
constexpr int kMaxHalvings = 30;

double Dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// to += factor * from
void AddScaled(std::vector<double>& to, double factor, const std::vector<double>& from) {
  for (size_t i = 0; i < to.size(); ++i) to[i] += factor * from[i];
}

double LargestOf(const std::vector<double>& values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

// What is known of the curvature: steps and the changes of the gradient along them.
class History {
 public:
  void Add(std::vector<double> step, std::vector<double> change) {
    const double product = Dot(step, change);
    // Without positive curvature the pair would make the direction one of ascent.
    if (product <= 1e-12 * Dot(change, change)) return;
    if (pairs_.size() == kMemory) pairs_.pop_front();
    pairs_.push_back({std::move(step), std::move(change), product});
  }

  // Minus the approximate inverse Hessian times the gradient.
  std::vector<double> Direction(const std::vector<double>& gradient) const {
    std::vector<double> direction = gradient;
    std::vector<double> alphas(pairs_.size());
    for (size_t i = pairs_.size(); i-- > 0;) {
      alphas[i] = Dot(pairs_[i].step, direction) / pairs_[i].product;
      AddScaled(direction, -alphas[i], pairs_[i].change);
    }
    double scale = 1 / std::max(1.0, std::sqrt(Dot(gradient, gradient)));
    if (!pairs_.empty()) {
      const Pair& last = pairs_.back();
      scale = last.product / Dot(last.change, last.change);
    }
    for (double& value : direction) value *= -scale;
    for (size_t i = 0; i < pairs_.size(); ++i) {
      const double beta = Dot(pairs_[i].change, direction) / pairs_[i].product;
      AddScaled(direction, -alphas[i] - beta, pairs_[i].step);
    }
    return direction;
  }

  bool empty() const { return pairs_.empty(); }
  void Clear() { pairs_.clear(); }

 private:
  struct Pair {
    std::vector<double> step, change;
    double product;
  };
  std::deque<Pair> pairs_;
};

}  // namespace

LbfgsResult MinimizeLbfgs(const SmoothFunction& function, std::vector<double>& point,
                          const LbfgsOptions& options) {
  std::vector<double> gradient(point.size()), next_gradient(point.size());
  LbfgsResult result{.value = function(point, gradient), .evaluations = 1};
  History history;
  for (int i = 0; i < options.max_iterations && std::isfinite(result.value); ++i) {
    if (LargestOf(gradient) < options.gradient_tolerance) break;
    std::vector<double> direction = history.Direction(gradient);
    const double slope = Dot(direction, gradient);
    double length = 1;
    std::vector<double> next;
    double value = 0;
    bool found = false;
    for (int halving = 0; halving < kMaxHalvings && !found; ++halving, length /= 2) {
      next = point;
      AddScaled(next, length, direction);
      value = function(next, next_gradient);
      ++result.evaluations;
      found = std::isfinite(value) && value <= result.value + kSufficientDecrease * length * slope;
    }
    if (!found) {
      // The memory misleads; steepest descent is tried once before giving up.
      if (history.empty()) break;
      history.Clear();
      continue;
    }
    std::vector<double> step = next, change = next_gradient;
    AddScaled(step, -1, point);
    AddScaled(change, -1, gradient);
    history.Add(std::move(step), std::move(change));
    const double decrease = result.value - value;
    point = std::move(next);
    gradient.swap(next_gradient);
    result.value = value;
    if (decrease <= options.value_tolerance * std::max(1e-3, std::abs(value))) break;
  }
  return result;
}

}  // namespace bowerbird::train
