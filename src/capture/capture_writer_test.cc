// SPDX-License-Identifier: Apache-2.0
#include "capture/capture_writer.h"

#include <sys/stat.h>

#include <cerrno>

#include "capture/capture_file.h"
#include "capture/capture_fixture.h"
#include "gmock/gmock.h"

namespace bowerbird::capture {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CaptureWriterTest : public CaptureTest {
 protected:
  CaptureWriterTest() {
    setenv("TZ", "UTC", 1);
    tzset();
  }
  // The values of the readings in a file.
  std::vector<double> Values(const std::string& name) {
    std::vector<double> values;
    const auto reader = CaptureFileReader::Open(files_, folder_ + "/" + name);
    EXPECT_TRUE(reader.ok()) << reader.status();
    if (!reader.ok()) return values;
    for (auto record = (*reader)->Next(); record.ok() && record->has_value();
         record = (*reader)->Next())
      values.push_back(static_cast<double>((*record)->fields->size()));
    return values;
  }
};

TEST_F(CaptureWriterTest, ABinaryRecordHasAFileOfItsOwnWithTheReferencesNameAndModes) {
  CaptureWriter writer(files_, WriterOptions());
  ASSERT_TRUE(writer.Write(Binary("picture")).ok());
  ASSERT_THAT(Files(""), ElementsAre("rdk_component_camera/cam/ReadImage/"
                                     "2026-01-02T03_04_05.678901Z.capture"));
  struct stat info {};
  ASSERT_EQ(stat((folder_ + "/" + Files("")[0]).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
  ASSERT_EQ(stat((folder_ + "/rdk_component_camera").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0700u);
}

TEST_F(CaptureWriterTest, WhatIsWrittenIsReadBack) {
  CaptureWriter writer(files_, WriterOptions());
  Captured captured = Binary(std::string(100'000, 'x'));
  captured.header.parameters = {{"mime_type", "image/jpeg"}, {"filter", {"a", 1}}};
  captured.record.annotations.push_back({"cat", 0.5, std::nullopt});
  ASSERT_TRUE(writer.Write(captured).ok());
  const auto reader = CaptureFileReader::Open(files_, folder_ + "/" + Files(".capture")[0]);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ((*reader)->header(), captured.header);
  const auto record = (*reader)->Next();
  ASSERT_TRUE(record.ok() && record->has_value()) << record.status();
  EXPECT_EQ((*record)->payload_size, 100'000u);
  std::string bytes(100'000, ' ');
  ASSERT_TRUE((*reader)->ReadExactly((*record)->payload_offset, bytes).ok());
  EXPECT_EQ(bytes, captured.record.bytes);
  const auto end = (*reader)->Next();
  ASSERT_TRUE(end.ok());
  EXPECT_FALSE(end->has_value());
}

TEST_F(CaptureWriterTest, ReadingsShareAFileUntilItIsLargerThanTheLimit) {
  auto options = WriterOptions();
  options.max_file_size = 300;
  CaptureWriter writer(files_, options);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(writer.Write(Tabular(i, i + 1)).ok());
  EXPECT_THAT(Files(".prog"), SizeIs(1));
  EXPECT_GT(Files(".capture").size(), 1u);
  ASSERT_TRUE(writer.Close().ok());
  EXPECT_THAT(Files(".prog"), IsEmpty());
  size_t records = 0;
  for (const auto& name : Files(".capture")) records += Values(name).size();
  EXPECT_EQ(records, 20u);
}

TEST_F(CaptureWriterTest, AClockThatStandsOrJumpsBackKeepsNamesUniqueAndInOrder) {
  CaptureWriter writer(files_, WriterOptions());
  for (const int64_t time : std::vector<int64_t>{500, 500, 900, 100, 100, -3600000000}) {
    now_ = At(time);
    ASSERT_TRUE(writer.Write(Binary(std::to_string(time), time)).ok());
  }
  const auto names = Files(".capture");
  EXPECT_THAT(names, SizeIs(6));
  EXPECT_THAT(names.back(), HasSubstr("03_04_05.000903Z"));
}

TEST_F(CaptureWriterTest, AFullDiskLosesTheRecordAndNoneBeforeIt) {
  CaptureWriter writer(files_, WriterOptions());
  ASSERT_TRUE(writer.Write(Tabular(1)).ok());
  ASSERT_TRUE(writer.Write(Tabular(2)).ok());
  files_.Add({.operation = FileOperation::kAppend, .error = ENOSPC, .torn_bytes = 5});
  EXPECT_EQ(writer.Write(Tabular(3)).code(), absl::StatusCode::kResourceExhausted);
  ASSERT_TRUE(writer.Write(Tabular(4)).ok());
  ASSERT_TRUE(writer.Close().ok());
  const auto names = Files(".capture");
  ASSERT_THAT(names, SizeIs(2));
  EXPECT_THAT(Values(names[0]), SizeIs(2));
  EXPECT_THAT(Values(names[1]), SizeIs(1));
}

TEST_F(CaptureWriterTest, ATornPictureLeavesNoFile) {
  CaptureWriter writer(files_, WriterOptions());
  files_.Add({.operation = FileOperation::kAppend, .after = 2, .error = ENOSPC, .torn_bytes = 50});
  EXPECT_FALSE(writer.Write(Binary(std::string(1000, 'x'))).ok());
  EXPECT_THAT(Files(""), IsEmpty());
}

TEST_F(CaptureWriterTest, APowerCutAfterCommitLosesNothingThatWasClosed) {
  {
    CaptureWriter writer(files_, WriterOptions());
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(writer.Write(Binary(std::to_string(i + 1))).ok());
    ASSERT_TRUE(writer.Commit().ok());
  }
  ASSERT_TRUE(files_.LosePower().ok());
  EXPECT_THAT(Files(".capture"), SizeIs(5));
}

TEST_F(CaptureWriterTest, RecordsWithoutTimeOrContentAreRefused) {
  CaptureWriter writer(files_, WriterOptions());
  EXPECT_EQ(writer.Write(Binary("")).code(), absl::StatusCode::kInvalidArgument);
  auto timeless = Tabular(1);
  timeless.record.requested = Time();
  EXPECT_EQ(writer.Write(timeless).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Files(""), IsEmpty());
}

TEST_F(CaptureWriterTest, AFileLeftOpenIsRecoveredUpToItsLastWholeRecord) {
  std::string name;
  {
    CaptureWriter writer(files_, WriterOptions());
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(writer.Write(Tabular(i)).ok());
    name = Files(".prog")[0];
    std::filesystem::copy_file(folder_ + "/" + name, folder_ + "/saved");
  }
  std::filesystem::remove_all(folder_ + "/rdk_component_sensor");
  std::filesystem::create_directories(folder_ + "/a");
  std::filesystem::rename(folder_ + "/saved", folder_ + "/a/torn.prog");
  const auto size = std::filesystem::file_size(folder_ + "/a/torn.prog");
  std::filesystem::resize_file(folder_ + "/a/torn.prog", size - 3);
  const auto recovered = RecoverOpenFiles(files_, folder_);
  EXPECT_EQ(recovered.files, 1);
  EXPECT_EQ(recovered.cut, 1);
  EXPECT_THAT(Files(""), ElementsAre("a/torn.capture"));
  EXPECT_THAT(Values("a/torn.capture"), SizeIs(2));
}

TEST_F(CaptureWriterTest, AnUnreadableFileIsPutAsideWithItsReasonAndTheRestGoesOn) {
  std::filesystem::create_directories(folder_ + "/a");
  ASSERT_TRUE(WriteFileDurably(files_, folder_ + "/a/1.prog", "no capture file at all").ok());
  ASSERT_TRUE(WriteFileDurably(files_, folder_ + "/a/2.prog", "").ok());
  const auto recovered = RecoverOpenFiles(files_, folder_);
  EXPECT_EQ(recovered.quarantined, 1);
  EXPECT_EQ(recovered.empty, 1);
  EXPECT_THAT(Files(""), ElementsAre("failed/a/1.prog", "failed/a/1.prog.reason.txt"));
}

}  // namespace
}  // namespace bowerbird::capture
