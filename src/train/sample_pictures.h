// SPDX-License-Identifier: Apache-2.0
//
// Pictures of a training set, decoded and scaled to what a network sees.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "image/image.h"
#include "train/job.h"

namespace bowerbird::train {

struct SamplePictures {
  std::vector<image::Image> pictures;  // kRgb8, `size`; in the order of `from`
  std::vector<size_t> from;            // which of the pictures asked for each of them is
};

// Stretched. What cannot be read is left out and becomes a problem of `problems`. CANCELLED:
// stopped; FAILED_PRECONDITION: none can be read.
absl::StatusOr<SamplePictures> ReadSamplePictures(FileSystem& files, const TrainJob& job,
                                                  const std::string& root,
                                                  const std::vector<TrainingPicture>& pictures,
                                                  image::Size size,
                                                  std::vector<annotation::Problem>& problems);

}  // namespace bowerbird::train
