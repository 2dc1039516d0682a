// SPDX-License-Identifier: Apache-2.0
//
// Labels over time of what an audio_in hears. docs/sound.md.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "audio/sound_classifier.h"
#include "base/mutex.h"
#include "machine/audio.h"
#include "machine/catalog.h"

namespace bowerbird::machine {

// One window and what was heard in it.
struct HeardWindow {
  int64_t start_ns = 0, end_ns = 0;                     // since 1970
  std::vector<vision::Classification> classifications;  // best first
};

// Classifies the windows of one stream of pieces, whatever their format. Not thread-safe.
class StreamClassifier {
 public:
  StreamClassifier(const audio::SoundClassifier& classifier, double hop_seconds)
      : classifier_(classifier), hop_seconds_(hop_seconds) {}

  // A piece that does not follow the one before, or that has another format, begins anew.
  absl::StatusOr<std::vector<HeardWindow>> Push(const Context& context, const AudioChunk& chunk);
  absl::StatusOr<std::vector<HeardWindow>> Finish(const Context& context);

 private:
  absl::StatusOr<std::vector<HeardWindow>> Classify(
      const Context& context, const std::vector<audio::Windows::Window>& windows) const;

  const audio::SoundClassifier& classifier_;
  const double hop_seconds_;
  std::unique_ptr<audio::Windows> windows_;
  AudioInfo info_;
  int64_t begin_ns_ = 0, end_ns_ = 0;
};

// Listens as long as it lives. Thread "ears-NAME"; after an error it begins anew in 1 s, doubled up
// to 60 s. Thread-safe.
class SoundListener {
 public:
  struct Options {
    std::string name;
    std::string audio_in;  // looked up each time
    const ResourceFinder* finder = nullptr;
    double hop_seconds = 0;
    double keep_seconds = 60;  // older windows are forgotten
  };
  SoundListener(const audio::SoundClassifier& classifier, Options options);
  ~SoundListener();

  // Windows that ended in the last `seconds`, in order. UNAVAILABLE, with the reason: there are
  // none, and listening fails.
  absl::StatusOr<std::vector<HeardWindow>> Heard(double seconds) const;

 private:
  void Run();
  absl::Status RunOnce();
  void Keep(std::vector<HeardWindow> windows);

  const audio::SoundClassifier& classifier_;
  const Options options_;
  mutable Mutex mutex_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<HeardWindow> heard_ ABSL_GUARDED_BY(mutex_);
  absl::Status fault_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

int64_t NanosecondsNow();

}  // namespace bowerbird::machine
