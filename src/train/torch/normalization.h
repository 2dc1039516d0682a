// SPDX-License-Identifier: Apache-2.0
//
// Batch normalisation (Ioffe and Szegedy, 2015) of a convolution that the graph states without it:
// while it learns, its results are normalised over the batch, scaled and shifted; what the graph
// gets is a convolution that does the same with the mean and variance of the batches so far.
// Private to libbowerbird_torch.so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "train/torch/tensors.h"

namespace bowerbird::train {

class Normalization {
 public:
  // Numbers of parameters: the convolution's weights, its bias, which becomes the shift, and the
  // scale, which the graph does not have.
  struct Parameters {
    size_t weight = 0, shift = 0, scale = 0;
  };
  Normalization(const Parameters& parameters, int64_t depth);

  // `raw`: what the convolution gives without its bias. The first batch after Restart sets scale
  // and shift to its own deviation and mean, so that the network begins as the graph says. May
  // throw the library's exceptions.
  at::Tensor Apply(const at::Tensor& raw, const std::vector<at::Tensor>& values);

  // The last batch counts for mean and variance: its step was taken.
  void KeepBatch();

  // Replaces weights and shift in `values` by those of the convolution that does the same.
  void Fold(std::vector<at::Tensor>& values) const;

  // The weights are the graph's again.
  void Restart();

  size_t scale() const { return parameters_.scale; }

 private:
  const Parameters parameters_;
  at::Tensor mean_, variance_;
  at::Tensor batch_mean_, batch_variance_;
  bool started_ = false;
  int64_t batches_ = 0;
};

}  // namespace bowerbird::train
