// SPDX-License-Identifier: Apache-2.0
#include "audio/sound_classifier.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "audio/format.h"
#include "base/status.h"
#include "infer/labels.h"
#include "vision/class_scores.h"
#include "vision/label_list.h"
#include "vision/tensor_values.h"

namespace bowerbird::audio {
namespace {

constexpr double kDefaultWindowSeconds = 0.975;

bool IsSample(infer::DType type) {
  return type == infer::DType::kFloat32 || type == infer::DType::kInt16;
}

// At most one extent other than 1.
bool IsRow(const infer::Shape& shape) {
  return std::count_if(shape.begin(), shape.end(), [](int64_t extent) { return extent > 1; }) <= 1;
}

bool HasUnknown(const infer::Shape& shape) {
  return std::find(shape.begin(), shape.end(), -1) != shape.end();
}

// The shape for one window; of several unknown extents the last is its length.
infer::Shape WithWindow(infer::Shape shape, int64_t window) {
  bool set = false;
  for (auto extent = shape.rbegin(); extent != shape.rend(); ++extent) {
    if (*extent >= 0) continue;
    *extent = set ? 1 : window;
    set = true;
  }
  return shape;
}

void AppendTensors(const std::vector<infer::TensorInfo>& tensors, std::string& text) {
  for (const auto& tensor : tensors) {
    text += ' ';
    text += infer::DTypeName(tensor.type);
    text += ' ';
    text += infer::ShapeText(tensor.shape);
  }
}

std::string Describe(const infer::ModelMetadata& metadata) {
  std::string text = "it takes";
  AppendTensors(metadata.inputs, text);
  text += " and gives";
  AppendTensors(metadata.outputs, text);
  return text;
}

absl::StatusOr<std::vector<std::string>> FindLabels(const infer::ModelMetadata& metadata,
                                                    const std::string& label_path) {
  if (!label_path.empty()) {
    auto labels = infer::ReadLabels(label_path);
    if (!labels.ok()) return Annotate(labels.status(), "label_path");
    return labels;
  }
  for (const auto& output : metadata.outputs) {
    if (output.labels_path.empty()) continue;
    auto labels = infer::ReadLabels(output.labels_path);
    if (labels.ok() && !labels->empty()) return labels;
  }
  return metadata.labels;
}

}  // namespace

bool SoundClassifier::Takes(const infer::ModelMetadata& metadata) {
  if (metadata.inputs.size() != 1) return false;
  const infer::TensorInfo& input = metadata.inputs[0];
  if (!IsSample(input.type) || !IsRow(input.shape) || input.shape.size() > 3) return false;
  // A batch of any size of single numbers, [-1, 1], is none.
  if (HasUnknown(input.shape))
    return input.shape.back() < 0 && infer::ElementCount(WithWindow(input.shape, 1)) == 1;
  return infer::ElementCount(input.shape).value_or(0) >= kMinWindow;
}

absl::StatusOr<std::unique_ptr<SoundClassifier>> SoundClassifier::Create(
    const Context& context, const infer::Model& model, const SoundClassifierOptions& options) {
  std::unique_ptr<SoundClassifier> classifier(new SoundClassifier(model, options));
  RETURN_IF_ERROR(classifier->SetUp(context));
  return classifier;
}

absl::Status SoundClassifier::SetUp(const Context& context) {
  const infer::ModelMetadata& metadata = model_.metadata();
  if (!Takes(metadata))
    return FailedPrecondition(
        "the model does not take a waveform: " + Describe(metadata) +
        ". One input of float32 or int16 samples in a row is needed, at least " +
        std::to_string(kMinWindow) + " of them");
  const infer::TensorInfo& input = metadata.inputs[0];
  if (input.audio_channels > 1)
    return FailedPrecondition("the model wants " + std::to_string(input.audio_channels) +
                              " channels of sound: only models of one are supported");
  sample_rate_hz_ = options_.sample_rate_hz;
  if (sample_rate_hz_ == 0) sample_rate_hz_ = input.audio_sample_rate_hz;
  if (sample_rate_hz_ == 0) sample_rate_hz_ = kDefaultSampleRate;
  RETURN_IF_ERROR(CheckFormat({sample_rate_hz_, 1}));
  const double seconds =
      options_.window_seconds > 0 ? options_.window_seconds : kDefaultWindowSeconds;
  shape_ = WithWindow(input.shape, std::llround(seconds * sample_rate_hz_));
  window_ = static_cast<size_t>(infer::ElementCount(shape_).value_or(0));
  if (window_ == 0) return FailedPrecondition("a window of the model holds no sample");
  ASSIGN_OR_RETURN(labels_, FindLabels(metadata, options_.label_path));
  ASSIGN_OR_RETURN(const auto lease, Run(context, {}));
  return FindScores(*lease);
}

absl::Status SoundClassifier::FindScores(const infer::Lease& lease) {
  const infer::ModelMetadata& metadata = model_.metadata();
  std::optional<size_t> found;
  for (size_t i = 0; i < metadata.outputs.size() && !found; ++i) {
    const auto shape = lease.Output(static_cast<int>(i)).shape;
    const int64_t classes = shape.empty() ? 1 : shape.back();
    const bool labelled = !labels_.empty() && classes == static_cast<int64_t>(labels_.size());
    if (labelled || (labels_.empty() && classes > 1)) found = i;
  }
  if (!found.has_value())
    return FailedPrecondition("no output of the model has one score for each of " +
                              std::to_string(labels_.size()) + " labels: " + Describe(metadata) +
                              ". Give the label file that belongs to this model");
  output_ = *found;
  return Scores(lease, output_).status();
}

absl::StatusOr<std::unique_ptr<infer::Lease>> SoundClassifier::Run(
    const Context& context, std::span<const float> samples) const {
  if (samples.size() > window_)
    return InvalidArgument(std::to_string(samples.size()) +
                           " samples: a window of this model has " + std::to_string(window_));
  ASSIGN_OR_RETURN(auto lease, model_.Acquire(context));
  if (HasUnknown(model_.metadata().inputs[0].shape)) RETURN_IF_ERROR(lease->ResizeInputs({shape_}));
  const bool floats = model_.metadata().inputs[0].type == infer::DType::kFloat32;
  const std::string bytes = Encode(floats ? Codec::kPcm32Float : Codec::kPcm16, samples);
  const std::span<std::byte> input = lease->Input(0);
  if (input.size() < bytes.size()) return Internal("the model's input is smaller than its shape");
  std::memset(input.data(), 0, input.size());
  if (!bytes.empty()) std::memcpy(input.data(), bytes.data(), bytes.size());
  RETURN_IF_ERROR(lease->Invoke(context));
  return lease;
}

absl::StatusOr<std::vector<double>> SoundClassifier::Scores(const infer::Lease& lease,
                                                            size_t output) const {
  const infer::TensorView view = lease.Output(static_cast<int>(output));
  ASSIGN_OR_RETURN(const auto values, vision::TensorValues::Read(
                                          view, model_.metadata().outputs[output].quantization));
  const size_t classes = view.shape.empty() ? 1 : static_cast<size_t>(view.shape.back());
  if (classes == 0 || values.values().empty()) return FailedPrecondition("the output is empty");
  // Models that look at a window in several frames give a row for each.
  const size_t rows = values.values().size() / classes;
  std::vector<float> mean(classes, 0);
  for (size_t row = 0; row < rows; ++row)
    for (size_t i = 0; i < classes; ++i)
      mean[i] += values.values()[row * classes + i] / static_cast<float>(rows);
  return vision::ClassConfidences(mean);
}

absl::StatusOr<std::vector<vision::Classification>> SoundClassifier::Classify(
    const Context& context, std::span<const float> samples) const {
  ASSIGN_OR_RETURN(const auto lease, Run(context, samples));
  ASSIGN_OR_RETURN(const std::vector<double> scores, Scores(*lease, output_));
  std::vector<vision::Classification> found;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (scores[i] < options_.min_confidence) continue;
    found.push_back(
        {i < labels_.size() ? labels_[i] : std::to_string(i), static_cast<int>(i), scores[i]});
  }
  return found;
}

