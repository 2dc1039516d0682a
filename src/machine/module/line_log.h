// SPDX-License-Identifier: Apache-2.0
//
// What a child writes, as lines of our log. Private to this folder.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/mutex.h"

namespace bowerbird::machine {

// A module that floods its output does not flood ours: beyond 100 lines in a second the rest of
// that second is counted, not written. Lines are cut at 4 KiB. Thread-safe.
class LineLog {
 public:
  LineLog(std::string logger, LogLevel level) : logger_(std::move(logger)), level_(level) {}
  // Writes what is left of the last line.
  ~LineLog();
  LineLog(const LineLog&) = delete;
  LineLog& operator=(const LineLog&) = delete;

  void Add(std::string_view bytes) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Write() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string logger_;
  const LogLevel level_;
  Mutex mutex_;
  std::string line_ ABSL_GUARDED_BY(mutex_);
  std::chrono::steady_clock::time_point second_ ABSL_GUARDED_BY(mutex_){};
  int written_ ABSL_GUARDED_BY(mutex_) = 0;  // in that second
  int left_out_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace bowerbird::machine
