// SPDX-License-Identifier: Apache-2.0
//
// The second way to a classifier: the whole network of a graft is trained, its head first of all.
// It wins where pictures look like nothing that the base was trained on.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "train/graft_job.h"

namespace bowerbird::train {

struct FineTuned {
  std::string model;                            // the bytes of the file
  nlohmann::ordered_json facts;                 // side, steps, epochs, loss, engine
  std::vector<std::pair<double, double>> loss;  // step, loss
};

// With `seconds` of processor time a size of pictures is taken that can be seen about eight times
// each; job.side and job.steps say otherwise. DEADLINE_EXCEEDED: that is too little for anything;
// UNAVAILABLE: no libtorch; UNIMPLEMENTED: an operator of the base that it cannot train.
absl::StatusOr<FineTuned> FineTuneGraft(FileSystem& files, const TrainJob& job, const Graft& graft,
                                        double seconds);

}  // namespace bowerbird::train
