// SPDX-License-Identifier: Apache-2.0
#include "train/scratch_job.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <stop_token>
#include <utility>

#include "base/status.h"
#include "image/picture.h"
#include "train/fine_tune.h"
#include "train/in_parallel.h"
#include "train/network_library.h"
#include "train/processor_time.h"
#include "train/sample_pictures.h"
#include "train/scratch_graph.h"

namespace bowerbird::train {
namespace {

// Of the square that the network sees. Above, pictures cost more than they tell a small network.
constexpr int kLeastSide = 28;
constexpr int kMostSide = 96;
constexpr int kSideStep = 4;
constexpr size_t kMostMeasured = 100;  // pictures whose size is looked at
// What the network may look like, best first: shares of that side, and depths of its first maps.
// Work grows with the pixels and about with the power kDepthPower of the depth.
struct Shape {
  double share;
  int depth;
};
constexpr std::array<Shape, 13> kShapes{{{1, 48},
                                         {1, 32},
                                         {1, 24},
                                         {0.67, 32},
                                         {0.67, 24},
                                         {0.5, 32},
                                         {0.5, 24},
                                         {0.5, 16},
                                         {0.5, 12},
                                         {0.34, 16},
                                         {0.34, 12},
                                         {0.34, 8},
                                         {0.34, 6}}};
constexpr double kDepthPower = 1.6;
constexpr int kTimedDepth = 16;
constexpr int kTimedSteps = 6;
// What a network of some size is worth nothing without: so many looks at each picture, and so many
// steps.
constexpr double kEpochs = 8;
constexpr double kLeastSteps = 1500;
constexpr double kMostEpochs = 120;  // more teach nothing
// Who has few looks at a picture learns more from it as it is (docs/training.md): pictures are
// changed as much as kScratchAugment says from so many on, and in proportion less below.
constexpr double kEpochsToAugment = 30;
constexpr double kLearningRate = 3e-3;
constexpr double kWeightDecay = 0.02;
constexpr int kWarmUp = 40;
constexpr size_t kManyPictures = 1000;  // above, steps are of more pictures
constexpr int kFewBatch = 16, kManyBatch = 32;
// What small pictures of whole things look like: they fill them, and are few pixels.
constexpr AugmentOptions kScratchAugment{.least_view = 0.75,
                                         .most_view = 1.1,
                                         .aspect = 1.1,
                                         .rotation = 10,
                                         .mirror = true,
                                         .gain = 0.2,
                                         .color_gain = 0.05,
                                         .bias = 0.05};
// For the file, and for its score beside reading the pictures: so much of each.
constexpr double kRestSeconds = 1.5, kScoreSeconds = 0.001;

AugmentOptions Weakened(double strength, bool mirror) {
  AugmentOptions augment = kScratchAugment;
  augment.least_view = 1 - strength * (1 - augment.least_view);
  augment.most_view = 1 + strength * (augment.most_view - 1);
  augment.aspect = 1 + strength * (augment.aspect - 1);
  augment.rotation *= strength;
  augment.gain *= strength;
  augment.color_gain *= strength;
  augment.bias *= strength;
  augment.mirror = mirror;
  return augment;
}

bool IsGray(const image::Image& picture) {
  for (int y = 0; y < picture.height(); ++y) {
    const uint8_t* const row = picture.row(y);
    for (int x = 0; x < 3 * picture.width(); x += 3) {
      if (row[x] != row[x + 1] || row[x] != row[x + 2]) return false;
    }
  }
  return true;
}

class ScratchTrainer {
 public:
  ScratchTrainer(FileSystem& files, const TrainJob& job) : files_(files), job_(job) {}

