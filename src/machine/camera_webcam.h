// SPDX-License-Identifier: Apache-2.0
//
// Model `webcam`: a V4L2 capture device. A thread "webcam-NAME" keeps the latest frame as the
// device gave it, and connects again, every half second, after the device went away. A frame
// becomes a JPEG picture when somebody asks for it, once for all who ask; what nobody asks for
// costs a copy.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/descriptor.h"
#include "base/mutex.h"
#include "machine/camera_lens.h"
#include "machine/resource.h"
#include "machine/webcam_device.h"

namespace bowerbird::machine {

struct WebcamOptions {
  std::string name;  // of the resource; the pictures' source name
  VideoWish wish;
  Lens lens;
  std::shared_ptr<VideoDriver> driver;  // shared with the discovery service, in tests with the test
  std::chrono::milliseconds reconnect_pause{500};
  std::chrono::milliseconds stall_limit{5000};  // no frame for so long: connect again
};

class WebcamCamera final : public Camera {
 public:
  // Errors: those of the first try to connect.
  static absl::StatusOr<std::shared_ptr<WebcamCamera>> Create(WebcamOptions options);
  ~WebcamCamera() override;

  // UNAVAILABLE "no frames available to read" before the first frame, "webcam is disconnected;
  // please try again in a few moments" after the device went away.
  absl::StatusOr<CameraImages> GetImages(const Context& context,
                                         const std::vector<std::string>& filter_source_names,
                                         const Json& extra) override;
  absl::StatusOr<CameraProperties> GetProperties(const Context& context) override;
  // {"connected", "device", "format", "width_px", "height_px", "frame_rate", "frames",
  //  "damaged_frames", "last_error"}
  absl::StatusOr<Json> GetStatus(const Context& context) override;

 private:
  WebcamCamera(WebcamOptions options, std::unique_ptr<VideoCapture> capture, Descriptor interrupt);

  void Run(std::unique_ptr<VideoCapture> capture);
  absl::Status Pump(VideoCapture& capture);
  std::unique_ptr<VideoCapture> Reconnect(const absl::Status& reason);  // null: stop
  void SetConnected(const VideoCapture& capture);

  const WebcamOptions options_;
  const Descriptor interrupt_;  // an eventfd: readable once the camera shall end

  mutable Mutex mutex_;
  CondVar stopped_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool connected_ ABSL_GUARDED_BY(mutex_) = true;
  std::string device_ ABSL_GUARDED_BY(mutex_);
  VideoMode mode_ ABSL_GUARDED_BY(mutex_);
  absl::Status last_error_ ABSL_GUARDED_BY(mutex_);
  int64_t frames_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t damaged_ ABSL_GUARDED_BY(mutex_) = 0;
  // The latest frame: shared with the request that turns it into a picture, outside of the lock.
  std::shared_ptr<const RawFrame> frame_ ABSL_GUARDED_BY(mutex_);

  // Held while a frame is turned into a picture, so that it happens once. Taken before mutex_.
  Mutex picture_mutex_;
  std::shared_ptr<const RawFrame> pictured_ ABSL_GUARDED_BY(picture_mutex_);
  std::shared_ptr<const image::Picture> picture_ ABSL_GUARDED_BY(picture_mutex_);

  std::thread thread_;  // last: it uses the rest
};

}  // namespace bowerbird::machine
