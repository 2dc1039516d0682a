// SPDX-License-Identifier: Apache-2.0
//
// What a request carries down through the rooms: until when, whether anyone still waits, where the
// time goes. Passed by const reference; never stored beyond the call.
#pragma once

#include <chrono>
#include <functional>

#include "absl/status/status.h"
#include "base/phases.h"

namespace bowerbird {

struct Context {
  using TimePoint = std::chrono::steady_clock::time_point;

  // The call must have ended by then; max() = no limit.
  TimePoint deadline = TimePoint::max();

  // True once the caller went away or an operator cancelled the operation. May be empty. Cheap
  // enough to be polled every few milliseconds; callable from any thread during the call.
  std::function<bool()> cancelled;

  // The request's clock; may be null.
  PhaseTimes* phases = nullptr;

  // The read is made by data capture (the `fromDataManagement` convention of the wire).
  bool from_data_management = false;

  // OK, CANCELLED or DEADLINE_EXCEEDED.
  absl::Status Check() const;

  // This context with a deadline not later than `time` from now.
  Context WithTimeout(std::chrono::nanoseconds time) const;
};

// How often a wait must look at Context::cancelled: gRPC's synchronous API offers no notification.
inline constexpr std::chrono::milliseconds kCancellationPoll{10};

}  // namespace bowerbird
