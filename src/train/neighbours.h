// SPDX-License-Identifier: Apache-2.0
//
// Which pictures a model learnt from look to it most like another one: its own features of both,
// compared by their cosine.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "nlohmann/json.hpp"
#include "train/job.h"

namespace bowerbird::train {

// Makes trained.features out of the pictures of the training side. `known` is taken instead of
// running the model over each of them, where it is what the model itself gives. A model without
// features keeps what it has: that is a warning of its report.
void AddFeatures(FileSystem& files, const TrainJob& job, const KnownFeatures& known,
                 TrainedModel& trained);

struct NeighbourQuery {
  std::string directory{};              // of a trained model: model.tflite and features.bin
  std::vector<std::string> pictures{};  // files
  size_t count = 5;
  std::string work{};  // a folder that exists, for files on the way
};

// One object for each picture in their order: {"file", "neighbours": [{"picture", "labels",
// "distance"}]}, nearest first, or {"file", "error"}. FAILED_PRECONDITION: the features are not of
// this model; DATA_LOSS: they are damaged; NOT_FOUND: the folder has none.
absl::Status FindNeighbours(FileSystem& files, const NeighbourQuery& query,
                            const std::function<void(const nlohmann::ordered_json&)>& tell);

}  // namespace bowerbird::train
