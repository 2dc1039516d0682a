// SPDX-License-Identifier: Apache-2.0
#include "capture/disk_keeper.h"

#include <cmath>
#include <string>

#include "base/log.h"
#include "base/status.h"
#include "capture/capture_files.h"
#include "capture/capture_writer.h"

namespace bowerbird::capture {
namespace {

std::string Percent(double share) { return std::to_string(std::lround(share * 100)) + " %"; }

}  // namespace

absl::StatusOr<Deletion> KeepDiskFree(FileSystem& files, const ManagerConfig& config) {
  Deletion deletion;
  const auto space = files.FreeSpace(config.capture_dir);
  if (absl::IsNotFound(space.status())) return deletion;  // nothing was captured yet
  RETURN_IF_ERROR(space.status());
  if (space->total == 0) return deletion;
  const auto total = static_cast<double>(space->total);
  deletion.used = 1 - static_cast<double>(space->available) / total;
  if (deletion.used < config.disk_usage_threshold) return deletion;
  uint64_t captured = 0;
  WalkFiles(files, config.capture_dir, [&](const std::string&, const FileInfo& info) {
    captured += info.size;
    return true;
  });
  deletion.captures = static_cast<double>(captured) / total;
  const std::string full = "the disk is full to " + Percent(deletion.used);
  if (deletion.captures < config.capture_dir_threshold) {
    LogWarning("capture", full + ", of which captures are only " + Percent(deletion.captures) +
                              ": nothing is deleted, free it elsewhere");
    return deletion;
  }
  int index = 0;
  WalkFiles(files, config.capture_dir, [&](const std::string& path, const FileInfo& info) {
    if (!path.ends_with(kClosedSuffix) || index++ % config.delete_every_nth != 0) return true;
    const absl::Status removed = files.Remove(path);
    if (!removed.ok()) {
      LogWarning("capture", MessageOf(removed));
      return true;
    }
    ++deletion.files;
    deletion.bytes += info.size;
    return true;
  });
  LogWarning("capture", full + ": " + std::to_string(deletion.files) + " of " +
                            std::to_string(index) + " captured files that were not sent yet, " +
                            std::to_string(deletion.bytes) + " bytes, are deleted");
  return deletion;
}

}  // namespace bowerbird::capture
