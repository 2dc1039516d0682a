// SPDX-License-Identifier: Apache-2.0
//
// The server's data directory: made if it is missing, and locked, so that no second server writes
// there.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace bowerbird::app {

// Holds the lock until destruction; the kernel drops it if the process dies.
class DataDir {
 public:
  // FAILED_PRECONDITION if another process holds it (naming the process where it is known); the
  // error of the system if it cannot be made or written.
  static absl::StatusOr<std::unique_ptr<DataDir>> Open(const std::string& path);
  ~DataDir();
  DataDir(const DataDir&) = delete;
  DataDir& operator=(const DataDir&) = delete;

  // Absolute.
  const std::string& path() const { return path_; }

 private:
  DataDir(std::string path, int lock_fd) : path_(std::move(path)), lock_fd_(lock_fd) {}

  const std::string path_;
  const int lock_fd_;
};

}  // namespace bowerbird::app
