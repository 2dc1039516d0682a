// SPDX-License-Identifier: Apache-2.0
#include "registry/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "base/faulty_file_system.h"
#include "store/testing/postgresql_server.h"

namespace bowerbird::registry {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

class RegistryTest : public testing::TestWithParam<store::Engine> {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/registry_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    location_ = "sqlite:" + folder_ + "/bowerbird.db";
    if (GetParam() == store::Engine::kPostgresql) {
      const auto server = store::PostgresqlServer::Get();
      if (absl::IsNotFound(server.status())) GTEST_SKIP() << server.status().message();
      ASSERT_TRUE(server.ok()) << server.status();
      const auto uri = (*server)->CreateDatabase();
      ASSERT_TRUE(uri.ok()) << uri.status();
      location_ = *uri;
    }
    Open();
  }
  void TearDown() override {
    registry_.reset();
    database_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Open() {
    registry_.reset();
    database_.reset();
    auto database = store::OpenDatabase({.location = location_, .migrations = {}});
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    auto opened = Registry::Open({.database = database_.get(),
                                  .files = &files_,
                                  .directory = folder_ + "/models",
                                  .now = [this] { return now_ += std::chrono::seconds(1); }});
    ASSERT_TRUE(opened.ok()) << opened.status();
    registry_ = *std::move(opened);
  }

  std::string File(const std::string& name, const std::string& content) const {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  NewModel Model(const std::string& version, const std::string& content,
                 const std::string& organization = "org-1") const {
    return {
        .organization_id = organization,
        .name = "screws",
        .version = version,
        .task = ModelTask::kSingleLabel,
        .labels = {"good", "bad"},
        .card = R"({"origin":"test"})",
        .job_id = "job-" + version,
        .snapshot_id = "snapshot",
        .files = {{"model.tflite", File("a", content)}, {"labels.txt", File("b", "good\nbad\n")}}};
  }

  std::string ContentOf(const ModelFile& file) {
    const auto reader = registry_->OpenFile(file);
    if (!reader.ok()) return "";
    std::string content(file.size, '\0');
    const auto count = (*reader)->ReadAt(0, content);
    return count.ok() && *count == content.size() ? content : "";
  }

  std::string folder_, location_;
  Time now_{};
  FaultyFileSystem files_{MakeFileSystem()};
  std::unique_ptr<store::Database> database_;
  std::unique_ptr<Registry> registry_;
};

TEST_P(RegistryTest, GivesBackWhatWasAddedAlsoAfterARestart) {
  ASSERT_TRUE(registry_->Add(Model("1", "weights")).ok());
  Open();
  const auto got = registry_->Get("org-1", "screws");
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->version, "1");
  EXPECT_EQ(got->task, ModelTask::kSingleLabel);
  EXPECT_THAT(got->labels, ElementsAre("good", "bad"));
  EXPECT_EQ(got->card, R"({"origin":"test"})");
  EXPECT_EQ(got->job_id, "job-1");
  ASSERT_THAT(got->files, SizeIs(2));
  EXPECT_EQ(got->files[0].name, "labels.txt");
  EXPECT_EQ(got->files[1].name, "model.tflite");
  EXPECT_EQ(ContentOf(got->files[1]), "weights");
}

TEST_P(RegistryTest, ListsTheNewestVersionFirst) {
  for (const char* version : {"1", "3", "2"})
    ASSERT_TRUE(registry_->Add(Model(version, version)).ok());
  const auto all = registry_->List("org-1");
  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_THAT(*all, SizeIs(3));
  EXPECT_EQ((*all)[0].version, "2");
  EXPECT_EQ(registry_->Get("org-1", "screws", "1")->version, "1");
  EXPECT_EQ(registry_->OfJob("job-3")->version, "3");
}

TEST_P(RegistryTest, AVersionIsGivenOutOnceAlsoWhenItWasDeleted) {
  ASSERT_TRUE(registry_->Add(Model("1", "weights")).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(registry_->Add(Model("1", "others")).status()));
  ASSERT_TRUE(registry_->Delete("org-1", "screws", "1").ok());
  EXPECT_TRUE(absl::IsNotFound(registry_->Get("org-1", "screws", "1").status()));
  EXPECT_TRUE(absl::IsAlreadyExists(registry_->CheckFree("org-1", "screws", "1")));
  EXPECT_TRUE(absl::IsNotFound(registry_->Delete("org-1", "screws", "1")));
}

TEST_P(RegistryTest, OrganizationsHaveTheirOwnModels) {
  ASSERT_TRUE(registry_->Add(Model("1", "ours")).ok());
  ASSERT_TRUE(registry_->Add(Model("1", "theirs", "org-2")).ok());
  EXPECT_TRUE(absl::IsNotFound(registry_->Get("org-3", "screws").status()));
  EXPECT_THAT(*registry_->List("org-2"), SizeIs(1));
  ASSERT_TRUE(registry_->Delete("org-2", "screws", "1").ok());
  EXPECT_TRUE(registry_->Get("org-1", "screws", "1").ok());
}

TEST_P(RegistryTest, AFileThatTwoVersionsHaveGoesWithTheLast) {
  ASSERT_TRUE(registry_->Add(Model("1", "same")).ok());
  ASSERT_TRUE(registry_->Add(Model("2", "same")).ok());
  const ModelFile file = registry_->Get("org-1", "screws", "2")->files[1];
  ASSERT_TRUE(registry_->Delete("org-1", "screws", "1").ok());
  EXPECT_EQ(ContentOf(file), "same");
  ASSERT_TRUE(registry_->Delete("org-1", "screws", "2").ok());
  EXPECT_FALSE(registry_->OpenFile(file).ok());
}

TEST_P(RegistryTest, WhatACrashLeftGoesOnceItIsOld) {
  ASSERT_TRUE(registry_->Add(Model("1", "weights")).ok());
  const auto leave = [&](char digit, std::chrono::hours age) {
    const std::string hash(64, digit);
    const std::string path = folder_ + "/models/files/" + hash.substr(0, 2) + "/" + hash;
    std::ofstream(path) << "left";
    std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - age);
    return path;
  };
  const std::string old = leave('a', std::chrono::hours(2)), young = leave('b', {});
  Open();
  EXPECT_FALSE(std::filesystem::exists(old));
  EXPECT_TRUE(std::filesystem::exists(young));
  EXPECT_EQ(ContentOf(registry_->Get("org-1", "screws")->files[1]), "weights");
}

