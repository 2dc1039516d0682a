// SPDX-License-Identifier: Apache-2.0
#include "train/detection_job.h"

#include <algorithm>
#include <stop_token>
#include <utility>

#include "base/status.h"
#include "evaluate/report.h"
#include "train/detect.h"
#include "train/detector_file.h"
#include "train/detector_score.h"
#include "train/int8_job.h"
#include "train/network_library.h"
#include "train/processor_time.h"
#include "train/report_page.h"
#include "train/sample_pictures.h"
#include "train/scratch_graph.h"

namespace bowerbird::train {
namespace {

using nlohmann::ordered_json;

// What is left of the budget for the file and its score: so much, and so much a picture.
constexpr double kRestSeconds = 2;
constexpr double kScoreSeconds = 0.05;
constexpr int kLeastSteps = 20;
// With so much time, and so much for each picture, smaller steps and one stage of the backbone more
// come further: 160 raccoons from a COCO SSD in 180 s gain 1.5 points of average precision, while
// 292 pictures of blood cells are seen too few times and lose 0.8 (docs/training.md).
constexpr double kLongSeconds = 120;
constexpr double kLongSecondsOfPicture = 1;
constexpr int kLongStride = 8;
constexpr double kLongRate = 3e-4;
// Without a base: maps down to a 32nd of the picture, which is what heads are put on.
constexpr int kScratchDepth = 16;
constexpr int kScratchHalvings = 5;
constexpr double kScratchRate = 2e-3;

class DetectionTrainer {
 public:
  DetectionTrainer(FileSystem& files, const TrainJob& job) : files_(files), job_(job) {}

  absl::StatusOr<TrainedModel> Train() {
    ASSIGN_OR_RETURN(NetworkEngine* const engine, LoadNetworkEngine());
    ASSIGN_OR_RETURN(set_, ReadPictures(files_, job_));
    ASSIGN_OR_RETURN(const FloatGraph base, Base());
    RETURN_IF_ERROR(ReadSamples(base.input_size()));
    ASSIGN_OR_RETURN(const TrainedDetector detector,
                     TrainDetector(*engine, base, samples_, Options()));
    ASSIGN_OR_RETURN(
        std::string model,
        WriteDetectorFile(detector.detector, {.name = job_.name.empty() ? "detector" : job_.name,
                                              .description = "Trained by Bowerbird.",
                                              .labels = set_.labels}));
    ASSIGN_OR_RETURN(Candidate best, Score("fine-tune", std::move(model)));
    ordered_json candidates{best.row};
    if (job_.int8 && !job_.IsStopped()) RETURN_IF_ERROR(Shrink(best, candidates));
    TrainedModel trained;
    trained.labels = set_.labels;
    trained.model = std::move(best.model);
    RETURN_IF_ERROR(Describe(*engine, detector, best, trained));
    if (job_.int8) trained.report["candidates"] = std::move(candidates);
    return trained;
  }

 private:
  bool from_scratch() const { return job_.base_path.empty(); }

  absl::StatusOr<FloatGraph> Base() const {
    if (!from_scratch()) return ReadFloatGraph(job_.base_path);
    return BuildScratchGraph({.side = job_.side > 0 ? job_.side : kScratchDetectorSide,
                              .depth = kScratchDepth,
                              .halvings = kScratchHalvings,
                              .seed = job_.data.seed});
  }

  // The pictures of the training side, at the size that the network sees.
  absl::Status ReadSamples(image::Size size) {
    std::vector<TrainingPicture> training;
    for (TrainingPicture& picture : set_.pictures)
      (picture.is_validation ? validation_ : training).push_back(picture);
    ASSIGN_OR_RETURN(SamplePictures read,
                     ReadSamplePictures(files_, job_, set_.root, training, size, set_.problems));
    for (size_t i = 0; i < read.pictures.size(); ++i)
      samples_.push_back({std::move(read.pictures[i]), training[read.from[i]].boxes});
    return absl::OkStatus();
  }

  DetectorOptions Options() {
    DetectorOptions options;
    options.labels = static_cast<int>(set_.labels.size());
    options.seed = job_.data.seed;
    options.batch = std::clamp(static_cast<int>(samples_.size()), 1, options.batch);
    if (from_scratch()) {
      options.normalize = true;
      options.first_trained_operator = 0;
      options.loop.learning_rate = kScratchRate;
    }
    options.loop.steps = job_.steps;
    const double budget = job_.budget_seconds > 0 ? job_.budget_seconds : kDetectorSeconds;
    if (!from_scratch() && budget >= kLongSeconds &&
        budget >= kLongSecondsOfPicture * static_cast<double>(samples_.size())) {
      options.trained_stride = kLongStride;
      options.loop.learning_rate = kLongRate;
    }
    options.loop.budget_seconds =
        std::max(budget - ProcessorSeconds() - kRestSeconds -
                     kScoreSeconds * static_cast<double>(validation_.size()),
                 budget / 4);
    options.loop.least_steps = kLeastSteps;
    options.loop.stop = stop_.get_token();
    options.loop.progress = [this](const TrainingProgress& progress) {
      if (job_.IsStopped()) stop_.request_stop();
      loss_.emplace_back(progress.step, progress.loss);
      job_.Tell({{"phase", "train"},
                 {"done", progress.step},
                 {"total", progress.steps},
                 {"loss", progress.loss},
                 {"seconds_left",
                  (progress.steps - progress.step) * progress.milliseconds_per_step / 1000}});
    };
    return options;
  }

