// SPDX-License-Identifier: Apache-2.0
#include "vision/model_finder.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/log.h"
#include "base/status.h"
#include "infer/labels.h"
#include "vision/box_mapping.h"
#include "vision/class_scores.h"
#include "vision/detector_head.h"
#include "vision/input_plan.h"
#include "vision/label_list.h"
#include "vision/nms.h"

namespace bowerbird::vision {
namespace {

constexpr std::string_view kLogger = "vision";
// An input of unknown extent is probed at this one; 5x5, as the reference machine does, is below
// what most graphs can shrink.
constexpr int kProbeExtent = 256;
constexpr uint8_t kProbeGray = 128;
constexpr double kDefaultIouThreshold = 0.5;

absl::Status CheckOptions(const ModelFinderOptions& options) {
  if (options.box_order.has_value() && !IsPermutation(*options.box_order)) {
    return InvalidArgument(
        "xmin_ymin_xmax_ymax_order must hold each of 0, 1, 2, 3 once: position i says which of "
        "0=xmin 1=ymin 2=xmax 3=ymax the model writes there");
  }
  if (options.std.has_value() &&
      std::any_of(options.std->begin(), options.std->end(),
                  [](float value) { return value == 0 || !std::isfinite(value); })) {
    return InvalidArgument("input_image_std_dev divides the pixels: no value may be 0");
  }
  if (options.nms_iou_threshold.has_value() &&
      !(*options.nms_iou_threshold > 0 && *options.nms_iou_threshold <= 1)) {
    return InvalidArgument("nms_iou_threshold is " + std::to_string(*options.nms_iou_threshold) +
                           "; it must lie above 0 and not above 1 (1: nothing is suppressed)");
  }
  return absl::OkStatus();
}

// label_path, then a label file that the model names on disk, then labels packed into the model.
absl::StatusOr<std::vector<std::string>> FindLabels(const infer::ModelMetadata& metadata,
                                                    const ModelFinderOptions& options) {
  if (!options.label_path.empty()) {
    auto labels = infer::ReadLabels(options.label_path);
    if (!labels.ok()) return Annotate(labels.status(), "label_path");
    return labels;
  }
  for (const infer::TensorInfo& output : metadata.outputs) {
    if (output.labels_path.empty()) continue;
    auto labels = infer::ReadLabels(output.labels_path);
    if (labels.ok() && !labels->empty()) return labels;
    if (!labels.ok()) {
      LogWarning(kLogger, "classes are named by number: labels of output " + output.name + ": " +
                              labels.status().ToString());
    }
  }
  return metadata.labels;
}

absl::StatusOr<OutputSample> ReadOutput(const infer::ModelMetadata& metadata,
                                        const infer::Lease& lease, int index) {
  const infer::TensorInfo& info = metadata.outputs[static_cast<size_t>(index)];
  const infer::TensorView view = lease.Output(index);
  auto values = TensorValues::Read(view, info.quantization);
  if (!values.ok()) return Annotate(values.status(), "output " + info.name);
  return OutputSample{&info, infer::Shape(view.shape.begin(), view.shape.end()),
                      *std::move(values)};
}

}  // namespace

// The only kind of ModelFinder there is; apart, so that the header shows none of its parts.
class LoadedModelFinder final : public ModelFinder {
 public:
  LoadedModelFinder(const infer::Model& model, const ModelFinderOptions& options,
                    std::vector<std::string> labels)
      : model_(model),
        options_(options),
        labels_(std::move(labels)),
        rule_(options.default_minimum_confidence, options.label_confidences) {}

  absl::Status SetUp(const Context& context);

  bool detects() const override { return head_.has_value(); }
  bool classifies() const override { return probability_ >= 0; }
  absl::StatusOr<std::vector<Detection>> Detect(const Context& context,
                                                const image::Picture& picture) const override;
  absl::StatusOr<std::vector<Classification>> Classify(
      const Context& context, const image::Picture& picture) const override;
  std::string Describe() const override;

 private:
  // One picture through the model; the outputs stay readable as long as the lease lives.
  struct Pass {
    std::unique_ptr<infer::Lease> lease;
    BoxMapping mapping;
  };

