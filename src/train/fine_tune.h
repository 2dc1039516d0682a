// SPDX-License-Identifier: Apache-2.0
//
// Training a classifier beyond its head: the whole network, or from an operator on.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "image/image.h"
#include "train/augment.h"
#include "train/classifier_graph.h"
#include "train/training_loop.h"

namespace bowerbird::train {

struct ClassSample {
  image::Image picture;  // kRgb8, best at the network's input size or a little larger
  // By label: 1 = it is that, 0 = it is not, < 0 = nobody knows (independent labels only).
  std::vector<float> targets;
};

// What single pictures of things look like, less wildly than for detectors.
inline constexpr AugmentOptions kClassAugment{.least_view = 0.65,
                                              .most_view = 1.15,
                                              .aspect = 1.15,
                                              .rotation = 12,
                                              .mirror = true,
                                              .gain = 0.25,
                                              .color_gain = 0.08,
                                              .bias = 0.08};

struct FineTuneOptions {
  bool independent = false;  // labels do not exclude each other
  double label_smoothing = 0.1;
  uint64_t seed = 0;
  int batch = 16;
  size_t first_trained_operator = 0;
  bool normalize = false;  // ConvolutionsToNormalize, for a network of random weights
  float head_rate = 1;     // of the new head, as a multiple of the others'
  double weight_decay = 1e-4;
  double average_decay = 0;
  int threads = 1;
  AugmentOptions augment = kClassAugment;
  LoopOptions loop = {};
};

struct TrainedClassifier {
  ClassifierGraph classifier;
  LoopResult loop;  // its graph has moved into `classifier`
};

// INVALID_ARGUMENT: no samples, or targets that do not fit the graph. Same graph, samples, options
// and number of steps: same weights.
absl::StatusOr<TrainedClassifier> FineTune(NetworkEngine& engine, ClassifierGraph classifier,
                                           const std::vector<ClassSample>& samples,
                                           const FineTuneOptions& options);

}  // namespace bowerbird::train