  // A file with what it finds in the pictures of the validation side.
  struct Candidate {
    std::string model;
    evaluate::DetectionSet found;
    ordered_json row;
    double ap50 = -1;  // nothing to score it with
  };

  absl::StatusOr<Candidate> Score(const std::string& way, std::string model) {
    Candidate candidate;
    candidate.model = std::move(model);
    const std::string path = job_.work + "/" + way + ".tflite";
    RETURN_IF_ERROR(WriteFileDurably(files_, path, candidate.model));
    PictureRun run{.model_path = path, .root = set_.root, .paths = {}};
    run.threads = job_.threads;
    run.progress = job_.Counter("validation", validation_.size());
    ASSIGN_OR_RETURN(candidate.found, ScoreDetector(files_, run, validation_, set_.labels));
    candidate.row = {{"path", way}, {"ap50", nullptr}, {"bytes", candidate.model.size()}};
    if (candidate.found.pictures > 0) {
      const ordered_json scores = evaluate::DetectionReport(candidate.found);
      if (scores["ap50"].is_number()) candidate.ap50 = scores["ap50"];
      candidate.row["ap50"] = scores["ap50"];
    }
    candidate.row.update(CostOfCandidate(path));
    return candidate;
  }

  // Makes `best` the best of the smaller files that lose little, if any does.
  absl::Status Shrink(Candidate& best, ordered_json& candidates) {
    std::vector<std::string> training;
    for (const TrainingPicture& picture : set_.pictures) {
      if (!picture.is_validation) training.push_back(picture.path);
    }
    ASSIGN_OR_RETURN(std::vector<SmallFile> files,
                     MakeSmaller(files_, job_, {set_.root, training, best.model}, candidates));
    const double full = best.ap50;
    bool found = false;
    for (SmallFile& file : files) {
      // Half precision is for where int8 lost too much.
      if (file.is_half && found) break;
      ASSIGN_OR_RETURN(Candidate small, Score(file.path, std::move(file.model)));
      small.row.update(file.facts);
      const bool good = small.ap50 >= full - kMostLost / 100;
      if (!good) small.row["skipped"] = "it loses more than a point";
      candidates.push_back(small.row);
      if (!good || (found && small.ap50 <= best.ap50)) continue;
      best = std::move(small);
      found = true;
    }
    return absl::OkStatus();
  }

  absl::Status Describe(const NetworkEngine& engine, const TrainedDetector& detector,
                        const Candidate& best, TrainedModel& trained) {
    const evaluate::DetectionSet& found = best.found;
    ordered_json& report = trained.report;
    report["path"] = best.row["path"];
    report["type"] = TaskName(job_.data.task);
    report["labels"] = set_.labels;
    if (found.pictures > 0) report.update(evaluate::DetectionReport(found));
    report["split"] = {{"training", samples_.size()}, {"validation", validation_.size()}};
    ASSIGN_OR_RETURN(report["base"], DescribeBase(files_, job_));
    const image::Size size = detector.detector.base.input_size();
    report["base"].update(
        {{"width", size.width}, {"height", size.height}, {"old_columns", detector.old_columns}});
    report["training"] = {{"engine", engine.Name()},
                          {"steps", detector.loop.steps_taken},
                          {"planned_steps", detector.loop.steps},
                          {"loss", detector.loop.loss},
                          {"milliseconds_per_step", detector.loop.milliseconds_per_step},
                          {"times_backed_off", detector.loop.times_backed_off}};
    DescribeData(job_, set_, report);
    DescribeModel(best.row, trained);
    PageInput page{.curves = evaluate::CurvesOf(found),
                   .loss = loss_,
                   .mistakes = evaluate::WorstMistakes(found, kShownScore, kMostMistakes),
                   .root = set_.root,
                   .boxes = &found};
    for (const TrainingPicture& picture : validation_) page.paths.push_back(picture.path);
    MakePage(files_, job_, page, trained);
    return absl::OkStatus();
  }

  FileSystem& files_;
  const TrainJob& job_;
  TrainingSet set_;
  std::vector<TrainingPicture> validation_;
  std::vector<DetectionSample> samples_;
  std::vector<std::pair<double, double>> loss_;  // step, loss
  std::stop_source stop_;
};

}  // namespace

absl::StatusOr<TrainedModel> TrainDetection(FileSystem& files, const TrainJob& job) {
  return DetectionTrainer(files, job).Train();
}

}  // namespace bowerbird::train
