// SPDX-License-Identifier: Apache-2.0
//
// Writes a dataset in any format, one picture at a time, in bounded memory.
//
// What must hold: no file has its final name before it is whole (NAME.part until then), and what
// lists the pictures gets its name in Finish, so an export that was interrupted does not look like
// a finished one. Writing the same pictures in the same order again gives the same bytes and leaves
// what is there already alone: that is how an export is resumed. What a format cannot hold is left
// out and reported, never silently.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "annotation/problem.h"
#include "annotation/values.h"
#include "base/file_system.h"

namespace bowerbird::annotation {

struct WriterOptions {
  std::string directory;  // made if it is missing
  // The names of classes in the order in which formats with numbers should count them. Others
  // follow in the order in which they come.
  std::vector<std::string> labels{};
};

// Not thread-safe.
class Writer {
 public:
  virtual ~Writer() = default;

  // Where the picture itself belongs, relative to the directory: putting it there is the caller's
  // part (write to another name and rename). INVALID_ARGUMENT: annotations that CheckAnnotations
  // refuses, a path that is absolute or has "..", a format that needs the picture's size and has
  // none. After any other error nothing may follow.
  virtual absl::StatusOr<std::string> Add(const AnnotatedImage& image) = 0;

  // Makes everything whole and durable. Without it, what was begun is removed.
  virtual absl::Status Finish() = 0;

  // What was left out since the last call; grouped, so there are few.
  std::vector<Problem> TakeProblems() { return std::exchange(problems_, {}); }

 protected:
  std::vector<Problem> problems_;
};

}  // namespace bowerbird::annotation
