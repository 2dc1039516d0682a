// SPDX-License-Identifier: Apache-2.0
#include "annotation/file_walk.h"

#include <utility>

#include "base/status.h"

namespace bowerbird::annotation {
namespace {

constexpr size_t kMaxDepth = 64;

}  // namespace

FileWalk::FileWalk(const Folder& folder, std::string start, Hidden hidden)
    : folder_(folder), start_(std::move(start)), hidden_(hidden) {}

void FileWalk::Report(const std::string& path, std::string what) {
  problems_.push_back({Problem::Kind::kFileSkipped, path, "", std::move(what)});
}

absl::Status FileWalk::Enter(std::string directory) {
  ASSIGN_OR_RETURN(auto names, folder_.List(directory));
  levels_.push_back({std::move(directory), std::move(names), 0});
  return absl::OkStatus();
}

absl::StatusOr<std::optional<std::string>> FileWalk::Next() {
  if (!started_) {
    started_ = true;
    RETURN_IF_ERROR(Enter(start_));
  }
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (level.next == level.names.size()) {
      levels_.pop_back();
      continue;
    }
    const std::string& name = level.names[level.next++];
    std::string path = JoinPath(level.directory, name);
    if (name.front() == '.' && !name.starts_with("._") && IsPictureName(name) &&
        hidden_ == Hidden::kReported) {
      Report(path, "hidden files are passed over: give it a name without the dot to have it read");
    }
    if (name.front() == '.' || name == "__MACOSX") continue;
    const auto itself = folder_.files().Stat(folder_.FullPath(path));
    const auto info =
        itself.ok() && itself->kind == FileInfo::Kind::kSymlink ? folder_.Look(path) : itself;
    if (!info.ok()) {
      Report(path, MessageOf(info.status()));
    } else if (info->kind == FileInfo::Kind::kFile) {
      return std::optional(std::move(path));
    } else if (info->kind == FileInfo::Kind::kDirectory) {
      if (itself->kind == FileInfo::Kind::kSymlink) {
        Report(path, "links to folders are not followed: name that folder itself");
      } else if (levels_.size() >= kMaxDepth) {
        Report(path, "more than 64 folders deep: move it up");
      } else {
        const absl::Status entered = Enter(path);
        if (!entered.ok()) Report(path, MessageOf(entered));
      }
    }
  }
  return std::nullopt;
}

}  // namespace bowerbird::annotation
