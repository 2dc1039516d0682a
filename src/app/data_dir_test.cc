// SPDX-License-Identifier: Apache-2.0
#include "app/data_dir.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bowerbird::app {
namespace {

using testing::HasSubstr;

class DataDirTest : public testing::Test {
 protected:
  DataDirTest() {
    char name[] = "/tmp/bowerbird-data-dir-XXXXXX";
    root_ = mkdtemp(name);
  }
  ~DataDirTest() override { std::filesystem::remove_all(root_); }

  std::string root_;
};

TEST_F(DataDirTest, IsMadeForItsOwnerAlone) {
  const auto dir = DataDir::Open(root_ + "/a/b");
  ASSERT_TRUE(dir.ok()) << dir.status();
  struct stat info {};
  ASSERT_EQ(stat((root_ + "/a/b").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
}

TEST_F(DataDirTest, RefusesASecondServerAndNamesTheFirst) {
  const auto first = DataDir::Open(root_);
  ASSERT_TRUE(first.ok());
  const auto second = DataDir::Open(root_);
  ASSERT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(second.status()), HasSubstr("process " + std::to_string(getpid())));
}

TEST_F(DataDirTest, IsFreeAgainAfterTheServer) {
  { ASSERT_TRUE(DataDir::Open(root_).ok()); }
  EXPECT_TRUE(DataDir::Open(root_).ok());
}

TEST_F(DataDirTest, NamesAPathThatIsAFile) {
  const auto dir = DataDir::Open("/dev/null/x");
  ASSERT_FALSE(dir.ok());
  EXPECT_THAT(MessageOf(dir.status()), HasSubstr("/dev/null/x"));
}

}  // namespace
}  // namespace bowerbird::app
