// SPDX-License-Identifier: Apache-2.0
#include "wire/machine/time.h"

#include <cstdint>
#include <string>

#include "base/status.h"

namespace bowerbird::wire {
namespace {

using std::chrono::nanoseconds;
using std::chrono::system_clock;

constexpr int64_t kNanosPerSecond = 1'000'000'000;
// Whole seconds that fit into 64-bit nanoseconds with room for a fraction on either side.
constexpr int64_t kMaxSeconds = INT64_MAX / kNanosPerSecond - 1;

bool SecondsFit(int64_t seconds) { return seconds >= -kMaxSeconds && seconds <= kMaxSeconds; }

std::string Text(int64_t seconds, int32_t nanos) {
  return std::to_string(seconds) + " s and " + std::to_string(nanos) + " ns";
}

}  // namespace

google::protobuf::Timestamp ToTimestamp(system_clock::time_point time) {
  const auto since_epoch = time.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(seconds.count());
  timestamp.set_nanos(
      static_cast<int32_t>(std::chrono::duration_cast<nanoseconds>(since_epoch - seconds).count()));
  return timestamp;
}

absl::StatusOr<system_clock::time_point> FromTimestamp(
    const google::protobuf::Timestamp& timestamp) {
  const int64_t seconds = timestamp.seconds();
  const int32_t nanos = timestamp.nanos();
  if (nanos < 0 || nanos >= kNanosPerSecond || !SecondsFit(seconds))
    return InvalidArgument(
        "the timestamp of " + Text(seconds, nanos) +
        " is not one: nanoseconds go from 0 to 999999999, years from 1678 to 2261");
  return system_clock::time_point(std::chrono::duration_cast<system_clock::duration>(
      nanoseconds(seconds * kNanosPerSecond + nanos)));
}

google::protobuf::Duration ToDuration(nanoseconds time) {
  google::protobuf::Duration duration;
  duration.set_seconds(time.count() / kNanosPerSecond);
  duration.set_nanos(static_cast<int32_t>(time.count() % kNanosPerSecond));
  return duration;
}

absl::StatusOr<nanoseconds> FromDuration(const google::protobuf::Duration& duration) {
  const int64_t seconds = duration.seconds();
  const int32_t nanos = duration.nanos();
  const bool signs_agree = (seconds <= 0 && nanos <= 0) || (seconds >= 0 && nanos >= 0);
  if (!signs_agree || nanos <= -kNanosPerSecond || nanos >= kNanosPerSecond || !SecondsFit(seconds))
    return InvalidArgument("the duration of " + Text(seconds, nanos) +
                           " is not one: both parts have one sign, and it is below 292 years");
  return nanoseconds(seconds * kNanosPerSecond + nanos);
}

}  // namespace bowerbird::wire
