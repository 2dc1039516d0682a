// SPDX-License-Identifier: Apache-2.0
#include "train/head_fit.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <string>
#include <thread>

#include "base/status.h"
#include "train/lbfgs.h"

namespace bowerbird::train {
namespace {

constexpr size_t kLanes = 16;     // sums that run side by side, so that they are vectorised
constexpr size_t kRowsASum = 64;  // single precision within, double across
constexpr double kLeastDeviation = 1e-6;

float Dot(const float* a, const float* b, size_t size) {
  float lanes[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
  }
  float sum = 0;
  for (; i < size; ++i) sum += a[i] * b[i];
  for (const float lane : lanes) sum += lane;
  return sum;
}

struct Standard {
  std::vector<double> mean, deviation;
};

Standard StandardOf(const Examples& examples, std::span<const size_t> rows) {
  const size_t depth = examples.depth;
  Standard standard{std::vector<double>(depth), std::vector<double>(depth)};
  const double count = static_cast<double>(rows.size());
  for (const size_t row : rows) {
    for (size_t d = 0; d < depth; ++d) standard.mean[d] += examples.features[row * depth + d];
  }
  for (double& mean : standard.mean) mean /= count;
  for (const size_t row : rows) {
    for (size_t d = 0; d < depth; ++d) {
      const double off = examples.features[row * depth + d] - standard.mean[d];
      standard.deviation[d] += off * off;
    }
  }
  // A feature that never changes says nothing: its weight stays 0.
  for (double& deviation : standard.deviation)
    deviation = std::max(std::sqrt(deviation / count), kLeastDeviation);
  return standard;
}

// Cross entropy of logits against truth; `errors` becomes its derivative by the logits.
double CrossEntropy(const std::vector<uint32_t>& truth, bool independent,
                    std::span<const float> logits, std::span<float> errors) {
  double loss = 0;
  if (independent) {
    for (size_t k = 0; k < logits.size(); ++k) {
      const double z = logits[k];
      const bool is = std::ranges::find(truth, k) != truth.end();
      // log(1 + e^z) - z * is, without overflow.
      loss += std::max(z, 0.0) - (is ? z : 0) + std::log1p(std::exp(-std::abs(z)));
      errors[k] = static_cast<float>(1 / (1 + std::exp(-z)) - (is ? 1 : 0));
    }
    return loss;
  }
  const double highest = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float z : logits) sum += std::exp(z - highest);
  for (size_t k = 0; k < logits.size(); ++k)
    errors[k] = static_cast<float>(std::exp(logits[k] - highest) / sum);
  errors[truth[0]] -= 1;
  return std::log(sum) + highest - logits[truth[0]];
}

// The objective over standardised rows. Parameters: [labels, depth] weights, then [labels] biases.
class Objective {
 public:
  Objective(const Examples& examples, std::span<const size_t> rows, const Standard& standard,
            double penalty)
      : examples_(examples), rows_(rows), penalty_(penalty) {
    const size_t depth = examples.depth;
    features_.resize(rows.size() * depth);
    for (size_t i = 0; i < rows.size(); ++i) {
      for (size_t d = 0; d < depth; ++d) {
        features_[i * depth + d] = static_cast<float>(
            (examples.features[rows[i] * depth + d] - standard.mean[d]) / standard.deviation[d]);
      }
    }
  }

  size_t size() const { return examples_.labels * (examples_.depth + 1); }

  double operator()(const std::vector<double>& point, std::vector<double>& gradient) {
    const size_t depth = examples_.depth, labels = examples_.labels;
    const std::vector<float> weights(point.begin(), point.end());
    std::ranges::fill(gradient, 0);
    std::vector<float> logits(labels), errors(labels), sums(point.size());
    double loss = 0;
    for (size_t i = 0; i < rows_.size(); ++i) {
      const float* row = features_.data() + i * depth;
      for (size_t k = 0; k < labels; ++k)
        logits[k] = Dot(row, weights.data() + k * depth, depth) + weights[labels * depth + k];
      loss += CrossEntropy(examples_.truth[rows_[i]], examples_.independent, logits, errors);
      for (size_t k = 0; k < labels; ++k) {
        float* sum = sums.data() + k * depth;
        const float error = errors[k];
        for (size_t d = 0; d < depth; ++d) sum[d] += error * row[d];
        sums[labels * depth + k] += error;
      }
      if (i % kRowsASum == kRowsASum - 1 || i + 1 == rows_.size()) Flush(sums, gradient);
    }
    const double count = static_cast<double>(rows_.size());
    double squares = 0;
    for (size_t p = 0; p < point.size(); ++p) {
      gradient[p] /= count;
      if (p >= labels * depth) continue;
      gradient[p] += penalty_ * point[p];
      squares += point[p] * point[p];
    }
    return loss / count + penalty_ / 2 * squares;
  }

 private:
  static void Flush(std::vector<float>& sums, std::vector<double>& gradient) {
    for (size_t p = 0; p < sums.size(); ++p) gradient[p] += sums[p];
    std::ranges::fill(sums, 0.0F);
  }

