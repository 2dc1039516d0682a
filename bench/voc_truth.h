// SPDX-License-Identifier: Apache-2.0
//
// Pascal VOC annotations, and the average precision of detections against them, for a sample of
// the pictures in which each may stand any number of times.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "vision/detection.h"

namespace bowerbird::bench {

struct TruthBox {
  std::string label;
  double x_min = 0, y_min = 0, x_max = 0, y_max = 0;
};

// The objects of one annotation file. Reads just what these files hold, not XML at large.
absl::StatusOr<std::vector<TruthBox>> ReadVocXml(const std::string& path);

// "aeroplane" -> "airplane", from lines of two names with a tab between.
absl::StatusOr<std::map<std::string, std::string>> ReadLabelMap(const std::string& path);

inline constexpr int kIouThresholds = 10;  // .50, .55 ... .95

// Detections of all pictures matched to the truth: best first, each to the free object of its class
// that it covers best.
class PrecisionRecall {
 public:
  // Call once a picture, in a fixed order; detections of labels that `truth` never has are left out
  // by the caller.
  void AddPicture(const std::vector<TruthBox>& truth,
                  const std::vector<vision::Detection>& detections);
  // After the last picture.
  void Finish();

  // Mean over the classes of the area under precision(recall), made monotone, for pictures taken
  // `weights[i]` times each, at the IoU threshold .5 + .05 * threshold.
  double MeanAveragePrecision(const std::vector<int>& weights, int threshold) const;

 private:
  struct Hit {
    double score = 0;
    size_t picture = 0;
    std::array<bool, kIouThresholds> correct{};
  };
  struct OfClass {
    std::vector<Hit> hits;     // best first
    std::vector<int> objects;  // by picture
  };
  double AveragePrecision(const OfClass& of_class, const std::vector<int>& weights,
                          size_t threshold) const;

  size_t pictures_ = 0;
  std::map<std::string, OfClass> classes_;
};

}  // namespace bowerbird::bench
