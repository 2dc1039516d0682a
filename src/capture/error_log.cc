// SPDX-License-Identifier: Apache-2.0
#include "capture/error_log.h"

#include "base/log.h"
#include "base/status.h"

namespace bowerbird::capture {

bool ErrorLog::Report(const absl::Status& status, Steady now) {
  std::string message = MessageOf(status);
  if (message == last_ && now - last_time_ < interval_) {
    ++left_out_;
    return false;
  }
  const std::string again = message == last_ && left_out_ > 0
                                ? " (and " + std::to_string(left_out_) + " times before)"
                                : "";
  LogError(logger_, message + again);
  left_out_ = 0;
  last_ = std::move(message);
  last_time_ = now;
  return true;
}

}  // namespace bowerbird::capture
