// SPDX-License-Identifier: Apache-2.0
#include "jobs/report_items.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "nlohmann/json.hpp"

namespace bowerbird::jobs {
namespace {

class WithItemsTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = testing::TempDir() + "/report_items_" + std::to_string(getpid()) + ".jsonl";
    std::ofstream(path_) << R"({"id": "o/l/1", "sha256": "aa11", "split": "training"}
no JSON
{"id": "o/l/2", "sha256": "bb22", "split": "validation"}
{"id": "o/l/3", "sha256": "bb22", "split": "validation"}
)";
  }
  void TearDown() override { std::filesystem::remove(path_); }

  std::string path_;
  const std::unique_ptr<FileSystem> files_ = MakeFileSystem();
};

TEST_F(WithItemsTest, MistakesGetTheItemOfTheirContent) {
  const auto report =
      WithItems(*files_,
                R"({"accuracy": 0.5, "mistakes": [{"picture": "bb/bb22", "what": "x"},)"
                R"( {"picture": "cc/cc33", "what": "y"}, 7, {"picture": 8}]})",
                path_);
  ASSERT_TRUE(report.ok()) << report.status();
  const auto read = nlohmann::json::parse(*report);
  EXPECT_EQ(read["mistakes"][0]["item"], "o/l/2");
  EXPECT_FALSE(read["mistakes"][1].contains("item"));
  EXPECT_EQ(read["accuracy"], 0.5);
  EXPECT_EQ(*WithItems(*files_, *report, path_), *report);
}

TEST_F(WithItemsTest, WhatHasNoMistakesStaysAsItIs) {
  for (const char* report : {"", "[]", "{\"mistakes\": 3}", "{\"accuracy\": 1}", "torn {"})
    EXPECT_EQ(*WithItems(*files_, report, path_), report);
  EXPECT_FALSE(WithItems(*files_, "{\"mistakes\": []}", path_ + ".gone").ok());
}

TEST_F(WithItemsTest, FilesInATextBecomeItems) {
  const std::string known = "cc" + std::string(62, '3'), unknown = "dd" + std::string(62, '4');
  std::ofstream(path_, std::ios::app) << R"({"id": "o/l/4", "sha256": ")" << known << "\"}\n";
  const auto text = [&](const std::string& given) {
    const auto named = TextWithItems(*files_, given, path_);
    EXPECT_TRUE(named.ok()) << named.status();
    return named.value_or("");
  };
  EXPECT_EQ(text("'cc/" + known + "' and cc/" + known), "'o/l/4' and o/l/4");
  for (const std::string& other : {"dd/" + unknown, "cd/" + known, known, "cc/" + known.substr(1),
                                   std::string("/"), std::string(), std::string("cc/")})
    EXPECT_EQ(text(other), other);
  EXPECT_FALSE(TextWithItems(*files_, "cc/" + known, path_ + ".gone").ok());
}

}  // namespace
}  // namespace bowerbird::jobs
