// SPDX-License-Identifier: Apache-2.0
#include "machine/webcam_device.h"

#include <linux/videodev2.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <tuple>
#include <utility>

#include "base/status.h"

namespace bowerbird::machine {
namespace {

constexpr image::Size kUsualSizes[] = {{320, 240},   {640, 480},   {800, 600},  {1280, 720},
                                       {1920, 1080}, {2560, 1440}, {3840, 2160}};
// Bounds on what a device may enumerate: a faulty driver must not keep us here.
constexpr uint32_t kMaxFormats = 64, kMaxSizes = 256, kMaxIntervals = 64;

// The characters up to the first 0 of a field that may be full.
template <size_t N>
std::string Text(const __u8 (&field)[N]) {
  const auto* start = reinterpret_cast<const char*>(field);
  return std::string(start, strnlen(start, N));
}

double Rate(const v4l2_fract& interval) {
  return interval.numerator == 0 ? 0
                                 : static_cast<double>(interval.denominator) / interval.numerator;
}

// The highest rate of a format and size; 0 = not told.
double HighestRate(const OpenVideoDevice& device, const VideoMode& mode) {
  double highest = 0;
  for (uint32_t i = 0; i < kMaxIntervals; ++i) {
    v4l2_frmivalenum interval{};
    interval.index = i;
    interval.pixel_format = mode.fourcc;
    interval.width = static_cast<uint32_t>(mode.size.width);
    interval.height = static_cast<uint32_t>(mode.size.height);
    if (device.driver().Control(device.fd(), VIDIOC_ENUM_FRAMEINTERVALS, &interval) != 0) break;
    if (interval.type != V4L2_FRMIVAL_TYPE_DISCRETE) return Rate(interval.stepwise.min);
    highest = std::max(highest, Rate(interval.discrete));
  }
  return highest;
}

// A width or height that a device with such steps can deliver.
bool IsStep(uint32_t value, uint32_t min, uint32_t max, uint32_t step) {
  return value >= min && value <= max && (step <= 1 || (value - min) % step == 0);
}

std::vector<image::Size> SizesOf(const OpenVideoDevice& device, uint32_t fourcc) {
  std::vector<image::Size> sizes;
  for (uint32_t i = 0; i < kMaxSizes; ++i) {
    v4l2_frmsizeenum entry{};
    entry.index = i;
    entry.pixel_format = fourcc;
    if (device.driver().Control(device.fd(), VIDIOC_ENUM_FRAMESIZES, &entry) != 0) break;
    if (entry.type == V4L2_FRMSIZE_TYPE_DISCRETE) {
      sizes.push_back(
          {static_cast<int>(entry.discrete.width), static_cast<int>(entry.discrete.height)});
      continue;
    }
    const auto& steps = entry.stepwise;
    for (const auto& size : kUsualSizes) {
      if (IsStep(static_cast<uint32_t>(size.width), steps.min_width, steps.max_width,
                 steps.step_width) &&
          IsStep(static_cast<uint32_t>(size.height), steps.min_height, steps.max_height,
                 steps.step_height)) {
        sizes.push_back(size);
      }
    }
    if (sizes.empty())
      sizes.push_back({static_cast<int>(steps.max_width), static_cast<int>(steps.max_height)});
    break;
  }
  // A driver that does not enumerate sizes adjusts whatever it is asked for.
  if (sizes.empty()) sizes.push_back({640, 480});
  return sizes;
}

}  // namespace

absl::StatusOr<OpenVideoDevice> OpenVideoDevice::Open(VideoDriver& driver,
                                                      const std::string& path) {
  const int fd = driver.Open(path);
  if (fd == -EACCES) {
    return absl::PermissionDeniedError(
        ToAbsl("open " + path + ": permission denied: add the server's user to the group video"));
  }
  if (fd < 0) return ErrnoStatus(-fd, "open " + path);
  return OpenVideoDevice(driver, path, fd);
}

OpenVideoDevice::OpenVideoDevice(OpenVideoDevice&& other) noexcept
    : driver_(other.driver_), path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

OpenVideoDevice::~OpenVideoDevice() {
  if (fd_ >= 0) driver_->Close(fd_);
}

absl::StatusOr<VideoDevice> OpenVideoDevice::Describe() const {
  v4l2_capability capability{};
  if (const int result = driver_->Control(fd_, VIDIOC_QUERYCAP, &capability); result != 0)
    return ErrnoStatus(-result, path_ + " is no video device");
  const uint32_t can = (capability.capabilities & V4L2_CAP_DEVICE_CAPS) != 0
                           ? capability.device_caps
                           : capability.capabilities;
  if ((can & V4L2_CAP_VIDEO_CAPTURE) == 0 || (can & V4L2_CAP_STREAMING) == 0)
    return FailedPrecondition(path_ + " does not capture video as a stream of single-plane frames");
  VideoDevice device{
      path_, Text(capability.card), Text(capability.driver), Text(capability.bus_info), {}};
  for (uint32_t i = 0; i < kMaxFormats; ++i) {
    v4l2_fmtdesc format{};
    format.index = i;
    format.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    if (driver_->Control(fd_, VIDIOC_ENUM_FMT, &format) != 0) break;
    if (FormatRank(format.pixelformat) < 0) continue;
    for (const auto& size : SizesOf(*this, format.pixelformat)) {
      VideoMode mode{format.pixelformat, size, 0};
      mode.fps = HighestRate(*this, mode);
      device.modes.push_back(mode);
    }
  }
  return device;
}

std::vector<VideoDevice> FindVideoDevices(VideoDriver& driver) {
  std::vector<VideoDevice> devices;
  for (const auto& path : driver.List()) {
    const auto open = OpenVideoDevice::Open(driver, path);
    if (!open.ok()) continue;
    auto device = open->Describe();
    if (device.ok() && !device->modes.empty()) devices.push_back(*std::move(device));
  }
  return devices;
}

absl::StatusOr<VideoMode> ChooseMode(const VideoDevice& device, const VideoWish& wish) {
  const auto same_format = [&](uint32_t fourcc) {
    return wish.fourcc == 0 || FormatName(fourcc) == FormatName(wish.fourcc);
  };
  const image::Size size{wish.size.width > 0 ? wish.size.width : 640,
                         wish.size.height > 0 ? wish.size.height : 480};
  // Nearest size, then fast enough, then the format that costs least.
  const auto order = [&](const VideoMode& mode) {
    const int away =
        std::abs(mode.size.width - size.width) + std::abs(mode.size.height - size.height);
    const bool slow = mode.fps > 0 && mode.fps < wish.fps - 0.5;
    return std::tuple(away, slow, FormatRank(mode.fourcc));
  };
  const VideoMode* best = nullptr;
  std::string formats;
  for (const auto& mode : device.modes) {
    const std::string name = FormatName(mode.fourcc);
    if (formats.find(name) == std::string::npos) formats += (formats.empty() ? "" : ", ") + name;
    if (same_format(mode.fourcc) && (best == nullptr || order(mode) < order(*best))) best = &mode;
  }
  if (best != nullptr) return *best;
  if (formats.empty())
    return FailedPrecondition(device.path + " offers no format that is understood");
  return InvalidArgument(device.path + " does not offer the format " + FormatName(wish.fourcc) +
                         "; it offers " + formats);
}

}  // namespace bowerbird::machine
