// SPDX-License-Identifier: Apache-2.0
//
// A trained detector as the file that machines run: a uint8 RGB picture in, at most kMostDetections
// boxes with class and score out, labels and the meaning of every tensor inside.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "train/detector_graph.h"

namespace bowerbird::train {

struct DetectorFileOptions {
  std::string name = "detector";
  std::string description = {};
  std::vector<std::string> labels = {};  // as many as the detector has classes
  int most_detections = 60;
  double least_score = 0.01;
  double overlap = 0.5;  // of two boxes of one class of which only the better one stays
  // Weights in half precision, widened when the file is loaded: half the size.
  bool half_precision = true;
};

// The bytes of the file. FAILED_PRECONDITION: a weight is not finite. INVALID_ARGUMENT: labels do
// not fit the graph.
absl::StatusOr<std::string> WriteDetectorFile(const DetectorGraph& detector,
                                              const DetectorFileOptions& options);

}  // namespace bowerbird::train
