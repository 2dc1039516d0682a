// SPDX-License-Identifier: Apache-2.0
//
// A log for errors that come with every tick: the same message at most every two seconds.
#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "absl/status/status.h"

namespace bowerbird::capture {

// Not thread-safe.
class ErrorLog {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  explicit ErrorLog(std::string logger, std::chrono::nanoseconds interval = std::chrono::seconds(2))
      : logger_(std::move(logger)), interval_(interval) {}

  // Whether it was logged.
  bool Report(const absl::Status& status, Steady now = std::chrono::steady_clock::now());

 private:
  const std::string logger_;
  const std::chrono::nanoseconds interval_;
  std::string last_;
  Steady last_time_{};
  int left_out_ = 0;
};

}  // namespace bowerbird::capture
