// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <string>

#include "base/base64.h"
#include "gtest/gtest.h"

namespace bowerbird {
namespace {

constexpr char kReplacement[] = "\xEF\xBF\xBD";

TEST(Utf8, LeavesWellFormedTextAsItIs) {
  for (const std::string& text :
       {std::string(), std::string("plain"), std::string("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x90\xA6"),
        std::string("nul\0inside", 10), std::string("\xEF\xBF\xBF\xF4\x8F\xBF\xBF")}) {
    EXPECT_TRUE(IsUtf8(text));
    EXPECT_EQ(Utf8(text), text);
  }
}

TEST(Utf8, ReplacesEveryFaultyByte) {
  const std::string r = kReplacement;
  EXPECT_EQ(Utf8("caf\xE9"), "caf" + r);               // Latin-1
  EXPECT_EQ(Utf8("\x80\xBF"), r + r);                  // continuation without a lead
  EXPECT_EQ(Utf8("\xC0\xAF"), r + r);                  // overlong '/'
  EXPECT_EQ(Utf8("\xE0\x80\x80"), r + r + r);          // overlong
  EXPECT_EQ(Utf8("\xED\xA0\x80"), r + r + r);          // surrogate
  EXPECT_EQ(Utf8("\xF4\x90\x80\x80"), r + r + r + r);  // above U+10FFFF
  EXPECT_EQ(Utf8("\xF5\xFF"), r + r);                  // no lead at all
  EXPECT_EQ(Utf8("\xE2\x82"), r + r);                  // cut short
  EXPECT_EQ(Utf8("a\xE2\x82z"), "a" + r + r + "z");    // cut short by a letter
}

TEST(Utf8, WhatComesOutIsAlwaysWellFormed) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text = {static_cast<char>(first), static_cast<char>(second), '\x80', 'x'};
      ASSERT_TRUE(IsUtf8(Utf8(text))) << first << " " << second;
    }
  }
}

TEST(Utf8, RefusesOverlongFormsSurrogatesAndWhatIsBeyondUnicode) {
  for (const char* bad : {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF8",
                          "\x80", "\xE2\x82", "\xF0\x9F"}) {
    EXPECT_FALSE(IsUtf8(bad)) << Base64Encode(bad);
  }
  EXPECT_EQ(Utf8SequenceLength(""), 0U);
}

TEST(Utf8Line, IsCutBetweenCharactersAndHasNoNul) {
  const std::string r = kReplacement;
  EXPECT_EQ(Utf8Line("abc", 3), "abc");
  EXPECT_EQ(Utf8Line("ab\xC3\xA4", 3), "ab");
  EXPECT_EQ(Utf8Line("ab\xC3\xA4", 4), "ab\xC3\xA4");
  EXPECT_EQ(Utf8Line(std::string("a\0b", 3), 80), "a" + r + "b");
  EXPECT_EQ(Utf8Line("\xFF\xFF", 5), r);
  EXPECT_EQ(Utf8Line("", 0), "");
}

}  // namespace
}  // namespace bowerbird
