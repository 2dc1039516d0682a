// SPDX-License-Identifier: Apache-2.0
#include "machine/webcam_driver.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <string_view>

namespace bowerbird::machine {
namespace {

namespace fs = std::filesystem;

// 12 of "video12"; -1 for other names.
int NumberOf(std::string_view name) {
  constexpr std::string_view kPrefix = "video";
  if (!name.starts_with(kPrefix)) return -1;
  int number = -1;
  const char* end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data() + kPrefix.size(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end ? number : -1;
}

}  // namespace

std::vector<std::string> KernelVideoDriver::List() {
  std::vector<int> numbers;
  std::error_code ignored;
  for (auto entry = fs::directory_iterator("/dev", ignored); entry != fs::directory_iterator();
       entry.increment(ignored)) {
    if (const int number = NumberOf(entry->path().filename().string()); number >= 0)
      numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  std::vector<std::string> paths;
  paths.reserve(numbers.size());
  for (const int number : numbers) paths.push_back("/dev/video" + std::to_string(number));
  return paths;
}

std::string KernelVideoDriver::StablePath(const std::string& path) {
  for (const char* folder : {"/dev/v4l/by-id", "/dev/v4l/by-path"}) {
    std::vector<std::string> names;
    std::error_code ignored;
    for (auto entry = fs::directory_iterator(folder, ignored); entry != fs::directory_iterator();
         entry.increment(ignored)) {
      if (fs::equivalent(entry->path(), path, ignored)) names.push_back(entry->path().string());
    }
    if (!names.empty()) return *std::min_element(names.begin(), names.end());
  }
  return path;
}

int KernelVideoDriver::Open(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

void KernelVideoDriver::Close(int fd) { close(fd); }

int KernelVideoDriver::Control(int fd, unsigned long request, void* argument) {
  while (ioctl(fd, request, argument) < 0) {
    if (errno != EINTR) return -errno;
  }
  return 0;
}

void* KernelVideoDriver::Map(int fd, size_t length, off_t offset) {
  void* memory = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
  return memory == MAP_FAILED ? nullptr : memory;
}

void KernelVideoDriver::Unmap(void* memory, size_t length) { munmap(memory, length); }

VideoDriver::Ready KernelVideoDriver::Wait(int fd, int interrupt_fd,
                                           std::chrono::milliseconds timeout) {
  std::array<pollfd, 2> waited{{{fd, POLLIN, 0}, {interrupt_fd, POLLIN, 0}}};
  const int count = poll(waited.data(), waited.size(), static_cast<int>(timeout.count()));
  if (count <= 0) return Ready::kTimeout;
  return waited[1].revents != 0 ? Ready::kInterrupted : Ready::kFrame;
}

}  // namespace bowerbird::machine
