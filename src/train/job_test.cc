// SPDX-License-Identifier: Apache-2.0
//
// What becomes of a trained model on a disk that has no room for it, and base models that nothing
// can be made of.
#include "train/job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>

#include "base/faulty_file_system.h"
#include "base/status.h"
#include "train/small_base.h"
#include "train/taps.h"

namespace bowerbird::train {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class WriteTrainedModel : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) / ("job_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    trained_.model = std::string(1000, 'm');
    trained_.labels = {"a", "b"};
    trained_.report = {{"accuracy", 1}};
    trained_.page = "<html></html>";
  }
  void TearDown() override { fs::remove_all(folder_); }

  size_t Names() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_;
  TrainedModel trained_;
};

TEST_F(WriteTrainedModel, IsAFolderOfFourFiles) {
  const auto files = MakeFileSystem();
  ASSERT_TRUE(WriteTrained(*files, folder_ / "out", trained_).ok());
  EXPECT_EQ(Names(), 1U);
  for (const char* name : {"model.tflite", "labels.txt", "report.json", "report.html"})
    EXPECT_TRUE(fs::exists(folder_ / "out" / name)) << name;
}

TEST_F(WriteTrainedModel, OnAFullDiskLeavesNothingAndSaysSo) {
  for (const char* name : {"model.tflite", "labels.txt", "report.json", "report.html"}) {
    FaultyFileSystem files(MakeFileSystem());
    files.Add({.operation = FileOperation::kAppend,
               .path = name,
               .times = -1,
               .error = ENOSPC,
               .torn_bytes = 5});
    const absl::Status written = WriteTrained(files, folder_ / "out", trained_);
    EXPECT_FALSE(written.ok()) << name;
    EXPECT_THAT(MessageOf(written), HasSubstr("No space left")) << name;
    EXPECT_EQ(Names(), 0U) << name;
  }
}

TEST_F(WriteTrainedModel, KeepsTheFolderThatIsThere) {
  const auto files = MakeFileSystem();
  ASSERT_TRUE(WriteTrained(*files, folder_ / "out", trained_).ok());
  EXPECT_FALSE(WriteTrained(*files, folder_ / "out", trained_).ok());
  EXPECT_EQ(Names(), 1U);
}

TEST(Taps, ABaseWithoutAnEmbeddingIsToldWhatWasLookedFor) {
  FloatGraph base = SmallBase();
  const auto taps = FindTaps(base.graph);
  EXPECT_EQ(taps.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(taps.status()), HasSubstr("MEAN or AVERAGE_POOL_2D"));
  EXPECT_THAT(MessageOf(taps.status()), HasSubstr("--taps"));
}

}  // namespace
}  // namespace bowerbird::train
