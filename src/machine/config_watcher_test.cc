// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include <stdlib.h>

#include "base/mutex.h"
#include "gtest/gtest.h"
#include "machine/machine.h"

namespace bowerbird::machine {
namespace {

class ConfigWatcherTest : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/config_watcher_test.XXXXXX";
    folder_ = mkdtemp(pattern);
    path_ = folder_ + "/machine.json";
  }
  void TearDown() override {
    watcher_.reset();
    std::filesystem::remove_all(folder_);
  }

  static std::string Revision(const std::string& revision) {
    return "{\"revision\": \"" + revision + "\"}";
  }
  void Write(const std::string& text) { std::ofstream(path_) << text; }
  // As editors and package managers do.
  void ReplaceByRename(const std::string& text) {
    std::ofstream(path_ + ".new") << text;
    std::filesystem::rename(path_ + ".new", path_);
  }

  void Watch(const std::string& path, uint64_t known = 0) {
    ConfigOptions options;
    options.variable = [this](const std::string&) { return std::to_string(variable_); };
    watcher_ = std::make_unique<ConfigWatcher>(
        path, options,
        [this](Config config) {
          MutexLock lock(mutex_);
          ++calls_;
          revision_ = config.revision;
        },
        known);
  }

  std::string revision() const {
    MutexLock lock(mutex_);
    return revision_;
  }
  int calls() const {
    MutexLock lock(mutex_);
    return calls_;
  }
  bool SoonRevision(const std::string& wanted) const {
    for (int i = 0; i < 10000; ++i) {
      if (revision() == wanted) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }
  // Longer than the watcher waits for further changes.
  static void Rest() { std::this_thread::sleep_for(std::chrono::milliseconds(500)); }

  std::string folder_, path_;
  std::atomic<int> variable_ = 1;
  std::unique_ptr<ConfigWatcher> watcher_;
  mutable Mutex mutex_;
  std::string revision_ ABSL_GUARDED_BY(mutex_);
  int calls_ ABSL_GUARDED_BY(mutex_) = 0;
};

TEST_F(ConfigWatcherTest, DeliversTheFirstConfigAndEachChange) {
  Write(Revision("1"));
  Watch(path_);
  ASSERT_TRUE(SoonRevision("1"));
  Write(Revision("2"));
  ASSERT_TRUE(SoonRevision("2"));
  ReplaceByRename(Revision("3"));
  ASSERT_TRUE(SoonRevision("3"));
  ReplaceByRename(Revision("4"));
  ASSERT_TRUE(SoonRevision("4"));
  EXPECT_EQ(calls(), 4);
}

TEST_F(ConfigWatcherTest, AConfigThatIsKnownAlreadyIsNotDelivered) {
  Write(Revision("1"));
  const auto known = ReadConfig(path_, {});
  ASSERT_TRUE(known.ok());
  Watch(path_, known->text_hash);
  Rest();
  EXPECT_EQ(calls(), 0);
  Write(Revision("2"));
  EXPECT_TRUE(SoonRevision("2"));
}

TEST_F(ConfigWatcherTest, AChangeBetweenReadingAndWatchingIsDelivered) {
  Write(Revision("1"));
  const auto known = ReadConfig(path_, {});
  ASSERT_TRUE(known.ok());
  Write(Revision("2"));
  Watch(path_, known->text_hash);
  EXPECT_TRUE(SoonRevision("2"));
}

TEST_F(ConfigWatcherTest, SeveralQuickWritesAreOneChange) {
  Write(Revision("1"));
  Watch(path_);
  ASSERT_TRUE(SoonRevision("1"));
  for (int i = 2; i < 12; ++i) ReplaceByRename(Revision(std::to_string(i)));
  ASSERT_TRUE(SoonRevision("11"));
  EXPECT_EQ(calls(), 2);
}

TEST_F(ConfigWatcherTest, TheSameBytesAndOtherFilesAreNoChange) {
  Write(Revision("1"));
  Watch(path_);
  ASSERT_TRUE(SoonRevision("1"));
  ReplaceByRename(Revision("1"));
  std::ofstream(folder_ + "/other.json") << Revision("x");
  Rest();
  EXPECT_EQ(calls(), 1);
}

TEST_F(ConfigWatcherTest, ABrokenOrMissingFileIsWaitedOut) {
  Write(Revision("1"));
  Watch(path_);
  ASSERT_TRUE(SoonRevision("1"));
  ReplaceByRename("{\"revision\": ");
  Rest();
  std::filesystem::remove(path_);
  Rest();
  EXPECT_EQ(calls(), 1);
  ReplaceByRename(Revision("2"));
  EXPECT_TRUE(SoonRevision("2"));
}

TEST_F(ConfigWatcherTest, AFileThatComesLaterIsFound) {
  Watch(path_);
  Rest();
  EXPECT_EQ(calls(), 0);
  ReplaceByRename(Revision("1"));
  EXPECT_TRUE(SoonRevision("1"));
}

TEST_F(ConfigWatcherTest, ReloadReadsAgainEvenIfTheBytesAreTheSame) {
  Write(Revision("${ANY}"));
  Watch(path_);
  ASSERT_TRUE(SoonRevision("1"));
  variable_ = 2;
  watcher_->Reload();
  EXPECT_TRUE(SoonRevision("2"));
}

TEST_F(ConfigWatcherTest, SeesTheFileBehindASymbolicLink) {
  const std::string target = folder_ + "/elsewhere";
  std::filesystem::create_directory(target);
  std::ofstream(target + "/real.json") << Revision("1");
  std::filesystem::create_symlink(target + "/real.json", path_);
  Watch(path_);
  ASSERT_TRUE(SoonRevision("1"));
  std::ofstream(target + "/real.json") << Revision("2");
  EXPECT_TRUE(SoonRevision("2"));
}

}  // namespace
}  // namespace bowerbird::machine
