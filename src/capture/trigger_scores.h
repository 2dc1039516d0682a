// SPDX-License-Identifier: Apache-2.0
//
// How much a picture is worth keeping: each score from 0 to 1, higher is more. Pure functions.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "absl/status/statusor.h"
#include "image/picture.h"
#include "vision/detection.h"

namespace bowerbird::capture {

// What a vision service found in one picture.
struct Findings {
  std::vector<vision::Detection> detections;
  std::vector<vision::Classification> classifications;
};

// Classes: 1 - the best confidence. Boxes: the one nearest to a toss-up, 1 - |2c - 1|. The larger
// of the two; 0 where nothing was found.
double LeastConfidence(const Findings& findings);

// Classes: 1 - (best - second best). Boxes: the same for two labels on one place (IoU from 0.5 on).
double Margin(const Findings& findings);

// 1 - what two services share: of classes the sum of the smaller confidences, each list made to sum
// up to 1; of boxes the confidence of those that both have (IoU from 0.5 on, same label). Where
// there are both, the larger score.
double Disagreement(const Findings& a, const Findings& b);

// 64 x 48 gray pixels: what motion is measured on.
using Thumbnail = std::vector<uint8_t>;
absl::StatusOr<Thumbnail> MakeThumbnail(const image::Picture& picture);

// The share of pixels that differ by more than a tenth of the range. Sizes must be equal.
double Motion(const Thumbnail& before, const Thumbnail& now);

// A cheap description of a picture: 16 x 12 gray levels without their mean, and shares of colour.
using Feature = std::vector<float>;
absl::StatusOr<Feature> Describe(const image::Picture& picture);

// The last features, to tell whether another is new. Not thread-safe.
class FeatureMemory {
 public:
  static constexpr size_t kCapacity = 512;

  // Half the cosine distance to the nearest one: 0 the same, 1 opposite. 1 while it is empty.
  double Novelty(const Feature& feature) const;
  void Add(Feature feature);  // of what was kept; the oldest goes
  size_t size() const { return features_.size(); }

 private:
  std::deque<Feature> features_;  // of length 1
};

}  // namespace bowerbird::capture
