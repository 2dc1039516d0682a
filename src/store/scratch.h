// SPDX-License-Identifier: Apache-2.0
//
// A file in the scratch folder that becomes a blob: counts and hashes what is appended, and removes
// the file when it goes. Used by one thread.
#pragma once

#include <memory>
#include <string>

#include "base/file_system.h"
#include "base/sha256.h"

namespace bowerbird::store {

class ScratchFile {
 public:
  ScratchFile(FileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  absl::Status Open();
  absl::Status Append(std::string_view bytes);
  // Its content is durable afterwards, unless `sync` is false, and the file closed.
  absl::Status Finish(bool sync);
  // The file has another name now, or is gone: nothing to remove.
  void Release() { exists_ = false; }

  const std::string& path() const { return path_; }
  uint64_t size() const { return size_; }
  const std::string& Hash();

 private:
  FileSystem& files_;
  const std::string path_;
  std::unique_ptr<WritableFile> file_;
  bool exists_ = false;
  absl::Status status_;  // the first error: what follows it would tear the content
  uint64_t size_ = 0;
  Sha256 sha256_;
  std::string hash_;
};

// Removes every file of the folder, which is made if it is missing.
absl::Status EmptyScratch(FileSystem& files, const std::string& folder);

}  // namespace bowerbird::store
