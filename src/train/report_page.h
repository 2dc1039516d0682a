// SPDX-License-Identifier: Apache-2.0
//
// report.html of a job: the report with curves and the pictures that the model gets most wrong.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "evaluate/detection_set.h"
#include "evaluate/html_report.h"
#include "evaluate/mistakes.h"
#include "train/job.h"

namespace bowerbird::train {

// Pictures of mistakes in a page.
inline constexpr size_t kMostMistakes = 18;
// From which score on a detection counts as one there.
inline constexpr double kShownScore = 0.4;

struct PageInput {
  std::vector<evaluate::LabelCurve> curves{};
  std::vector<std::pair<double, double>> loss{};  // step, loss
  std::vector<evaluate::Mistake> mistakes{};      // worst first
  std::string root{};                             // of the pictures
  std::vector<std::string> paths{};               // by number of the picture
  // Of a detector: what is drawn, truth in green, detections in orange; pixels of each picture.
  const evaluate::DetectionSet* boxes = nullptr;
};

// Puts the mistakes into trained.report ("mistakes": "picture", "what"; what cannot be decoded any
// more is told without its picture) and makes trained.page.
void MakePage(FileSystem& files, const TrainJob& job, const PageInput& input,
              TrainedModel& trained);

}  // namespace bowerbird::train
