// SPDX-License-Identifier: Apache-2.0
//
// From a folder of labelled pictures to a model: what is asked of the trainer and what comes of it.
//
// What must hold: the same pictures, base and options give the same bytes of the model, with and
// without a cache; of classifiers with any number of threads. Where a budget of time decides, the
// number of steps that it came to is in the report, and given again gives the same bytes again.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "nlohmann/json.hpp"
#include "train/feature_file.h"
#include "train/graft.h"
#include "train/training_set.h"

namespace bowerbird::train {

struct TrainJob {
  TrainingSetOptions data;
  EmbeddingOptions embedding;
  std::string base_path;  // "": there is none, the network starts from random weights
  std::string work;       // a folder that exists, for files on the way; the caller removes it
  std::string cache{};    // a folder for features; "": none
  std::string name{};     // in the file; "": what the task is called
  int threads = 1;
  // Of processor time, for all of the job. 0: only the head of a classifier is trained, a detector
  // for kDetectorSeconds, a classifier without a base for kScratchSeconds.
  double budget_seconds = 0;
  // Of networks that are trained: 0 = as the budget has time for. A detector has its base's size,
  // kScratchDetectorSide without one.
  int steps = 0;
  int side = 0;   // of the square pictures that a classifier sees, or any network without a base
  int depth = 0;  // of the first maps of a classifier without a base
  bool int8 = false;  // the best file is quantised, and that kept where it loses little
  // Asked often. Once true, what is there is finished: without anything learnt there is no model.
  std::function<bool()> stopped{};
  // {"phase": "features", "done": 10, "total": 200} and such (docs/formats/trainer.md); from any
  // thread, one at a time.
  std::function<void(const nlohmann::ordered_json&)> progress{};

  bool IsStopped() const { return stopped && stopped(); }
  void Tell(const nlohmann::ordered_json& line) const {
    if (progress) progress(line);
  }
  // Tells how many of `total` are done; for PictureRun and such. The job must outlive it.
  std::function<void(size_t)> Counter(const char* phase, size_t total) const {
    return [this, phase, total](size_t done) {
      Tell({{"phase", phase}, {"done", done}, {"total", total}});
    };
  }
};

// Enough for the photos of one thing; more is better, slowly (docs/training.md).
inline constexpr double kDetectorSeconds = 55;
inline constexpr int kScratchDetectorSide = 192;

struct TrainedModel {
  std::string model;  // the bytes of the file
  std::vector<std::string> labels;
  nlohmann::ordered_json report;
  std::string page;                // the report as HTML
  KnownFeatures known_features{};  // of pictures, where the training computed them
  std::string features{};          // the bytes of features.bin; "": there are none
};

// FAILED_PRECONDITION: data or base are not fit for it, says why. UNAVAILABLE: libtorch is needed
// and not there. CANCELLED: stopped before there was a model.
absl::StatusOr<TrainedModel> Train(FileSystem& files, const TrainJob& job);

// The pictures of a job. Tells what was merged, left out or is few.
absl::StatusOr<TrainingSet> ReadPictures(FileSystem& files, const TrainJob& job);

// What every report begins and ends with.
absl::StatusOr<nlohmann::ordered_json> DescribeBase(FileSystem& files, const TrainJob& job);
void DescribeData(const TrainJob& job, const TrainingSet& set, nlohmann::ordered_json& report);
// `row` is the candidate's that was kept; see CostOfCandidate.
void DescribeModel(const nlohmann::ordered_json& row, TrainedModel& trained);

// What a candidate's file costs on this machine with one thread, for its row: "invoke_ms" (p50) and
// "memory_mb"; nothing where it cannot be measured.
nlohmann::ordered_json CostOfCandidate(const std::string& model_path);

// Writes model.tflite, labels.txt, report.json, report.html and, where there are any, features.bin
// into a new folder beside `out` and renames it: `out` is whole or not there. ALREADY_EXISTS: it is
// there, and not empty.
absl::Status WriteTrained(FileSystem& files, const std::string& out, const TrainedModel& trained);

}  // namespace bowerbird::train
