// SPDX-License-Identifier: Apache-2.0
//
// The first way from labelled pictures to a classifier: features of a frozen base model and a head
// fitted to them. Takes seconds, and is what other ways have to beat.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "train/job.h"

namespace bowerbird::train {

struct Graft {
  TrainingSet set;  // without the pictures that cannot be read; these are problems of it
  Embedding embedding;
  LinearHead head;
  double penalty = 0;
  nlohmann::ordered_json penalties;         // that were tried, with what they gave
  nlohmann::ordered_json cross_validation;  // over all pictures; null where stopped
  KnownFeatures features;                   // of every picture of `set`
  std::string model;                        // the bytes of the file
};

// job.data.task is kSingleLabel or kMultiLabel. Errors as of Train.
absl::StatusOr<Graft> MakeGraft(FileSystem& files, const TrainJob& job);

}  // namespace bowerbird::train
