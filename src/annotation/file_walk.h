// SPDX-License-Identifier: Apache-2.0
//
// All files below a folder, one at a time, sorted by the bytes of their names within each folder.
// Internal to this room.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "annotation/folder.h"
#include "annotation/problem.h"

namespace bowerbird::annotation {

// Hidden files and folders are passed over. Hidden::kReported: with a problem for each picture
// among the files, except for what a file manager leaves beside a picture ("._a.jpg"). Linked
// folders are not entered, files that links outside lead to are not shown: both become problems.
// Memory: the names of the folders from the root to where the walk is. Keeps a reference to
// `folder`.
class FileWalk {
 public:
  enum class Hidden { kPassedOver, kReported };
  explicit FileWalk(const Folder& folder, std::string start = "",
                    Hidden hidden = Hidden::kPassedOver);

  // Relative to the folder's root. nullopt at the end.
  absl::StatusOr<std::optional<std::string>> Next();

  std::vector<Problem> TakeProblems() { return std::exchange(problems_, {}); }

 private:
  struct Level {
    std::string directory;
    std::vector<std::string> names;
    size_t next = 0;
  };

  absl::Status Enter(std::string directory);
  void Report(const std::string& path, std::string what);

  const Folder& folder_;
  std::string start_;
  const Hidden hidden_;
  bool started_ = false;
  std::vector<Level> levels_;
  std::vector<Problem> problems_;
};

}  // namespace bowerbird::annotation
