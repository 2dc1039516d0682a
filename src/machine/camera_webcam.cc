// SPDX-License-Identifier: Apache-2.0
#include "machine/camera_webcam.h"

#include <pthread.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <utility>

#include "base/log.h"
#include "base/status.h"
#include "machine/camera_sources.h"
#include "machine/cameras.h"

namespace bowerbird::machine {
namespace {

constexpr int kMaxSide = 10'000;
constexpr int kMaxRate = 1000;

absl::StatusOr<WebcamOptions> ReadOptions(const Attributes& attributes) {
  WebcamOptions options;
  ASSIGN_OR_RETURN(options.wish.path, attributes.String("video_path"));
  ASSIGN_OR_RETURN(const int64_t width, attributes.Int("width_px", 0, 0, kMaxSide));
  ASSIGN_OR_RETURN(const int64_t height, attributes.Int("height_px", 0, 0, kMaxSide));
  options.wish.size = {static_cast<int>(width), static_cast<int>(height)};
  ASSIGN_OR_RETURN(options.wish.fps, attributes.Double("frame_rate", 30, 0, kMaxRate));
  if (options.wish.fps == 0) options.wish.fps = 30;
  ASSIGN_OR_RETURN(const std::string format, attributes.String("format"));
  if (!format.empty()) {
    const auto fourcc = FormatOfName(format);
    if (!fourcc.ok()) return attributes.Error("format", MessageOf(fourcc.status()));
    options.wish.fourcc = *fourcc;
  }
  ASSIGN_OR_RETURN(options.lens, ReadLens(attributes));
  return options;
}

}  // namespace

absl::StatusOr<std::shared_ptr<WebcamCamera>> WebcamCamera::Create(WebcamOptions options) {
  ASSIGN_OR_RETURN(auto capture, VideoCapture::Start(*options.driver, options.wish));
  Descriptor interrupt(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (interrupt.get() < 0) return ErrnoStatus(errno, "eventfd");
  return std::shared_ptr<WebcamCamera>(
      new WebcamCamera(std::move(options), std::move(capture), std::move(interrupt)));
}

WebcamCamera::WebcamCamera(WebcamOptions options, std::unique_ptr<VideoCapture> capture,
                           Descriptor interrupt)
    : options_(std::move(options)), interrupt_(std::move(interrupt)) {
  SetConnected(*capture);
  thread_ = std::thread(&WebcamCamera::Run, this, std::move(capture));
}

WebcamCamera::~WebcamCamera() {
  eventfd_write(interrupt_.get(), 1);
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    stopped_.NotifyAll();
  }
  thread_.join();
}

void WebcamCamera::SetConnected(const VideoCapture& capture) {
  MutexLock lock(mutex_);
  connected_ = true;
  device_ = capture.path();
  mode_ = capture.mode();
}

void WebcamCamera::Run(std::unique_ptr<VideoCapture> capture) {
  pthread_setname_np(pthread_self(), ("webcam-" + options_.name).substr(0, 15).c_str());
  while (capture != nullptr) {
    const absl::Status status = Pump(*capture);
    capture = nullptr;  // a device is opened anew only after it was closed
    if (absl::IsCancelled(status)) return;
    capture = Reconnect(status);
  }
}

absl::Status WebcamCamera::Pump(VideoCapture& capture) {
  while (true) {
    auto frame = capture.Next(interrupt_.get(), options_.stall_limit);
    if (!frame.ok()) return frame.status();
    MutexLock lock(mutex_);
    if (stopping_) return absl::CancelledError();
    if (*frame) {
      frame_ = std::make_shared<const RawFrame>(**std::move(frame));
      ++frames_;
    } else {
      ++damaged_;
    }
  }
}

std::unique_ptr<VideoCapture> WebcamCamera::Reconnect(const absl::Status& reason) {
  LogWarning("camera/" + options_.name, MessageOf(reason) + "; looking for it until it is back");
  MutexLock lock(mutex_);
  connected_ = false;
  frame_ = nullptr;
  last_error_ = reason;
  while (!stopping_) {
    const auto until = std::chrono::steady_clock::now() + options_.reconnect_pause;
    while (!stopping_ && stopped_.WaitUntil(mutex_, until)) {
    }
    if (stopping_) break;
    mutex_.Unlock();
    auto capture = VideoCapture::Start(*options_.driver, options_.wish);
    if (capture.ok()) {
      LogInfo("camera/" + options_.name, "connected again: " + (*capture)->path());
      SetConnected(**capture);
    }
    mutex_.Lock();
    if (capture.ok()) return *std::move(capture);
    last_error_ = capture.status();
  }
  return nullptr;
}

absl::StatusOr<CameraImages> WebcamCamera::GetImages(
    const Context&, const std::vector<std::string>& filter_source_names, const Json&) {
  RETURN_IF_ERROR(CheckSourceFilter(filter_source_names, {options_.name}));
  MutexLock picture_lock(picture_mutex_);
  std::shared_ptr<const RawFrame> frame;
  {
    MutexLock lock(mutex_);
    if (!connected_)
      return Unavailable("webcam is disconnected; please try again in a few moments");
    if (frame_ == nullptr) return Unavailable("no frames available to read");
    frame = frame_;
  }
  if (frame != pictured_) {
    ASSIGN_OR_RETURN(picture_, PictureOf(*frame));
    pictured_ = frame;
  }
  CameraImages images;
  images.images.push_back({options_.name, picture_, {}});
  images.captured_at = frame->captured_at;
  return images;
}

absl::StatusOr<CameraProperties> WebcamCamera::GetProperties(const Context&) {
  CameraProperties properties;
  properties.intrinsics = options_.lens.intrinsics;
  properties.distortion = options_.lens.distortion;
  for (const auto mime : {image::kMimeJpeg, image::kMimePng, image::kMimeRawRgba})
    properties.mime_types.emplace_back(mime);
  MutexLock lock(mutex_);
  const double rate = mode_.fps > 0 ? mode_.fps : options_.wish.fps;
  if (rate > 0) properties.frame_rate = static_cast<float>(rate);
  return properties;
}

absl::StatusOr<Json> WebcamCamera::GetStatus(const Context&) {
  MutexLock lock(mutex_);
  return Json{{"connected", connected_},
              {"device", device_},
              {"format", FormatName(mode_.fourcc)},
              {"width_px", mode_.size.width},
              {"height_px", mode_.size.height},
              {"frame_rate", mode_.fps},
              {"frames", frames_},
              {"damaged_frames", damaged_},
              {"last_error", MessageOf(last_error_)}};
}

void AddWebcam(Catalog& catalog) {
  catalog.Add({kCameraApi,
               {"rdk", "builtin", "webcam"},
               [](const ResourceConfig&,
                  const Attributes& attributes) -> absl::StatusOr<std::vector<std::string>> {
                 RETURN_IF_ERROR(ReadOptions(attributes).status());
                 return std::vector<std::string>{};
               },
               [](const BuildRequest& request) -> absl::StatusOr<std::shared_ptr<Resource>> {
                 ASSIGN_OR_RETURN(auto options, ReadOptions(request.attributes));
                 options.name = request.config.name.name;
                 options.driver = std::make_shared<KernelVideoDriver>();
                 return WebcamCamera::Create(std::move(options));
               }});
}

}  // namespace bowerbird::machine
