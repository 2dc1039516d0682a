// SPDX-License-Identifier: Apache-2.0
#include "app/data_export_journal.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gtest/gtest.h"

namespace bowerbird::app {
namespace {

class Journal : public testing::Test {
 protected:
  Journal() {
    std::string path = testing::TempDir() + "/export-XXXXXX";
    folder_ = mkdtemp(path.data());
  }
  ~Journal() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<ExportJournal> Open() {
    auto journal = ExportJournal::Open(*files_, folder_);
    EXPECT_TRUE(journal.ok()) << journal.status();
    return journal.ok() ? *std::move(journal) : nullptr;
  }
  std::string JournalPath() const { return folder_ + "/.bowerbird-export"; }

  const std::unique_ptr<FileSystem> files_ = MakeFileSystem();
  std::string folder_;
};

TEST_F(Journal, KnowsInTheNextRunWhatWasSyncedInThisOne) {
  {
    const auto journal = Open();
    ASSERT_TRUE(journal->Add("org/loc/1", {"images/a.jpg", 40, 24}, 100).ok());
    ASSERT_TRUE(journal->Sync().ok());
    ASSERT_TRUE(journal->Add("org/loc/2", {"images/b.jpg", 40, 24}, 100).ok());
  }
  const auto journal = Open();
  const auto* known = journal->Find("org/loc/1");
  ASSERT_NE(known, nullptr);
  EXPECT_EQ(known->path, "images/a.jpg");
  EXPECT_EQ(known->width, 40);
  EXPECT_EQ(known->height, 24);
  EXPECT_EQ(journal->Find("org/loc/2"), nullptr) << "a crash may have taken it";
}

TEST_F(Journal, ALineIsThereOnceABatchIsFull) {
  const auto journal = Open();
  ASSERT_TRUE(journal->Add("1", {"a", 1, 1}, uint64_t{255} << 20).ok());
  EXPECT_EQ(std::filesystem::file_size(JournalPath()), 0U);
  ASSERT_TRUE(journal->Add("2", {"b", 1, 1}, uint64_t{1} << 20).ok());
  EXPECT_NE(Open()->Find("1"), nullptr);
}

TEST_F(Journal, APictureWhosePlaceAnotherOneTookIsNotThere) {
  {
    const auto journal = Open();
    ASSERT_TRUE(journal->Add("1", {"a", 1, 1}, 1).ok());
    ASSERT_TRUE(journal->Add("2", {"a", 1, 1}, 1).ok());
    ASSERT_TRUE(journal->Add("3", {"c", 1, 1}, 1).ok());
    ASSERT_TRUE(journal->Sync().ok());
  }
  const auto journal = Open();
  EXPECT_EQ(journal->Find("1"), nullptr);
  EXPECT_NE(journal->Find("2"), nullptr);
  ASSERT_TRUE(journal->Add("4", {"c", 1, 1}, 1).ok());
  EXPECT_EQ(journal->Find("3"), nullptr) << "in the same run, too";
}

TEST_F(Journal, LinesThatAreTornOrNoLinesCostThemselvesAlone) {
  std::ofstream(JournalPath()) << "[\"1\",\"a\",1,1]\nnonsense\n[\"2\",7,1,1]\n[\"3\",\"c\",1,";
  {
    const auto journal = Open();
    EXPECT_NE(journal->Find("1"), nullptr);
    EXPECT_EQ(journal->Find("2"), nullptr);
    EXPECT_EQ(journal->Find("3"), nullptr);
    ASSERT_TRUE(journal->Add("4", {"d", 1, 1}, 1).ok());
    ASSERT_TRUE(journal->Sync().ok());
  }
  EXPECT_NE(Open()->Find("4"), nullptr) << "the torn line before it was ended";
}

TEST_F(Journal, AFileThatIsNoJournalIsRefusedBeforeItFillsTheMemory) {
  std::ofstream(JournalPath()) << std::string(3 << 20, 'x');
  const auto journal = ExportJournal::Open(*files_, folder_);
  ASSERT_FALSE(journal.ok());
  EXPECT_NE(journal.status().message().find("remove it"), absl::string_view::npos);
}

}  // namespace
}  // namespace bowerbird::app
