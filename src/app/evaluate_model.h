// SPDX-License-Identifier: Apache-2.0
//
// A model run over a labelled folder, beside what the labels say.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "annotation/problem.h"
#include "evaluate/classification.h"
#include "evaluate/detection_set.h"
#include "vision/finder.h"

namespace bowerbird::app {

struct LabelledFolder {
  std::string directory;
  std::string format = "auto";  // a name of annotation::Formats(), or "auto"
  std::string pictures{};       // see annotation::ReaderOptions
  std::string split{};          // "train", "validation", "test"; "": all pictures
};

// What the model said, and what is so. Labels are told apart by their text, without regard to case.
struct ModelAnswers {
  // A folder with boxes and a detector; categories are the labels of the folder.
  std::optional<evaluate::DetectionSet> detections;
  // Else: labels are those of the folder, in the order of their text, then those of the model that
  // the folder has not.
  evaluate::ScoredPictures scored;
  std::vector<std::vector<uint32_t>> truth;  // the labels of each picture
  bool single = true;                        // every picture has exactly one

  uint64_t pictures = 0;
  std::string root;                           // of the pictures
  std::vector<std::string> paths;             // of each picture, relative to the root
  std::vector<double> call_ms, invoke_ms;     // of each picture: from its bytes to what is in it
  std::vector<std::string> unknown;           // labels of the folder that the model never names
  std::vector<annotation::Problem> problems;  // what was left out, and why
};

// FAILED_PRECONDITION where folder and model have no label in common, or the folder has no label
// of the kind that the model gives; CANCELLED after Ctrl-C. `model_labels`: all labels of the
// model, "" of those without; empty where nobody knows.
absl::StatusOr<ModelAnswers> AskModel(const vision::Finder& finder, const LabelledFolder& folder);

}  // namespace bowerbird::app
