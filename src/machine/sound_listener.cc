// SPDX-License-Identifier: Apache-2.0
#include "machine/sound_listener.h"

#include <pthread.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "audio/format.h"
#include "base/log.h"
#include "base/status.h"

namespace bowerbird::machine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kFirstPause{1};
constexpr std::chrono::seconds kLongestPause{60};
constexpr std::chrono::seconds kWorthTelling{4};
constexpr double kNanosecondsPerSecond = 1e9;
// Pieces whose times are further apart do not belong together.
constexpr int64_t kGapNs = 100'000'000;

}  // namespace

int64_t NanosecondsNow() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

absl::StatusOr<std::vector<HeardWindow>> StreamClassifier::Push(const Context& context,
                                                                const AudioChunk& chunk) {
  ASSIGN_OR_RETURN(const audio::Codec codec, audio::CodecFromName(chunk.info.codec));
  RETURN_IF_ERROR(audio::CheckFormat({chunk.info.sample_rate_hz, chunk.info.channels}));
  ASSIGN_OR_RETURN(const auto samples, audio::Decode(codec, chunk.bytes));
  std::vector<HeardWindow> heard;
  const bool follows = windows_ != nullptr && std::abs(chunk.start_ns - end_ns_) <= kGapNs &&
                       chunk.info.sample_rate_hz == info_.sample_rate_hz;
  if (!follows) {
    ASSIGN_OR_RETURN(auto windows,
                     audio::Windows::Create(classifier_, chunk.info.sample_rate_hz, hop_seconds_));
    windows_ = std::make_unique<audio::Windows>(std::move(windows));
    begin_ns_ = chunk.start_ns;
  }
  info_ = chunk.info;
  end_ns_ = chunk.end_ns;
  ASSIGN_OR_RETURN(const auto ready, windows_->Push(audio::ToMono(samples, chunk.info.channels)));
  return Classify(context, ready);
}

absl::StatusOr<std::vector<HeardWindow>> StreamClassifier::Finish(const Context& context) {
  if (windows_ == nullptr) return std::vector<HeardWindow>();
  ASSIGN_OR_RETURN(const auto last, windows_->Finish());
  windows_.reset();
  return Classify(context, last);
}

absl::StatusOr<std::vector<HeardWindow>> StreamClassifier::Classify(
    const Context& context, const std::vector<audio::Windows::Window>& windows) const {
  std::vector<HeardWindow> heard;
  for (const auto& window : windows) {
    ASSIGN_OR_RETURN(auto found, classifier_.Classify(context, window.samples));
    vision::KeepTop(found, static_cast<int>(found.size()));
    heard.push_back({begin_ns_ + static_cast<int64_t>(window.start_seconds * kNanosecondsPerSecond),
                     begin_ns_ + static_cast<int64_t>(window.end_seconds * kNanosecondsPerSecond),
                     std::move(found)});
  }
  return heard;
}

SoundListener::SoundListener(const audio::SoundClassifier& classifier, Options options)
    : classifier_(classifier), options_(std::move(options)) {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), ("ears-" + options_.name).substr(0, 15).c_str());
    Run();
  });
}

SoundListener::~SoundListener() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void SoundListener::Run() {
  auto pause = kFirstPause;
  for (;;) {
    const auto started = Clock::now();
    const absl::Status ended = RunOnce();
    if (Clock::now() - started >= kLongestPause) pause = kFirstPause;
    MutexLock lock(mutex_);
    if (stopping_) return;
    // A file that was heard to its end is heard again.
    fault_ = ended;
    // At the start of a machine its parts come one after the other.
    if (!ended.ok() && pause >= kWorthTelling)
      LogWarning("sound/" + options_.name, "listening to " + options_.audio_in + ": " +
                                               MessageOf(ended) + "; again in " +
                                               std::to_string(pause.count()) + " s");
    const auto until = Clock::now() + pause;
    while (!stopping_ && Clock::now() < until) changed_.WaitUntil(mutex_, until);
    if (stopping_) return;
    pause = ended.ok() ? kFirstPause : std::min(2 * pause, kLongestPause);
  }
}

absl::Status SoundListener::RunOnce() {
  Context context;
  context.cancelled = [this] {
    MutexLock lock(mutex_);
    return stopping_;
  };
  ASSIGN_OR_RETURN(const auto audio_in, options_.finder->FindAs<AudioIn>(options_.audio_in));
  StreamClassifier stream(classifier_, options_.hop_seconds);
  absl::Status failed;
  AudioRequest request;
  request.codec = audio::NameOf(audio::Codec::kPcm16);
  const absl::Status heard = audio_in->GetAudio(
      context, request,
      [&](const AudioChunk& chunk) {
        // One that was taken down, or replaced, would live on as long as it is heard.
        const auto current = options_.finder->FindAs<AudioIn>(options_.audio_in);
        if (!current.ok() || *current != audio_in) return false;
        auto windows = stream.Push(context, chunk);
        failed = windows.status();
        if (windows.ok()) Keep(*std::move(windows));
        return failed.ok();
      },
      Json::object());
  RETURN_IF_ERROR(failed);
  RETURN_IF_ERROR(heard);
  ASSIGN_OR_RETURN(auto last, stream.Finish(context));
  Keep(std::move(last));
  return absl::OkStatus();
}

void SoundListener::Keep(std::vector<HeardWindow> windows) {
  const int64_t oldest =
      NanosecondsNow() - static_cast<int64_t>(options_.keep_seconds * kNanosecondsPerSecond);
  MutexLock lock(mutex_);
  fault_ = absl::OkStatus();
  for (HeardWindow& window : windows) heard_.push_back(std::move(window));
  // A file may be faster than its own pace: what is kept is bounded all the same.
  constexpr size_t kMostWindows = 10000;
  while (!heard_.empty() && (heard_.front().end_ns < oldest || heard_.size() > kMostWindows))
    heard_.pop_front();
}

absl::StatusOr<std::vector<HeardWindow>> SoundListener::Heard(double seconds) const {
  const int64_t oldest = NanosecondsNow() - static_cast<int64_t>(seconds * kNanosecondsPerSecond);
  MutexLock lock(mutex_);
  std::vector<HeardWindow> windows;
  for (const HeardWindow& window : heard_)
    if (window.end_ns >= oldest) windows.push_back(window);
  if (windows.empty() && !fault_.ok()) return Unavailable(MessageOf(fault_));
  return windows;
}

}  // namespace bowerbird::machine
