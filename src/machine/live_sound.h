// SPDX-License-Identifier: Apache-2.0
//
// A source of sound that goes on by itself, with its last seconds kept, so that any number of
// callers can listen and go on where they were.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "audio/sound_reader.h"
#include "base/context.h"
#include "base/mutex.h"

namespace bowerbird::machine {

struct LiveSoundOptions {
  std::string name;  // of the resource, for the thread and the log
  audio::SoundSource source;
  double history_seconds = 10;  // the oldest samples go first
};

// Thread "sound-NAME" reads; it starts the source again when that ends, after 1 s, doubled up to
// 60 s. Thread-safe.
class LiveSound {
 public:
  explicit LiveSound(LiveSoundOptions options);
  ~LiveSound();
  LiveSound(const LiveSound&) = delete;
  LiveSound& operator=(const LiveSound&) = delete;

  struct Span {
    int64_t from_ns = 0;  // since 1970; 0: now
    double seconds = 0;   // 0: without end
    size_t piece_frames;  // what `take` is given at most
  };
  // Frames and the time of the first and after the last of them. A listener that is slower than the
  // sound misses what it lost, which the times tell. Errors: the context's; UNAVAILABLE while the
  // source is down.
  absl::Status Listen(
      const Context& context, const Span& span,
      const std::function<bool(std::vector<float>, int64_t start_ns, int64_t end_ns)>& take) const;

  const audio::Format& format() const { return options_.source.format; }

 private:
  void Run();
  absl::Status RunOnce();
  void Take(const std::vector<float>& samples);
  bool Pause(std::chrono::seconds time);
  bool HasDrifted(int64_t now_ns) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int64_t TimeOf(int64_t frame) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int64_t FrameAt(int64_t time_ns) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status AwaitFrames(const Context& context, int64_t beyond) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const LiveSoundOptions options_;
  const size_t channels_;
  const int64_t capacity_;  // frames
  mutable Mutex mutex_;
  mutable CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<audio::SoundReader> reader_ ABSL_GUARDED_BY(mutex_);
  std::vector<float> ring_ ABSL_GUARDED_BY(mutex_);  // frame f stands at f mod capacity
  int64_t oldest_ ABSL_GUARDED_BY(mutex_) = 0;       // frames since the start of this object
  int64_t end_ ABSL_GUARDED_BY(mutex_) = 0;
  // Frame `anchor_frame_` was heard at `anchor_ns_`; others follow by the sample rate.
  int64_t anchor_frame_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t anchor_ns_ ABSL_GUARDED_BY(mutex_) = 0;
  bool anchored_ ABSL_GUARDED_BY(mutex_) = false;
  // How late samples came at least, since then.
  int64_t least_lag_ns_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t lag_since_ns_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status fault_ ABSL_GUARDED_BY(mutex_);  // why the source is down; OK: it is not
  std::thread thread_;
};

}  // namespace bowerbird::machine
