// SPDX-License-Identifier: Apache-2.0
//
// The way from a folder of labelled pictures to a classifier: features of a frozen base model, a
// head fitted to them, the file, and what the file scores when it is run.
//
// What must hold: the same pictures, base and options give the same bytes of model and report,
// with any number of threads, with and without a cache.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"
#include "train/graft.h"
#include "train/training_set.h"

namespace bowerbird::train {

struct GraftJob {
  TrainingSetOptions data;
  EmbeddingOptions embedding;
  std::string base_path;
  std::string work;     // a folder that exists, for files on the way; the caller removes it
  std::string cache{};  // a folder for features; "": none
  std::string name = "classifier";
  int threads = 1;
  // Asked often. Once true, what is there is finished: without features there is no model.
  std::function<bool()> stopped{};
  // {"phase": "features", "done": 10, "total": 200} and such; from any thread, one at a time.
  std::function<void(const nlohmann::ordered_json&)> progress{};
};

struct TrainedClassifier {
  std::string model;  // the bytes of the file
  std::vector<std::string> labels;
  nlohmann::ordered_json report;
};

absl::StatusOr<TrainedClassifier> TrainGraft(FileSystem& files, const GraftJob& job);

// Writes model.tflite, labels.txt and report.json into a new folder beside `out` and renames it:
// `out` is whole or not there. ALREADY_EXISTS: it is there, and not empty.
absl::Status WriteTrained(FileSystem& files, const std::string& out,
                          const TrainedClassifier& trained);

}  // namespace bowerbird::train
