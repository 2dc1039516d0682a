// SPDX-License-Identifier: Apache-2.0
#include <linux/videodev2.h>

#include <cerrno>
#include <cmath>
#include <ctime>
#include <utility>

#include "base/status.h"
#include "machine/webcam_device.h"

namespace bowerbird::machine {
namespace {

constexpr uint32_t kBuffers = 4;

absl::StatusOr<OpenVideoDevice> OpenWished(VideoDriver& driver, const std::string& path) {
  if (path.empty()) {
    const auto devices = FindVideoDevices(driver);
    if (devices.empty())
      return NotFound("no webcam found: plug one in, or set video_path to its device");
    return OpenVideoDevice::Open(driver, devices[0].path);
  }
  if (path[0] == '/') return OpenVideoDevice::Open(driver, path);
  for (const char* folder : {"/dev/", "/dev/v4l/by-id/", "/dev/v4l/by-path/"}) {
    auto device = OpenVideoDevice::Open(driver, folder + path);
    if (!absl::IsNotFound(device.status())) return device;
  }
  return NotFound("no webcam " + path + " in /dev, /dev/v4l/by-id or /dev/v4l/by-path");
}

// When the driver's clock said `stamp`, on the clock of the day; now if that clock is another one.
std::chrono::system_clock::time_point TimeOf(const v4l2_buffer& buffer) {
  const auto now = std::chrono::system_clock::now();
  if ((buffer.flags & V4L2_BUF_FLAG_TIMESTAMP_MASK) != V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC)
    return now;
  timespec monotonic;
  clock_gettime(CLOCK_MONOTONIC, &monotonic);
  const auto age = std::chrono::seconds(monotonic.tv_sec - buffer.timestamp.tv_sec) +
                   std::chrono::nanoseconds(monotonic.tv_nsec) -
                   std::chrono::microseconds(buffer.timestamp.tv_usec);
  if (age < std::chrono::seconds(0) || age > std::chrono::seconds(5)) return now;
  return now - std::chrono::duration_cast<std::chrono::system_clock::duration>(age);
}

v4l2_buffer BufferNumber(uint32_t index) {
  v4l2_buffer buffer{};
  buffer.index = index;
  buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  buffer.memory = V4L2_MEMORY_MMAP;
  return buffer;
}

}  // namespace

absl::StatusOr<std::unique_ptr<VideoCapture>> VideoCapture::Start(VideoDriver& driver,
                                                                  const VideoWish& wish) {
  ASSIGN_OR_RETURN(auto device, OpenWished(driver, wish.path));
  std::unique_ptr<VideoCapture> capture(new VideoCapture(std::move(device)));
  RETURN_IF_ERROR(capture->Configure(wish));
  RETURN_IF_ERROR(capture->MapBuffers());
  int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  RETURN_IF_ERROR(capture->Control(VIDIOC_STREAMON, &type, "cannot start capturing"));
  return capture;
}

VideoCapture::~VideoCapture() {
  int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  device_.driver().Control(device_.fd(), VIDIOC_STREAMOFF, &type);
  for (const auto& buffer : buffers_) device_.driver().Unmap(buffer.memory, buffer.length);
}

absl::Status VideoCapture::Control(unsigned long request, void* argument, const char* what) const {
  const int result = device_.driver().Control(device_.fd(), request, argument);
  if (result == 0) return absl::OkStatus();
  if (result == -EBUSY) return Unavailable(path() + " is in use by another program");
  if (result == -ENODEV) return Unavailable(path() + " is gone");
  return ErrnoStatus(-result, path() + ": " + what);
}

absl::Status VideoCapture::Configure(const VideoWish& wish) {
  ASSIGN_OR_RETURN(const VideoDevice description, device_.Describe());
  ASSIGN_OR_RETURN(mode_, ChooseMode(description, wish));
  v4l2_format format{};
  format.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  format.fmt.pix.width = static_cast<uint32_t>(mode_.size.width);
  format.fmt.pix.height = static_cast<uint32_t>(mode_.size.height);
  format.fmt.pix.pixelformat = mode_.fourcc;
  format.fmt.pix.field = V4L2_FIELD_ANY;
  RETURN_IF_ERROR(Control(VIDIOC_S_FMT, &format, "cannot set the format"));
  // The driver has the last word.
  mode_.fourcc = format.fmt.pix.pixelformat;
  mode_.size = {static_cast<int>(format.fmt.pix.width), static_cast<int>(format.fmt.pix.height)};
  stride_ = format.fmt.pix.bytesperline;
  full_range_ = format.fmt.pix.quantization == V4L2_QUANTIZATION_FULL_RANGE;
  if (FormatRank(mode_.fourcc) < 0) {
    return FailedPrecondition(path() + " insists on the format " + FormatName(mode_.fourcc) +
                              ", which is not understood");
  }
  return SetFrameRate(wish.fps);
}

absl::Status VideoCapture::SetFrameRate(double fps) {
  v4l2_streamparm parameters{};
  parameters.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  // Not every device can tell or choose its rate; frames come all the same.
  if (device_.driver().Control(device_.fd(), VIDIOC_G_PARM, &parameters) != 0)
    return absl::OkStatus();
  auto& capture = parameters.parm.capture;
  if (fps > 0 && (capture.capability & V4L2_CAP_TIMEPERFRAME) != 0) {
    capture.timeperframe.numerator = 1000;
    capture.timeperframe.denominator = static_cast<uint32_t>(std::lround(fps * 1000));
    if (device_.driver().Control(device_.fd(), VIDIOC_S_PARM, &parameters) == -EBUSY)
      return Unavailable(path() + " is in use by another program");
  }
  if (capture.timeperframe.numerator > 0) {
    mode_.fps = static_cast<double>(capture.timeperframe.denominator) /
                static_cast<double>(capture.timeperframe.numerator);
  }
  return absl::OkStatus();
}

absl::Status VideoCapture::MapBuffers() {
  v4l2_requestbuffers request{};
  request.count = kBuffers;
  request.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  request.memory = V4L2_MEMORY_MMAP;
  RETURN_IF_ERROR(Control(VIDIOC_REQBUFS, &request, "cannot get buffers"));
  if (request.count == 0) return Unavailable(path() + " has no memory for buffers");
  for (uint32_t i = 0; i < request.count; ++i) {
    v4l2_buffer buffer = BufferNumber(i);
    RETURN_IF_ERROR(Control(VIDIOC_QUERYBUF, &buffer, "cannot get a buffer"));
    void* memory =
        device_.driver().Map(device_.fd(), buffer.length, static_cast<off_t>(buffer.m.offset));
    if (memory == nullptr) return Unavailable(path() + ": cannot map a buffer");
    buffers_.push_back({memory, buffer.length});
    RETURN_IF_ERROR(Control(VIDIOC_QBUF, &buffer, "cannot queue a buffer"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<RawFrame>> VideoCapture::Next(int interrupt_fd,
                                                           std::chrono::milliseconds timeout) {
  v4l2_buffer buffer = BufferNumber(0);
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    const auto ready = left.count() <= 0 ? VideoDriver::Ready::kTimeout
                                         : device_.driver().Wait(device_.fd(), interrupt_fd, left);
    if (ready == VideoDriver::Ready::kInterrupted)
      return absl::CancelledError("capturing was interrupted");
    if (ready == VideoDriver::Ready::kTimeout && left.count() <= 0)
      return Unavailable(path() + " gives no frames");
    if (ready != VideoDriver::Ready::kFrame) continue;
    const int result = device_.driver().Control(device_.fd(), VIDIOC_DQBUF, &buffer);
    if (result == 0) break;
    if (result != -EAGAIN) return Unavailable(path() + " is gone");
  }
  if (buffer.index >= buffers_.size()) return Unavailable(path() + " returned a wrong buffer");
  std::optional<RawFrame> frame;
  const Buffer& memory = buffers_[buffer.index];
  if ((buffer.flags & V4L2_BUF_FLAG_ERROR) == 0 && buffer.bytesused > 0 &&
      buffer.bytesused <= memory.length) {
    frame.emplace(RawFrame{mode_.fourcc, mode_.size, stride_, full_range_,
                           std::string(static_cast<const char*>(memory.memory), buffer.bytesused),
                           TimeOf(buffer)});
    if (!CheckFrame(*frame).ok()) frame = std::nullopt;
  }
  RETURN_IF_ERROR(Control(VIDIOC_QBUF, &buffer, "cannot queue a buffer"));
  return frame;
}

}  // namespace bowerbird::machine
