// SPDX-License-Identifier: Apache-2.0
#include "train/sample_pictures.h"

#include <utility>

#include "base/status.h"
#include "image/picture.h"
#include "image/resize.h"
#include "train/in_parallel.h"

namespace bowerbird::train {

absl::StatusOr<SamplePictures> ReadSamplePictures(FileSystem& files, const TrainJob& job,
                                                  const std::string& root,
                                                  const std::vector<TrainingPicture>& pictures,
                                                  image::Size size,
                                                  std::vector<annotation::Problem>& problems) {
  std::vector<image::Image> images(pictures.size());
  std::vector<absl::Status> errors(pictures.size());
  const auto read = [&](size_t i) -> absl::Status {
    ASSIGN_OR_RETURN(const auto picture, ReadPicture(files, root + "/" + pictures[i].path));
    ASSIGN_OR_RETURN(const auto decoded, picture->Decoded(size));
    images[i] = image::Resize(image::ToRgb(*decoded), size, image::Filter::kTriangle);
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(InParallel({.count = pictures.size(),
                              .threads = job.threads,
                              .stopped = job.stopped,
                              .progress = job.Counter("pictures", pictures.size())},
                             [&](size_t i) { errors[i] = read(i); }));
  SamplePictures samples;
  for (size_t i = 0; i < pictures.size(); ++i) {
    if (errors[i].ok()) {
      samples.pictures.push_back(std::move(images[i]));
      samples.from.push_back(i);
    } else {
      problems.push_back(
          {annotation::Problem::Kind::kImageSkipped, pictures[i].path, "", MessageOf(errors[i])});
    }
  }
  if (samples.pictures.empty())
    return FailedPrecondition("none of the " + std::to_string(pictures.size()) +
                              " pictures to learn from can be read" +
                              (problems.empty() ? "" : ": " + TextOf(problems.back())));
  return samples;
}

}  // namespace bowerbird::train
