// SPDX-License-Identifier: Apache-2.0
//
// The way to a classifier where there is no base model: a small network that learns everything from
// the pictures at hand. It wants more of them, and more time, than a base does.
#pragma once

#include "absl/status/statusor.h"
#include "train/fine_tune_job.h"
#include "train/job.h"

namespace bowerbird::train {

struct FromScratch {
  TrainingSet set;  // without the pictures that cannot be read; these are problems of it
  FineTuned tuned;
};

// The size of what the network sees follows from the pictures, its depth from the budget
// (kScratchSeconds without one); job.side, job.depth and job.steps say otherwise. UNAVAILABLE: no
// libtorch.
absl::StatusOr<FromScratch> TrainFromScratch(FileSystem& files, const TrainJob& job);

inline constexpr double kScratchSeconds = 60;

}  // namespace bowerbird::train
