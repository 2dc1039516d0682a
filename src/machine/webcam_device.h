// SPDX-License-Identifier: Apache-2.0
//
// Capture devices (V4L2): what they can do, and a running capture.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "machine/webcam_driver.h"
#include "machine/webcam_frame.h"

namespace bowerbird::machine {

// One way in which a device can deliver frames.
struct VideoMode {
  uint32_t fourcc = 0;
  image::Size size;
  double fps = 0;  // the highest; 0 = not told
};

struct VideoDevice {
  std::string path, card, driver, bus;
  std::vector<VideoMode> modes;  // of formats that are understood; of sizes in steps, usual ones
};

// An open descriptor of a device, closed with the object.
class OpenVideoDevice {
 public:
  static absl::StatusOr<OpenVideoDevice> Open(VideoDriver& driver, const std::string& path);
  OpenVideoDevice(OpenVideoDevice&& other) noexcept;
  OpenVideoDevice& operator=(OpenVideoDevice&&) = delete;
  ~OpenVideoDevice();

  // FAILED_PRECONDITION: does not capture video, or not by streaming.
  absl::StatusOr<VideoDevice> Describe() const;

  const std::string& path() const { return path_; }
  VideoDriver& driver() const { return *driver_; }
  int fd() const { return fd_; }

 private:
  OpenVideoDevice(VideoDriver& driver, std::string path, int fd)
      : driver_(&driver), path_(std::move(path)), fd_(fd) {}

  VideoDriver* driver_;
  std::string path_;
  int fd_;
};

// All devices that capture in a format that is understood.
std::vector<VideoDevice> FindVideoDevices(VideoDriver& driver);

// What is asked of a device; 0 = no wish.
struct VideoWish {
  std::string path;     // "" = the first device that captures; else a path, or a name below /dev,
                        // /dev/v4l/by-id or /dev/v4l/by-path
  uint32_t fourcc = 0;  // 0 = the best for the size
  image::Size size;     // the nearest is taken; 0 = near 640, 480
  double fps = 0;
};

// The mode nearest to `wish`; INVALID_ARGUMENT lists the formats if its format is not there.
absl::StatusOr<VideoMode> ChooseMode(const VideoDevice& device, const VideoWish& wish);

// Not thread-safe. `driver` must outlive it.
class VideoCapture {
 public:
  // NOT_FOUND: no such device. UNAVAILABLE: in use by another program.
  static absl::StatusOr<std::unique_ptr<VideoCapture>> Start(VideoDriver& driver,
                                                             const VideoWish& wish);
  ~VideoCapture();

  // Waits for a frame; nullopt for one that arrived damaged. UNAVAILABLE: the device is gone, or
  // gave nothing for `timeout`. CANCELLED: `interrupt_fd` became readable.
  absl::StatusOr<std::optional<RawFrame>> Next(int interrupt_fd, std::chrono::milliseconds timeout);

  const VideoMode& mode() const { return mode_; }
  const std::string& path() const { return device_.path(); }

 private:
  struct Buffer {
    void* memory = nullptr;
    size_t length = 0;
  };

  explicit VideoCapture(OpenVideoDevice device) : device_(std::move(device)) {}
  absl::Status Configure(const VideoWish& wish);
  absl::Status SetFrameRate(double fps);
  absl::Status MapBuffers();
  absl::Status Control(unsigned long request, void* argument, const char* what) const;

  OpenVideoDevice device_;
  VideoMode mode_;
  size_t stride_ = 0;
  bool full_range_ = false;
  std::vector<Buffer> buffers_;
};

}  // namespace bowerbird::machine
