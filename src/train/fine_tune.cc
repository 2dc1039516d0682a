// SPDX-License-Identifier: Apache-2.0
#include "train/fine_tune.h"

#include <algorithm>
#include <numeric>

#include "base/status.h"
#include "train/detector_graph.h"
#include "train/scratch_graph.h"

namespace bowerbird::train {
namespace {

class ClassBatches {
 public:
  ClassBatches(const ClassifierGraph& classifier, const std::vector<ClassSample>& samples,
               const FineTuneOptions& options)
      : classifier_(classifier), samples_(samples), options_(options), random_(options.seed) {
    const image::Size size = classifier.base.input_size();
    const auto batch = static_cast<size_t>(options.batch);
    elements_ = static_cast<size_t>(size.width) * static_cast<size_t>(size.height) * 3;
    input_.resize(batch * elements_);
    targets_.resize(batch * static_cast<size_t>(classifier.labels));
    order_.resize(samples.size());
    std::iota(order_.begin(), order_.end(), size_t{0});
    next_ = order_.size();
  }

  Batch Next() {
    for (size_t i = 0; i < static_cast<size_t>(options_.batch); ++i) Fill(i, NextSample());
    return {.size = options_.batch, .input = input_, .class_targets = targets_};
  }

 private:
  const ClassSample& NextSample() {
    if (next_ == order_.size()) {
      random_.Shuffle(order_);
      next_ = 0;
    }
    return samples_[order_[next_++]];
  }

  void Fill(size_t place, const ClassSample& sample) {
    FillInput(sample.picture, RandomView(options_.augment, random_), classifier_.base.input_size(),
              classifier_.base.scaling, std::span(input_).subspan(place * elements_, elements_));
    const size_t labels = sample.targets.size();
    const auto smoothing = static_cast<float>(options_.independent ? 0 : options_.label_smoothing);
    for (size_t i = 0; i < labels; ++i) {
      targets_[place * labels + i] =
          sample.targets[i] < 0
              ? sample.targets[i]
              : sample.targets[i] * (1 - smoothing) + smoothing / static_cast<float>(labels);
    }
  }

  const ClassifierGraph& classifier_;
  const std::vector<ClassSample>& samples_;
  const FineTuneOptions& options_;
  Random random_;
  size_t elements_ = 0;
  std::vector<float> input_, targets_;
  std::vector<size_t> order_;
  size_t next_ = 0;
};

absl::Status CheckSamples(const std::vector<ClassSample>& samples, int labels, bool independent) {
  if (samples.empty()) return InvalidArgument("there is no picture to learn from");
  for (const ClassSample& sample : samples) {
    if (sample.picture.empty() || sample.picture.format() != image::PixelFormat::kRgb8)
      return InvalidArgument("a training picture is empty or not in colour");
    if (sample.targets.size() != static_cast<size_t>(labels))
      return InvalidArgument("a picture has targets for " + std::to_string(sample.targets.size()) +
                             " labels of " + std::to_string(labels));
    if (!independent && std::ranges::any_of(sample.targets, [](float t) { return t < 0; }))
      return InvalidArgument("of labels that exclude each other all are known, or none");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TrainedClassifier> FineTune(NetworkEngine& engine, ClassifierGraph classifier,
                                           const std::vector<ClassSample>& samples,
                                           const FineTuneOptions& options) {
  RETURN_IF_ERROR(CheckSamples(samples, classifier.labels, options.independent));
  const tflite::Graph graph = classifier.base.graph;
  NetworkOptions network_options{
      .loss = options.independent ? LossKind::kSigmoid : LossKind::kSoftmax,
      .learning_rates = RatesFrom(graph, options.first_trained_operator),
      .weight_decay = options.weight_decay,
      .average_decay = options.average_decay,
      .threads = options.threads};
  if (options.normalize) network_options.normalized = ConvolutionsToNormalize(graph);
  network_options.learning_rates[classifier.head_operator] = options.head_rate;
  ASSIGN_OR_RETURN(const std::unique_ptr<Network> network, engine.Create(graph, network_options));
  ClassBatches batches(classifier, samples, options);
  const BatchSource source = [&](int) -> absl::StatusOr<Batch> { return batches.Next(); };
  TrainedClassifier trained;
  ASSIGN_OR_RETURN(trained.loop, RunTrainingLoop(*network, graph, source, options.loop));
  classifier.base.graph = std::exchange(trained.loop.graph, {});
  trained.classifier = std::move(classifier);
  return trained;
}

}  // namespace bowerbird::train
