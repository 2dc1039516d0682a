// SPDX-License-Identifier: Apache-2.0
#include "infer/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/status.h"

namespace bowerbird::infer {
namespace {

constexpr off_t kMaxFileBytes = off_t{1} << 31;

absl::StatusOr<size_t> SizeOf(int descriptor, const std::string& path) {
  struct stat info {};
  if (fstat(descriptor, &info) != 0) return ErrnoStatus(errno, "stat " + path);
  if (!S_ISREG(info.st_mode)) return InvalidArgument(path + " is not a file");
  if (info.st_size == 0) return InvalidArgument(path + " is empty");
  if (info.st_size >= kMaxFileBytes) {
    return InvalidArgument(path + " is larger than the 2 GiB that a TensorFlow Lite file can have");
  }
  return static_cast<size_t>(info.st_size);
}

}  // namespace

absl::StatusOr<std::unique_ptr<MappedFile>> MappedFile::Open(const std::string& path) {
  // O_NONBLOCK: a named pipe must not hang the caller before SizeOf refuses it.
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return ErrnoStatus(errno, "open " + path);
  const absl::StatusOr<size_t> size = SizeOf(descriptor, path);
  void* data = MAP_FAILED;
  int error = 0;
  if (size.ok()) {
    data = mmap(nullptr, *size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    error = errno;
  }
  if (data == MAP_FAILED) close(descriptor);
  if (!size.ok()) return size.status();
  if (data == MAP_FAILED) return ErrnoStatus(error, "map " + path);
  return std::unique_ptr<MappedFile>(
      new MappedFile(descriptor, static_cast<std::byte*>(data), *size));
}

absl::StatusOr<std::unique_ptr<MappedFile>> MappedFile::OfBytes(std::string_view bytes) {
  std::error_code failed;
  const std::filesystem::path folder = std::filesystem::temp_directory_path(failed);
  if (failed)
    return Annotate(FailedPrecondition(failed.message()), "the folder for temporary files");
  const int descriptor = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor < 0) return ErrnoStatus(errno, "make a file in " + folder.string());
  size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t count = write(descriptor, bytes.data() + written, bytes.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    written += static_cast<size_t>(count);
  }
  int error = errno;
  void* data = MAP_FAILED;
  if (written == bytes.size()) {
    data = mmap(nullptr, bytes.size(), PROT_READ, MAP_PRIVATE, descriptor, 0);
    error = errno;
  }
  if (data == MAP_FAILED) close(descriptor);
  if (data == MAP_FAILED) return ErrnoStatus(error, "write a file in " + folder.string());
  return std::unique_ptr<MappedFile>(
      new MappedFile(descriptor, static_cast<std::byte*>(data), bytes.size()));
}

MappedFile::~MappedFile() {
  munmap(data_, size_);
  close(descriptor_);
}

std::string MappedFile::LivingPath() const {
  return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(descriptor_);
}

void MappedFile::DropPages() const { madvise(data_, size_, MADV_DONTNEED); }

}  // namespace bowerbird::infer
