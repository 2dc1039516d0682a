// SPDX-License-Identifier: Apache-2.0
//
// The way from a folder of labelled pictures to a classifier: a graft and, where the budget has
// time for more, a fine-tuned network; the file that scores best on the validation side is kept.
#pragma once

#include "absl/status/statusor.h"
#include "train/job.h"

namespace bowerbird::train {

// job.data.task is kSingleLabel or kMultiLabel. As Train.
absl::StatusOr<TrainedModel> TrainClassifier(FileSystem& files, const TrainJob& job);

}  // namespace bowerbird::train
