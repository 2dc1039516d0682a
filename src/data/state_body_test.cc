// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/state.h"

namespace bowerbird::data {
namespace {

using ::testing::HasSubstr;

TEST(StateBody, GivesBackWhatWasWritten) {
  AnnotationState state{.tags = {"day", "wet"}};
  state.annotations.boxes.push_back({.id = "1",
                                     .label = "cat",
                                     .x_min = 0.25,
                                     .y_min = 0,
                                     .x_max = 1,
                                     .y_max = 0.125,
                                     .confidence = 0.5});
  state.annotations.classifications.push_back({.id = "2", .label = "night"});
  const absl::StatusOr<AnnotationState> read = StateOf(BodyOf(state));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->tags, state.tags);
  ASSERT_EQ(read->annotations.boxes.size(), 1);
  EXPECT_EQ(read->annotations.boxes[0].label, "cat");
  EXPECT_EQ(read->annotations.boxes[0].y_max, 0.125);
  EXPECT_EQ(read->annotations.boxes[0].confidence, 0.5);
  ASSERT_EQ(read->annotations.classifications.size(), 1);
  EXPECT_EQ(read->annotations.classifications[0].label, "night");
  EXPECT_EQ(BodyOf(*read), BodyOf(state));
}

TEST(StateBody, ADamagedRowIsAnErrorAndNoException) {
  for (const char* body : {"", "{", "[1]", R"({"boxes": [{}]})", R"({"boxes": [7]})",
                           R"({"boxes": [{"corners": [0, 0, 1]}]})",
                           R"({"boxes": [{"corners": {"a": 0, "b": 0, "c": 1, "d": 1}}]})",
                           R"({"boxes": [{"corners": [0, 0, "1", 1]}]})",
                           R"({"boxes": [{"corners": [0, 0, null, 1]}]})"}) {
    EXPECT_EQ(StateOf(body).status().code(), absl::StatusCode::kDataLoss) << body;
  }
}

TEST(StateBody, MembersOfAnotherKindAreAsIfMissing) {
  const absl::StatusOr<AnnotationState> read =
      StateOf(R"({"tags": [1, "day"], "classifications": [5, {"label": 3}]})");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->tags, std::vector<std::string>{"day"});
  EXPECT_EQ(read->annotations.classifications.size(), 2);
}

}  // namespace
}  // namespace bowerbird::data
