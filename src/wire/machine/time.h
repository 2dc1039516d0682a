// SPDX-License-Identifier: Apache-2.0
//
// google.protobuf.Timestamp and Duration to and from the standard clock's types.
#pragma once

#include <chrono>

#include "absl/status/statusor.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace bowerbird::wire {

google::protobuf::Timestamp ToTimestamp(std::chrono::system_clock::time_point time);
// INVALID_ARGUMENT: nanoseconds outside of 0..999,999,999, or a year that the system clock's 64-bit
// nanoseconds cannot hold (they span 1678 to 2261).
absl::StatusOr<std::chrono::system_clock::time_point> FromTimestamp(
    const google::protobuf::Timestamp& timestamp);

google::protobuf::Duration ToDuration(std::chrono::nanoseconds time);
// INVALID_ARGUMENT: signs that differ, or more than 292 years.
absl::StatusOr<std::chrono::nanoseconds> FromDuration(const google::protobuf::Duration& duration);

}  // namespace bowerbird::wire
