// SPDX-License-Identifier: Apache-2.0
//
// A folder with everything below it, watched for files that come or change.
//
// It only says that something has changed: what there is to do is found by looking at the folder
// again. So nothing depends on the kernel's queue being long enough, nor on a folder being watched
// before files are put into it.
#pragma once

#include <chrono>
#include <string>

#include "absl/status/statusor.h"

namespace bowerbird::app {

// Not thread-safe.
class FolderWatch {
 public:
  // An error only if the kernel gives no watch at all.
  static absl::StatusOr<FolderWatch> Open(std::string root);
  FolderWatch(FolderWatch&& other) noexcept;
  FolderWatch& operator=(FolderWatch&&) = delete;
  ~FolderWatch();

  // Watches every folder that is there now. Call it before looking at the folder: what comes later
  // is a change that Wait sees. False where the kernel has no more watches: changes below some
  // folders are then found by looking now and then, which Wait cares for.
  bool WatchFolders();

  // Returns once something has changed and 300 ms were quiet (2 s if it never is), after `longest`,
  // or when the program was interrupted.
  void Wait(std::chrono::milliseconds longest);

 private:
  FolderWatch(std::string root, int inotify) : root_(std::move(root)), inotify_(inotify) {}
  bool WatchOne(const std::string& folder);
  bool Changed(std::chrono::milliseconds longest);

  const std::string root_;
  int inotify_;
  bool complete_ = true;
};

// Nobody has the file open for writing (asked of the kernel where it can tell, else by its age),
// and nothing about it has changed for 300 ms: tools that copy put the date on a file after closing
// it.
bool IsAtRest(const std::string& path);

}  // namespace bowerbird::app
