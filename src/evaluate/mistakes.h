// SPDX-License-Identifier: Apache-2.0
//
// Where a model is wrong: the pictures to look at first.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "evaluate/classification.h"
#include "evaluate/detection_set.h"

namespace bowerbird::evaluate {

struct Mistake {
  uint32_t picture = 0;
  double weight = 0;  // how wrong; comparable within one list
  std::string what;   // "dog 0.93, it is cat"
};

// Of classifiers with one label a picture: those whose answer is wrong, the surest answer first.
std::vector<Mistake> WorstMistakes(const ScoredPictures& scored, std::span<const uint32_t> truth,
                                   size_t most);

// Of any number of labels: labels that are wrong at 0.5, the largest difference of a picture first.
std::vector<Mistake> WorstMistakes(const ScoredPictures& scored,
                                   std::span<const std::vector<uint32_t>> truth, size_t most);

// Of detectors: things that no detection of at least `least_score` overlaps by half, and detections
// that overlap nothing of their category so; the picture with most of both first.
std::vector<Mistake> WorstMistakes(const DetectionSet& set, double least_score, size_t most);

}  // namespace bowerbird::evaluate
