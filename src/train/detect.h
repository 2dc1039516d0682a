// SPDX-License-Identifier: Apache-2.0
//
// Training a detector on boxes that people drew.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "image/image.h"
#include "train/augment.h"
#include "train/detector_graph.h"
#include "train/training_loop.h"

namespace bowerbird::train {

struct DetectionSample {
  image::Image picture;  // kRgb8, best at the network's input size or a little larger
  std::vector<LabeledBox> boxes;
};

struct DetectorOptions {
  int labels = 0;
  uint64_t seed = 0;
  int batch = 8;
  // Operators before this one keep their weights; < 0 = those on maps of more than one in
  // `trained_stride` of the picture's side, which are half of the work and know what edges are.
  int first_trained_operator = -1;
  int trained_stride = 16;
  bool normalize = false;  // ConvolutionsToNormalize, for a network of random weights
  double weight_decay = 1e-4;
  double average_decay = 0;
  int threads = 1;
  AugmentOptions augment = {};
  LoopOptions loop = {};
};

struct TrainedDetector {
  DetectorGraph detector;
  LoopResult loop;               // its graph has moved into `detector`
  std::vector<int> old_columns;  // of the base model's classes, which each label started from; -1
};

// `base` is a float graph of a detector, or of a classifier, which gets new heads. `samples` have
// labels 0 <= label < labels; at least one box among them. Same base, samples, options and number
// of steps: same weights.
absl::StatusOr<TrainedDetector> TrainDetector(NetworkEngine& engine, const FloatGraph& base,
                                              const std::vector<DetectionSample>& samples,
                                              const DetectorOptions& options);

}  // namespace bowerbird::train
