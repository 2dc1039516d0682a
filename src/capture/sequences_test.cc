// SPDX-License-Identifier: Apache-2.0
#include "capture/sequences.h"

#include <cerrno>

#include "base/status.h"
#include "capture/capture_fixture.h"
#include "capture/syncer.h"
#include "capture/testing/test_hub.h"
#include "gmock/gmock.h"

namespace bowerbird::capture {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Time clock_now;  // of SequencesTest: a Clock has no state of its own

class SequencesTest : public CaptureTest {
 protected:
  SequencesTest() { clock_now = At(0); }
  SequenceLog Log() {
    return SequenceLog(files_, folder_, [] { return clock_now; });
  }
  static SequenceKey Key(const std::string& tag) { return {{{"cam", "ReadImage"}}, {tag}}; }
  absl::StatusOr<Sequence> Only() {
    const auto closed = Files(".seq");
    if (closed.size() != 1) return InvalidArgument(std::to_string(closed.size()) + " files");
    const auto content = ReadFile(files_, folder_ + "/" + closed[0]);
    if (!content.ok()) return content.status();
    return DecodeSequence(*content);
  }
};

TEST_F(SequencesTest, OneOpensWhenItIsNamedAndClosesWhenItIsNot) {
  SequenceLog log = Log();
  log.Update({Key("a")});
  clock_now = At(2'000'000);
  log.Update({Key("a"), Key("b")});
  EXPECT_THAT(Files(".progseq"), SizeIs(2));
  EXPECT_THAT(Files(".seq"), IsEmpty());
  clock_now = At(5'000'000);
  log.Update({Key("b")});
  const auto sequence = Only();
  ASSERT_TRUE(sequence.ok()) << sequence.status();
  EXPECT_EQ(sequence->key, Key("a"));
  EXPECT_EQ(sequence->start, At(0));
  EXPECT_EQ(sequence->end, At(5'000'000));
  EXPECT_THAT(Files(".progseq"), SizeIs(1));
}

TEST_F(SequencesTest, TheEndOfTheMachineClosesAll) {
  {
    SequenceLog log = Log();
    log.Update({Key("a"), Key("b")});
  }
  EXPECT_THAT(Files(".seq"), SizeIs(2));
  EXPECT_THAT(Files(".progseq"), IsEmpty());
}

TEST_F(SequencesTest, AClockThatIsSetBackEndsNoneBeforeItsBegin) {
  SequenceLog log = Log();
  log.Update({Key("a")});
  clock_now = At(0) - std::chrono::hours(24);
  log.Update({});
  const auto sequence = Only();
  ASSERT_TRUE(sequence.ok()) << sequence.status();
  EXPECT_EQ(sequence->end, sequence->start);
}

TEST_F(SequencesTest, AFullDiskDelaysTheEndAndLosesNone) {
  SequenceLog log = Log();
  log.Update({Key("a")});
  files_.Add({.operation = FileOperation::kAppend, .path = ".seq", .error = ENOSPC});
  log.Update({});
  EXPECT_THAT(Files(".seq"), IsEmpty());
  EXPECT_THAT(Files(".progseq"), SizeIs(1));
  log.Update({});
  EXPECT_THAT(Files(".seq"), SizeIs(1));
  EXPECT_EQ(log.open(), 0U);
}

TEST_F(SequencesTest, WhatACrashLeftOpenIsPutAsideWithTheReason) {
  const std::string folder = folder_ + "/sequences";
  std::filesystem::create_directories(folder);
  for (const char* name : {"/lost.progseq", "/done.progseq", "/done.seq", "/half.seq.new"})
    ASSERT_TRUE(
        WriteFileDurably(files_, folder + name, EncodeSequence({Key("a"), At(1), At(2)})).ok());
  SequenceLog log = Log();
  EXPECT_THAT(Files(""),
              ElementsAre("failed/sequences/lost.progseq",
                          "failed/sequences/lost.progseq.reason.txt", "sequences/done.seq"));
}

TEST_F(SequencesTest, AReadingIsReadWholeOrRefusedByName) {
  const Json good = {{"sequences",
                      {{{"resources", {{{"resource_name", "cam"}, {"method", "ReadImage"}}}},
                        {"sequence_tags", {"a"}}}}}};
  const auto keys = ReadSequences(good);
  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_THAT(*keys, ElementsAre(Key("a")));
  EXPECT_TRUE(ReadSequences(Json::object())->empty());
  const auto message = [](const char* text) {
    return MessageOf(ReadSequences(Json::parse(text)).status());
  };
  EXPECT_THAT(message(R"({"sequences": 1})"), HasSubstr("\"sequences\" is no list"));
  EXPECT_THAT(message(R"({"sequences": [7]})"), HasSubstr("sequences[0]"));
  EXPECT_THAT(message(R"({"sequences": [{"resources": []}]})"), HasSubstr("resources"));
  EXPECT_THAT(message(R"({"sequences": [{"resources": [{"resource_name": "c"}]}]})"),
              HasSubstr("method"));
  EXPECT_THAT(message(R"({"sequences": [{"resources": [{"resource_name": "c", "method": "m"}],
                          "sequence_tags": ["a b"]}]})"),
              HasSubstr("sequence_tags"));
}

TEST_F(SequencesTest, WhatIsNoSequenceIsDamaged) {
  for (const char* text : {"", "[]", "{}", R"({"resources": [{"resource_name": "c",
       "method_name": "m"}], "start_time": "yesterday", "end_time": "1970-01-01T00:00:00Z"})"})
    EXPECT_TRUE(absl::IsDataLoss(DecodeSequence(text).status())) << text;
}

class SequenceSyncTest : public SequencesTest {
 protected:
  void Close() {
    SequenceLog log = Log();
    log.Update({Key("a")});
  }
  std::unique_ptr<Syncer> Sync() {
    SyncerOptions options;
    options.config.capture_dir = folder_;
    options.config.sync_interval = std::chrono::milliseconds(20);
    options.first_retry = std::chrono::milliseconds(5);
    options.hub = hub_.link();
    return std::make_unique<Syncer>(files_, metrics_, std::move(options));
  }
  TestHub hub_;
};

TEST_F(SequenceSyncTest, AClosedOneReachesTheHubAndIsRemoved) {
  hub_.KeepSequences();
  Close();
  hub_.Fail(TestHub::Fault::kBroken, 1);
  const auto syncer = Sync();
  ASSERT_TRUE(Soon([&] { return Files(".seq").empty(); }));
  ASSERT_THAT(hub_.items(), SizeIs(1));
  const auto item = hub_.items()[0];
  EXPECT_EQ(item.part_id, "part-1");
  EXPECT_EQ(item.component_name, "cam");
  EXPECT_EQ(item.method_name, "ReadImage");
  EXPECT_THAT(item.tags, ElementsAre("a"));
}

TEST_F(SequenceSyncTest, AHubThatKeepsNoneIsAskedOnceAndTheFileIsPutAside) {
  Close();
  const auto syncer = Sync();
  ASSERT_TRUE(Soon([&] { return !Files(".reason.txt").empty(); }));
  EXPECT_THAT(Files(".seq")[0], HasSubstr("failed/sequences/"));
}

}  // namespace
}  // namespace bowerbird::capture
