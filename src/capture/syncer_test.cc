// SPDX-License-Identifier: Apache-2.0
#include "capture/syncer.h"

#include <atomic>
#include <cerrno>
#include <fstream>
#include <set>

#include "capture/capture_fixture.h"
#include "capture/testing/test_hub.h"
#include "gmock/gmock.h"

namespace bowerbird::capture {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Fault = TestHub::Fault;

class SyncerTest : public CaptureTest {
 protected:
  SyncerOptions Options() {
    SyncerOptions options;
    options.config.capture_dir = folder_;
    options.config.sync_interval = std::chrono::milliseconds(20);
    options.config.sync_threads = 2;
    options.config.file_last_modified = std::chrono::milliseconds(1);
    options.hub = hub_.link();
    options.first_retry = std::chrono::milliseconds(5);
    options.first_pause = std::chrono::milliseconds(10);
    options.longest_pause = std::chrono::milliseconds(50);
    return options;
  }
  void Write(const Captured& captured) {
    CaptureWriter writer(files_, WriterOptions());
    ASSERT_TRUE(writer.Write(captured).ok());
  }
  TestHub hub_;
};

TEST_F(SyncerTest, WhatWasCapturedReachesTheHubAndIsRemoved) {
  Write(Binary("small picture"));
  Write(Binary(std::string(2'500'000, 'b'), 5));
  Write(Tabular(7));
  Syncer syncer(files_, metrics_, Options());
  ASSERT_TRUE(Soon([&] { return Files(".capture").empty(); }));
  ASSERT_THAT(hub_.items(), SizeIs(3));
  EXPECT_EQ(hub_.largest_piece(), Uploader::kChunkBytes);
  for (const auto& item : hub_.items()) {
    EXPECT_EQ(item.part_id, "part-1");
    EXPECT_NE(item.time_requested, "");
    if (item.method_name == "Readings") {
      EXPECT_EQ(item.readings["readings"]["value"], 7);
    } else {
      EXPECT_EQ(item.file_extension, ".jpeg");
      EXPECT_THAT(item.tags, ElementsAre("night"));
    }
  }
  EXPECT_TRUE(Soon([&] { return syncer.Status()["files_sent"] == 3; }));
}

class EachFault : public SyncerTest, public testing::WithParamInterface<Fault> {};

TEST_P(EachFault, ThatPassesLeavesEveryItemThereOnce) {
  for (int i = 0; i < 5; ++i)
    Write(Binary(std::string(1'200'000, static_cast<char>('a' + i)), i + 1));
  for (int i = 0; i < 5; ++i) Write(Binary(std::to_string(i), i + 10));
  hub_.Fail(GetParam(), 4);
  Syncer syncer(files_, metrics_, Options());
  ASSERT_TRUE(Soon([&] { return Files(".capture").empty(); })) << syncer.Status().dump();
  EXPECT_THAT(hub_.items(), SizeIs(10));
  EXPECT_GT(hub_.uploads(), 10);
  EXPECT_THAT(Files(".reason.txt"), IsEmpty());
}
INSTANTIATE_TEST_SUITE_P(Faults, EachFault,
                         testing::Values(Fault::kUnavailable, Fault::kBroken, Fault::kMidStream,
                                         Fault::kLateAnswer));

TEST_F(SyncerTest, WhatTheHubRefusesGoesToFailedWithItsReason) {
  Write(Binary("bad"));
  hub_.Fail(Fault::kRefuse, 1);
  Syncer syncer(files_, metrics_, Options());
  ASSERT_TRUE(Soon([&] { return !Files(".reason.txt").empty(); }));
  EXPECT_THAT(Files(""), Contains(HasSubstr("failed/rdk_component_camera/cam/ReadImage/")));
  EXPECT_THAT(hub_.items(), IsEmpty());
  EXPECT_TRUE(Soon([&] {
    return syncer.Status()["last_error"].get<std::string>().find("refused") != std::string::npos;
  }));
}

TEST_F(SyncerTest, ADamagedFileIsPutAsideAfterItsWholeRecordsWereSent) {
  {
    CaptureWriter writer(files_, WriterOptions());
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(writer.Write(Tabular(i, i + 1)).ok());
  }
  const std::string path = folder_ + "/" + Files(".capture")[0];
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 2);
  Write(Binary("the rest goes on"));
  Syncer syncer(files_, metrics_, Options());
  ASSERT_TRUE(Soon([&] { return !Files(".reason.txt").empty() && hub_.items().size() == 3; }));
}

TEST_F(SyncerTest, AFileThatCannotBeRemovedIsSentAgainAndIsThereOnce) {
  Write(Binary("sticky"));
  files_.Add({.operation = FileOperation::kRemove, .path = ".capture", .times = 3, .error = EIO});
  Syncer syncer(files_, metrics_, Options());
  ASSERT_TRUE(Soon([&] { return Files(".capture").empty(); }));
  EXPECT_THAT(hub_.items(), SizeIs(1));
  EXPECT_EQ(hub_.uploads(), 4);
}

TEST_F(SyncerTest, OtherFilesGoWithTheTagsAndDatasetsOfTheirFolders) {
  const std::string extra = folder_ + "/extra/dataset=d1/tag=red";
  std::filesystem::create_directories(extra);
  ASSERT_TRUE(WriteFileDurably(files_, extra + "/notes.txt", "hello").ok());
  auto options = Options();
  options.config.capture_dir = folder_ + "/captures";
  options.config.additional_sync_paths = {folder_ + "/extra"};
  options.config.tags = {"all"};
  Syncer syncer(files_, metrics_, options);
  ASSERT_TRUE(Soon([&] { return Files("notes.txt").empty(); }));
  ASSERT_THAT(hub_.items(), SizeIs(1));
  const auto item = hub_.items()[0];
  EXPECT_EQ(item.content, "hello");
  EXPECT_EQ(item.type, 3);
  EXPECT_EQ(item.file_name, extra + "/notes.txt");
  EXPECT_EQ(item.file_extension, ".txt");
  EXPECT_THAT(item.tags, ElementsAre("all", "red"));
  EXPECT_THAT(item.dataset_ids, ElementsAre("d1"));
}

