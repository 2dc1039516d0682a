// SPDX-License-Identifier: Apache-2.0
#include "audio/sound_bytes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <utility>

#include "audio/sound_reader.h"
#include "base/status.h"

namespace bowerbird::audio {
namespace {

// Goes with its scope.
class TemporaryFile {
 public:
  static absl::StatusOr<std::unique_ptr<TemporaryFile>> Create(std::string_view bytes) {
    std::error_code error;
    std::string path = std::filesystem::temp_directory_path(error).string() + "/bowerbird-XXXXXX";
    const int fd = error ? -1 : mkostemp(path.data(), O_CLOEXEC);
    if (fd < 0) return ErrnoStatus(errno, "make a temporary file for the sound");
    std::unique_ptr<TemporaryFile> file(new TemporaryFile(path));
    size_t written = 0;
    while (written < bytes.size()) {
      const ssize_t count = write(fd, bytes.data() + written, bytes.size() - written);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) break;
      written += static_cast<size_t>(count);
    }
    const int problem = errno;
    close(fd);
    if (written < bytes.size()) return ErrnoStatus(problem, "write " + path);
    return file;
  }
  ~TemporaryFile() { unlink(path_.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  explicit TemporaryFile(std::string path) : path_(std::move(path)) {}
  const std::string path_;
};

// The caller does not know the file: what ffmpeg says about it is what counts.
absl::Status WithoutPath(const absl::Status& status, const std::string& path) {
  std::string message = MessageOf(status);
  for (size_t at = 0; (at = message.find(path)) != std::string::npos;)
    message.replace(at, path.size(), "that was sent");
  return absl::Status(status.code(), ToAbsl(message));
}

}  // namespace

absl::StatusOr<Sound> ReadSoundBytes(const Context& context, std::string_view bytes,
                                     double max_seconds) {
  ASSIGN_OR_RETURN(const auto file, TemporaryFile::Create(bytes));
  SoundSource source;
  source.path = file->path();
  const auto format = ProbeFile(context, source.path);
  if (!format.ok()) return WithoutPath(format.status(), source.path);
  source.format = *format;
  auto samples = ReadSound(context, source, max_seconds);
  if (!samples.ok()) return WithoutPath(samples.status(), source.path);
  return Sound{*format, *std::move(samples)};
}

}  // namespace bowerbird::audio
