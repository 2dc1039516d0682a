// SPDX-License-Identifier: Apache-2.0
#include "tokenizer.h"

#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bowerbird::text {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kNumbered[] = "<PAD> 0\n<START> 1\n<UNKNOWN> 2\nthe 4\nfilm 7\ndon't 9\n";

std::vector<int32_t> Encode(const std::string& vocabulary, std::string_view text, size_t length,
                            const std::string& delimiter = Tokenizer::kDefaultDelimiter) {
  auto read = Vocabulary::Parse(vocabulary);
  EXPECT_TRUE(read.ok()) << read.status();
  auto tokenizer = Tokenizer::Create(*std::move(read), delimiter);
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  return (*tokenizer)->Encode(text, length);
}

TEST(Tokenizer, StartsPadsAndKnowsWhatItDoesNotKnow) {
  EXPECT_THAT(Encode(kNumbered, "The  film, I don't.", 8), ElementsAre(1, 4, 7, 2, 9, 0, 0, 0));
}

TEST(Tokenizer, CutsOffWhatDoesNotFit) {
  EXPECT_THAT(Encode(kNumbered, "the film the film", 3), ElementsAre(1, 4, 7));
  EXPECT_THAT(Encode(kNumbered, "the", 0), ElementsAre());
}

TEST(Tokenizer, GivesOnlyPaddingForNoText) {
  EXPECT_THAT(Encode("a\nb\n", "", 3), ElementsAre(0, 0, 0));
  EXPECT_THAT(Encode(kNumbered, " ...", 3), ElementsAre(1, 0, 0));
}

TEST(Tokenizer, LeavesOutUnknownWordsWhereTheVocabularyHasNoWordForThem) {
  EXPECT_THAT(Encode("a\nb\n", "b x a b", 4), ElementsAre(1, 0, 1, 0));
}

TEST(Tokenizer, KeepsCapitalsWhereTheVocabularyHasThem) {
  EXPECT_THAT(Encode("<PAD>\nBob\nbob\n", "Bob bob", 2), ElementsAre(1, 2));
  EXPECT_THAT(Encode("<PAD>\nbob\n", "Bob bob", 2), ElementsAre(1, 1));
}

TEST(Tokenizer, SplitsByTheDelimiterOfTheModel) {
  EXPECT_THAT(Encode("a b\nc\n", "c;a b;c", 3, ";"), ElementsAre(1, 0, 1));
}

TEST(Tokenizer, RefusesDelimitersThatAreNone) {
  auto vocabulary = Vocabulary::Parse("a");
  EXPECT_THAT(MessageOf(Tokenizer::Create(*vocabulary, "(").status()),
              HasSubstr("no regular expression"));
  EXPECT_THAT(MessageOf(Tokenizer::Create(*vocabulary, "x*").status()),
              HasSubstr("matches the empty text"));
}

TEST(Vocabulary, HasOneWordALineWithOrWithoutItsNumber) {
  EXPECT_EQ(2, Vocabulary::Parse("a\n\nb")->Find("b"));
  EXPECT_EQ(9, Vocabulary::Parse("a 5\nb\t9\r\n")->Find("b"));
  // Not all lines have one: then it is part of the word.
  EXPECT_EQ(0, Vocabulary::Parse("route 66\nb")->Find("route 66"));
  EXPECT_EQ(0, Vocabulary::Parse("a\nb\na")->Find("a"));
  EXPECT_EQ(std::nullopt, Vocabulary::Parse("a")->Find("b"));
}

TEST(Vocabulary, RefusesWhatIsNone) {
  EXPECT_THAT(MessageOf(Vocabulary::Parse("\n \n").status()), HasSubstr("no words"));
  EXPECT_THAT(MessageOf(Vocabulary::Parse("a 1\nb 99999999999").status()), HasSubstr("line 2"));
}

}  // namespace
}  // namespace bowerbird::text