  absl::StatusOr<FromScratch> Run() {
    ASSIGN_OR_RETURN(engine_, LoadNetworkEngine());
    ASSIGN_OR_RETURN(set_, ReadPictures(files_, job_));
    for (const TrainingPicture& picture : set_.pictures)
      ++(picture.is_validation ? validation_ : training_);
    RETURN_IF_ERROR(ChooseShape());
    RETURN_IF_ERROR(ReadSamples());
    RETURN_IF_ERROR(ChooseSteps());
    ASSIGN_OR_RETURN(const TrainedClassifier trained,
                     FineTune(*engine_, Network(), samples_, Options(steps_)));
    FromScratch made;
    ASSIGN_OR_RETURN(made.tuned.model,
                     WriteClassifierFile(trained.classifier,
                                         {.name = job_.name.empty() ? "classifier" : job_.name,
                                          .description = "Trained by Bowerbird from scratch.",
                                          .labels = set_.labels,
                                          .independent = independent(),
                                          .half_precision = true}));
    made.tuned.facts = {{"side", side_},
                        {"depth", depth_},
                        {"gray", gray_},
                        {"steps", trained.loop.steps_taken},
                        {"epochs", EpochsOf(trained.loop.steps_taken)},
                        {"loss", trained.loop.loss},
                        {"milliseconds_per_step", trained.loop.milliseconds_per_step},
                        {"times_backed_off", trained.loop.times_backed_off},
                        {"engine", engine_->Name()}};
    made.tuned.loss = std::move(loss_);
    made.set = std::move(set_);
    return made;
  }

 private:
  bool independent() const { return job_.data.task == Task::kMultiLabel; }
  int Batch() const {
    return std::clamp(static_cast<int>(training_), 1,
                      training_ > kManyPictures ? kManyBatch : kFewBatch);
  }
  double EpochsOf(int steps) const { return steps * Batch() / static_cast<double>(training_); }

  // The middle one of the pictures' own sizes.
  int OwnSide() const {
    std::vector<int> sides;
    const size_t step = std::max<size_t>(1, set_.pictures.size() / kMostMeasured);
    for (size_t i = 0; i < set_.pictures.size(); i += step) {
      const auto picture = ReadPicture(files_, set_.root + "/" + set_.pictures[i].path);
      if (!picture.ok()) continue;
      const auto header = (*picture)->header();
      if (!header.ok()) continue;
      const double pixels = static_cast<double>(header->size.width) * header->size.height;
      sides.push_back(static_cast<int>(std::lround(std::sqrt(pixels))));
    }
    if (sides.empty()) return kLeastSide;  // reading them will say why
    std::ranges::nth_element(sides, sides.begin() + std::ssize(sides) / 2);
    return std::clamp(sides[sides.size() / 2] / kSideStep * kSideStep, kLeastSide, kMostSide);
  }

  // Side and depth: the best that the budget has time for, by some steps of one of them.
  absl::Status ChooseShape() {
    side_ = job_.side > 0 ? job_.side : OwnSide();
    depth_ = job_.depth > 0 ? job_.depth : kTimedDepth;
    // Who says the steps wants nothing to depend on time.
    if (job_.steps > 0 || (job_.side > 0 && job_.depth > 0)) return absl::OkStatus();
    ASSIGN_OR_RETURN(const double timed, SecondsPerPicture());
    const double looks = std::max(kEpochs * static_cast<double>(training_), kLeastSteps * Batch());
    const int own_side = side_, timed_depth = depth_;
    for (const Shape& shape : kShapes) {
      if (job_.side == 0)
        side_ =
            std::max(kLeastSide, static_cast<int>(own_side * shape.share) / kSideStep * kSideStep);
      if (job_.depth == 0) depth_ = shape.depth;
      const double pixels = static_cast<double>(side_) / own_side;
      const double work =
          pixels * pixels * std::pow(static_cast<double>(depth_) / timed_depth, kDepthPower);
      if (looks * timed * work <= SecondsLeft()) break;
    }
    return absl::OkStatus();
  }

  // For the number of steps nothing is chosen by time but here, so that it gives the same again.
  absl::Status ChooseSteps() {
    steps_ = job_.steps;
    if (steps_ > 0) return absl::OkStatus();
    ASSIGN_OR_RETURN(const double seconds, SecondsPerPicture());
    const double most = kMostEpochs * static_cast<double>(training_) / Batch();
    steps_ = static_cast<int>(std::clamp(SecondsLeft() / (seconds * Batch()), 10.0, most + 10));
    return absl::OkStatus();
  }

