// SPDX-License-Identifier: Apache-2.0
#include "infer/model_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/status.h"
#include "infer/verdict.h"
#include "nlohmann/json.hpp"

namespace bowerbird::infer {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

struct Colour {
  static constexpr std::string_view kKind = "colour";
  std::string name;
  nlohmann::json ToJson() const { return {{"name", name}}; }
  static absl::StatusOr<Colour> FromJson(const nlohmann::json& json) {
    if (!json.contains("name")) return InvalidArgument("a colour has a name");
    return Colour{json["name"].get<std::string>()};
  }
};

class ModelFactsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "bowerbird_facts_" + std::to_string(getpid());
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string OnlyFile() const {
    fs::directory_iterator at(folder_);
    return at->path().string();
  }
  size_t Files() const {
    size_t count = 0;
    for (const auto& entry : fs::directory_iterator(folder_)) count += entry.is_regular_file();
    return count;
  }

  std::string folder_;
  const FactSubject subject_ = {.file_sha256 = "abc", .conditions = "here"};
};

TEST_F(ModelFactsTest, KeepsAFactForTheNextProcess) {
  ModelFacts(folder_).Keep(subject_, Colour{"red"});
  const auto found = ModelFacts(folder_).Find<Colour>(subject_);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->name, "red");
  EXPECT_EQ(ModelFacts(folder_).FileOf(Colour::kKind, subject_), OnlyFile());
}

TEST_F(ModelFactsTest, KnowsNothingOfOtherFilesConditionsAndKinds) {
  ModelFacts facts(folder_);
  facts.Keep(subject_, Colour{"red"});
  EXPECT_FALSE(facts.Find<Colour>({"abd", "here"}).has_value());
  EXPECT_FALSE(facts.Find<Colour>({"abc", "there"}).has_value());
  EXPECT_FALSE(facts.Find<Verdict>(subject_).has_value());
}

TEST_F(ModelFactsTest, TheLastWordCounts) {
  ModelFacts facts(folder_);
  facts.Keep(subject_, Colour{"red"});
  facts.Keep(subject_, Colour{"blue"});
  EXPECT_EQ(facts.Find<Colour>(subject_)->name, "blue");
  EXPECT_EQ(Files(), 1U);
}

TEST_F(ModelFactsTest, ADamagedFactIsNoneAtEveryByte) {
  ModelFacts facts(folder_);
  facts.Keep(subject_, Colour{"red"});
  const std::string path = OnlyFile();
  std::ifstream in(path, std::ios::binary);
  const std::string whole(std::istreambuf_iterator<char>(in), {});
  for (size_t i = 0; i < whole.size(); ++i) {
    std::ofstream(path, std::ios::binary) << whole.substr(0, i);
    // Only the last line break may be missing.
    EXPECT_EQ(facts.Find<Colour>(subject_).has_value(), i + 1 == whole.size()) << i;
  }
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string torn = whole;
    torn[i] = static_cast<char>(torn[i] ^ 1);
    std::ofstream(path, std::ios::binary) << torn;
    const auto found = facts.Find<Colour>(subject_);
    EXPECT_TRUE(!found.has_value() || found->name == "red") << i;
  }
}

TEST_F(ModelFactsTest, DropsTheOldestBeyondTheLimit) {
  ModelFacts facts(folder_, 3);
  for (int i = 0; i < 6; ++i) {
    facts.Keep({std::to_string(i), "here"}, Colour{std::to_string(i)});
    const std::string path = facts.FileOf(Colour::kKind, {std::to_string(i), "here"});
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::seconds(60 - i));
  }
  EXPECT_EQ(Files(), 3U);
  EXPECT_FALSE(facts.Find<Colour>({"2", "here"}).has_value());
  EXPECT_TRUE(facts.Find<Colour>({"3", "here"}).has_value());
  EXPECT_TRUE(facts.Find<Colour>({"5", "here"}).has_value());
}

TEST_F(ModelFactsTest, RemembersWithoutAFolderAsLongAsItLives) {
  std::ofstream(folder_) << "a file stands in the way";
  for (const std::string& folder : {std::string(), folder_ + "/below"}) {
    ModelFacts facts(folder);
    facts.Keep(subject_, Colour{"red"});
    EXPECT_EQ(facts.Find<Colour>(subject_)->name, "red");
    EXPECT_EQ(facts.FileOf(Colour::kKind, subject_), "");
    EXPECT_FALSE(ModelFacts(folder).Find<Colour>(subject_).has_value());
  }
}

TEST_F(ModelFactsTest, TwoWritersLeaveOneWholeFact) {
  const auto write = [&](const std::string& name) {
    ModelFacts facts(folder_);
    for (int i = 0; i < 200; ++i) facts.Keep(subject_, Colour{name});
  };
  std::thread other(write, "red");
  write("blue");
  other.join();
  EXPECT_EQ(Files(), 1U);
  EXPECT_TRUE(ModelFacts(folder_).Find<Colour>(subject_).has_value());
}

TEST(RuntimeConditions, NameTheVersionsAndTheMachine) {
  EXPECT_THAT(RuntimeConditions("9.9"), HasSubstr("bowerbird 9.9, TensorFlow Lite "));
  EXPECT_EQ(RuntimeConditions("9.9"), RuntimeConditions("9.9"));
  EXPECT_EQ(RuntimeConditions("9.9").find('\n'), std::string::npos);
}

TEST(Verdict, IsReadAsItWasWritten) {
  const Verdict verdict = {.status = InvalidArgument("dies in operator 3"),
                           .clearance = {.allow_delegate = false, .warning = "slow"},
                           .unix_time = 1234};
  const absl::StatusOr<Verdict> read = Verdict::FromJson(verdict.ToJson());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->status, verdict.status);
  EXPECT_FALSE(read->clearance.allow_delegate);
  EXPECT_EQ(read->clearance.warning, "slow");
  EXPECT_EQ(read->unix_time, 1234);
}

TEST(Verdict, IsNotReadFromOtherThings) {
  nlohmann::json whole = Verdict{}.ToJson();
  for (const char* key : {"code", "message", "allow_delegate", "warning", "unix_time"}) {
    nlohmann::json part = whole;
    part.erase(key);
    EXPECT_FALSE(Verdict::FromJson(part).ok()) << key;
    part[key] = nlohmann::json::array();
    EXPECT_FALSE(Verdict::FromJson(part).ok()) << key;
  }
  whole["code"] = 13;
  EXPECT_FALSE(Verdict::FromJson(whole).ok());
  EXPECT_FALSE(Verdict::FromJson(nlohmann::json::array()).ok());
}

TEST(Verdict, OnlyTimeAndMemoryAreTriedAgainSomeDay) {
  Verdict verdict;
  verdict.unix_time = 1'000'000;
  const int64_t next_week = verdict.unix_time + 7 * 24 * 3600;
  EXPECT_FALSE(verdict.IsStale(next_week));
  verdict.status = InvalidArgument("dies");
  EXPECT_FALSE(verdict.IsStale(next_week));
  verdict.status = ResourceExhausted("slow");
  EXPECT_TRUE(verdict.IsStale(next_week));
  EXPECT_FALSE(verdict.IsStale(verdict.unix_time + 60));
  EXPECT_TRUE(verdict.IsStale(verdict.unix_time - 60));
}

}  // namespace
}  // namespace bowerbird::infer
