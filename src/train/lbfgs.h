// SPDX-License-Identifier: Apache-2.0
//
// Limited-memory BFGS for smooth functions: deterministic, one thread.
#pragma once

#include <functional>
#include <vector>

namespace bowerbird::train {

// The value at `point`, and its gradient into `gradient` (of the same size).
using SmoothFunction =
    std::function<double(const std::vector<double>& point, std::vector<double>& gradient)>;

struct LbfgsOptions {
  int max_iterations = 100;
  double gradient_tolerance = 1e-4;  // of the largest component
  double value_tolerance = 1e-6;     // relative decrease of one iteration
};

struct LbfgsResult {
  double value = 0;  // not finite: the function was not, at the start
  int evaluations = 0;
};

// Improves `point` in place.
LbfgsResult MinimizeLbfgs(const SmoothFunction& function, std::vector<double>& point,
                          const LbfgsOptions& options = {});

}  // namespace bowerbird::train
