// SPDX-License-Identifier: Apache-2.0
#include "jobs/trainer_lines.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace bowerbird::jobs {
namespace {

class Heard : public TrainerListener {
 public:
  void Log(std::string_view level, std::string_view message) override {
    log.push_back(std::string(level) + ": " + std::string(message));
  }
  void Progress(Point point) override { points.push_back(std::move(point)); }
  void Tick() override {}

  std::vector<std::string> log;
  std::vector<Point> points;
};

TEST(ProgressLines, APhaseIsLoggedOnceAndAPointEachTime) {
  Heard heard;
  ProgressLines lines(heard);
  lines.Take("{\"phase\":\"features\",\"done\":1,\"total\":9}\n{\"phase\":\"featu");
  lines.Take("res\",\"done\":2,\"total\":9,\"loss\":0.5,\"score\":1,\"seconds_left\":3}\n");
  EXPECT_EQ(heard.log, std::vector<std::string>({"info: features"}));
  ASSERT_EQ(heard.points.size(), 2U);
  EXPECT_EQ(heard.points[0].step, 1U);
  EXPECT_FALSE(heard.points[0].loss.has_value());
  EXPECT_EQ(heard.points[1].steps, 9U);
  EXPECT_EQ(heard.points[1].loss, 0.5);
  EXPECT_EQ(heard.points[1].score, 1);
  EXPECT_EQ(heard.points[1].seconds_left, 3);
}

TEST(ProgressLines, NumbersOutOfRangeAreNotCounted) {
  Heard heard;
  ProgressLines lines(heard);
  lines.Take("{\"phase\":\"a\",\"done\":-1,\"total\":1e300,\"loss\":\"low\"}\n");
  ASSERT_EQ(heard.points.size(), 1U);
  EXPECT_EQ(heard.points[0].step, 0U);
  EXPECT_EQ(heard.points[0].steps, 0U);
  EXPECT_FALSE(heard.points[0].loss.has_value());
}

TEST(ProgressLines, TheLastErrorIsKeptAndWarningsAndOtherLinesAreLogged) {
  Heard heard;
  ProgressLines lines(heard);
  lines.Take("{\"error\":\"first\"}\n\n{\"warning\":\"small\"}\nhello\n[1]\n{\"error\":\"last\"}");
  EXPECT_EQ(lines.failure(), "first");
  lines.Finish();
  EXPECT_EQ(lines.failure(), "last");
  EXPECT_EQ(heard.log, std::vector<std::string>({"warn: small", "info: hello", "info: [1]"}));
}

TEST(ProgressLines, ALineWithoutEndIsCut) {
  Heard heard;
  ProgressLines lines(heard);
  for (int i = 0; i < 100; ++i) lines.Take(std::string(1000, 'x'));
  lines.Take("\nnext\n");
  ASSERT_EQ(heard.log.size(), 2U);
  EXPECT_EQ(heard.log[0].size(), std::string("info: ").size() + kMaxTrainerText);
  EXPECT_EQ(heard.log[1], "info: next");
}

// A database that takes UTF-8 only refused all lines that were written down with one of these.
TEST(TrainerLines, WhatIsHeardIsUtf8WithoutNul) {
  Heard heard;
  ProgressLines lines(heard);
  lines.Take("caf\xE9\n{\"phase\":\"a\\u0000b\"}\n{\"error\":\"c\\u0000\"}\n");
  ErrorLines errors(heard);
  errors.Take(std::string("WARNING: a\0b\n", 13) + std::string(kMaxTrainerText - 1, 'x') +
              "\xC3\xA4\nINFO: x\nno end");
  const std::string split = std::string("a\xEF\xBF\xBD") + "b";
  EXPECT_EQ(heard.points.at(0).phase, split);
  EXPECT_EQ(lines.failure(), "c\xEF\xBF\xBD");
  const std::vector<std::string> expected = {
      "info: caf\xEF\xBF\xBD", "info: " + split, "warn: WARNING: " + split,
      "error: " + std::string(kMaxTrainerText - 1, 'x'), "debug: INFO: x"};
  EXPECT_EQ(heard.log, expected);
}

}  // namespace
}  // namespace bowerbird::jobs
