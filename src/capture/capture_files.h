// SPDX-License-Identifier: Apache-2.0
//
// The capture folder as a whole: what lies in it, what a crash left, what cannot be used.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/file_system.h"

namespace bowerbird::capture {

inline constexpr std::string_view kFailedFolder = "failed";
inline constexpr std::string_view kUploadFolder = "datasetUpload";
inline constexpr std::string_view kSequencesFolder = "sequences";

// Calls `visit` with each regular file below `folder`, folders and names in lexical order; false
// from it ends the walk. Folders called failed, at any depth, and sequences, directly below
// `folder`, are left out; links are not followed. A folder that is missing is empty, one that
// cannot be read is logged.
bool WalkFiles(FileSystem& files, const std::string& folder,
               const std::function<bool(const std::string& path, const FileInfo& info)>& visit);

// "DIR/failed/a/b.capture" for "DIR/a/b.capture".
std::string FailedPath(const std::string& capture_dir, const std::string& path);

// Puts a file that can never be sent into `to` (see FailedPath), with a file of the same name and
// ".reason.txt" beside it that says why.
absl::Status Quarantine(FileSystem& files, const std::string& path, const std::string& to,
                        std::string_view reason);

struct Recovered {
  int files = 0;        // completed
  int cut = 0;          // of these, with a torn record at the end
  int empty = 0;        // removed: not one whole record
  int quarantined = 0;  // unreadable
};

// Turns every .prog file that an earlier process left into a .capture file of its whole records.
// Only while nothing writes there. What fails is logged and left for the next time.
Recovered RecoverOpenFiles(FileSystem& files, const std::string& capture_dir);

}  // namespace bowerbird::capture
