// SPDX-License-Identifier: Apache-2.0
#include "base/file_system.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/faulty_file_system.h"

namespace bowerbird {
namespace {

class FileSystemTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/files_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  void Write(const std::string& name, std::string_view bytes, bool sync) {
    auto file = files_.OpenForWriting(Path(name), WriteMode::kTruncate, 0600);
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_TRUE((*file)->Append(bytes).ok());
    if (sync) {
      ASSERT_TRUE((*file)->Sync().ok());
    }
    ASSERT_TRUE((*file)->Close().ok());
  }
  std::string Read(const std::string& name) {
    return ReadFile(files_, Path(name)).value_or("(none)");
  }

  std::string folder_;
  FaultyFileSystem files_{MakeFileSystem()};
};

TEST_F(FileSystemTest, WhatIsWrittenDurablyIsReadBack) {
  ASSERT_TRUE(files_.MakeDirectories(Path("a/b"), 0700).ok());
  ASSERT_TRUE(WriteFileDurably(files_, Path("a/b/c"), "hello").ok());
  EXPECT_EQ(Read("a/b/c"), "hello");
  EXPECT_EQ(*files_.List(Path("a/b")), std::vector<std::string>{"c"});
  const auto info = files_.Stat(Path("a/b/c"));
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->size, 5u);
  EXPECT_EQ(info->kind, FileInfo::Kind::kFile);
}

TEST_F(FileSystemTest, ErrorsNameThePathAndCarryTheCodeOfTheirErrno) {
  const auto missing = files_.OpenForReading(Path("none"));
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_NE(missing.status().message().find("none"), absl::string_view::npos);
  Write("one", "1", false);
  EXPECT_EQ(files_.OpenForWriting(Path("one"), WriteMode::kCreateNew, 0600).status().code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ReadFile(files_, Path("one"), 0).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(FileSystemTest, ADurableWriteThatFailsLeavesTheOldFileAndNoOther) {
  ASSERT_TRUE(WriteFileDurably(files_, Path("f"), "old").ok());
  for (const FileOperation operation :
       {FileOperation::kAppend, FileOperation::kSync, FileOperation::kRename}) {
    files_.Add({.operation = operation, .error = ENOSPC, .torn_bytes = 1});
    EXPECT_EQ(WriteFileDurably(files_, Path("f"), "new").code(),
              absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(Read("f"), "old");
    EXPECT_EQ(files_.List(folder_)->size(), 1u);
  }
}

TEST_F(FileSystemTest, AFaultComesWhenItsTimeHasComeAndOnlyWhereItIsPlanned) {
  files_.Add({.operation = FileOperation::kAppend, .path = "bad", .after = 1, .error = EIO});
  Write("good", "x", false);
  auto file = files_.OpenForWriting(Path("bad"), WriteMode::kTruncate, 0600);
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE((*file)->Append("1").ok());
  EXPECT_FALSE((*file)->Append("2").ok());
  EXPECT_TRUE((*file)->Append("3").ok());
  EXPECT_EQ(Read("bad"), "13");
}

TEST_F(FileSystemTest, APowerCutTakesWhatWasNotSynced) {
  Write("synced", "kept", true);
  Write("half", "kept", true);
  Write("lost", "gone", false);
  ASSERT_TRUE(files_.SyncDirectory(folder_).ok());
  {
    auto file = files_.OpenForWriting(Path("half"), WriteMode::kAppend, 0600);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE((*file)->Append("tail").ok());
  }
  ASSERT_TRUE(files_.Rename(Path("synced"), Path("renamed")).ok());
  ASSERT_TRUE(files_.LosePower().ok());
  EXPECT_EQ(Read("synced"), "kept");
  EXPECT_EQ(Read("renamed"), "(none)");
  EXPECT_EQ(Read("half"), "kept");
  EXPECT_EQ(Read("lost"), "");
}

TEST_F(FileSystemTest, ARenameIsDurableOnceItsFolderIsSynced) {
  ASSERT_TRUE(WriteFileDurably(files_, Path("f"), "one").ok());
  ASSERT_TRUE(files_.LosePower().ok());
  EXPECT_EQ(Read("f"), "one");
}

TEST(ParentDirectoryTest, IsTheFolderOfAPath) {
  EXPECT_EQ(ParentDirectory("a/b/c"), "a/b");
  EXPECT_EQ(ParentDirectory("c"), ".");
  EXPECT_EQ(ParentDirectory("/c"), "/");
  EXPECT_EQ(ParentDirectory("a/b/"), "a");
}

}  // namespace
}  // namespace bowerbird
