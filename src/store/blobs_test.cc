// SPDX-License-Identifier: Apache-2.0
#include "store/blobs.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <set>
#include <thread>

#include "base/faulty_file_system.h"
#include "base/sha256.h"
#include "base/status.h"
#include "store/s3_client.h"
#include "store/testing/s3_server.h"

namespace bowerbird::store {
namespace {

enum class Kind { kFiles, kS3 };

class BlobsTest : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/blobs_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    location_ = folder_ + "/blobs";
    if (GetParam() == Kind::kS3) {
      const auto server = S3Server::Get();
      if (absl::IsNotFound(server.status())) GTEST_SKIP() << server.status().message();
      ASSERT_TRUE(server.ok()) << server.status();
      location_ = (*server)->Location();
    }
    Open();
  }
  void TearDown() override {
    blobs_.reset();
    std::filesystem::remove_all(folder_);
  }
  void Open() {
    blobs_.reset();
    auto blobs =
        OpenBlobs({.location = location_, .scratch = folder_ + "/scratch", .files = &files_});
    ASSERT_TRUE(blobs.ok()) << blobs.status();
    blobs_ = *std::move(blobs);
  }
  absl::StatusOr<BlobInfo> Store(const std::string& content) {
    ASSIGN_OR_RETURN(const auto writer, blobs_->Create());
    for (size_t at = 0; at < content.size(); at += 64 << 10) {
      RETURN_IF_ERROR(writer->Append(std::string_view(content).substr(at, 64 << 10)));
    }
    return writer->Commit();
  }
  size_t ScratchFiles() { return files_.List(folder_ + "/scratch")->size(); }

  std::string folder_, location_;
  FaultyFileSystem files_{MakeFileSystem()};
  std::unique_ptr<Blobs> blobs_;
};
INSTANTIATE_TEST_SUITE_P(Kinds, BlobsTest, testing::Values(Kind::kFiles, Kind::kS3),
                         [](const testing::TestParamInfo<Kind>& one) {
                           return one.param == Kind::kFiles ? "Files" : "S3";
                         });

TEST_P(BlobsTest, ContentIsFoundByItsHash) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{100'000}, size_t{3'000'001}}) {
    std::string content(size, 'a');
    for (size_t at = 0; at < size; ++at) content[at] = static_cast<char>(at * at >> 7);
    const auto stored = Store(content);
    ASSERT_TRUE(stored.ok()) << stored.status();
    EXPECT_EQ(stored->hash, Sha256Hex(content));
    EXPECT_EQ(stored->size, size);
    EXPECT_EQ(blobs_->Stat(stored->hash)->size, size);
    EXPECT_TRUE(*ReadBlob(*blobs_, stored->hash, 1 << 24) == content);
    const auto reader = blobs_->Open(stored->hash);
    ASSERT_TRUE(reader.ok());
    std::string part(1000, '\0');
    const size_t from = size / 2;
    const auto count = (*reader)->ReadAt(from, part);
    ASSERT_TRUE(count.ok()) << count.status();
    EXPECT_EQ(*count, std::min(part.size(), size - from));
    EXPECT_TRUE(part.substr(0, *count) == content.substr(from, *count));
  }
  EXPECT_EQ(ScratchFiles(), 0u);
}

