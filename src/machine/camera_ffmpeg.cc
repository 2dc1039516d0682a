// SPDX-License-Identifier: Apache-2.0
#include "machine/camera_ffmpeg.h"

#include <pthread.h>

#include <algorithm>
#include <optional>

#include "base/log.h"
#include "base/status.h"
#include "machine/camera_sources.h"

namespace bowerbird::machine {
namespace {

using Clock = std::chrono::steady_clock;

std::string_view StateName(int state) {
  constexpr std::string_view kNames[] = {"starting", "streaming", "down", "ended"};
  return kNames[state];
}

}  // namespace

FfmpegCamera::FfmpegCamera(FfmpegCameraOptions options)
    : options_(std::move(options)),
      live_(video::IsLive(options_.reader)),
      frame_by_frame_(!live_ && !options_.reader.realtime),
      thread_([this] { Run(); }) {}

FfmpegCamera::~FfmpegCamera() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    if (reader_ != nullptr) reader_->Stop();
    changed_.NotifyAll();
  }
  thread_.join();
}

bool FfmpegCamera::Stopping() const {
  MutexLock lock(mutex_);
  return stopping_;
}

void FfmpegCamera::Run() {
  pthread_setname_np(pthread_self(), ("ffmpeg-" + options_.name).substr(0, 15).c_str());
  auto pause = options_.first_pause;
  while (!Stopping()) {
    const auto started = Clock::now();
    const absl::Status status = PumpOnce();
    if (Stopping()) return;
    if (status.ok() && !live_) {
      MutexLock lock(mutex_);
      state_ = State::kEnded;
      changed_.NotifyAll();
      return;
    }
    // A run that did its work for a while was no failed start.
    if (Clock::now() - started > 2 * options_.last_pause) pause = options_.first_pause;
    GoDown(status.ok() ? absl::UnavailableError("the stream ended") : status, pause);
    pause = std::min(2 * pause, options_.last_pause);
  }
}

absl::Status FfmpegCamera::PumpOnce() {
  ASSIGN_OR_RETURN(const auto reader, video::FrameReader::Open(options_.reader));
  {
    MutexLock lock(mutex_);
    if (stopping_) return absl::OkStatus();
    reader_ = reader.get();
  }
  absl::Status status;
  while (status.ok()) {
    Context context;
    if (live_) context = context.WithTimeout(options_.stall_limit);
    auto frame = reader->Next(context);
    status = frame.status();
    if (!frame.ok() || !*frame || !Keep(**std::move(frame))) break;
  }
  MutexLock lock(mutex_);
  reader_ = nullptr;
  if (!absl::IsDeadlineExceeded(status)) return status;
  return Unavailable("no frame for " +
                     std::to_string(options_.stall_limit / std::chrono::seconds(1)) + " s");
}

bool FfmpegCamera::Keep(video::Frame frame) {
  auto picture = image::Picture::FromBytes(std::move(frame.jpeg), image::kMimeJpeg);
  if (options_.metrics != nullptr) {
    options_.metrics
        ->GetCounter("bowerbird_camera_frames_total", "Frames read, by camera.",
                     {{"camera", options_.name}})
        .Add();
  }
  MutexLock lock(mutex_);
  const auto now = Clock::now();
  if (state_ == State::kStreaming) {
    const double gap = std::chrono::duration<double>(now - received_at_).count();
    seconds_per_frame_ += (gap - seconds_per_frame_) * (seconds_per_frame_ == 0 ? 1 : 0.1);
  } else if (state_ == State::kDown) {
    LogInfo("camera/" + options_.name, "frames again");
  }
  state_ = State::kStreaming;
  frame_ = std::move(picture);
  taken_ = false;
  captured_at_ = frame.received_at;
  received_at_ = now;
  ++frames_;
  changed_.NotifyAll();
  while (frame_by_frame_ && !taken_ && !stopping_) changed_.Wait(mutex_);
  return !stopping_;
}

void FfmpegCamera::GoDown(const absl::Status& status, std::chrono::nanoseconds pause) {
  if (options_.metrics != nullptr) {
    options_.metrics
        ->GetCounter("bowerbird_camera_restarts_total",
                     "Times a camera's input was started again, by camera.",
                     {{"camera", options_.name}})
        .Add();
  }
  MutexLock lock(mutex_);
  // Once a reason, not once a try.
  if (last_error_.message() != status.message() || state_ == State::kStreaming)
    LogWarning("camera/" + options_.name, MessageOf(status) + "; trying again");
  state_ = State::kDown;
  seconds_per_frame_ = 0;
  last_error_ = status;
  ++restarts_;
  changed_.NotifyAll();
  const auto until = Clock::now() + pause;
  while (!stopping_ && changed_.WaitUntil(mutex_, until)) {
  }
}

bool FfmpegCamera::IsReadable() const {
  if (frame_ == nullptr || (frame_by_frame_ && taken_)) return false;
  if (state_ != State::kDown) return true;
  return Clock::now() - received_at_ <= options_.max_age_when_down;
}

absl::StatusOr<CameraImages> FfmpegCamera::GetImages(
    const Context& context, const std::vector<std::string>& filter_source_names, const Json&) {
  RETURN_IF_ERROR(CheckSourceFilter(filter_source_names, {""}));
  MutexLock lock(mutex_);
  while (state_ == State::kEnded || !IsReadable()) {
    if (state_ == State::kEnded) {
      return absl::OutOfRangeError(
          ToAbsl("the video ended after " + std::to_string(frames_) +
                 " frames: set the camera's attribute loop to true to go on from its start"));
    }
    if (state_ == State::kDown)
      return Unavailable(MessageOf(last_error_) + "; it is tried again by itself");
    RETURN_IF_ERROR(context.Check());
    changed_.WaitUntil(mutex_, context.cancelled
                                   ? std::min(context.deadline, Clock::now() + kCancellationPoll)
                                   : context.deadline);
  }
  taken_ = true;
  if (frame_by_frame_) changed_.NotifyAll();
  CameraImages images;
  images.images.push_back({"", frame_, {}});
  images.captured_at = captured_at_;
  return images;
}

absl::StatusOr<CameraProperties> FfmpegCamera::GetProperties(const Context&) {
  CameraProperties properties;
  properties.intrinsics = options_.lens.intrinsics;
  properties.distortion = options_.lens.distortion;
  properties.mime_types = {std::string(image::kMimeJpeg)};
  MutexLock lock(mutex_);
  if (seconds_per_frame_ > 0) properties.frame_rate = static_cast<float>(1 / seconds_per_frame_);
  return properties;
}

absl::StatusOr<Json> FfmpegCamera::GetStatus(const Context&) {
  MutexLock lock(mutex_);
  return Json{{"state", std::string(StateName(static_cast<int>(state_)))},
              {"frames", frames_},
              {"restarts", restarts_},
              {"frames_per_second", seconds_per_frame_ > 0 ? 1 / seconds_per_frame_ : 0.0},
              {"last_error", MessageOf(last_error_)}};
}

}  // namespace bowerbird::machine
