// SPDX-License-Identifier: Apache-2.0
#include "train/detector_score.h"

#include <optional>
#include <utility>

#include "base/status.h"
#include "image/picture.h"
#include "infer/tflite_model.h"
#include "train/in_parallel.h"
#include "vision/model_finder.h"

namespace bowerbird::train {
namespace {

struct Answer {
  image::Size size;
  std::vector<vision::Detection> found;
};

void Add(uint32_t number, const TrainingPicture& picture, const Answer& answer,
         evaluate::DetectionSet& set) {
  for (const LabeledBox& box : picture.boxes) {
    const evaluate::Rectangle truth{box.x_min * answer.size.width, box.y_min * answer.size.height,
                                    box.x_max * answer.size.width, box.y_max * answer.size.height};
    set.truth.push_back({.picture = number,
                         .category = static_cast<uint32_t>(box.label),
                         .box = truth,
                         .area = truth.Area()});
  }
  for (const vision::Detection& found : answer.found) {
    if (found.class_id < 0 || static_cast<size_t>(found.class_id) >= set.categories.size())
      continue;
    set.found.push_back(
        {.picture = number,
         .category = static_cast<uint32_t>(found.class_id),
         .box = {static_cast<double>(found.x_min), static_cast<double>(found.y_min),
                 static_cast<double>(found.x_max), static_cast<double>(found.y_max)},
         .score = found.confidence});
  }
}

}  // namespace

absl::StatusOr<evaluate::DetectionSet> ScoreDetector(FileSystem& files, const PictureRun& run,
                                                     const std::vector<TrainingPicture>& pictures,
                                                     const std::vector<std::string>& labels) {
  infer::TfliteOptions options{.model_path = run.model_path};
  options.instances = run.threads;
  options.prepare = infer::Prepare::kNone;
  ASSIGN_OR_RETURN(const auto model, infer::TfliteModel::Load(options));
  ASSIGN_OR_RETURN(const auto finder, vision::ModelFinder::Create({}, *model, {}));
  const auto look = [&](size_t i) -> absl::StatusOr<Answer> {
    ASSIGN_OR_RETURN(const auto picture, ReadPicture(files, run.root + "/" + pictures[i].path));
    ASSIGN_OR_RETURN(const image::Header header, picture->header());
    ASSIGN_OR_RETURN(auto found, finder->Detect({}, *picture));
    return Answer{header.size, std::move(found)};
  };
  std::vector<std::optional<Answer>> answers(pictures.size());
  RETURN_IF_ERROR(InParallel({.count = pictures.size(),
                              .threads = run.threads,
                              .stopped = run.stopped,
                              .progress = run.progress},
                             [&](size_t i) {
                               if (auto one = look(i); one.ok()) answers[i] = *std::move(one);
                             }));
  evaluate::DetectionSet set{.pictures = static_cast<uint32_t>(pictures.size()),
                             .categories = labels};
  for (size_t i = 0; i < pictures.size(); ++i) {
    if (answers[i].has_value()) Add(static_cast<uint32_t>(i), pictures[i], *answers[i], set);
  }
  return set;
}

}  // namespace bowerbird::train