  const Examples& examples_;
  std::span<const size_t> rows_;
  double penalty_;
  std::vector<float> features_;
};

// The rows in folds: those of one first label are dealt out in turn, so each fold has its share.
std::vector<int> FoldsOf(const Examples& examples, std::span<const size_t> rows, int folds) {
  std::map<uint32_t, int> next;
  std::vector<int> fold(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::vector<uint32_t>& truth = examples.truth[rows[i]];
    int& turn = next[truth.empty() ? UINT32_MAX : truth[0]];
    fold[i] = turn++ % folds;
  }
  return fold;
}

struct FoldScore {
  absl::Status status;
  size_t rows = 0;
  double right = 0, loss = 0;
};

// Right: the highest score is the row's label; for independent ones, the share that is right.
void Score(const Examples& examples, const LinearHead& head, size_t row, FoldScore& score) {
  const std::vector<float> scores = Apply(head, examples, row);
  const std::vector<uint32_t>& truth = examples.truth[row];
  ++score.rows;
  if (!examples.independent) {
    const auto best = std::ranges::max_element(scores) - scores.begin();
    score.right += static_cast<size_t>(best) == truth[0] ? 1 : 0;
    score.loss -= std::log(std::max(scores[truth[0]], 1e-12F));
    return;
  }
  double right = 0;
  for (size_t k = 0; k < scores.size(); ++k) {
    const bool is = std::ranges::find(truth, k) != truth.end();
    right += (scores[k] > 0.5F) == is ? 1 : 0;
    score.loss -= std::log(std::max(is ? scores[k] : 1 - scores[k], 1e-12F));
  }
  score.right += right / static_cast<double>(scores.size());
}

FoldScore ScoreFold(const Examples& examples, std::span<const size_t> rows,
                    const std::vector<int>& fold, int left_out, double penalty) {
  std::vector<size_t> used, unseen;
  for (size_t i = 0; i < rows.size(); ++i) (fold[i] == left_out ? unseen : used).push_back(rows[i]);
  FoldScore score;
  if (unseen.empty() || used.empty()) return score;
  const auto head = FitHead(examples, used, penalty);
  if (!head.ok()) {
    score.status = head.status();
    return score;
  }
  for (const size_t row : unseen) Score(examples, *head, row, score);
  return score;
}

}  // namespace

absl::StatusOr<LinearHead> FitHead(const Examples& examples, std::span<const size_t> rows,
                                   double penalty) {
  if (rows.empty()) return InvalidArgument("a head cannot be fitted to no pictures: label some");
  const size_t depth = examples.depth, labels = examples.labels;
  const Standard standard = StandardOf(examples, rows);
  Objective objective(examples, rows, standard, penalty);
  std::vector<double> point(objective.size());
  const LbfgsResult found = MinimizeLbfgs(std::ref(objective), point);
  if (!std::isfinite(found.value))
    return FailedPrecondition("the loss of the head is not a number at evaluation " +
                              std::to_string(found.evaluations) +
                              ": the base model gives features that are not finite");
  LinearHead head;
  head.loss = found.value;
  head.evaluations = found.evaluations;
  head.weights.resize(labels * depth);
  for (size_t k = 0; k < labels; ++k) {
    double bias = point[labels * depth + k];
    for (size_t d = 0; d < depth; ++d) {
      const double weight = point[k * depth + d] / standard.deviation[d];
      head.weights[k * depth + d] = static_cast<float>(weight);
      bias -= weight * standard.mean[d];
    }
    head.bias.push_back(static_cast<float>(bias));
  }
  return head;
}

std::vector<float> Apply(const LinearHead& head, const Examples& examples, size_t row) {
  const size_t depth = examples.depth;
  std::vector<float> scores(examples.labels);
  for (size_t k = 0; k < scores.size(); ++k)
    scores[k] =
        Dot(examples.features.data() + row * depth, head.weights.data() + k * depth, depth) +
        head.bias[k];
  if (examples.independent) {
    for (float& score : scores) score = 1 / (1 + std::exp(-score));
    return scores;
  }
  const float highest = *std::ranges::max_element(scores);
  float sum = 0;
  for (float& score : scores) sum += score = std::exp(score - highest);
  for (float& score : scores) score /= sum;
  return scores;
}

absl::StatusOr<CrossValidation> CrossValidate(const Examples& examples,
                                              std::span<const size_t> rows, double penalty,
                                              const CrossValidationOptions& options) {
  const std::vector<int> fold = FoldsOf(examples, rows, options.folds);
  std::vector<FoldScore> scores(static_cast<size_t>(options.folds));
  std::atomic<int> next{0};
  const auto work = [&] {
    pthread_setname_np(pthread_self(), "train-folds");
    for (int i = next++; i < options.folds; i = next++) {
      if (options.stopped && options.stopped()) return;
      scores[static_cast<size_t>(i)] = ScoreFold(examples, rows, fold, i, penalty);
    }
  };
  std::vector<std::jthread> threads;
  for (int i = 0; i < std::min(options.threads, options.folds); ++i) threads.emplace_back(work);
  threads.clear();
  FoldScore total;
  for (const FoldScore& score : scores) {
    RETURN_IF_ERROR(score.status);
    total.rows += score.rows;
    total.right += score.right;
    total.loss += score.loss;
  }
  if (total.rows == 0) return absl::CancelledError("stopped before a fold was scored");
  const double count = static_cast<double>(total.rows);
  return CrossValidation{penalty, total.right / count, total.loss / count};
}

}  // namespace bowerbird::train