  // By steps over pictures without anything on them.
  absl::StatusOr<double> SecondsPerPicture() {
    std::vector<ClassSample> blank(static_cast<size_t>(Batch()));
    for (ClassSample& sample : blank) {
      sample.picture = image::Image(side_, side_, image::PixelFormat::kRgb8);
      sample.targets.assign(set_.labels.size(), 0);
      sample.targets[0] = 1;
    }
    FineTuneOptions options = Options(kTimedSteps);
    options.loop.progress = {};
    ASSIGN_OR_RETURN(const TrainedClassifier timed, FineTune(*engine_, Network(), blank, options));
    return timed.loop.milliseconds_per_step / 1000 / options.batch;
  }

  // Pictures of either side that cannot be read leave the set.
  absl::Status ReadSamples() {
    const double before = ProcessorSeconds();
    ASSIGN_OR_RETURN(SamplePictures read, ReadSamplePictures(files_, job_, set_.root, set_.pictures,
                                                             {side_, side_}, set_.problems));
    std::vector<TrainingPicture> usable;
    std::vector<bool> seen(set_.labels.size());
    gray_ = std::ranges::all_of(read.pictures, IsGray);
    for (size_t i = 0; i < read.pictures.size(); ++i) {
      TrainingPicture& picture = set_.pictures[read.from[i]];
      if (!picture.is_validation) {
        ClassSample& sample = samples_.emplace_back();
        sample.picture = std::move(read.pictures[i]);
        sample.targets.assign(set_.labels.size(), 0);
        for (const uint32_t label : picture.truth) {
          sample.targets[label] = 1;
          seen[label] = true;
        }
      }
      usable.push_back(std::move(picture));
    }
    set_.pictures = std::move(usable);
    training_ = samples_.size();
    validation_ = set_.pictures.size() - training_;
    seconds_per_read_ = (ProcessorSeconds() - before) / static_cast<double>(read.pictures.size());
    const auto unseen = std::ranges::find(seen, false);
    if (unseen == seen.end()) return absl::OkStatus();
    return FailedPrecondition("no picture of '" +
                              set_.labels[static_cast<size_t>(unseen - seen.begin())] +
                              "' is left to train on: add some, or take the label away");
  }

  ClassifierGraph Network() const {
    FloatGraph base = BuildScratchGraph({.side = side_, .depth = depth_, .seed = job_.data.seed});
    const std::vector<int32_t> taps = base.main().outputs;
    // The map is the graph's own, so that this cannot fail.
    return *AddClassifier(
        std::move(base), taps,
        {.labels = static_cast<int>(set_.labels.size()), .seed = job_.data.seed + 1});
  }

  double SecondsLeft() const {
    const double all = job_.budget_seconds > 0 ? job_.budget_seconds : kScratchSeconds;
    const double score = (kScoreSeconds + seconds_per_read_) * static_cast<double>(validation_);
    return std::max(all - ProcessorSeconds() - kRestSeconds - score, all / 4);
  }

  FineTuneOptions Options(int steps) {
    FineTuneOptions options;
    options.independent = independent();
    options.normalize = true;
    options.seed = job_.data.seed;
    options.batch = Batch();
    options.weight_decay = kWeightDecay;
    // Gray pictures are drawings and characters more often than not, which mirrored are others.
    options.augment = Weakened(std::min(1.0, EpochsOf(steps) / kEpochsToAugment), !gray_);
    options.loop.learning_rate = kLearningRate;
    options.loop.warm_up = std::min(kWarmUp, steps / 5 + 1);
    options.loop.steps = steps;
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

  FileSystem& files_;
  const TrainJob& job_;
  NetworkEngine* engine_ = nullptr;
  TrainingSet set_;
  size_t training_ = 0, validation_ = 0;  // pictures
  int side_ = 0, depth_ = 0, steps_ = 0;
  std::vector<ClassSample> samples_;
  bool gray_ = false;
  double seconds_per_read_ = 0;
  std::vector<std::pair<double, double>> loss_;
  std::stop_source stop_;
};

}  // namespace

absl::StatusOr<FromScratch> TrainFromScratch(FileSystem& files, const TrainJob& job) {
  return ScratchTrainer(files, job).Run();
}

}  // namespace bowerbird::train
