// SPDX-License-Identifier: Apache-2.0
#include "machine/live_sound.h"

#include <pthread.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/log.h"
#include "base/status.h"

namespace bowerbird::machine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kFirstPause{1};
constexpr std::chrono::seconds kLongestPause{60};
constexpr std::chrono::seconds kLongRun{60};
constexpr int64_t kNanosecondsPerSecond = 1'000'000'000;
// The clocks of sound cards drift against that of the computer; smaller differences are jitter.
constexpr int64_t kMaxDrift = kNanosecondsPerSecond / 2;
constexpr int64_t kDriftWindow = 30 * kNanosecondsPerSecond;
// How much is asked for at once: a fiftieth of a second.
constexpr int kReadsPerSecond = 50;

int64_t NowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

LiveSound::LiveSound(LiveSoundOptions options)
    : options_(std::move(options)),
      channels_(static_cast<size_t>(options_.source.format.channels)),
      capacity_(std::max<int64_t>(
          1, std::llround(options_.history_seconds * options_.source.format.sample_rate_hz))) {
  ring_.resize(static_cast<size_t>(capacity_) * channels_);
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), ("sound-" + options_.name).substr(0, 15).c_str());
    Run();
  });
}

LiveSound::~LiveSound() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    if (reader_ != nullptr) reader_->Stop();
    changed_.NotifyAll();
  }
  thread_.join();
}

void LiveSound::Run() {
  auto pause = kFirstPause;
  for (;;) {
    const auto started = Clock::now();
    absl::Status ended = RunOnce();
    if (ended.ok()) ended = Unavailable(options_.source.Description() + " has ended");
    if (Clock::now() - started >= kLongRun) pause = kFirstPause;
    {
      MutexLock lock(mutex_);
      reader_.reset();
      if (stopping_) return;
      fault_ = ended;
      anchored_ = false;
      changed_.NotifyAll();
    }
    LogWarning("audio_in/" + options_.name,
               MessageOf(ended) + "; tried again in " + std::to_string(pause.count()) + " s");
    if (!Pause(pause)) return;
    pause = std::min(2 * pause, kLongestPause);
  }
}

bool LiveSound::Pause(std::chrono::seconds time) {
  const auto until = Clock::now() + time;
  MutexLock lock(mutex_);
  while (!stopping_ && Clock::now() < until) changed_.WaitUntil(mutex_, until);
  return !stopping_;
}

absl::Status LiveSound::RunOnce() {
  ASSIGN_OR_RETURN(auto opened, audio::SoundReader::Open(options_.source));
  audio::SoundReader* reader = opened.get();
  {
    MutexLock lock(mutex_);
    reader_ = std::move(opened);
    if (stopping_) return absl::CancelledError();
  }
  const auto frames =
      static_cast<size_t>(std::max(1, options_.source.format.sample_rate_hz / kReadsPerSecond));
  for (;;) {
    ASSIGN_OR_RETURN(const auto samples, reader->Read({}, frames));
    if (samples.empty()) return absl::OkStatus();
    Take(samples);
  }
}

void LiveSound::Take(const std::vector<float>& samples) {
  const auto frames = static_cast<int64_t>(samples.size() / channels_);
  const int64_t now = NowNs();
  MutexLock lock(mutex_);
  for (int64_t i = 0; i < frames; ++i) {
    const auto at = static_cast<size_t>((end_ + i) % capacity_) * channels_;
    std::copy_n(samples.begin() + i * static_cast<int64_t>(channels_), channels_,
                ring_.begin() + static_cast<int64_t>(at));
  }
  end_ += frames;
  oldest_ = std::max(oldest_, end_ - capacity_);
  if (!anchored_ || HasDrifted(now)) {
    anchored_ = true;
    anchor_frame_ = end_;
    anchor_ns_ = now;
    least_lag_ns_ = kDriftWindow;  // none yet
    lag_since_ns_ = now;
    // What came before a gap has no time any more.
    if (!fault_.ok()) oldest_ = end_ - std::min(frames, capacity_);
  }
  fault_ = absl::OkStatus();
  changed_.NotifyAll();
}

// Samples that come late once are no drift: this computer was busy. It is one where even the
// soonest of a while are late.
bool LiveSound::HasDrifted(int64_t now_ns) {
  const int64_t lag = now_ns - TimeOf(end_);
  if (lag < -kMaxDrift) return true;
  least_lag_ns_ = std::min(least_lag_ns_, lag);
  if (now_ns - lag_since_ns_ < kDriftWindow) return false;
  const bool drifted = least_lag_ns_ > kMaxDrift;
  least_lag_ns_ = lag;
  lag_since_ns_ = now_ns;
  return drifted;
}

int64_t LiveSound::TimeOf(int64_t frame) const {
  return anchor_ns_ + static_cast<int64_t>(static_cast<double>(frame - anchor_frame_) *
                                           static_cast<double>(kNanosecondsPerSecond) /
                                           options_.source.format.sample_rate_hz);
}

int64_t LiveSound::FrameAt(int64_t time_ns) const {
  return anchor_frame_ + std::llround(static_cast<double>(time_ns - anchor_ns_) *
                                      options_.source.format.sample_rate_hz /
                                      static_cast<double>(kNanosecondsPerSecond));
}

absl::Status LiveSound::AwaitFrames(const Context& context, int64_t beyond) const {
  while (end_ <= beyond) {
    if (stopping_) return Unavailable("the microphone is taken down");
    RETURN_IF_ERROR(fault_);
    RETURN_IF_ERROR(context.Check());
    changed_.WaitUntil(mutex_, std::min(context.deadline, Clock::now() + kCancellationPoll));
  }
  return absl::OkStatus();
}

absl::Status LiveSound::Listen(
    const Context& context, const Span& span,
    const std::function<bool(std::vector<float>, int64_t start_ns, int64_t end_ns)>& take) const {
  const bool endless = span.seconds <= 0;
  int64_t left = std::llround(span.seconds * options_.source.format.sample_rate_hz);
  int64_t next = 0;
  {
    MutexLock lock(mutex_);
    next = end_;
    if (span.from_ns > 0) {
      RETURN_IF_ERROR(AwaitFrames(context, -1));
      // A time that is still to come is waited for no longer than one that is now.
      next = std::clamp(FrameAt(span.from_ns), oldest_, end_);
    }
  }
  while (endless || left > 0) {
    std::vector<float> piece;
    int64_t start_ns = 0, end_ns = 0;
    {
      MutexLock lock(mutex_);
      const int64_t wanted = endless
                                 ? static_cast<int64_t>(span.piece_frames)
                                 : std::min<int64_t>(left, static_cast<int64_t>(span.piece_frames));
      RETURN_IF_ERROR(AwaitFrames(context, next + std::min(wanted, capacity_) - 1));
      next = std::max(next, oldest_);
      const int64_t frames = std::min(wanted, end_ - next);
      piece.reserve(static_cast<size_t>(frames) * channels_);
      for (int64_t i = next; i < next + frames; ++i) {
        const auto at = ring_.begin() + (i % capacity_) * static_cast<int64_t>(channels_);
        piece.insert(piece.end(), at, at + static_cast<int64_t>(channels_));
      }
      start_ns = TimeOf(next);
      end_ns = TimeOf(next + frames);
      next += frames;
      left -= frames;
    }
    if (!take(std::move(piece), start_ns, end_ns)) return absl::OkStatus();
  }
  return absl::OkStatus();
}

}  // namespace bowerbird::machine
