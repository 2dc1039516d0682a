// SPDX-License-Identifier: Apache-2.0
#include "machine/camera_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/descriptor.h"
#include "base/status.h"

namespace bowerbird::machine {
namespace {

// File systems stamp changes with the kernel's tick, so two changes may bear the same time. A file
// that changed this recently is read again although its stamp did not change.
constexpr int64_t kUnsettledNs = 100'000'000;

int64_t Nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

int64_t NowNs() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return Nanoseconds(now);
}

}  // namespace

absl::StatusOr<std::string> ReadCameraFile(const std::string& path) {
  // Not blocking: opening a pipe would wait for its writer.
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return ErrnoStatus(errno, "open " + path);
  struct stat info;
  if (fstat(file.get(), &info) != 0) return ErrnoStatus(errno, "stat " + path);
  if (!S_ISREG(info.st_mode)) return InvalidArgument(path + " is not a regular file");
  if (info.st_size > kMaxCameraFile) {
    return InvalidArgument(path + " has " + std::to_string(info.st_size) + " bytes; at most " +
                           std::to_string(kMaxCameraFile) + " are read");
  }
  std::string bytes(static_cast<size_t>(info.st_size), '\0');
  size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t count = read(file.get(), bytes.data() + filled, bytes.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(errno, "read " + path);
    if (count == 0) break;  // it was cut shorter meanwhile
    filled += static_cast<size_t>(count);
  }
  bytes.resize(filled);
  return bytes;
}

absl::StatusOr<CameraFile::Identity> CameraFile::Look() const {
  struct stat info;
  if (stat(path_.c_str(), &info) != 0) return ErrnoStatus(errno, "open " + path_);
  return Identity{info.st_dev, info.st_ino, info.st_size, Nanoseconds(info.st_mtim)};
}

absl::StatusOr<std::shared_ptr<const image::Picture>> CameraFile::Read() {
  MutexLock lock(mutex_);
  const int64_t looked_at = NowNs();
  ASSIGN_OR_RETURN(const Identity identity, Look());
  if (picture_ != nullptr && identity == identity_) return picture_;
  ASSIGN_OR_RETURN(std::string bytes, ReadCameraFile(path_));
  auto picture = convert_(std::move(bytes));
  if (!picture.ok()) return Annotate(picture.status(), path_);
  const bool settled = identity.changed_ns < looked_at - kUnsettledNs;
  identity_ = settled ? identity : Identity{};
  picture_ = *picture;
  return picture_;
}

absl::StatusOr<std::shared_ptr<const image::Picture>> ColorPicture(std::string bytes) {
  auto picture = image::Picture::FromBytes(std::move(bytes));
  ASSIGN_OR_RETURN(const image::Header header, picture->header());
  if (header.mime == image::kMimeJpeg || header.mime == image::kMimePng) return picture;
  ASSIGN_OR_RETURN(const auto pixels, picture->Decoded());
  return image::Picture::FromImage(pixels->Clone(), image::kMimeJpeg);
}

absl::StatusOr<std::shared_ptr<const image::Picture>> DepthPicture(std::string bytes) {
  auto picture = image::Picture::FromBytes(std::move(bytes));
  ASSIGN_OR_RETURN(const image::Header header, picture->header());
  if (header.format != image::PixelFormat::kDepth16) {
    return InvalidArgument("this is no depth map but " + std::string(header.mime) +
                           ": give a 16-bit gray PNG or " + std::string(image::kMimeRawDepth));
  }
  if (header.mime == image::kMimeRawDepth) return picture;
  ASSIGN_OR_RETURN(const auto pixels, picture->Decoded());
  return image::Picture::FromImage(pixels->Clone(), image::kMimeRawDepth);
}

}  // namespace bowerbird::machine
