// SPDX-License-Identifier: Apache-2.0
#include "train/detect.h"

#include <algorithm>
#include <numeric>

#include "base/status.h"
#include "train/anchors.h"
#include "train/old_classes.h"
#include "train/scratch_graph.h"

namespace bowerbird::train {
namespace {

// Pictures in a new order in each epoch, seen in a new way each time.
class DetectionBatches {
 public:
  DetectionBatches(const DetectorGraph& detector, const std::vector<DetectionSample>& samples,
                   const DetectorOptions& options)
      : detector_(detector), samples_(samples), options_(options), random_(options.seed) {
    const auto batch = static_cast<size_t>(options.batch);
    const image::Size size = detector.base.input_size();
    elements_ = static_cast<size_t>(size.width) * static_cast<size_t>(size.height) * 3;
    input_.resize(batch * elements_);
    classes_.resize(batch * detector.anchors.size());
    codes_.resize(batch * detector.anchors.size() * 4);
    order_.resize(samples.size());
    std::iota(order_.begin(), order_.end(), size_t{0});
    next_ = order_.size();
  }

  Batch Next() {
    for (size_t i = 0; i < static_cast<size_t>(options_.batch); ++i) Fill(i, NextSample());
    return {.size = options_.batch,
            .input = input_,
            .anchor_classes = classes_,
            .anchor_boxes = codes_};
  }

 private:
  const DetectionSample& NextSample() {
    if (next_ == order_.size()) {
      random_.Shuffle(order_);
      next_ = 0;
    }
    return samples_[order_[next_++]];
  }

  void Fill(size_t place, const DetectionSample& sample) {
    const View view = RandomView(options_.augment, random_);
    std::vector<LabeledBox> boxes;
    for (const LabeledBox& box : sample.boxes) {
      if (const auto seen = Seen(box, view)) boxes.push_back(*seen);
    }
    FillInput(sample.picture, view, detector_.base.input_size(), detector_.base.scaling,
              std::span(input_).subspan(place * elements_, elements_));
    const size_t anchors = detector_.anchors.size();
    MatchAnchors(detector_.anchors, boxes, {},
                 std::span(classes_).subspan(place * anchors, anchors),
                 std::span(codes_).subspan(place * anchors * 4, anchors * 4));
  }

  const DetectorGraph& detector_;
  const std::vector<DetectionSample>& samples_;
  const DetectorOptions& options_;
  Random random_;
  size_t elements_ = 0;
  std::vector<float> input_, codes_;
  std::vector<int32_t> classes_;
  std::vector<size_t> order_;
  size_t next_ = 0;
};

absl::Status CheckSamples(const std::vector<DetectionSample>& samples, int labels) {
  bool has_box = false;
  for (const DetectionSample& sample : samples) {
    if (sample.picture.empty() || sample.picture.format() != image::PixelFormat::kRgb8)
      return InvalidArgument("a training picture is empty or not in colour");
    for (const LabeledBox& box : sample.boxes) {
      if (box.label < 0 || box.label >= labels)
        return InvalidArgument("a box has label " + std::to_string(box.label) + " of " +
                               std::to_string(labels));
      has_box = true;
    }
  }
  if (!has_box) return InvalidArgument("there is no box to learn from: draw some first");
  return absl::OkStatus();
}

size_t FirstTrained(const DetectorGraph& detector, const DetectorOptions& options) {
  const size_t wanted = options.first_trained_operator >= 0
                            ? static_cast<size_t>(options.first_trained_operator)
                            : FirstSmallMap(detector.base, options.trained_stride);
  return std::min(wanted, detector.first_new_operator);
}

}  // namespace

absl::StatusOr<TrainedDetector> TrainDetector(NetworkEngine& engine, const FloatGraph& base,
                                              const std::vector<DetectionSample>& samples,
                                              const DetectorOptions& options) {
  RETURN_IF_ERROR(CheckSamples(samples, options.labels));
  TrainedDetector trained;
  if (FindDetectorEnds(base).ok()) {
    ASSIGN_OR_RETURN(trained.old_columns, SimilarOldClasses(engine, base, samples, options.labels));
    ASSIGN_OR_RETURN(trained.detector, RebuildDetector(base, trained.old_columns, options.seed));
  } else {
    trained.old_columns.assign(static_cast<size_t>(options.labels), -1);
    ASSIGN_OR_RETURN(trained.detector, AddDetector(base, options.labels, options.seed));
  }
  const tflite::Graph graph = trained.detector.base.graph;
  NetworkOptions network_options{
      .loss = LossKind::kDetection,
      .learning_rates = RatesFrom(graph, FirstTrained(trained.detector, options)),
      .weight_decay = options.weight_decay,
      .average_decay = options.average_decay,
      .threads = options.threads};
  if (options.normalize) {
    // Not of maps of a few cells: a batch of them is no sample.
    network_options.normalized = ConvolutionsToNormalize(graph);
    std::fill(network_options.normalized.begin() +
                  static_cast<ptrdiff_t>(trained.detector.first_new_operator),
              network_options.normalized.end(), false);
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<Network> network, engine.Create(graph, network_options));
  DetectionBatches batches(trained.detector, samples, options);
  const BatchSource source = [&](int) -> absl::StatusOr<Batch> { return batches.Next(); };
  ASSIGN_OR_RETURN(trained.loop, RunTrainingLoop(*network, graph, source, options.loop));
  trained.detector.base.graph = std::exchange(trained.loop.graph, {});
  return trained;
}

}  // namespace bowerbird::train