TEST_F(SyncerTest, AFileThatGrowsWhileItIsSentStaysUntilAllOfItIsThere) {
  std::filesystem::create_directories(folder_ + "/extra");
  const std::string path = folder_ + "/extra/notes.txt";
  ASSERT_TRUE(WriteFileDurably(files_, path, "hello").ok());
  auto options = Options();
  options.config.capture_dir = folder_ + "/captures";
  options.config.additional_sync_paths = {folder_ + "/extra"};
  options.hub.part_id = "";
  std::atomic<int> asked = 0;
  // Asked when the size of what is sent is known already.
  options.hub.configured_part = [&]() -> std::string {
    if (++asked == 1) std::ofstream(path, std::ios::app) << ", world";
    return "part-1";
  };
  Syncer syncer(files_, metrics_, options);
  ASSERT_TRUE(Soon([&] { return Files("notes.txt").empty(); })) << syncer.Status().dump();
  std::set<std::string> contents;
  for (const auto& item : hub_.items()) contents.insert(item.content);
  EXPECT_THAT(contents, ElementsAre("hello", "hello, world"));
}

// What decides whether a file is old enough is the only place where the time of day counts.
TEST_F(SyncerTest, WhileTheClockJumpsBothWaysEveryItemIsThereOnce) {
  constexpr int kItems = 40;
  std::filesystem::create_directories(folder_ + "/extra");
  auto options = Options();
  options.config.capture_dir = folder_ + "/captures";
  options.config.additional_sync_paths = {folder_ + "/extra"};
  options.config.file_last_modified = std::chrono::minutes(1);
  std::atomic<int> looks = 0;
  options.now = [&] {
    using std::chrono::hours;
    static constexpr hours kJumps[] = {hours(0), hours(24 * 400), hours(-24 * 400), hours(-2),
                                       hours(2)};
    return std::chrono::sys_time<std::chrono::nanoseconds>(std::chrono::system_clock::now()) +
           kJumps[static_cast<size_t>(++looks) % std::size(kJumps)];
  };
  hub_.Fail(Fault::kLateAnswer, 5);
  Syncer syncer(files_, metrics_, options);
  CaptureWriter::Options writing = WriterOptions();
  writing.capture_dir = options.config.capture_dir;
  for (int i = 0; i < kItems; ++i) {
    CaptureWriter writer(files_, writing);
    // Captured by a clock that jumps as well, and never twice at the same moment.
    const int64_t at = i + (i % 3 - 1) * int64_t{400} * 24 * 3600 * 1'000'000;
    ASSERT_TRUE(writer.Write(Binary(std::to_string(i), at)).ok());
    // Whole from the first moment on: to this clock every file is old.
    const std::string name = "/" + std::to_string(i) + ".txt";
    ASSERT_TRUE(WriteFileDurably(files_, folder_ + name, "file " + std::to_string(i)).ok());
    std::filesystem::rename(folder_ + name, folder_ + "/extra" + name);
  }
  ASSERT_TRUE(Soon([&] { return Files(".capture").empty() && Files(".txt").empty(); }))
      << syncer.Status().dump();
  std::multiset<std::string> contents;
  for (const auto& item : hub_.items()) contents.insert(item.content);
  EXPECT_THAT(contents, SizeIs(2 * kItems));
  for (int i = 0; i < kItems; ++i) {
    EXPECT_EQ(contents.count(std::to_string(i)), 1u) << i;
    EXPECT_EQ(contents.count("file " + std::to_string(i)), 1u) << i;
  }
  EXPECT_GT(hub_.uploads(), 2 * kItems);
  EXPECT_GT(looks, 2 * kItems);
}

TEST_F(SyncerTest, SyncNowTriesEverythingOnceAndTellsTheFirstError) {
  auto options = Options();
  options.config.sync_disabled = true;
  options.first_retry = std::chrono::hours(1);
  Syncer syncer(files_, metrics_, options);
  Write(Binary("one"));
  hub_.Fail(Fault::kBroken, 1);
  const auto patience = Context().WithTimeout(std::chrono::seconds(20));
  EXPECT_THAT(std::string(syncer.SyncNow(patience).message()), HasSubstr("broken"));
  EXPECT_THAT(Files(".capture"), SizeIs(1));
  EXPECT_TRUE(syncer.SyncNow(patience).ok());
  EXPECT_THAT(Files(".capture"), IsEmpty());
}

TEST_F(SyncerTest, WithoutAHubFilesStayAndSyncNowSaysSo) {
  auto options = Options();
  options.hub = {};
  Syncer syncer(files_, metrics_, options);
  Write(Binary("one"));
  const auto status = syncer.SyncNow(Context());
  EXPECT_THAT(std::string(status.message()), HasSubstr("not connected to the cloud"));
  EXPECT_THAT(Files(".capture"), SizeIs(1));
}

TEST_F(SyncerTest, AnEndInTheMiddleLeavesTheFilesInPlace) {
  for (int i = 0; i < 20; ++i) Write(Binary(std::to_string(i), i + 1));
  hub_.Fail(Fault::kBroken, 1000);
  { Syncer syncer(files_, metrics_, Options()); }
  EXPECT_THAT(Files(".capture"), SizeIs(20));
  EXPECT_THAT(Files(".reason.txt"), IsEmpty());
}

}  // namespace
}  // namespace bowerbird::capture
