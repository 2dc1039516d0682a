// SPDX-License-Identifier: Apache-2.0
//
// The way from a folder of pictures with boxes to a detector: the base model as a network that is
// trained, the file, and what the file finds when it is run.
#pragma once

#include "absl/status/statusor.h"
#include "train/job.h"

namespace bowerbird::train {

// job.data.task is kDetection. As Train.
absl::StatusOr<TrainedModel> TrainDetection(FileSystem& files, const TrainJob& job);

}  // namespace bowerbird::train
