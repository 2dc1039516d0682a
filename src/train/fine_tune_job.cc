// SPDX-License-Identifier: Apache-2.0
#include "train/fine_tune_job.h"

#include <algorithm>
#include <array>
#include <stop_token>
#include <utility>

#include "base/status.h"
#include "train/fine_tune.h"
#include "train/network_library.h"
#include "train/sample_pictures.h"
#include "train/taps.h"

namespace bowerbird::train {
namespace {

constexpr std::array<int, 6> kSides{224, 192, 160, 128, 112, 96};
constexpr double kEpochs = 8;       // worth having before pictures get larger
constexpr double kMostEpochs = 40;  // more teach nothing
constexpr double kLearningRate = 5e-4;
constexpr double kLeastSeconds = 5;
constexpr int kTimedSteps = 3;

class FineTuner {
 public:
  FineTuner(FileSystem& files, const TrainJob& job, const Graft& graft, double seconds)
      : files_(files), job_(job), graft_(graft), seconds_(seconds) {}

  absl::StatusOr<FineTuned> Run() {
    if (job_.steps == 0 && seconds_ < kLeastSeconds)
      return absl::DeadlineExceededError("the budget has no time left for it");
    ASSIGN_OR_RETURN(engine_, LoadNetworkEngine());
    ASSIGN_OR_RETURN(base_, ReadFloatGraph(job_.base_path));
    ASSIGN_OR_RETURN(taps_, NamedTaps(base_.graph, base_.places, graft_.embedding.taps));
    for (const TrainingPicture& picture : graft_.set.pictures) {
      if (!picture.is_validation) training_.push_back(picture);
    }
    ASSIGN_OR_RETURN(const int side, ChooseSide());
    ASSIGN_OR_RETURN(const std::vector<ClassSample> samples, Samples(side, training_));
    ASSIGN_OR_RETURN(ClassifierGraph classifier, Classifier(side));
    ASSIGN_OR_RETURN(const TrainedClassifier trained,
                     FineTune(*engine_, std::move(classifier), samples, Options(samples.size())));
    FineTuned tuned;
    ASSIGN_OR_RETURN(tuned.model,
                     WriteClassifierFile(trained.classifier,
                                         {.name = job_.name.empty() ? "classifier" : job_.name,
                                          .description = "Trained by Bowerbird.",
                                          .labels = graft_.set.labels,
                                          .independent = independent(),
                                          .half_precision = true}));
    tuned.facts = {{"side", side},
                   {"steps", trained.loop.steps_taken},
                   {"epochs", trained.loop.steps_taken * Batch(samples.size()) /
                                  static_cast<double>(samples.size())},
                   {"loss", trained.loop.loss},
                   {"milliseconds_per_step", trained.loop.milliseconds_per_step},
                   {"times_backed_off", trained.loop.times_backed_off},
                   {"engine", engine_->Name()}};
    tuned.loss = std::move(loss_);
    return tuned;
  }

 private:
  bool independent() const { return job_.data.task == Task::kMultiLabel; }
  static int Batch(size_t samples) {
    return std::clamp(static_cast<int>(samples), 1, FineTuneOptions().batch);
  }

  absl::StatusOr<ClassifierGraph> Classifier(int side) const {
    FloatGraph base = base_;
    RETURN_IF_ERROR(SetInputSize(base.graph, {side, side}));
    return AddClassifier(std::move(base), taps_,
                         {.labels = static_cast<int>(graft_.set.labels.size()),
                          .weights = graft_.head.weights,
                          .bias = graft_.head.bias,
                          .seed = job_.data.seed});
  }

  absl::StatusOr<std::vector<ClassSample>> Samples(
      int side, const std::vector<TrainingPicture>& pictures) const {
    std::vector<annotation::Problem> known;  // the graft has told of them
    ASSIGN_OR_RETURN(SamplePictures read, ReadSamplePictures(files_, job_, graft_.set.root,
                                                             pictures, {side, side}, known));
    std::vector<ClassSample> samples;
    for (size_t i = 0; i < read.pictures.size(); ++i) {
      ClassSample& sample = samples.emplace_back();
      sample.picture = std::move(read.pictures[i]);
      sample.targets.assign(graft_.set.labels.size(), 0);
      for (const uint32_t label : pictures[read.from[i]].truth) sample.targets[label] = 1;
    }
    return samples;
  }

  FineTuneOptions Options(size_t samples) {
    FineTuneOptions options;
    options.independent = independent();
    options.seed = job_.data.seed;
    options.batch = Batch(samples);
    options.loop.learning_rate = kLearningRate;
    options.loop.steps = job_.steps;
    options.loop.budget_seconds = seconds_;
    options.loop.most_steps =
        static_cast<int>(kMostEpochs * static_cast<double>(samples) / options.batch) + 1;
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

  // The largest that the budget has time for, by some steps on the smallest: their time grows with
  // the number of pixels.
  absl::StatusOr<int> ChooseSide() {
    if (job_.side > 0) return job_.side;
    const int most = std::min(base_.input_size().width, kSides.front());
    const int least = std::min(most, kSides.back());
    std::vector<TrainingPicture> some(
        training_.begin(),
        training_.begin() + std::min<ptrdiff_t>(std::ssize(training_), FineTuneOptions().batch));
    ASSIGN_OR_RETURN(const std::vector<ClassSample> samples, Samples(least, some));
    ASSIGN_OR_RETURN(ClassifierGraph classifier, Classifier(least));
    FineTuneOptions options = Options(samples.size());
    options.loop.steps = kTimedSteps;
    options.loop.progress = {};
    ASSIGN_OR_RETURN(const TrainedClassifier timed,
                     FineTune(*engine_, std::move(classifier), samples, options));
    const double seconds_per_picture =
        timed.loop.milliseconds_per_step / 1000 / static_cast<double>(options.batch);
    for (const int side : kSides) {
      const double pixels = static_cast<double>(side) * side / (static_cast<double>(least) * least);
      const double epoch = seconds_per_picture * pixels * static_cast<double>(training_.size());
      if (side <= most && kEpochs * epoch <= seconds_) return side;
    }
    return least;
  }

  FileSystem& files_;
  const TrainJob& job_;
  const Graft& graft_;
  const double seconds_;
  NetworkEngine* engine_ = nullptr;
  FloatGraph base_;
  std::vector<int32_t> taps_;
  std::vector<TrainingPicture> training_;
  std::vector<std::pair<double, double>> loss_;
  std::stop_source stop_;
};

}  // namespace

absl::StatusOr<FineTuned> FineTuneGraft(FileSystem& files, const TrainJob& job, const Graft& graft,
                                        double seconds) {
  return FineTuner(files, job, graft, seconds).Run();
}

}  // namespace bowerbird::train
