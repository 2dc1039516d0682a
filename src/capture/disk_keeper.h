// SPDX-License-Identifier: Apache-2.0
//
// What happens when the disk fills up: every nth captured file goes, so that what stays is spread
// over the whole time.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "base/file_system.h"
#include "capture/config.h"

namespace bowerbird::capture {

struct Deletion {
  int files = 0;
  uint64_t bytes = 0;
  double used = 0;      // of the file system, 0..1
  double captures = 0;  // of the file system, what the capture folder takes
};

// Looks once. Deletes, in lexical order of all completed capture files, those whose number is a
// multiple of delete_every_nth, if both thresholds are reached; where only the first is, it warns
// in the log: something else fills the disk.
absl::StatusOr<Deletion> KeepDiskFree(FileSystem& files, const ManagerConfig& config);

}  // namespace bowerbird::capture
