// SPDX-License-Identifier: Apache-2.0
//
// The options that `detect` and `classify` share: which model, prepared how.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "app/probe_command.h"
#include "infer/tflite_model.h"
#include "vision/model_finder.h"

namespace CLI {
class App;
}

namespace bowerbird::app {

struct FinderFlags {
  std::string model;
  std::string labels;
  double min_confidence = 0;
  int top = 0;
  std::string draw;
  std::string resize;
  std::string filter;
  std::string decoder = "auto";
  double nms_iou = 0;  // 0: not given
  std::vector<int> box_order;
  std::vector<float> mean, std;
  bool bgr = false;
  std::vector<std::string> outputs;  // NAME=ROLE
  int threads = 1;
  int64_t every = 1;
  double hop_seconds = 0;  // of sound; 0: windows follow each other
  std::vector<std::string> files;
};

// Which model, and how pictures are prepared for it. `flags` must outlive `command`.
void AddModelFlags(CLI::App& command, FinderFlags& flags);
// These and what there is to look at and to draw.
void AddFinderFlags(CLI::App& command, FinderFlags& flags);
// Those that only make sense for boxes.
void AddBoxFlags(CLI::App& command, FinderFlags& flags);

vision::ModelFinderOptions ToOptions(const FinderFlags& flags);

// A finder with the model it needs.
struct LoadedFinder {
  KnownModels known;  // before the model, which asks it about new shapes
  std::unique_ptr<infer::TfliteModel> model;
  std::unique_ptr<vision::ModelFinder> finder;  // after the model: destroyed first
};
// Without a finder.
absl::StatusOr<LoadedFinder> LoadModel(const FinderFlags& flags);
absl::Status AddFinder(const FinderFlags& flags, LoadedFinder& loaded);
// Both.
absl::StatusOr<LoadedFinder> LoadFinder(const FinderFlags& flags);

}  // namespace bowerbird::app