  const infer::ModelMetadata& metadata() const { return model_.metadata(); }
  absl::Status Resolve(std::span<const OutputSample> outputs, image::Size input);
  absl::Status CheckClassifier(const OutputSample& output) const;
  absl::StatusOr<Pass> RunProbe(const Context& context) const;
  absl::StatusOr<Pass> RunPicture(const Context& context, const image::Picture& picture) const;
  absl::StatusOr<Pass> RunImage(const Context& context, const image::Image& image,
                                image::Size full_size) const;
  absl::StatusOr<std::vector<Detection>> ToDetections(const std::vector<Candidate>& candidates,
                                                      const BoxMapping& mapping) const;

  const infer::Model& model_;
  const ModelFinderOptions options_;
  const LabelList labels_;
  const ConfidenceRule rule_;
  // Written by SetUp, constant after it.
  InputPlan plan_;
  std::optional<DetectorHead> head_;
  std::optional<double> iou_threshold_;
  int probability_ = -1;
};

absl::Status LoadedModelFinder::SetUp(const Context& context) {
  ASSIGN_OR_RETURN(plan_,
                   InputPlan::Make(metadata(), options_, ConventionOf(options_.decoder, false)));
  ASSIGN_OR_RETURN(const Pass probe, RunProbe(context));
  std::vector<OutputSample> outputs;
  for (size_t i = 0; i < metadata().outputs.size(); ++i) {
    ASSIGN_OR_RETURN(OutputSample output,
                     ReadOutput(metadata(), *probe.lease, static_cast<int>(i)));
    outputs.push_back(std::move(output));
  }
  RETURN_IF_ERROR(Resolve(outputs, probe.mapping.input));
  if (!head_.has_value()) return absl::OkStatus();
  iou_threshold_ = options_.nms_iou_threshold;
  if (!iou_threshold_.has_value() && head_->needs_suppression()) {
    iou_threshold_ = kDefaultIouThreshold;
  }
  // Only now is it known what family the model is of.
  ASSIGN_OR_RETURN(plan_, InputPlan::Make(metadata(), options_,
                                          ConventionOf(head_->decoder(), head_->is_yolox())));
  return absl::OkStatus();
}

absl::Status LoadedModelFinder::Resolve(std::span<const OutputSample> outputs, image::Size input) {
  auto head = DetectorHead::Recognize(outputs, options_, input, labels_.names());
  const absl::Status detector = head.status();
  if (detector.ok()) head_ = *std::move(head);

  // Guesses beyond the reference machine's rules are for models that are nothing else.
  auto probability = ResolveProbability(outputs, options_.remap_output_names,
                                        head_.has_value() ? 0 : labels_.size());
  absl::Status classifier = probability.status();
  if (classifier.ok()) classifier = CheckClassifier(outputs[static_cast<size_t>(*probability)]);
  if (classifier.ok()) probability_ = *probability;

  if (detects() || classifies()) return absl::OkStatus();
  return FailedPrecondition(
      "the model does not fulfill any method of the vision service. As a detector: " +
      MessageOf(detector) + ". As a classifier: " + MessageOf(classifier) +
      ". Its input: " + metadata().inputs[0].name + " " +
      infer::ShapeText(metadata().inputs[0].shape) + "; its outputs: " + DescribeOutputs(outputs));
}

absl::Status LoadedModelFinder::CheckClassifier(const OutputSample& output) const {
  const size_t length = output.values.values().size();
  if (std::count_if(output.shape.begin(), output.shape.end(),
                    [](int64_t extent) { return extent != 1; }) > 1) {
    return FailedPrecondition("output " + output.info->name + " of shape " +
                              infer::ShapeText(output.shape) + " is not one score a class");
  }
  if (length == 0) return FailedPrecondition("output " + output.info->name + " is empty");
  if (!labels_.empty() && length != static_cast<size_t>(labels_.size())) {
    return Unknown("length of output (" + std::to_string(length) +
                   ") expected to be length of label list (" + std::to_string(labels_.size()) +
                   "): give the label file that belongs to this model");
  }
  return absl::OkStatus();
}

absl::StatusOr<LoadedModelFinder::Pass> LoadedModelFinder::RunProbe(const Context& context) const {
  const image::Size size = plan_.SizeFor({kProbeExtent, kProbeExtent});
  image::Image gray(size.width, size.height, image::PixelFormat::kGray8);
  std::memset(gray.bytes().data(), kProbeGray, gray.bytes().size());
  return RunImage(context, gray, size);
}

absl::StatusOr<LoadedModelFinder::Pass> LoadedModelFinder::RunPicture(
    const Context& context, const image::Picture& picture) const {
  RETURN_IF_ERROR(context.Check());
  ASSIGN_OR_RETURN(const image::Header header, picture.header());
  ASSIGN_OR_RETURN(const std::shared_ptr<const image::Image> image,
                   picture.Decoded(plan_.DecodeSizeFor(header.size), context.phases));
  return RunImage(context, *image, header.size);
}

absl::StatusOr<LoadedModelFinder::Pass> LoadedModelFinder::RunImage(const Context& context,
                                                                    const image::Image& image,
                                                                    image::Size full_size) const {
  Pass pass;
  ASSIGN_OR_RETURN(pass.lease, model_.Acquire(context));
  pass.mapping.picture = full_size;
  pass.mapping.input = plan_.SizeFor(full_size);
  pass.mapping.fit = plan_.fit();
  {
    const PhaseTimer timer(context.phases, Phase::kResize);
    ASSIGN_OR_RETURN(pass.mapping.placement, plan_.Fill(image, full_size, *pass.lease));
  }
  RETURN_IF_ERROR(pass.lease->Invoke(context));
  return pass;
}

absl::StatusOr<std::vector<Detection>> LoadedModelFinder::Detect(
    const Context& context, const image::Picture& picture) const {
  if (!detects()) return Unimplemented("does not implement a Detector");
  ASSIGN_OR_RETURN(const Pass pass, RunPicture(context, picture));
  const PhaseTimer timer(context.phases, Phase::kPostprocess);
  const auto output = [&](int index) { return ReadOutput(metadata(), *pass.lease, index); };
  ASSIGN_OR_RETURN(std::vector<Candidate> candidates,
                   head_->Decode(output, pass.mapping.input, rule_.lowest()));
  if (iou_threshold_.has_value()) {
    NmsOptions nms;
    nms.iou_threshold = *iou_threshold_;
    candidates = Suppress(std::move(candidates), nms);
  }
  return ToDetections(candidates, pass.mapping);
}

absl::StatusOr<std::vector<Detection>> LoadedModelFinder::ToDetections(
    const std::vector<Candidate>& candidates, const BoxMapping& mapping) const {
  std::vector<Detection> detections;
  detections.reserve(candidates.size());
  for (const Candidate& candidate : candidates) {
    ASSIGN_OR_RETURN(std::string label, labels_.Name(candidate.category));
    if (!rule_.Passes(label, candidate.score)) continue;
    Detection detection = ToPixels(candidate, mapping);
    detection.label = std::move(label);
    detection.class_id = candidate.category;
    detections.push_back(std::move(detection));
  }
  return detections;
}

absl::StatusOr<std::vector<Classification>> LoadedModelFinder::Classify(
    const Context& context, const image::Picture& picture) const {
  if (!classifies()) return Unimplemented("does not implement a Classifier");
  ASSIGN_OR_RETURN(const Pass pass, RunPicture(context, picture));
  const PhaseTimer timer(context.phases, Phase::kPostprocess);
  ASSIGN_OR_RETURN(const OutputSample output, ReadOutput(metadata(), *pass.lease, probability_));
  RETURN_IF_ERROR(CheckClassifier(output));
  const std::vector<double> confidences = ClassConfidences(output.values.values());
  std::vector<Classification> classifications;
  classifications.reserve(confidences.size());
  for (size_t i = 0; i < confidences.size(); ++i) {
    const int number = static_cast<int>(i);
    ASSIGN_OR_RETURN(std::string label, labels_.Name(number));
    if (!rule_.Passes(label, confidences[i])) continue;
    classifications.push_back({std::move(label), number, confidences[i]});
  }
  return classifications;
}

std::string LoadedModelFinder::Describe() const {
  std::string text = head_.has_value() ? head_->Describe() : "";
  if (iou_threshold_.has_value()) text += " nms_iou=" + std::to_string(*iou_threshold_);
  if (probability_ >= 0) {
    if (!text.empty()) text += " ";
    text += "probability=" + metadata().outputs[static_cast<size_t>(probability_)].name;
  }
  return text;
}

absl::StatusOr<std::unique_ptr<ModelFinder>> ModelFinder::Create(
    const Context& context, const infer::Model& model, const ModelFinderOptions& options) {
  RETURN_IF_ERROR(CheckOptions(options));
  ASSIGN_OR_RETURN(std::vector<std::string> labels, FindLabels(model.metadata(), options));
  auto finder = std::make_unique<LoadedModelFinder>(model, options, std::move(labels));
  RETURN_IF_ERROR(finder->SetUp(context));
  return finder;
}

}  // namespace bowerbird::vision
