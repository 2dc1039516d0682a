// SPDX-License-Identifier: Apache-2.0
#include "app/data_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "base/status.h"

namespace bowerbird::app {
namespace {

std::string HolderOf(int fd) {
  char text[32];
  const ssize_t bytes = pread(fd, text, sizeof text, 0);
  return bytes <= 0 ? "" : " (process " + std::string(text, static_cast<size_t>(bytes)) + ")";
}

}  // namespace

absl::StatusOr<std::unique_ptr<DataDir>> DataDir::Open(const std::string& path) {
  std::error_code error;
  const std::string absolute = std::filesystem::absolute(path, error).lexically_normal().string();
  if (std::filesystem::create_directories(absolute, error)) {
    std::filesystem::permissions(absolute, std::filesystem::perms::owner_all, error);
  }
  if (error) return ErrnoStatus(error.value(), "data directory " + absolute);

  const std::string lock = absolute + "/lock";
  const int fd = open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return ErrnoStatus(errno, lock);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    const std::string holder = HolderOf(fd);
    close(fd);
    if (reason != EWOULDBLOCK) return ErrnoStatus(reason, lock);
    return FailedPrecondition("data directory " + absolute + " is in use by another server" +
                              holder + ": stop it, or choose another with --data-dir");
  }
  const std::string self = std::to_string(getpid());
  if (ftruncate(fd, 0) != 0 || pwrite(fd, self.data(), self.size(), 0) < 0) {
    const auto status = ErrnoStatus(errno, lock);
    close(fd);
    return status;
  }
  return std::unique_ptr<DataDir>(new DataDir(absolute, fd));
}

DataDir::~DataDir() { close(lock_fd_); }

}  // namespace bowerbird::app
