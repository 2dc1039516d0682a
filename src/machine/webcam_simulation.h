// SPDX-License-Identifier: Apache-2.0
//
// For tests: capture devices in the kernel's place, which keep V4L2's rules and fail a test that
// breaks them.
#pragma once

#include <linux/videodev2.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "gtest/gtest.h"
#include "machine/webcam_driver.h"

namespace bowerbird::machine {

struct SimulatedFormat {
  uint32_t fourcc = V4L2_PIX_FMT_MJPEG;
  std::vector<std::pair<uint32_t, uint32_t>> sizes;
  std::vector<uint32_t> rates;  // per second
  bool stepwise = false;        // sizes[0] to sizes[1] in steps of 16
};

struct SimulatedDevice {
  std::string card = "Simulated Cam (one)";
  uint32_t capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
  std::vector<SimulatedFormat> formats;
  uint32_t forced_fourcc = 0;  // what S_FMT gives whatever it is asked for
  uint32_t quantization = V4L2_QUANTIZATION_DEFAULT;
  bool busy = false;

  // Of the running capture.
  v4l2_pix_format pix{};
  double rate = 0;
  bool streaming = false;
  std::vector<std::vector<uint8_t>> buffers;
  std::deque<uint32_t> queued;
  struct Frame {
    std::string bytes;
    uint32_t flags = 0;
  };
  std::deque<Frame> frames;  // still to be delivered
};

class SimulatedDriver final : public VideoDriver {
 public:
  static constexpr uint32_t kBufferBytes = 1 << 20;

  ~SimulatedDriver() override {
    MutexLock lock(mutex_);
    EXPECT_TRUE(open_.empty()) << "a descriptor was left open";
    EXPECT_EQ(mapped_, 0) << "a buffer was left mapped";
  }

  void Plug(const std::string& path, SimulatedDevice device) {
    MutexLock lock(mutex_);
    devices_[path] = std::make_shared<SimulatedDevice>(std::move(device));
  }
  // The device goes away while it may be in use.
  void Unplug(const std::string& path) {
    MutexLock lock(mutex_);
    devices_.erase(path);
  }
  void Deliver(const std::string& path, std::string bytes, uint32_t flags = 0) {
    MutexLock lock(mutex_);
    devices_.at(path)->frames.push_back({std::move(bytes), flags});
  }
  SimulatedDevice Look(const std::string& path) {
    MutexLock lock(mutex_);
    return *devices_.at(path);
  }

  std::vector<std::string> List() override {
    MutexLock lock(mutex_);
    std::vector<std::string> paths;
    for (const auto& [path, device] : devices_) paths.push_back(path);
    return paths;
  }
  std::string StablePath(const std::string& path) override { return "/stable" + path; }

  int Open(const std::string& path) override {
    MutexLock lock(mutex_);
    const auto found = devices_.find(path);
    if (found == devices_.end()) return -ENOENT;
    open_[++last_fd_] = found->second;
    return last_fd_;
  }
  void Close(int fd) override {
    MutexLock lock(mutex_);
    open_.at(fd)->streaming = false;
    open_.erase(fd);
  }
  void* Map(int fd, size_t length, off_t offset) override {
    MutexLock lock(mutex_);
    EXPECT_EQ(length, kBufferBytes);
    ++mapped_;
    return open_.at(fd)->buffers.at(static_cast<size_t>(offset)).data();
  }
  void Unmap(void*, size_t length) override {
    MutexLock lock(mutex_);
    EXPECT_EQ(length, kBufferBytes);
    --mapped_;
  }

  int Control(int fd, unsigned long request, void* argument) override {
    MutexLock lock(mutex_);
    const auto device = open_.at(fd);
    if (!IsPlugged(*device)) return -ENODEV;
    switch (request) {
      case VIDIOC_QUERYCAP:
        return QueryCapabilities(*device, *static_cast<v4l2_capability*>(argument));
      case VIDIOC_ENUM_FMT:
        return Enumerate(*device, *static_cast<v4l2_fmtdesc*>(argument));
      case VIDIOC_ENUM_FRAMESIZES:
        return Enumerate(*device, *static_cast<v4l2_frmsizeenum*>(argument));
      case VIDIOC_ENUM_FRAMEINTERVALS:
        return Enumerate(*device, *static_cast<v4l2_frmivalenum*>(argument));
      case VIDIOC_S_FMT:
        return SetFormat(*device, static_cast<v4l2_format*>(argument)->fmt.pix);
      case VIDIOC_G_PARM:
      case VIDIOC_S_PARM:
        return Rate(*device, request == VIDIOC_S_PARM,
                    static_cast<v4l2_streamparm*>(argument)->parm.capture);
      case VIDIOC_REQBUFS:
        device->buffers.assign(static_cast<v4l2_requestbuffers*>(argument)->count,
                               std::vector<uint8_t>(kBufferBytes));
        device->queued.clear();
        return 0;
      case VIDIOC_QUERYBUF:
      case VIDIOC_QBUF:
      case VIDIOC_DQBUF:
        return Exchange(*device, request, *static_cast<v4l2_buffer*>(argument));
      case VIDIOC_STREAMON:
        EXPECT_FALSE(device->queued.empty()) << "started without a queued buffer";
        device->streaming = true;
        return 0;
      case VIDIOC_STREAMOFF:
        device->streaming = false;
        return 0;
      default:
        return -ENOTTY;
    }
  }

