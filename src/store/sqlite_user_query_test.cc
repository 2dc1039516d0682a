// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>

#include "base/sanitized.h"
#include "store/database.h"

namespace bowerbird::store {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class SqliteUserQueryTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/user_query_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    Migration first{.version = 1, .name = "first"};
    first.sql = {"CREATE TABLE notes(note {id}, text {text})",
                 "INSERT INTO notes(text) VALUES ('100% sure'), ('unsure'), ('Sure.')"};
    auto database =
        OpenDatabase({.location = "sqlite:" + folder_ + "/test.db", .migrations = {first}});
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
  }
  void TearDown() override {
    database_.reset();
    std::filesystem::remove_all(folder_);
  }
  absl::StatusOr<UserResult> Ask(const std::string& sql, milliseconds limit = seconds(10),
                                 const Context& context = Context()) {
    UserQuery query;
    query.sql = sql;
    query.view = {.name = "readings", .select = "SELECT text FROM main.notes"};
    query.time_limit = limit;
    return database_->RunUserQuery(context, query);
  }

  std::string folder_;
  std::unique_ptr<Database> database_;
};

// 2^doublings times the letter a.
std::string Letters(int doublings) {
  const std::string count = std::to_string(doublings);
  return "(WITH RECURSIVE t(i,x) AS (SELECT 0,'a' UNION ALL SELECT i+1,x||x FROM t WHERE i<" +
         count + ") SELECT x FROM t WHERE i=" + count + ")";
}

std::string Repeated(const std::string& piece, int count) {
  std::string text = piece;
  for (int time = 1; time < count; ++time) text.append(",").append(piece);
  return text;
}

std::string With(const std::string& text, const std::string& what, const std::string& select) {
  return "WITH v AS MATERIALIZED (SELECT " + text + " AS h," + what + " AS n) SELECT " + select +
         " FROM v";
}

// Names that stand for one another, twice each.
std::string Doubled(int levels) {
  std::string sql = "WITH t0 AS (SELECT 1 AS a)";
  for (int level = 1; level <= levels; ++level) {
    const std::string before = std::to_string(level - 1);
    sql.append(", t").append(std::to_string(level)).append(" AS (SELECT x.a FROM t");
    sql.append(before).append(" x, t").append(before).append(" y)");
  }
  return sql.append(" SELECT count(*) FROM t").append(std::to_string(levels));
}

struct Costly {
  const char* name;
  std::string sql;
};

std::vector<Costly> CostlyQueries() {
  const std::string json = "'['||replace(" + Letters(21) + ",'a','1,')||'1]'";
  const std::string rows =
      "WITH RECURSIVE v AS MATERIALIZED (SELECT " + Letters(22) +
      " AS h), c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<1000000) SELECT ";
  return {
      {"instr", With(Letters(22), Letters(21) + "||'b'", "instr(h,n)")},
      {"replace", With(Letters(22), Letters(21) + "||'b'", "length(replace(h,n,''))")},
      {"trim", With(Letters(22), "replace(" + Letters(21) + ",'a','x')||'a'", "length(trim(h,n))")},
      {"like", With(Letters(22), "'%'||substr(" + Letters(10) + ",1,990)||'b'", "h LIKE n")},
      {"glob", With(Letters(22), "'*'||substr(" + Letters(10) + ",1,990)||'b'", "h GLOB n")},
      {"rows", rows + "sum(length(upper(h||i))) FROM v,c"},
      {"columns", With(Letters(22), "''", Repeated("length(upper(h||1))", 1000))},
      {"joined", With(Letters(22), "''", Repeated("length(h||1)", 1400))},
      {"paths",
       With(json, "''", Repeated("json_extract(h," + Repeated("'$[#-1]'", 30) + ")", 100))},
      {"arrow", With(json, "''", Repeated("h->>'$[#-1]'", 1400))},
      {"names", Doubled(40)},
      {"sort",
       "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c) SELECT i FROM c"
       " ORDER BY (i*7919)%1000003"},
      {"group",
       "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<400000)"
       " SELECT max(length(g)) FROM (SELECT group_concat(i) OVER (ROWS BETWEEN 200000"
       " PRECEDING AND CURRENT ROW) AS g FROM c)"},
  };
}

TEST_F(SqliteUserQueryTest, NoQueryRunsLongAfterItsTime) {
  for (const Costly& costly : CostlyQueries()) {
    const auto start = std::chrono::steady_clock::now();
    const auto result = Ask(costly.sql, milliseconds(300));
    const auto took =
        std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
    // With SQLite's own functions and limits the first of them takes an hour. A sanitizer looks at
    // every byte that is compared.
    EXPECT_LT(took, seconds(Sanitized() ? 120 : 10)) << costly.name;
    RecordProperty(costly.name, std::to_string(took.count()));
    std::printf("%-8s %6lld ms  %s\n", costly.name, static_cast<long long>(took.count()),
                result.ok() ? "OK" : std::string(result.status().message()).c_str());
    if (!result.ok() && !absl::IsResourceExhausted(result.status())) {
      EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded)
          << costly.name << ": " << result.status();
    }
  }
}

TEST_F(SqliteUserQueryTest, AValueMayBeAsLargeAsAReadingAndNotMuchLarger) {
  EXPECT_TRUE(Ask("SELECT length(" + Letters(22) + ")").ok());
  EXPECT_EQ(Ask("SELECT length(" + Letters(24) + ")").status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST_F(SqliteUserQueryTest, PatternsAndTextFunctionsAreThere) {
  const auto result =
      Ask("SELECT count(*) FILTER (WHERE text LIKE '%SURE%'),"
          " count(*) FILTER (WHERE text LIKE '100\\% %' ESCAPE '\\'),"
          " count(*) FILTER (WHERE text GLOB '*sure'), max(instr(text, 'sure')),"
          " max(replace(text, 'un', 'en')), max(trim(text, '.u')) FROM readings");
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_EQ(result->rows.size(), 1u);
  const auto& row = result->rows[0];
  EXPECT_EQ(row[0].integer, 3);
  EXPECT_EQ(row[1].integer, 1);
  EXPECT_EQ(row[2].integer, 2);
  EXPECT_EQ(row[3].integer, 6);
  EXPECT_EQ(row[4].text, "ensure");
  EXPECT_EQ(row[5].text, "nsure");
}

TEST_F(SqliteUserQueryTest, AStatementHasABoundedLength) {
  EXPECT_EQ(Ask("SELECT " + Repeated("1", 20'000)).status().code(),
            absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace bowerbird::store
