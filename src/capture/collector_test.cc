// SPDX-License-Identifier: Apache-2.0
#include "capture/collector.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <set>

#include "capture/capture_file.h"
#include "capture/capture_fixture.h"
#include "gmock/gmock.h"
#include "google/protobuf/timestamp.pb.h"

namespace bowerbird::capture {
namespace {

using ::testing::SizeIs;

class OneSensor : public machine::ResourceFinder {
 public:
  absl::StatusOr<std::shared_ptr<machine::Resource>> Find(
      const machine::ResourceName&) const override {
    return std::shared_ptr<machine::Resource>(std::make_shared<Sensor>(filters));
  }

  std::atomic<bool> filters = false;  // it has nothing to be stored

 private:
  class Sensor : public machine::Sensor {
   public:
    explicit Sensor(bool filters) : filters_(filters) {}
    absl::StatusOr<Json> GetReadings(const Context& context, const Json& extra) override {
      EXPECT_TRUE(context.from_data_management);
      EXPECT_EQ(extra, (Json{{"fromDataManagement", true}}));
      if (filters_)
        return absl::FailedPreconditionError("no capture from filter module: nothing new");
      return Json{{"value", 1}};
    }

   private:
    const bool filters_;
  };
};

// A collector of a sensor, on a clock that stands until the test moves it.
class CollectorTest : public CaptureTest {
 protected:
  CollectorTest() : queue_(files_, metrics_) {
    CollectorOptions options;
    options.method.resource = {machine::kSensorApi, "s"};
    options.method.method = "Readings";
    options.method.frequency_hz = 500;
    options.writer.capture_dir = folder_;
    options.writer.now = [this] { return clock_.load(); };
    collector_ = std::make_unique<Collector>(std::move(options), finder_, queue_, metrics_);
  }
  // Waits for reads that began after this call.
  void AwaitReads() {
    const uint64_t before = collector_->status().reads;
    ASSERT_TRUE(Soon([&] { return collector_->status().reads > before + 5; }));
  }
  // When each record was asked for, in the order of writing; all files are closed.
  std::vector<Time> End() {
    collector_.reset();
    std::vector<Time> times;
    for (const std::string& name : Files(".capture")) {
      const auto reader = CaptureFileReader::Open(files_, folder_ + "/" + name);
      EXPECT_TRUE(reader.ok()) << reader.status();
      for (auto next = (*reader)->Next(); next.ok() && next->has_value(); next = (*reader)->Next())
        times.push_back(TimeOf((*next)->metadata));
    }
    return times;
  }

  // The time_requested of a serialized SensorMetadata: field 1, a Timestamp.
  static Time TimeOf(std::string_view metadata) {
    google::protobuf::Timestamp time;
    EXPECT_EQ(metadata.at(0), 0x0a);
    const auto size = static_cast<size_t>(metadata.at(1));
    EXPECT_TRUE(time.ParseFromArray(metadata.data() + 2, static_cast<int>(size)));
    return Time(std::chrono::seconds(time.seconds()) + std::chrono::nanoseconds(time.nanos()));
  }

  std::atomic<Time> clock_ = At(0);
  OneSensor finder_;
  WriteQueue queue_;
  std::unique_ptr<Collector> collector_;
};

TEST_F(CollectorTest, AClockThatStandsStillGivesEachRecordATimeOfItsOwn) {
  AwaitReads();
  const auto times = End();
  ASSERT_GT(times.size(), 4U);
  EXPECT_THAT(std::set<Time>(times.begin(), times.end()), SizeIs(times.size()));
  EXPECT_LT(times.back(), At(1'000'000));
}

TEST_F(CollectorTest, ClocksThatJumpAreFollowedAndCaptureGoesOn) {
  const std::array<Time, 4> stops = {At(0), At(0) + std::chrono::hours(24),
                                     At(0) - std::chrono::hours(24), At(10'000'000)};
  for (const Time stop : stops) {
    clock_ = stop;
    AwaitReads();
  }
  const auto times = End();
  EXPECT_THAT(std::set<Time>(times.begin(), times.end()), SizeIs(times.size()));
  for (const Time stop : stops)
    EXPECT_GT(std::count_if(
                  times.begin(), times.end(),
                  [&](Time time) { return time >= stop && time < stop + std::chrono::seconds(1); }),
              3);
}

TEST_F(CollectorTest, WhatAFilterHoldsBackIsCountedAndIsNoError) {
  finder_.filters = true;
  ASSERT_TRUE(Soon([&] { return collector_->status().filtered > 5; }));
  EXPECT_EQ(collector_->status().errors, 0u);
  EXPECT_EQ(collector_->status().last_error, "");
  finder_.filters = false;
  AwaitReads();
  const uint64_t reads = collector_->status().reads;
  EXPECT_GE(End().size(), reads);
}

// What the disk does to one step of writing a file.
class DiskFault : public CaptureTest, public testing::WithParamInterface<FileFault> {};

TEST_P(DiskFault, LosesWhatItCountsAndTearsNothing) {
  constexpr int kRecords = 40;
  WriteQueue queue(files_, metrics_);
  const auto lane = queue.OpenLane("cam ReadImage", 100, WriterOptions());
  files_.Add(GetParam());
  for (int i = 0; i < kRecords; ++i)
    ASSERT_TRUE(queue.Push(*lane, Binary(std::string(2000, 'x') + std::to_string(i), i + 1)));
  queue.CloseLane(lane);
  const auto status = queue.StatusOf(*lane);
  EXPECT_EQ(status.written + status.failed, uint64_t{kRecords});
  EXPECT_GE(status.written, uint64_t{kRecords} - 10);
  EXPECT_EQ(status.last_error.empty(), status.failed == 0);
  const auto files = Files(".capture");
  EXPECT_THAT(files, SizeIs(status.written));
  for (const std::string& name : files) {
    const auto reader = CaptureFileReader::Open(files_, folder_ + "/" + name);
    ASSERT_TRUE(reader.ok()) << reader.status();
    const auto record = (*reader)->Next();
    ASSERT_TRUE(record.ok() && record->has_value()) << record.status();
    EXPECT_GE((*record)->payload_size, 2001U);
  }
  EXPECT_THAT(Files(".prog"), SizeIs(0));
}
INSTANTIATE_TEST_SUITE_P(
    Steps, DiskFault,
    testing::Values(
        FileFault{
            .operation = FileOperation::kOpenForWriting, .after = 5, .times = 10, .error = ENOSPC},
        FileFault{.operation = FileOperation::kAppend, .after = 7, .times = 10, .error = ENOSPC},
        FileFault{.operation = FileOperation::kAppend,
                  .after = 7,
                  .times = 10,
                  .error = EIO,
                  .torn_bytes = 60},
        FileFault{.operation = FileOperation::kSync, .after = 3, .times = 10, .error = EIO},
        FileFault{.operation = FileOperation::kRename, .after = 3, .times = 10, .error = EIO}));

TEST_F(CaptureTest, OneSyncThatFailsLosesNothing) {
  WriteQueue queue(files_, metrics_);
  const auto lane = queue.OpenLane("cam ReadImage", 100, WriterOptions());
  files_.Add({.operation = FileOperation::kSync, .error = EIO});
  ASSERT_TRUE(queue.Push(*lane, Binary("picture")));
  queue.CloseLane(lane);
  EXPECT_EQ(queue.StatusOf(*lane).failed, 0U);
  EXPECT_THAT(Files(".capture"), SizeIs(1));
}

}  // namespace
}  // namespace bowerbird::capture