TEST_P(RegistryTest, ADiskThatFillsLeavesNoVersion) {
  files_.Add(
      {.operation = FileOperation::kAppend, .path = "/models/", .after = 1, .error = ENOSPC});
  EXPECT_FALSE(registry_->Add(Model("1", "weights")).ok());
  EXPECT_TRUE(absl::IsNotFound(registry_->Get("org-1", "screws").status()));
  EXPECT_TRUE(registry_->CheckFree("org-1", "screws", "1").ok());
}

TEST_P(RegistryTest, NamesThatCannotBeAreRefused) {
  for (const char* name : {"", "a b", "../a", "a.b", "\xff"})
    EXPECT_TRUE(absl::IsInvalidArgument(registry_->CheckFree("org-1", name, "1"))) << name;
  for (const char* version : {"", "..", "a/b", "1 "})
    EXPECT_TRUE(absl::IsInvalidArgument(registry_->CheckFree("org-1", "a", version))) << version;
  EXPECT_TRUE(registry_->CheckFree("org-1", "a-B_9", "1.0.2").ok());
}

INSTANTIATE_TEST_SUITE_P(Engines, RegistryTest,
                         testing::Values(store::Engine::kSqlite, store::Engine::kPostgresql),
                         [](const auto& engine) {
                           return engine.param == store::Engine::kSqlite ? "Sqlite" : "Postgresql";
                         });

}  // namespace
}  // namespace bowerbird::registry
