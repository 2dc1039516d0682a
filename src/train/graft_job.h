// SPDX-License-Identifier: Apache-2.0
//
// The way from a folder of labelled pictures to a classifier: features of a frozen base model, a
// head fitted to them, the file, and what the file scores when it is run.
#pragma once

#include "absl/status/statusor.h"
#include "train/job.h"

namespace bowerbird::train {

// job.data.task is kSingleLabel or kMultiLabel. As Train.
absl::StatusOr<TrainedModel> TrainGraft(FileSystem& files, const TrainJob& job);

}  // namespace bowerbird::train
