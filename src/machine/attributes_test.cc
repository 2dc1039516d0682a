// SPDX-License-Identifier: Apache-2.0
#include "machine/attributes.h"

#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bowerbird::machine {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::Pair;

class AttributesTest : public testing::Test {
 protected:
  // The message of a reading of {"key": value}.
  template <typename Read>
  std::string MessageFor(const std::string& value, Read read) {
    document_ = json::parse("{\"key\": " + value + "}");
    const Attributes attributes(document_, "components[2].attributes");
    const auto result = read(attributes);
    EXPECT_FALSE(result.ok()) << value;
    EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
    return MessageOf(result.status());
  }
  json document_;
};

TEST_F(AttributesTest, MessagesNamePathValueAndWhatIsAllowed) {
  const std::string path = "components[2].attributes.key: ";
  const auto integer = [](const Attributes& a) { return a.Int("key", 0, 1, 10000); };
  EXPECT_EQ(MessageFor("\"wide\"", integer),
            path + "\"wide\" is not a whole number from 1 to 10000");
  EXPECT_EQ(MessageFor("10001", integer), path + "10001 is not a whole number from 1 to 10000");
  EXPECT_EQ(MessageFor("0", integer), path + "0 is not a whole number from 1 to 10000");
  EXPECT_EQ(MessageFor("2.5", integer), path + "2.5 is not a whole number from 1 to 10000");
  EXPECT_EQ(MessageFor("1e300", integer), path + "1e+300 is not a whole number from 1 to 10000");
  EXPECT_EQ(MessageFor("18446744073709551615", integer),
            path + "18446744073709551615 is not a whole number from 1 to 10000");
  EXPECT_EQ(MessageFor("2", [](const Attributes& a) { return a.Double("key", 0, 0, 0.5); }),
            path + "2 is not a number from 0 to 0.5");
  EXPECT_EQ(MessageFor("1", [](const Attributes& a) { return a.Bool("key", false); }),
            path + "1 is not true or false");
  EXPECT_EQ(MessageFor("[1]", [](const Attributes& a) { return a.String("key"); }),
            path + "[1] is not a string");
  EXPECT_EQ(MessageFor("\"\"", [](const Attributes& a) { return a.RequiredString("key"); }),
            path + "\"\" is empty: give a string");
  EXPECT_EQ(MessageFor("null", [](const Attributes& a) { return a.RequiredString("key"); }),
            path + "is missing: give a string");
  EXPECT_EQ(MessageFor("\"c\"",
                       [](const Attributes& a) {
                         return a.Choice("key", "a", {"a", "b"});
                       }),
            path + "\"c\" is not one of \"a\", \"b\"");
  EXPECT_EQ(MessageFor("7",
                       [](const Attributes& a) {
                         return a.Choice("key", "a", {"a", "b"});
                       }),
            path + "7 is not one of \"a\", \"b\"");
  EXPECT_EQ(MessageFor("3", [](const Attributes& a) { return a.Object("key"); }),
            path + "3 is not an object");
}

TEST_F(AttributesTest, MessagesAboutElementsNameTheElement) {
  const std::string path = "components[2].attributes.key";
  EXPECT_EQ(MessageFor("[0, \"x\"]", [](const Attributes& a) { return a.Doubles("key"); }),
            path + "[1]: \"x\" is not a number");
  EXPECT_EQ(MessageFor("[\"x\", {}]", [](const Attributes& a) { return a.Strings("key"); }),
            path + "[1]: {} is not a string");
  EXPECT_EQ(MessageFor("{\"a\": 1}", [](const Attributes& a) { return a.StringMap("key"); }),
            path + ".a: 1 is not a string");
  EXPECT_EQ(MessageFor("{\"a\": true}", [](const Attributes& a) { return a.DoubleMap("key"); }),
            path + ".a: true is not a number");
}

TEST_F(AttributesTest, LongValuesAreCutBetweenCharacters) {
  std::string umlauts;
  for (int i = 0; i < 100; ++i) umlauts += "ä";
  const std::string message =
      MessageFor(json(umlauts).dump(), [](const Attributes& a) { return a.Bool("key", true); });
  EXPECT_LT(message.size(), 160u);
  // Still text: the cut did not halve a character.
  EXPECT_EQ(json(message).dump().empty(), false);
  EXPECT_THAT(message, testing::HasSubstr("... is not true or false"));
}

TEST_F(AttributesTest, AbsentAndNullGiveTheDefault) {
  for (const json& document : {json::object(), json{{"key", nullptr}}, json()}) {
    const Attributes attributes(document, "a");
    EXPECT_FALSE(attributes.Has("key"));
    EXPECT_EQ(*attributes.Int("key", 7, 0, 10), 7);
    EXPECT_EQ(*attributes.Double("key", 0.5, 0, 1), 0.5);
    EXPECT_EQ(*attributes.Bool("key", true), true);
    EXPECT_EQ(*attributes.String("key", "x"), "x");
    EXPECT_EQ(*attributes.Choice("key", "b", {"a", "b"}), "b");
    EXPECT_TRUE(attributes.Doubles("key")->empty());
    EXPECT_TRUE(attributes.Strings("key")->empty());
    EXPECT_TRUE(attributes.StringMap("key")->empty());
    EXPECT_FALSE(attributes.Object("key")->Has("deeper"));
  }
}

TEST_F(AttributesTest, ValuesAreReadAsTheyStand) {
  const json document = json::parse(
      R"({"n": 3.0, "d": 2, "m": {"b": "2", "a": "1"}, "w": {"x": 0.5}, "s": ["q"], "o": {"k": 1}})");
  const Attributes attributes(document, "a");
  EXPECT_EQ(*attributes.Int("n", 0, 0, 10), 3);
  EXPECT_EQ(*attributes.Double("d", 0, 0, 10), 2.0);
  EXPECT_THAT(*attributes.StringMap("m"), ElementsAre(Pair("a", "1"), Pair("b", "2")));
  EXPECT_THAT(*attributes.DoubleMap("w"), ElementsAre(Pair("x", 0.5)));
  EXPECT_THAT(*attributes.Strings("s"), ElementsAre("q"));
  const auto object = attributes.Object("o");
  EXPECT_EQ(object->path(), "a.o");
  EXPECT_EQ(*object->Int("k", 0, 0, 1), 1);
}

}  // namespace
}  // namespace bowerbird::machine
