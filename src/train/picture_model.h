// SPDX-License-Identifier: Apache-2.0
//
// A file of a model run over pictures as the vision service runs it: same decoding, same scaling,
// same runtime.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/file_system.h"

namespace bowerbird::train {

struct PictureRun {
  std::string model_path;
  std::string root;                // folder of the pictures
  std::vector<std::string> paths;  // relative to it
  std::string cache{};             // a folder for what the model gives by picture; "": none
  int threads = 1;
  std::function<bool()> stopped{};
  std::function<void(size_t done)> progress{};  // from any thread, one at a time
};

// The first output of the model by picture, in their order; the status of one that cannot be read.
// What comes out does not depend on the number of threads or on the cache. CANCELLED: `stopped`.
absl::StatusOr<std::vector<absl::StatusOr<std::vector<float>>>> RunOverPictures(
    FileSystem& files, const PictureRun& run);

// Runs the model over the pictures for what it gives besides the first output: `look(outputs)` is
// called once a picture that can be read, from any thread, with the float32 outputs in their order.
// CANCELLED: `stopped`. `run.cache` is not used.
absl::Status LookAtOutputs(
    FileSystem& files, const PictureRun& run,
    const std::function<void(const std::vector<std::span<const float>>& outputs)>& look);

}  // namespace bowerbird::train