  Ready Wait(int fd, int interrupt_fd, std::chrono::milliseconds timeout) override {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    while (std::chrono::steady_clock::now() < deadline) {
      pollfd interrupt{interrupt_fd, POLLIN, 0};
      if (poll(&interrupt, 1, 1) > 0) return Ready::kInterrupted;
      MutexLock lock(mutex_);
      const auto& device = *open_.at(fd);
      if (!IsPlugged(device) || (!device.frames.empty() && !device.queued.empty()))
        return Ready::kFrame;
    }
    return Ready::kTimeout;
  }

 private:
  bool IsPlugged(const SimulatedDevice& device) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (const auto& [path, plugged] : devices_) {
      if (plugged.get() == &device) return true;
    }
    return false;
  }

  static int QueryCapabilities(const SimulatedDevice& device, v4l2_capability& capability) {
    std::strncpy(reinterpret_cast<char*>(capability.card), device.card.c_str(), 31);
    std::strcpy(reinterpret_cast<char*>(capability.driver), "simulation");
    capability.capabilities = V4L2_CAP_DEVICE_CAPS | V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
    capability.device_caps = device.capabilities;
    return 0;
  }
  static const SimulatedFormat* Find(const SimulatedDevice& device, uint32_t fourcc) {
    for (const auto& format : device.formats) {
      if (format.fourcc == fourcc) return &format;
    }
    return nullptr;
  }
  static int Enumerate(const SimulatedDevice& device, v4l2_fmtdesc& entry) {
    if (entry.index >= device.formats.size()) return -EINVAL;
    entry.pixelformat = device.formats[entry.index].fourcc;
    return 0;
  }
  static int Enumerate(const SimulatedDevice& device, v4l2_frmsizeenum& entry) {
    const auto* format = Find(device, entry.pixel_format);
    if (format == nullptr) return -EINVAL;
    if (format->stepwise) {
      if (entry.index > 0) return -EINVAL;
      entry.type = V4L2_FRMSIZE_TYPE_STEPWISE;
      entry.stepwise = {format->sizes[0].first,  format->sizes[1].first,  16,
                        format->sizes[0].second, format->sizes[1].second, 16};
      return 0;
    }
    if (entry.index >= format->sizes.size()) return -EINVAL;
    entry.type = V4L2_FRMSIZE_TYPE_DISCRETE;
    entry.discrete = {format->sizes[entry.index].first, format->sizes[entry.index].second};
    return 0;
  }
  static int Enumerate(const SimulatedDevice& device, v4l2_frmivalenum& entry) {
    const auto* format = Find(device, entry.pixel_format);
    if (format == nullptr || entry.index >= format->rates.size()) return -EINVAL;
    entry.type = V4L2_FRMIVAL_TYPE_DISCRETE;
    entry.discrete = {1, format->rates[entry.index]};
    return 0;
  }
  static int SetFormat(SimulatedDevice& device, v4l2_pix_format& pix) {
    if (device.busy) return -EBUSY;
    if (device.forced_fourcc != 0) pix.pixelformat = device.forced_fourcc;
    const bool compressed = pix.pixelformat == V4L2_PIX_FMT_MJPEG;
    pix.bytesperline = compressed ? 0 : pix.width * 2;
    pix.quantization = device.quantization;
    device.pix = pix;
    return 0;
  }
  static int Rate(SimulatedDevice& device, bool set, v4l2_captureparm& parameters) {
    parameters.capability = V4L2_CAP_TIMEPERFRAME;
    if (set) {
      device.rate = static_cast<double>(parameters.timeperframe.denominator) /
                    parameters.timeperframe.numerator;
    } else {
      parameters.timeperframe = {1, 30};
    }
    return 0;
  }
  static int Exchange(SimulatedDevice& device, unsigned long request, v4l2_buffer& buffer) {
    EXPECT_EQ(buffer.memory, static_cast<uint32_t>(V4L2_MEMORY_MMAP));
    if (request == VIDIOC_QUERYBUF) {
      buffer.length = kBufferBytes;
      buffer.m.offset = buffer.index;
      return 0;
    }
    if (request == VIDIOC_QBUF) {
      EXPECT_LT(buffer.index, device.buffers.size());
      for (const uint32_t queued : device.queued) EXPECT_NE(queued, buffer.index);
      device.queued.push_back(buffer.index);
      return 0;
    }
    EXPECT_TRUE(device.streaming) << "a frame was asked for before the start";
    if (device.frames.empty() || device.queued.empty()) return -EAGAIN;
    const auto frame = std::move(device.frames.front());
    device.frames.pop_front();
    buffer.index = device.queued.front();
    device.queued.pop_front();
    buffer.bytesused = static_cast<uint32_t>(frame.bytes.size());
    buffer.flags = frame.flags;
    std::memcpy(device.buffers[buffer.index].data(), frame.bytes.data(), frame.bytes.size());
    return 0;
  }

  Mutex mutex_;
  std::map<std::string, std::shared_ptr<SimulatedDevice>> devices_ ABSL_GUARDED_BY(mutex_);
  std::map<int, std::shared_ptr<SimulatedDevice>> open_ ABSL_GUARDED_BY(mutex_);
  int last_fd_ ABSL_GUARDED_BY(mutex_) = 100;
  int mapped_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace bowerbird::machine
