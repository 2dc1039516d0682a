// SPDX-License-Identifier: Apache-2.0
//
// Small files that only their owner may read: keys and what is derived from them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace bowerbird::serve {

// The whole file. NOT_FOUND if there is none; RESOURCE_EXHAUSTED if it is larger than 4 MiB.
absl::StatusOr<std::string> ReadPrivateFile(const std::string& path);

// Replaces the file in one step (mode 0600, synced): a reader, or a crash, sees the old or the new
// content, whole. Creates missing folders with mode 0700.
absl::Status WritePrivateFile(const std::string& path, std::string_view content);

// As WritePrivateFile, but ALREADY_EXISTS if the file is there. Of two processes one wins.
absl::Status CreatePrivateFile(const std::string& path, std::string_view content);

// What changes whenever a file is replaced or written; equal for equal content in practice.
struct FileStamp {
  bool exists = false;
  uint64_t inode = 0;
  int64_t size = 0;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;

  bool operator==(const FileStamp&) const = default;
  static FileStamp Of(const std::string& path);
};

// An exclusive lock between processes (flock on a file of its own), held until destruction.
class FileLock {
 public:
  // Waits for it. Creates the file and missing folders.
  static absl::StatusOr<FileLock> Take(const std::string& path);
  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace bowerbird::serve
