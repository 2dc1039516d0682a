// SPDX-License-Identifier: Apache-2.0
//
// Tells one version of a file from the next by what the file system says of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace bowerbird::machine {

// Two versions that were put in place by rename, as model files must be, never compare equal.
struct FileVersion {
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t size = 0;
  int64_t modified_ns = 0;

  friend bool operator==(const FileVersion&, const FileVersion&) = default;
};

// Of the file that `path` leads to; nullopt if there is none.
std::optional<FileVersion> VersionOfFile(const std::string& path);

}  // namespace bowerbird::machine
