// SPDX-License-Identifier: Apache-2.0
#include "infer/labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"
#include "infer/testing/model_on_disk.h"

namespace bowerbird::infer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(ParseLabels, OneNameALine) {
  EXPECT_THAT(*ParseLabels("cat\ndog\nbird"), ElementsAre("cat", "dog", "bird"));
  EXPECT_THAT(*ParseLabels("cat\r\ndog\r\n"), ElementsAre("cat", "dog"));
  EXPECT_THAT(*ParseLabels("\xEF\xBB\xBF"
                           "cat\ndog\n"),
              ElementsAre("cat", "dog"));
}

TEST(ParseLabels, SkipsBlankLinesAndKeepsTheRestUntrimmed) {
  EXPECT_THAT(*ParseLabels("cat\n\n  \t\n traffic light \n"),
              ElementsAre("cat", " traffic light "));
  EXPECT_THAT(*ParseLabels(""), IsEmpty());
  EXPECT_THAT(*ParseLabels("\n \n"), IsEmpty());
}

TEST(ParseLabels, SplitsASingleLineAtCommasElseAtSpaces) {
  EXPECT_THAT(*ParseLabels("cat,dog,bird\n"), ElementsAre("cat", "dog", "bird"));
  EXPECT_THAT(*ParseLabels("cat, dog"), ElementsAre("cat", " dog"));
  EXPECT_THAT(*ParseLabels("cat dog"), ElementsAre("cat", "dog"));
  EXPECT_THAT(*ParseLabels("background\n"), ElementsAre("background"));
  EXPECT_THAT(*ParseLabels("traffic light\n"), ElementsAre("traffic", "light"));
}

TEST(ParseLabels, RefusesWhatIsNoText) {
  EXPECT_THAT(MessageOf(ParseLabels(std::string_view("cat\0dog", 7)).status()), HasSubstr("NUL"));
  const std::string large((1 << 20) + 1, 'x');
  EXPECT_THAT(MessageOf(ParseLabels(large).status()), HasSubstr("1 MiB"));
  EXPECT_TRUE(ParseLabels(std::string_view(large).substr(1)).ok());
}

TEST(ReadLabels, NamesTheFileInItsErrors) {
  const auto missing = ReadLabels("/no/such/labels.txt");
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(MessageOf(missing.status()), HasSubstr("/no/such/labels.txt"));
  const testing::FileOnDisk binary(std::string("a\0b", 3), ".txt");
  EXPECT_THAT(MessageOf(ReadLabels(binary.path()).status()), HasSubstr(binary.path()));
  const auto folder = ReadLabels("/");
  EXPECT_FALSE(folder.ok());
  EXPECT_THAT(MessageOf(folder.status()), HasSubstr("/"));
  const testing::FileOnDisk good("cat\ndog\n", ".txt");
  EXPECT_THAT(*ReadLabels(good.path()), SizeIs(2));
}

}  // namespace
}  // namespace bowerbird::infer
