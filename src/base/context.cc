// SPDX-License-Identifier: Apache-2.0
#include "base/context.h"

#include <algorithm>

namespace bowerbird {

absl::Status Context::Check() const {
  if (cancelled && cancelled()) return absl::CancelledError("the call was cancelled");
  if (deadline != TimePoint::max() && std::chrono::steady_clock::now() >= deadline) {
    return absl::DeadlineExceededError("the deadline of the call passed");
  }
  return absl::OkStatus();
}

Context Context::WithTimeout(std::chrono::nanoseconds time) const {
  Context limited = *this;
  limited.deadline = std::min(deadline, std::chrono::steady_clock::now() + time);
  return limited;
}

}  // namespace bowerbird
