// SPDX-License-Identifier: Apache-2.0
#include "wire/machine/time.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace bowerbird::wire {
namespace {

using std::chrono::nanoseconds;
using std::chrono::system_clock;

system_clock::time_point At(int64_t nanos) {
  return system_clock::time_point(
      std::chrono::duration_cast<system_clock::duration>(nanoseconds(nanos)));
}

TEST(Timestamp, RoundTripsToTheNanosecond) {
  for (const int64_t nanos : {int64_t{0}, int64_t{1}, int64_t{1767323045678901234}, int64_t{-1},
                              int64_t{-1'000'000'000}, int64_t{-1'500'000'001}}) {
    const auto back = FromTimestamp(ToTimestamp(At(nanos)));
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(*back, At(nanos)) << nanos;
  }
}

TEST(Timestamp, NanosecondsAreNeverNegative) {
  const auto timestamp = ToTimestamp(At(-1));
  EXPECT_EQ(timestamp.seconds(), -1);
  EXPECT_EQ(timestamp.nanos(), 999'999'999);
}

TEST(Timestamp, RefusesWhatIsNone) {
  google::protobuf::Timestamp timestamp;
  for (const int32_t nanos : {-1, 1'000'000'000}) {
    timestamp.set_nanos(nanos);
    EXPECT_EQ(FromTimestamp(timestamp).status().code(), absl::StatusCode::kInvalidArgument);
  }
  timestamp.set_nanos(0);
  for (const int64_t seconds : {INT64_MAX, INT64_MIN, int64_t{253402300799}}) {
    timestamp.set_seconds(seconds);
    EXPECT_EQ(FromTimestamp(timestamp).status().code(), absl::StatusCode::kInvalidArgument)
        << seconds;
  }
}

TEST(Duration, RoundTrips) {
  for (const int64_t nanos :
       {int64_t{0}, int64_t{2'000'000'000}, int64_t{30'000'001}, int64_t{-1'500'000'000}}) {
    const auto back = FromDuration(ToDuration(nanoseconds(nanos)));
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(back->count(), nanos);
  }
}

TEST(Duration, RefusesMixedSignsAndWhatOverflows) {
  google::protobuf::Duration duration;
  duration.set_seconds(1);
  duration.set_nanos(-1);
  EXPECT_EQ(FromDuration(duration).status().code(), absl::StatusCode::kInvalidArgument);
  duration.set_nanos(1'000'000'000);
  EXPECT_EQ(FromDuration(duration).status().code(), absl::StatusCode::kInvalidArgument);
  duration.set_nanos(0);
  duration.set_seconds(INT64_MAX);
  EXPECT_EQ(FromDuration(duration).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace bowerbird::wire
