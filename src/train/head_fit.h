// SPDX-License-Identifier: Apache-2.0
//
// The last layer of a classifier, fitted to fixed features: one linear function a label, under a
// softmax (labels exclude each other) or a logistic function each (they do not). Convex, so there
// is one best head and no learning rate; found by L-BFGS (Nocedal and Wright, "Numerical
// Optimization", 2nd ed., algorithm 7.4).
//
// What must hold: the same examples give the same head to the bit, whatever the number of threads:
// each fit runs on one thread and adds in the order of the rows.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"

namespace bowerbird::train {

struct Examples {
  size_t depth = 0;                          // features of a row
  size_t labels = 0;                         // at least 2, or 1 where they are independent
  bool independent = false;                  // a row may have any number of labels
  std::vector<float> features;               // [rows, depth]
  std::vector<std::vector<uint32_t>> truth;  // of each row; exactly one unless independent

  size_t rows() const { return truth.size(); }
};

struct LinearHead {
  std::vector<float> weights;  // [labels, depth], of features as they are, not standardised
  std::vector<float> bias;     // [labels]
  double loss = 0;             // mean over the rows, with the penalty
  int evaluations = 0;
};

// Minimises the mean cross entropy of `rows` + penalty / 2 * |weights of standardised features|^2.
// INVALID_ARGUMENT: no rows. FAILED_PRECONDITION: the loss is not a number, which names the step.
absl::StatusOr<LinearHead> FitHead(const Examples& examples, std::span<const size_t> rows,
                                   double penalty);

// [labels] of one row: probabilities.
std::vector<float> Apply(const LinearHead& head, const Examples& examples, size_t row);

struct CrossValidation {
  double penalty = 0;
  double accuracy = 0;  // share of rows, left out of the fit, whose answer is right
  double loss = 0;      // mean cross entropy of the rows left out
};

// Each row is left out once; fold i of `folds` holds every folds-th row of each first label.
// `stopped` (may be empty) is asked before each fit; folds that it skips do not count.
struct CrossValidationOptions {
  int folds = 5;
  int threads = 1;
  std::function<bool()> stopped = {};
};
absl::StatusOr<CrossValidation> CrossValidate(const Examples& examples,
                                              std::span<const size_t> rows, double penalty,
                                              const CrossValidationOptions& options);

}  // namespace bowerbird::train
