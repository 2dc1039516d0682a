// SPDX-License-Identifier: Apache-2.0
#include "annotation/folder.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

#include "annotation/values.h"
#include "base/status.h"

namespace bowerbird::annotation {
namespace {

constexpr size_t kMaxPathBytes = 4096;

bool HasDriveLetter(std::string_view path) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return path.size() >= 3 && is_letter(path[0]) && path[1] == ':' &&
         (path[2] == '/' || path[2] == '\\');
}

absl::Status BadPath(std::string_view path, std::string_view why) {
  return InvalidArgument("path \"" + Printable(path) + "\" " + std::string(why));
}

}  // namespace

absl::StatusOr<std::string> SafePath(std::string_view path) {
  if (path.empty()) return InvalidArgument("the path is empty: name a file in the folder");
  if (path.size() > kMaxPathBytes) return BadPath(path, "is longer than 4096 bytes");
  if (path.find('\0') != std::string_view::npos) return BadPath(path, "has a NUL in it");
  std::string slashed(path);
  if (slashed.find('/') == std::string::npos) {
    std::replace(slashed.begin(), slashed.end(), '\\', '/');
  }
  if (slashed.front() == '/' || HasDriveLetter(path)) {
    return BadPath(path, "is absolute: give one relative to the dataset's folder");
  }
  std::string safe;
  for (size_t begin = 0; begin <= slashed.size();) {
    const size_t end = std::min(slashed.find('/', begin), slashed.size());
    const std::string_view part = std::string_view(slashed).substr(begin, end - begin);
    begin = end + 1;
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      return BadPath(path, "leads out of the folder: name the folder of the pictures instead");
    }
    safe = JoinPath(safe, part);
  }
  if (safe.empty()) return BadPath(path, "names no file");
  return safe;
}

std::string_view DirectoryOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view BaseOf(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string_view ExtensionOf(std::string_view path) {
  const std::string_view base = BaseOf(path);
  const size_t dot = base.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? std::string_view() : base.substr(dot);
}

std::string_view StemOf(std::string_view path) {
  return path.substr(0, path.size() - ExtensionOf(path).size());
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

std::string JoinPath(std::string_view directory, std::string_view name) {
  if (directory.empty()) return std::string(name);
  if (name.empty()) return std::string(directory);
  std::string path(directory);
  if (path.back() != '/') path += '/';
  return path += name;
}

bool IsPictureName(std::string_view path) {
  const std::string extension = Lower(ExtensionOf(path));
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png" || extension == ".bmp";
}

std::string Folder::FullPath(std::string_view relative) const { return JoinPath(root_, relative); }

absl::StatusOr<FileInfo> Folder::FollowLink(const std::string& relative) const {
  // The seam has no call for where a link leads: asked of the system, for links alone.
  std::error_code error;
  const std::filesystem::path inside = std::filesystem::canonical(root_, error);
  if (error) return ErrnoStatus(error.value(), root_);
  const std::filesystem::path target = std::filesystem::canonical(FullPath(relative), error);
  if (error) return ErrnoStatus(error.value(), "follow the link " + FullPath(relative));
  const auto [end, unused] =
      std::mismatch(inside.begin(), inside.end(), target.begin(), target.end());
  if (end != inside.end()) {
    return FailedPrecondition(std::string("\"") + Printable(relative) +
                              "\" is a link that leads out of the folder: put the file itself "
                              "there, or name the folder that it lies in");
  }
  return files_.Stat(target.string());
}

absl::Status Folder::CheckDirectory(const std::string& relative) const {
  if (relative.empty() || relative == checked_directory_) return absl::OkStatus();
  RETURN_IF_ERROR(CheckDirectory(std::string(DirectoryOf(relative))));
  ASSIGN_OR_RETURN(FileInfo info, files_.Stat(FullPath(relative)));
  if (info.kind == FileInfo::Kind::kSymlink) {
    ASSIGN_OR_RETURN(info, FollowLink(relative));
  }
  if (info.kind != FileInfo::Kind::kDirectory) return NotFound(relative + " is no folder");
  checked_directory_ = relative;
  return absl::OkStatus();
}

absl::StatusOr<FileInfo> Folder::Look(const std::string& relative) const {
  RETURN_IF_ERROR(CheckDirectory(std::string(DirectoryOf(relative))));
  ASSIGN_OR_RETURN(const FileInfo info, files_.Stat(FullPath(relative)));
  if (info.kind != FileInfo::Kind::kSymlink) return info;
  return FollowLink(relative);
}

bool Folder::HasFile(const std::string& relative) const {
  const auto info = Look(relative);
  return info.ok() && info->kind == FileInfo::Kind::kFile;
}

bool Folder::HasDirectory(const std::string& relative) const {
  const auto info = Look(relative);
  return info.ok() && info->kind == FileInfo::Kind::kDirectory;
}

absl::StatusOr<std::unique_ptr<ReadableFile>> Folder::Open(const std::string& relative) const {
  ASSIGN_OR_RETURN(const FileInfo info, Look(relative));
  if (info.kind != FileInfo::Kind::kFile) {
    return InvalidArgument(std::string("\"") + Printable(relative) + "\" is no file");
  }
  return files_.OpenForReading(FullPath(relative));
}

absl::StatusOr<std::string> Folder::Read(const std::string& relative, uint64_t limit) const {
  RETURN_IF_ERROR(Look(relative).status());
  return ReadFile(files_, FullPath(relative), limit);
}

absl::StatusOr<std::vector<std::string>> Folder::List(const std::string& relative) const {
  RETURN_IF_ERROR(CheckDirectory(relative));
  return files_.List(relative.empty() ? root_ : FullPath(relative));
}

}  // namespace bowerbird::annotation
