// SPDX-License-Identifier: Apache-2.0
//
// A file that a camera serves again and again: read when it changed, else kept, so that its picture
// is decoded once however many read it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "image/picture.h"

namespace bowerbird::machine {

inline constexpr int64_t kMaxCameraFile = int64_t{64} << 20;

// The whole file. Errors: that of open; INVALID_ARGUMENT:
// no regular file (a pipe or a device could block or never end), or larger than kMaxCameraFile.
absl::StatusOr<std::string> ReadCameraFile(const std::string& path);

// Thread-safe.
class CameraFile {
 public:
  using Convert =
      std::function<absl::StatusOr<std::shared_ptr<const image::Picture>>(std::string bytes)>;

  // `convert` makes the picture of the file's bytes; its errors get the path in front.
  CameraFile(std::string path, Convert convert)
      : path_(std::move(path)), convert_(std::move(convert)) {}

  const std::string& path() const { return path_; }
  absl::StatusOr<std::shared_ptr<const image::Picture>> Read();

 private:
  // What tells one state of a file from another without reading it.
  struct Identity {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = -1;
    int64_t changed_ns = 0;
    friend bool operator==(const Identity&, const Identity&) = default;
  };
  absl::StatusOr<Identity> Look() const;

  const std::string path_;
  const Convert convert_;
  Mutex mutex_;
  Identity identity_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const image::Picture> picture_ ABSL_GUARDED_BY(mutex_);
};

// Color pictures: JPEG and PNG as they are, other formats encoded as JPEG.
absl::StatusOr<std::shared_ptr<const image::Picture>> ColorPicture(std::string bytes);
// Depth maps: raw ones as they are, 16-bit gray PNG encoded as raw. Others: INVALID_ARGUMENT.
absl::StatusOr<std::shared_ptr<const image::Picture>> DepthPicture(std::string bytes);

}  // namespace bowerbird::machine
