// SPDX-License-Identifier: Apache-2.0
//
// A dataset of one file in memory, for fuzz targets: no disk, and every rule of a Reader asserted.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "annotation/annotation_hash.h"
#include "annotation/format.h"
#include "base/status.h"
#include "base/utf8.h"

namespace bowerbird::annotation {

// Files in memory, read only.
class MemoryFileSystem : public FileSystem {
 public:
  std::map<std::string, std::string> contents;

  absl::StatusOr<std::unique_ptr<WritableFile>> OpenForWriting(const std::string& /*path*/,
                                                               WriteMode /*mode*/,
                                                               uint32_t /*permissions*/) override {
    return Unimplemented("read only");
  }
  absl::StatusOr<std::unique_ptr<ReadableFile>> OpenForReading(const std::string& path) override {
    const auto found = contents.find(path);
    if (found == contents.end()) return NotFound(path);
    return std::make_unique<File>(found->second);
  }
  absl::Status Rename(const std::string& /*from*/, const std::string& /*to*/) override {
    return Unimplemented("read only");
  }
  absl::Status Remove(const std::string& /*path*/) override { return Unimplemented("read only"); }
  absl::Status RemoveDirectory(const std::string& /*path*/) override {
    return Unimplemented("read only");
  }
  absl::Status Truncate(const std::string& /*path*/, uint64_t /*size*/) override {
    return Unimplemented("read only");
  }
  absl::Status MakeDirectories(const std::string& /*path*/, uint32_t /*permissions*/) override {
    return Unimplemented("read only");
  }
  absl::Status SyncDirectory(const std::string& /*path*/) override { return absl::OkStatus(); }
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    std::vector<std::string> names;
    for (const auto& [name, bytes] : contents) {
      if (!name.starts_with(path + "/")) continue;
      const std::string rest = name.substr(path.size() + 1);
      const std::string first = rest.substr(0, rest.find('/'));
      if (names.empty() || names.back() != first) names.push_back(first);
    }
    return names;
  }
  absl::StatusOr<FileInfo> Stat(const std::string& path) override {
    const std::string plain = path.ends_with("/.") ? path.substr(0, path.size() - 2) : path;
    FileInfo info;
    const auto found = contents.find(plain);
    if (found != contents.end()) {
      info.size = found->second.size();
      return info;
    }
    info.kind = FileInfo::Kind::kDirectory;
    const auto below = contents.lower_bound(plain + "/");
    if (below != contents.end() && below->first.starts_with(plain + "/")) return info;
    return NotFound(path);
  }
  absl::StatusOr<DiskSpace> FreeSpace(const std::string& /*path*/) override { return DiskSpace{}; }

 private:
  class File : public ReadableFile {
   public:
    explicit File(const std::string& bytes) : bytes_(bytes) {}
    absl::StatusOr<size_t> ReadAt(uint64_t offset, std::span<char> buffer) const override {
      if (offset >= bytes_.size()) return 0;
      const size_t size = std::min<size_t>(buffer.size(), bytes_.size() - offset);
      std::memcpy(buffer.data(), bytes_.data() + offset, size);
      return size;
    }
    absl::StatusOr<uint64_t> Size() const override { return bytes_.size(); }

   private:
    const std::string& bytes_;
  };
};

class FuzzDataset {
 public:
  // The dataset is this file, and data.yaml once it was set.
  void Set(const std::string& name, std::string_view bytes) {
    if (name != "data.yaml") files_.contents.clear();
    files_.contents["/set/" + name] = bytes;
  }

  void Read(const char* name) {
    auto reader =
        OpenReader(**FindFormat(name), files_,
                   {.directory = "/set", .sort_memory = 64 << 20, .pictures_must_exist = false});
    if (!reader.ok()) return;
    while (true) {
      const auto event = (*reader)->Next();
      if (!event.ok() || !event->has_value()) return;
      if (const auto* image = std::get_if<AnnotatedImage>(&**event)) {
        Require(CheckAnnotations(image->annotations, image->tags).ok());
        Require(!image->path.empty() && image->path.front() != '/');
        Require(("/" + image->path + "/").find("/../") == std::string::npos);
        Require(
            !CanonicalText(image->annotations, image->tags, image->width, image->height).empty());
      } else {
        Require(IsUtf8(TextOf(std::get<Problem>(**event))));
      }
    }
  }

 private:
  static void Require(bool holds) {
    if (!holds) std::abort();
  }
  MemoryFileSystem files_;
};

}  // namespace bowerbird::annotation
