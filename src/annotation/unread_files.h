// SPDX-License-Identifier: Apache-2.0
//
// Files beside the pictures that look like annotations and that the chosen format does not read:
// what stands in them would be missing without a word.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "annotation/format.h"
#include "annotation/problem.h"

namespace bowerbird::annotation {

struct UnreadFiles {
  // Kind kFileNotUsed, sorted by file: of another format, or of none that is known. Many of one
  // folder that look alike are one entry.
  std::vector<Problem> unused;
  // Kind kFileSkipped: meant to be annotations, by content or name, and unreadable.
  std::vector<Problem> damaged;
};

// Looks at the same files as DetectFormat, and in each folder at 50 of each kind. A README.txt or
// requirements.txt is no annotation and not named. `directory` may be a file: then nothing is
// unread.
absl::StatusOr<UnreadFiles> FindUnreadFiles(FileSystem& files, const std::string& directory,
                                            const Format& chosen);

}  // namespace bowerbird::annotation
