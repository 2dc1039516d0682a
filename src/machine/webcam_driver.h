// SPDX-License-Identifier: Apache-2.0
//
// The calls to the kernel that capturing video (V4L2) needs, so that tests can put a simulated
// device in the kernel's place.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace bowerbird::machine {

// Thread-safe.
class VideoDriver {
 public:
  virtual ~VideoDriver() = default;

  // "/dev/video0", "/dev/video2", ... by number.
  virtual std::vector<std::string> List() = 0;
  // A path that stays with the device when it is plugged elsewhere, or `path`.
  virtual std::string StablePath(const std::string& path) = 0;

  // A descriptor, or -errno.
  virtual int Open(const std::string& path) = 0;
  virtual void Close(int fd) = 0;
  // ioctl: 0 or -errno; never EINTR.
  virtual int Control(int fd, unsigned long request, void* argument) = 0;
  // Null when it fails.
  virtual void* Map(int fd, size_t length, off_t offset) = 0;
  virtual void Unmap(void* memory, size_t length) = 0;

  enum class Ready { kFrame, kTimeout, kInterrupted };
  // Until a frame (or an error, which the next Control tells) is there, `interrupt_fd` becomes
  // readable, or `timeout` passes.
  virtual Ready Wait(int fd, int interrupt_fd, std::chrono::milliseconds timeout) = 0;
};

class KernelVideoDriver final : public VideoDriver {
 public:
  std::vector<std::string> List() override;
  std::string StablePath(const std::string& path) override;
  int Open(const std::string& path) override;
  void Close(int fd) override;
  int Control(int fd, unsigned long request, void* argument) override;
  void* Map(int fd, size_t length, off_t offset) override;
  void Unmap(void* memory, size_t length) override;
  Ready Wait(int fd, int interrupt_fd, std::chrono::milliseconds timeout) override;
};

}  // namespace bowerbird::machine