absl::StatusOr<Windows> Windows::Create(const SoundClassifier& classifier, int sample_rate_hz,
                                        double hop_seconds) {
  const int rate = classifier.sample_rate_hz();
  ASSIGN_OR_RETURN(auto resampler, Resampler::Create(sample_rate_hz, rate));
  const double hop = hop_seconds * rate;
  if (!(hop >= 0) || hop > 1e9)
    return InvalidArgument("windows that begin " + std::to_string(hop_seconds) + " s apart");
  const size_t samples = hop_seconds == 0
                             ? classifier.window()
                             : std::max<size_t>(1, static_cast<size_t>(std::llround(hop)));
  return Windows(std::move(resampler), classifier.window(), samples, rate);
}

absl::StatusOr<std::vector<Windows::Window>> Windows::Push(std::span<const float> samples) {
  ASSIGN_OR_RETURN(const auto resampled, resampler_.Push(samples));
  pending_.insert(pending_.end(), resampled.begin(), resampled.end());
  return Take();
}

absl::StatusOr<std::vector<Windows::Window>> Windows::Finish() {
  ASSIGN_OR_RETURN(const auto rest, resampler_.Push({}, true));
  pending_.insert(pending_.end(), rest.begin(), rest.end());
  std::vector<Window> windows = Take();
  const size_t left = pending_.size() > skip_ ? pending_.size() - skip_ : 0;
  if (left > 0 && (2 * left >= window_ || !any_)) windows.push_back(Cut(left));
  pending_.clear();
  return windows;
}

std::vector<Windows::Window> Windows::Take() {
  std::vector<Window> windows;
  for (;;) {
    const size_t skipped = std::min(skip_, pending_.size());
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(skipped));
    skip_ -= skipped;
    if (skip_ > 0 || pending_.size() < window_) return windows;
    windows.push_back(Cut(window_));
    any_ = true;
    start_ += hop_;
    skip_ = hop_;
  }
}

Windows::Window Windows::Cut(size_t length) const {
  Window window;
  window.samples.assign(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(length));
  window.start_seconds = static_cast<double>(start_) / rate_;
  window.end_seconds = static_cast<double>(start_ + length) / rate_;
  return window;
}

}  // namespace bowerbird::audio
