// SPDX-License-Identifier: Apache-2.0
//
// What a model hears: windows of a waveform in, class scores out. The model takes one channel of
// samples, as YAMNet does; how long a window is stands in the shape of its input, the sample rate
// in its metadata. docs/sound.md.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "audio/resampler.h"
#include "base/context.h"
#include "infer/model.h"
#include "vision/detection.h"

namespace bowerbird::audio {

// Where the metadata is silent: what YAMNet and most models of sound were trained on.
inline constexpr int kDefaultSampleRate = 16000;

// Of an input of fixed length; fewer are features, not a waveform: the shortest window of a known
// model is a fortieth of a second.
inline constexpr int64_t kMinWindow = 1000;

struct SoundClassifierOptions {
  int sample_rate_hz = 0;     // 0: the metadata's, else kDefaultSampleRate
  double window_seconds = 0;  // only for inputs of any length; 0: 0.975, as YAMNet's
  std::string label_path;     // "" = those that the model names or holds
  double min_confidence = 0;
};

// Thread-safe.
class SoundClassifier {
 public:
  // Whether the metadata looks like that of a model that takes a waveform: one input of at least a
  // thousand float32 or int16 numbers in a row, or of any length.
  static bool Takes(const infer::ModelMetadata& metadata);

  // Runs the model once on silence. `model` must outlive the result. FAILED_PRECONDITION: it does
  // not take a waveform, or gives no scores; says which tensors it has.
  static absl::StatusOr<std::unique_ptr<SoundClassifier>> Create(
      const Context& context, const infer::Model& model, const SoundClassifierOptions& options);

  int sample_rate_hz() const { return sample_rate_hz_; }
  size_t window() const { return window_; }  // in samples
  double window_seconds() const { return static_cast<double>(window_) / sample_rate_hz_; }

  // `samples` of one channel at the model's rate; fewer than a window are followed by silence, more
  // are INVALID_ARGUMENT. All classes from the minimum confidence on, in model order.
  absl::StatusOr<std::vector<vision::Classification>> Classify(
      const Context& context, std::span<const float> samples) const;

 private:
  SoundClassifier(const infer::Model& model, const SoundClassifierOptions& options)
      : model_(model), options_(options) {}
  absl::Status SetUp(const Context& context);
  absl::StatusOr<std::unique_ptr<infer::Lease>> Run(const Context& context,
                                                    std::span<const float> samples) const;
  absl::StatusOr<std::vector<double>> Scores(const infer::Lease& lease, size_t output) const;
  absl::Status FindScores(const infer::Lease& lease);

  const infer::Model& model_;
  const SoundClassifierOptions options_;
  std::vector<std::string> labels_;
  infer::Shape shape_;
  int sample_rate_hz_ = 0;
  size_t window_ = 0;
  size_t output_ = 0;
};

// A stream of any rate and number of channels, cut into windows of a classifier. Not thread-safe.
class Windows {
 public:
  struct Window {
    std::vector<float> samples;  // at the model's rate; fewer than a window at the end only
    double start_seconds = 0;    // from the beginning of the stream
    double end_seconds = 0;
  };

  // `hop_seconds` from the beginning of one window to that of the next; 0: the length of a window.
  static absl::StatusOr<Windows> Create(const SoundClassifier& classifier, int sample_rate_hz,
                                        double hop_seconds);

  // The windows that are complete now. One channel.
  absl::StatusOr<std::vector<Window>> Push(std::span<const float> samples);
  // The last one, if at least half of it was heard, or if it is the only one.
  absl::StatusOr<std::vector<Window>> Finish();

 private:
  Windows(Resampler resampler, size_t window, size_t hop, int rate)
      : resampler_(std::move(resampler)), window_(window), hop_(hop), rate_(rate) {}
  std::vector<Window> Take();
  Window Cut(size_t length) const;

  Resampler resampler_;
  size_t window_, hop_;
  int rate_;
  std::vector<float> pending_;  // not yet passed by the beginning of the next window
  size_t start_ = 0;            // of the next window, in samples since the beginning
  size_t skip_ = 0;             // samples that lie between two windows, still to come
  bool any_ = false;
};

}  // namespace bowerbird::audio
