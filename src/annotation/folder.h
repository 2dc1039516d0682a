// SPDX-License-Identifier: Apache-2.0
//
// A dataset's folder, which nothing that the dataset's files say can lead out of: paths are
// relative to it, without "..", and links are followed only to what lies in it. Internal to this
// room.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/file_system.h"

namespace bowerbird::annotation {

// A relative path with forward slashes and without empty and "." parts. Backslashes are taken for
// slashes where there are no slashes. INVALID_ARGUMENT: absolute, "..", empty, a NUL, or more than
// 4096 bytes.
absl::StatusOr<std::string> SafePath(std::string_view path);

// "", "a/b": the part before the last slash. "c", "c.jpg" of "a/b/c.jpg".
std::string_view DirectoryOf(std::string_view path);
std::string_view BaseOf(std::string_view path);
// ".jpg", or "" if there is none; and the path without it.
std::string_view ExtensionOf(std::string_view path);
std::string_view StemOf(std::string_view path);
std::string Lower(std::string_view text);
// "a/b", and either alone where the other is empty.
std::string JoinPath(std::string_view directory, std::string_view name);
// By extension: .jpg, .jpeg, .png, .bmp in any case: what can be decoded.
bool IsPictureName(std::string_view path);

// Not thread-safe. Keeps a reference to the file system.
class Folder {
 public:
  // `root` is used as it is given.
  Folder(FileSystem& files, std::string root) : files_(files), root_(std::move(root)) {}

  FileSystem& files() const { return files_; }
  const std::string& root() const { return root_; }
  std::string FullPath(std::string_view relative) const;

  // Of what a link in the folder leads to. NOT_FOUND; FAILED_PRECONDITION: a link that leads out of
  // the folder.
  absl::StatusOr<FileInfo> Look(const std::string& relative) const;
  bool HasFile(const std::string& relative) const;
  bool HasDirectory(const std::string& relative) const;

  absl::StatusOr<std::unique_ptr<ReadableFile>> Open(const std::string& relative) const;
  absl::StatusOr<std::string> Read(const std::string& relative, uint64_t limit) const;
  absl::StatusOr<std::vector<std::string>> List(const std::string& relative) const;

 private:
  absl::Status CheckDirectory(const std::string& relative) const;
  absl::StatusOr<FileInfo> FollowLink(const std::string& relative) const;

  FileSystem& files_;
  std::string root_;
  mutable std::string checked_directory_;  // the last one that was found to lie inside
};

}  // namespace bowerbird::annotation
