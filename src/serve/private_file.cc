// SPDX-License-Identifier: Apache-2.0
#include "serve/private_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "base/status.h"
#include "serve/crypto.h"

namespace bowerbird::serve {
namespace {

constexpr size_t kMaxSize = size_t{4} << 20;

int64_t Nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::string FolderOf(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

absl::Status MakeFolder(const std::string& folder) {
  std::error_code error;
  if (std::filesystem::exists(folder, error)) return absl::OkStatus();
  if (const std::string parent = FolderOf(folder); parent != folder)
    RETURN_IF_ERROR(MakeFolder(parent));
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return ErrnoStatus(errno, "create folder " + folder);
  return absl::OkStatus();
}

absl::Status WriteAll(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, "write " + path);
    content.remove_prefix(static_cast<size_t>(written));
  }
  if (fsync(fd) != 0) return ErrnoStatus(errno, "sync " + path);
  return absl::OkStatus();
}

void SyncFolder(const std::string& folder) {
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

// Writes a file of a name of its own beside `path`, then gives it to `place`, which returns 0 or
// -1 with errno, as rename and link do.
absl::Status WriteThen(const std::string& path, std::string_view content,
                       int (*place)(const char*, const char*)) {
  const std::string folder = FolderOf(path);
  RETURN_IF_ERROR(MakeFolder(folder));
  const std::string temporary = path + "." + HexEncode(RandomBytes(8)) + ".tmp";
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return ErrnoStatus(errno, "create " + temporary);
  absl::Cleanup remove = [&temporary] { unlink(temporary.c_str()); };
  absl::Status status = WriteAll(fd, content, temporary);
  close(fd);
  RETURN_IF_ERROR(status);
  if (place(temporary.c_str(), path.c_str()) != 0) {
    if (errno == EEXIST) return absl::AlreadyExistsError(ToAbsl(path + " is there already"));
    return ErrnoStatus(errno, "put " + path + " in place");
  }
  SyncFolder(folder);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadPrivateFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return NotFound(path + " does not exist");
    return ErrnoStatus(errno, "open " + path);
  }
  absl::Cleanup close_file = [fd] { close(fd); };
  std::string content;
  char buffer[16384];
  for (;;) {
    const ssize_t count = read(fd, buffer, sizeof(buffer));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(errno, "read " + path);
    if (count == 0) return content;
    content.append(buffer, static_cast<size_t>(count));
    if (content.size() > kMaxSize)
      return ResourceExhausted(path + " is larger than 4 MiB: it is not a file of this program");
  }
}

absl::Status WritePrivateFile(const std::string& path, std::string_view content) {
  return WriteThen(path, content, rename);
}

absl::Status CreatePrivateFile(const std::string& path, std::string_view content) {
  return WriteThen(path, content, link);
}

FileStamp FileStamp::Of(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) return {};
  return {true, status.st_ino, status.st_size, Nanoseconds(status.st_mtim),
          Nanoseconds(status.st_ctim)};
}

absl::StatusOr<FileLock> FileLock::Take(const std::string& path) {
  RETURN_IF_ERROR(MakeFolder(FolderOf(path)));
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return ErrnoStatus(errno, "open " + path);
  FileLock lock(fd);
  while (flock(fd, LOCK_EX) != 0) {
    if (errno != EINTR) return ErrnoStatus(errno, "lock " + path);
  }
  return lock;
}

FileLock::~FileLock() {
  if (fd_ >= 0) close(fd_);
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

}  // namespace bowerbird::serve
