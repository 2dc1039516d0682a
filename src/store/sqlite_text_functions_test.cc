// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite_text_functions.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <string>

#include "store/sqlite_connection.h"

namespace bowerbird::store {
namespace {

class SqliteTextFunctionsTest : public testing::Test {
 protected:
  void SetUp() override {
    auto plain = SqliteConnection::Open(":memory:", {});
    auto replaced = SqliteConnection::Open(":memory:", {});
    ASSERT_TRUE(plain.ok() && replaced.ok());
    plain_ = *std::move(plain);
    replaced_ = *std::move(replaced);
    ASSERT_TRUE(ReplaceTextFunctions(replaced_->handle(), must_stop_).ok());
  }

  // The type and bytes of what `expression` gives for three values, or the error.
  static std::string Evaluate(SqliteConnection& connection, const std::string& expression,
                              const std::vector<Value>& values) {
    std::string result;
    const absl::Status status = connection.Query(
        "WITH v AS MATERIALIZED (SELECT $1 AS a, $2 AS b, $3 AS c)"
        " SELECT typeof(" +
            expression + "), CAST(" + expression + " AS BLOB), typeof(a), typeof(b) FROM v",
        values, [&](const Row& row) {
          result = std::string(row.Text(0)) + ":" + std::string(row.Blob(1)) + ":" +
                   std::string(row.Text(2)) + ":" + std::string(row.Text(3));
          return absl::OkStatus();
        });
    return status.ok() ? result : std::string(status.message());
  }

  bool stop_ = false;
  const MustStop must_stop_ = [this] { return stop_; };
  std::unique_ptr<SqliteConnection> plain_, replaced_;
};

// Pieces that matter to one function or another, malformed UTF-8 among them.
std::string RandomText(std::mt19937& random, size_t most) {
  static const std::string kPieces[] = {"a",
                                        "A",
                                        "b",
                                        "%",
                                        "_",
                                        "*",
                                        "?",
                                        "[",
                                        "]",
                                        "^",
                                        "-",
                                        "\\",
                                        " ",
                                        "\xc3\xa9",
                                        "\xc3",
                                        "\x80",
                                        "\xe2\x82\xac",
                                        "\xf0\x9f\x98\x80",
                                        "aa",
                                        "ab",
                                        "[a-c]",
                                        "[^a]",
                                        "[]a]",
                                        "%a",
                                        "\xff"};
  std::string text;
  const size_t count = random() % (most + 1);
  for (size_t piece = 0; piece < count; ++piece) text += kPieces[random() % std::size(kPieces)];
  return text;
}

Value RandomValue(std::mt19937& random, const std::string& text) {
  switch (random() % 12) {
    case 0:
      return Bytes{text};
    case 1:
      return int64_t{1010};
    case 2:
      return std::monostate();
    default:
      return std::string_view(text);
  }
}

TEST_F(SqliteTextFunctionsTest, GiveWhatThoseOfSqliteGive) {
  std::mt19937 random(7);
  const char* const expressions[] = {"instr(a, b)",
                                     "replace(a, b, c)",
                                     "trim(a)",
                                     "trim(a, b)",
                                     "ltrim(a, b)",
                                     "rtrim(a, b)",
                                     "ltrim(a)",
                                     "rtrim(a)",
                                     "a LIKE b",
                                     "a GLOB b",
                                     "like(b, a)",
                                     "glob(b, a)",
                                     "a LIKE b ESCAPE '\\'",
                                     "a LIKE b ESCAPE '%'",
                                     "a LIKE b ESCAPE c"};
  int compared = 0;
  for (int round = 0; round < 4000; ++round) {
    const std::string texts[] = {RandomText(random, 12), RandomText(random, 6),
                                 RandomText(random, 2)};
    std::vector<Value> values;
    for (const std::string& text : texts) values.push_back(RandomValue(random, text));
    for (const char* const expression : expressions) {
      const std::string expected = Evaluate(*plain_, expression, values);
      ASSERT_EQ(Evaluate(*replaced_, expression, values), expected)
          << expression << "\n a: " << testing::PrintToString(texts[0])
          << "\n b: " << testing::PrintToString(texts[1])
          << "\n c: " << testing::PrintToString(texts[2]);
      ++compared;
    }
  }
  EXPECT_EQ(compared, 60'000);
}

TEST_F(SqliteTextFunctionsTest, TextsWithNulCharactersAreReadAsSqliteReadsThem) {
  using std::string_literals::operator""s;
  const std::string first = "ab\0cdab"s;
  const std::string second = "ab\0x"s;
  for (const char* const expression :
       {"instr(a, b)", "replace(a, b, c)", "trim(a, b)", "a LIKE b", "a GLOB b"}) {
    const std::vector<Value> values = {first, second, std::string_view("c")};
    EXPECT_EQ(Evaluate(*replaced_, expression, values), Evaluate(*plain_, expression, values))
        << expression;
  }
}

TEST_F(SqliteTextFunctionsTest, SearchingIsLinearWhereThePlainSearchTakesTheProduct) {
  stop_ = true;  // nobody would have to be asked
  const std::string text(4 << 20, 'a');
  const std::string what = std::string(2 << 20, 'a') + "b";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(Evaluate(*replaced_, "instr(a, b)", {text, what, std::string_view("")}),
            "integer:0:text:text");
  EXPECT_EQ(Evaluate(*replaced_, "length(replace(a, b, c))", {text, what, std::string_view("")}),
            "integer:4194304:text:text");
  // 8e12 comparisons would be more than an hour.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST_F(SqliteTextFunctionsTest, WhatTakesLongEndsWhenItMust) {
  stop_ = true;
  const std::string text(4 << 20, 'a');
  std::string set;
  for (int number = 0; number < 900; ++number) {
    set += static_cast<char>(0xe1);
    set += static_cast<char>(0x80 + number / 64);
    set += static_cast<char>(0x80 + number % 64);
  }
  const std::string pattern = "%" + std::string(900, 'a') + "b";
  const std::string glob = "*" + std::string(900, 'a') + "b";
  EXPECT_EQ(Evaluate(*replaced_, "trim(a, b)", {text, set + "a", std::string_view("")}),
            "SQLite: interrupted");
  EXPECT_EQ(Evaluate(*replaced_, "a LIKE b", {text, pattern, std::string_view("")}),
            "SQLite: interrupted");
  EXPECT_EQ(Evaluate(*replaced_, "a GLOB b", {text, glob, std::string_view("")}),
            "SQLite: interrupted");
}

TEST_F(SqliteTextFunctionsTest, PatternsAndSetsHaveBounds) {
  EXPECT_EQ(Evaluate(*replaced_, "a LIKE b",
                     {std::string_view("a"), std::string(1001, '%'), std::string_view("")}),
            "SQLite: LIKE or GLOB pattern too complex");
  std::string set;
  for (int number = 0; number < 1001; ++number) {
    set += static_cast<char>(0xe1);
    set += static_cast<char>(0x80 + number / 64);
    set += static_cast<char>(0x80 + number % 64);
  }
  EXPECT_EQ(Evaluate(*replaced_, "trim(a, b)", {std::string_view("a"), set, std::string_view("")}),
            "SQLite: trim with more than 1000 different characters");
}

}  // namespace
}  // namespace bowerbird::store
