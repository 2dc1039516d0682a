// SPDX-License-Identifier: Apache-2.0
#include "train/torch/normalization.h"

#include <algorithm>

namespace bowerbird::train {
namespace {

constexpr double kEpsilon = 1e-3;
// Of a new batch in mean and variance, once there have been a few.
constexpr double kMomentum = 0.1;

}  // namespace

Normalization::Normalization(const Parameters& parameters, int64_t depth)
    : parameters_(parameters), mean_(at::zeros({depth})), variance_(at::zeros({depth})) {
  Restart();
}

void Normalization::Restart() {
  const at::NoGradGuard no_gradient;
  mean_.zero_();
  variance_.fill_(1 - kEpsilon);  // folds to the weights as they are
  started_ = false;
  batches_ = 0;
}

at::Tensor Normalization::Apply(const at::Tensor& raw, const std::vector<at::Tensor>& values) {
  const at::Tensor& scale = values[parameters_.scale];
  const at::Tensor& shift = values[parameters_.shift];
  if (!started_) {
    const at::NoGradGuard no_gradient;
    const at::Tensor flat = raw.transpose(0, 1).reshape({raw.size(1), -1});
    scale.copy_((flat.var(1, /*unbiased=*/false) + kEpsilon).sqrt());
    shift.add_(flat.mean(1));
    started_ = true;
  }
  const auto [out, mean, inverse_deviation] =
      at::native_batch_norm(raw, scale, shift, {}, {}, /*training=*/true, kMomentum, kEpsilon);
  batch_mean_ = mean.detach();
  batch_variance_ = inverse_deviation.detach().pow(-2).sub_(kEpsilon).clamp_min_(0);
  return out;
}

void Normalization::KeepBatch() {
  if (!batch_mean_.defined()) return;
  const at::NoGradGuard no_gradient;
  ++batches_;
  // The mean of the first ones, or what was there before them would be remembered for too long.
  const double share = std::max(kMomentum, 1.0 / static_cast<double>(batches_));
  mean_.mul_(1 - share).add_(batch_mean_, share);
  variance_.mul_(1 - share).add_(batch_variance_, share);
}

void Normalization::Fold(std::vector<at::Tensor>& values) const {
  const at::NoGradGuard no_gradient;
  const at::Tensor factor = values[parameters_.scale].detach() / (variance_ + kEpsilon).sqrt();
  values[parameters_.shift] = values[parameters_.shift].detach() - mean_ * factor;
  values[parameters_.weight] = values[parameters_.weight].detach() * factor.reshape({-1, 1, 1, 1});
}

}  // namespace bowerbird::train
