// SPDX-License-Identifier: Apache-2.0
#include "app/picture_source.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "image/codec.h"
#include "video/frame_reader.h"

namespace bowerbird::app {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWanted = "give the path of a picture, a video or a folder of pictures";
// An encoded picture beyond this is a mistake, and reading it whole would only cost memory.
constexpr uintmax_t kMaxPictureBytes = uintmax_t{256} << 20;

bool IsPictureName(const fs::path& path) {
  static constexpr std::array<std::string_view, 9> kExtensions = {
      ".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".ppm", ".tif", ".tiff"};
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

absl::StatusOr<std::vector<std::string>> PicturesIn(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> files;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_regular_file(ignored) && IsPictureName(entry->path())) {
      files.push_back(entry->path().string());
    }
  }
  if (error) return ErrnoStatus(error.value(), "read folder " + folder);
  if (files.empty()) {
    return InvalidArgument("folder " + folder + " holds no pictures: " + std::string(kWanted));
  }
  std::sort(files.begin(), files.end());
  return files;
}

// The first bytes, enough to know the format by.
absl::StatusOr<std::string> ReadStart(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return ErrnoStatus(errno, "open " + path);
  std::string start(64, '\0');
  file.read(start.data(), static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<size_t>(file.gcount()));
  return start;
}

absl::StatusOr<std::string> ReadWhole(const std::string& path) {
  std::error_code error;
  const uintmax_t size = fs::file_size(path, error);
  if (error) return ErrnoStatus(error.value(), "read " + path);
  if (size > kMaxPictureBytes) {
    return InvalidArgument(path + " is a picture file of " + std::to_string(size >> 20) +
                           " MiB, above the limit of " + std::to_string(kMaxPictureBytes >> 20));
  }
  std::ifstream file(path, std::ios::binary);
  std::string bytes(size, '\0');
  if (!file.read(bytes.data(), static_cast<std::streamsize>(size))) {
    return ErrnoStatus(errno, "read " + path);
  }
  return bytes;
}

absl::Status ForEachVideoFrame(const std::string& path, int64_t every, const FrameFunction& use) {
  ASSIGN_OR_RETURN(const std::unique_ptr<video::FrameReader> reader, video::ReadFrames(path));
  while (true) {
    auto frame = reader->Next({});
    if (!frame.ok() && reader->frames() > 0) return frame.status();
    if (!frame.ok()) {
      return InvalidArgument(MessageOf(frame.status()) + ": " + std::string(kWanted));
    }
    if (!frame->has_value()) break;
    if ((*frame)->index % every != 0) continue;
    RETURN_IF_ERROR(use((*frame)->index,
                        image::Picture::FromBytes(std::move((*frame)->jpeg), image::kMimeJpeg)));
  }
  if (reader->frames() > 0) return absl::OkStatus();
  return InvalidArgument(
      path + " is neither a picture nor a video that ffmpeg can read: " + std::string(kWanted));
}

}  // namespace

absl::StatusOr<std::vector<std::string>> FilesOf(const std::string& argument) {
  if (argument == "-") {
    return InvalidArgument("cannot read pictures from standard input ('-'): " +
                           std::string(kWanted));
  }
  std::error_code error;
  const fs::file_status status = fs::status(argument, error);
  if (status.type() == fs::file_type::not_found) {
    return NotFound("there is no file '" + argument + "': " + std::string(kWanted));
  }
  if (error) return ErrnoStatus(error.value(), "look at " + argument);
  if (fs::is_directory(status)) return PicturesIn(argument);
  return std::vector<std::string>{argument};
}

absl::Status ForEachFrame(const std::string& path, int64_t every, const FrameFunction& use) {
  ASSIGN_OR_RETURN(const std::string start, ReadStart(path));
  if (start.empty()) return InvalidArgument(path + " is empty: " + std::string(kWanted));
  const auto bytes = std::span(reinterpret_cast<const uint8_t*>(start.data()), start.size());
  if (image::SniffMime(bytes).empty()) return ForEachVideoFrame(path, every, use);
  ASSIGN_OR_RETURN(std::string whole, ReadWhole(path));
  return Annotate(use(0, image::Picture::FromBytes(std::move(whole))), path);
}

}  // namespace bowerbird::app
