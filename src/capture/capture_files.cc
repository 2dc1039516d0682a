// SPDX-License-Identifier: Apache-2.0
#include "capture/capture_files.h"

#include <utility>

#include "base/log.h"
#include "base/status.h"
#include "capture/capture_file.h"
#include "capture/capture_writer.h"

namespace bowerbird::capture {
namespace {

constexpr int kMaxDepth = 64;

struct Walk {
  FileSystem& files;
  const std::function<bool(const std::string&, const FileInfo&)>& visit;

  bool Into(const std::string& folder, int depth) const {
    const auto names = files.List(folder);
    if (!names.ok()) {
      if (!absl::IsNotFound(names.status()))
        LogWarning("capture", "a folder is left out: " + MessageOf(names.status()));
      return true;
    }
    for (const std::string& name : *names) {
      const std::string path = folder + "/" + name;
      const auto info = files.Stat(path);
      if (!info.ok()) continue;  // gone meanwhile
      if (info->kind == FileInfo::Kind::kFile && !visit(path, *info)) return false;
      if (info->kind != FileInfo::Kind::kDirectory || Skips(name, depth)) continue;
      if (!Into(path, depth + 1)) return false;
    }
    return true;
  }

  static bool Skips(const std::string& name, int depth) {
    return depth >= kMaxDepth || name == kFailedFolder || (depth == 0 && name == kSequencesFolder);
  }
};

enum class Outcome { kCompleted, kCut, kEmpty, kQuarantined };

// What lies in the file up to its last whole record gets the final name.
absl::StatusOr<Outcome> Complete(FileSystem& files, const std::string& capture_dir,
                                 const std::string& path) {
  auto reader = CaptureFileReader::Open(files, path);
  if (absl::IsDataLoss(reader.status())) {
    ASSIGN_OR_RETURN(const FileInfo info, files.Stat(path));
    if (info.size == 0) {
      RETURN_IF_ERROR(files.Remove(path));
      return Outcome::kEmpty;
    }
    RETURN_IF_ERROR(Quarantine(files, path, FailedPath(capture_dir, path),
                               "it was left open by a crash, and " + MessageOf(reader.status())));
    return Outcome::kQuarantined;
  }
  RETURN_IF_ERROR(reader.status());
  int records = 0;
  auto next = (*reader)->Next();
  for (; next.ok() && next->has_value(); next = (*reader)->Next()) ++records;
  if (!next.ok() && !absl::IsDataLoss(next.status())) return next.status();
  if (records == 0) {
    RETURN_IF_ERROR(files.Remove(path));
    return Outcome::kEmpty;
  }
  if (!next.ok()) {
    LogWarning("capture", path + ": its end is cut off, " + MessageOf(next.status()));
    RETURN_IF_ERROR(files.Truncate(path, (*reader)->position()));
  }
  ASSIGN_OR_RETURN(const auto file, files.OpenForWriting(path, WriteMode::kAppend, 0600));
  RETURN_IF_ERROR(file->Sync());
  RETURN_IF_ERROR(file->Close());
  std::string target = path.substr(0, path.size() - kOpenSuffix.size());
  while (Exists(files, target + std::string(kClosedSuffix))) target += "_recovered";
  RETURN_IF_ERROR(files.Rename(path, target + std::string(kClosedSuffix)));
  RETURN_IF_ERROR(files.SyncDirectory(ParentDirectory(path)));
  return next.ok() ? Outcome::kCompleted : Outcome::kCut;
}

}  // namespace

bool WalkFiles(FileSystem& files, const std::string& folder,
               const std::function<bool(const std::string&, const FileInfo&)>& visit) {
  return Walk{files, visit}.Into(folder, 0);
}

std::string FailedPath(const std::string& capture_dir, const std::string& path) {
  const std::string prefix = capture_dir + "/";
  if (path.rfind(prefix, 0) == 0)
    return prefix + std::string(kFailedFolder) + "/" + path.substr(prefix.size());
  const std::string folder = ParentDirectory(path);
  return folder + "/" + std::string(kFailedFolder) + path.substr(folder == "/" ? 0 : folder.size());
}

absl::Status Quarantine(FileSystem& files, const std::string& path, const std::string& to,
                        std::string_view reason) {
  const std::string folder = ParentDirectory(to);
  RETURN_IF_ERROR(files.MakeDirectories(folder, 0700));
  std::string target = to;
  for (int n = 1; Exists(files, target); ++n) target = to + "." + std::to_string(n);
  RETURN_IF_ERROR(files.Rename(path, target));
  LogError("capture", path + " is put aside as " + target + ": " + std::string(reason));
  const auto written =
      WriteFileDurably(files, target + ".reason.txt", std::string(reason) + "\n", 0600);
  if (!written.ok())
    LogWarning("capture", "the reason could not be written: " + MessageOf(written));
  return files.SyncDirectory(folder);
}

Recovered RecoverOpenFiles(FileSystem& files, const std::string& capture_dir) {
  Recovered recovered;
  WalkFiles(files, capture_dir, [&](const std::string& path, const FileInfo&) {
    if (!path.ends_with(kOpenSuffix)) return true;
    const auto outcome = Complete(files, capture_dir, path);
    if (!outcome.ok()) {
      LogError("capture", path + " could not be recovered: " + MessageOf(outcome.status()));
      return true;
    }
    if (*outcome == Outcome::kQuarantined) ++recovered.quarantined;
    if (*outcome == Outcome::kEmpty) ++recovered.empty;
    if (*outcome == Outcome::kCut) ++recovered.cut;
    if (*outcome == Outcome::kCut || *outcome == Outcome::kCompleted) ++recovered.files;
    return true;
  });
  if (recovered.files + recovered.quarantined + recovered.empty > 0)
    LogInfo("capture", "after the last stop: " + std::to_string(recovered.files) +
                           " open files completed, " + std::to_string(recovered.cut) +
                           " of them cut, " + std::to_string(recovered.empty) + " empty, " +
                           std::to_string(recovered.quarantined) + " unreadable");
  return recovered;
}

}  // namespace bowerbird::capture