TEST_P(BlobsTest, WhatIsNotCommittedLeavesNothing) {
  {
    const auto writer = blobs_->Create();
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE((*writer)->Append("dropped").ok());
  }
  EXPECT_EQ(ScratchFiles(), 0u);
  EXPECT_EQ(blobs_->Open(Sha256Hex(std::string("dropped"))).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_P(BlobsTest, UnknownAndImpossibleHashesAreNotFound) {
  for (const std::string& hash :
       {std::string(64, 'a'), std::string("../../../etc/passwd"), std::string()}) {
    EXPECT_EQ(blobs_->Open(hash).status().code(), absl::StatusCode::kNotFound);
  }
}

TEST_P(BlobsTest, AreListedInTheOrderOfTheirHashesAndRemovedOnlyWhenOld) {
  std::set<std::string> stored;
  for (int number = 0; number < 5; ++number) {
    stored.insert(Store("content " + std::to_string(number))->hash);
  }
  std::vector<std::string> listed;
  const absl::Status status = blobs_->ForEach([&](const BlobInfo& info) {
    listed.push_back(info.hash);
    EXPECT_EQ(info.size, 9u);
    return absl::OkStatus();
  });
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(listed, (std::vector<std::string>(stored.begin(), stored.end())));
  EXPECT_EQ(*blobs_->RemoveIfOlder(listed[0], std::chrono::hours(1)), false);
  EXPECT_EQ(*blobs_->RemoveIfOlder(listed[0], std::chrono::seconds(-10)), true);
  EXPECT_EQ(*blobs_->RemoveIfOlder(listed[0], std::chrono::seconds(-10)), false);
  EXPECT_EQ(blobs_->Stat(listed[0]).status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(blobs_->Stat(listed[1]).ok());
}

TEST_P(BlobsTest, ManyThreadsStoreTheSameAndOtherContent) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int number = 0; number < 5; ++number) {
        EXPECT_TRUE(Store("same " + std::to_string(number)).ok());
        EXPECT_TRUE(Store(std::to_string(thread) + "." + std::to_string(number)).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  int count = 0;
  ASSERT_TRUE(blobs_
                  ->ForEach([&](const BlobInfo&) {
                    ++count;
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_EQ(count, 45);
}

TEST_P(BlobsTest, AFullDiskFailsTheBlobAndLeavesNoScratch) {
  files_.Add({.operation = FileOperation::kAppend,
              .path = "scratch",
              .after = 1,
              .error = ENOSPC,
              .torn_bytes = 10});
  EXPECT_EQ(Store(std::string(500'000, 'x')).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ScratchFiles(), 0u);
  EXPECT_TRUE(Store(std::string(500'000, 'x')).ok());
}

class FileBlobsTest : public BlobsTest {};
INSTANTIATE_TEST_SUITE_P(Files, FileBlobsTest, testing::Values(Kind::kFiles),
                         [](const testing::TestParamInfo<Kind>&) { return "Files"; });

constexpr size_t kSmall = 100'000, kLarge = 500'000;  // written at once, or by way of scratch

TEST_P(FileBlobsTest, WhatWasCommittedOutlivesALossOfPower) {
  std::vector<std::string> hashes;
  for (const size_t size : {size_t{0}, kSmall, kLarge}) {
    hashes.push_back(Store(std::string(size, 'p'))->hash);
  }
  blobs_.reset();
  ASSERT_TRUE(files_.LosePower().ok());
  Open();
  EXPECT_EQ(*ReadBlob(*blobs_, hashes[1], 1 << 20), std::string(kSmall, 'p'));
  EXPECT_EQ(*ReadBlob(*blobs_, hashes[2], 1 << 20), std::string(kLarge, 'p'));
}

// Every step of a commit in turn: it fails, leaves no name, and the content is written again to
// another file, not synced again.
TEST_P(FileBlobsTest, AFailureAtAnyStepLeavesNothingAndTheContentCanBeStoredAgain) {
  for (const size_t size : {kSmall, kLarge}) {
    for (const FileOperation step :
         {FileOperation::kOpenForWriting, FileOperation::kAppend, FileOperation::kSync,
          FileOperation::kClose, FileOperation::kSyncDirectory}) {
      const std::string content(size, static_cast<char>('a' + static_cast<int>(step)));
      const std::string hash = Sha256Hex(content);
      files_.Add({.operation = step, .error = EIO, .torn_bytes = 10});
      EXPECT_FALSE(Store(content).ok());
      files_.ClearFaults();
      EXPECT_EQ(ScratchFiles(), 0u);
      if (size == kSmall) {
        EXPECT_EQ(blobs_->Stat(hash).status().code(), absl::StatusCode::kNotFound);
      }
      const int opened = files_.Count(FileOperation::kOpenForWriting);
      ASSERT_TRUE(Store(content).ok());
      EXPECT_GT(files_.Count(FileOperation::kOpenForWriting), opened);
      blobs_.reset();
      ASSERT_TRUE(files_.LosePower().ok());
      Open();
      EXPECT_TRUE(*ReadBlob(*blobs_, hash, 1 << 20) == content);
    }
  }
}

TEST_P(FileBlobsTest, WhatIsDurableIsNotHarmedByALaterCommitOfTheSameThatFails) {
  const std::string content(kSmall, 'd');
  const std::string hash = Store(content)->hash;
  for (const FileOperation step : {FileOperation::kAppend, FileOperation::kSync}) {
    files_.Add({.operation = step, .error = EIO, .torn_bytes = 10});
    EXPECT_FALSE(Store(content).ok());
    files_.ClearFaults();
    EXPECT_TRUE(*ReadBlob(*blobs_, hash, 1 << 20) == content);
  }
  blobs_.reset();
  ASSERT_TRUE(files_.LosePower().ok());
  Open();
  EXPECT_TRUE(*ReadBlob(*blobs_, hash, 1 << 20) == content);
}

TEST_P(FileBlobsTest, ATornFileThatACrashLeftUnderItsNameIsReplaced) {
  const std::string content(kSmall, 't');
  const std::string hash = Sha256Hex(content);
  const std::string path = location_ + "/" + hash.substr(0, 2) + "/" + hash;
  ASSERT_TRUE(WriteFileDurably(files_, path, content.substr(0, 1000)).ok());
  ASSERT_TRUE(Store(content).ok());
  EXPECT_TRUE(*ReadBlob(*blobs_, hash, 1 << 20) == content);
  EXPECT_EQ(ScratchFiles(), 0u);
}

TEST_P(FileBlobsTest, OfManyCommitsOfTheSameContentThoseThatFailTakeNothingFromTheOthers) {
  for (int round = 0; round < 20; ++round) {
    const std::string content = std::string(1000, 's') + std::to_string(round);
    files_.Add({.operation = FileOperation::kSync, .after = round % 4, .times = 2, .error = EIO});
    std::atomic<int> stored = 0;
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 6; ++thread) {
      threads.emplace_back([&] { stored += Store(content).ok() ? 1 : 0; });
    }
    for (std::thread& thread : threads) thread.join();
    files_.ClearFaults();
    EXPECT_EQ(stored, 4);
    const auto read = ReadBlob(*blobs_, Sha256Hex(content), 1 << 20);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_TRUE(*read == content);
    EXPECT_EQ(ScratchFiles(), 0u);
  }
}

TEST_P(BlobsTest, WhatAnEarlierProcessLeftInScratchIsRemoved) {
  ASSERT_TRUE(WriteFileDurably(files_, folder_ + "/scratch/left", "x").ok());
  Open();
  EXPECT_EQ(ScratchFiles(), 0u);
}

TEST(S3LocationTest, IsReadFromAUrl) {
  const auto location =
      ParseS3Location("s3://bucket/a/b/?endpoint=http%3A%2F%2F127.0.0.1:9000/&region=eu-central-1");
  ASSERT_TRUE(location.ok()) << location.status();
  EXPECT_EQ(location->bucket, "bucket");
  EXPECT_EQ(location->prefix, "a/b/");
  EXPECT_EQ(location->endpoint, "http://127.0.0.1:9000");
  EXPECT_EQ(location->region, "eu-central-1");
  const auto plain = ParseS3Location("s3://bucket");
  EXPECT_EQ(plain->prefix, "");
  EXPECT_EQ(plain->endpoint, "https://s3.us-east-1.amazonaws.com");
  for (const char* const bad :
       {"s3://", "s3:///x", "s3://b?endpoint=ftp://x", "s3://b?acl=public", "/path"}) {
    EXPECT_EQ(ParseS3Location(bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
}

}  // namespace
}  // namespace bowerbird::store
