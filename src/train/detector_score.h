// SPDX-License-Identifier: Apache-2.0
//
// A file of a detector run over pictures as the vision service runs it, beside the boxes that
// people drew.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "evaluate/detection_set.h"
#include "train/picture_model.h"
#include "train/training_set.h"

namespace bowerbird::train {

// Boxes in pixels of each picture, as a person sees it; pictures in their order. `labels`: of the
// file and of the truth. A picture that cannot be read has neither boxes nor
// detections. CANCELLED: `run.stopped`.
// run.paths is not read.
absl::StatusOr<evaluate::DetectionSet> ScoreDetector(FileSystem& files, const PictureRun& run,
                                                     const std::vector<TrainingPicture>& pictures,
                                                     const std::vector<std::string>& labels);

}  // namespace bowerbird::train
