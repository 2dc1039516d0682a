// SPDX-License-Identifier: Apache-2.0
//
// Truth and detections out of files of COCO's format, for evaluation: what a data set's reader
// (annotation/reader.h) has no place for is kept here: crowds, areas of segmentations, pictures
// without a file. Read element by element; memory grows with the number of boxes only.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "evaluate/detection_set.h"

namespace bowerbird::evaluate {

struct CocoFiles {
  std::string ground_truth;  // "images", "annotations", "categories"
  std::string detections;    // an array of {image_id, category_id, bbox, score}, or "annotations"
};

struct CocoSet {
  DetectionSet set;  // pictures in the order of their ids, as are categories
  // Detections of categories that the ground truth does not list. They count for nothing.
  uint64_t unknown_category = 0;
};

// INVALID_ARGUMENT names file and element: no JSON, a box that is no box, a score that is missing,
// a picture that the ground truth does not have.
absl::StatusOr<CocoSet> ReadCocoFiles(FileSystem& files, const CocoFiles& names);

}  // namespace bowerbird::evaluate
