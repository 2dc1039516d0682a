// SPDX-License-Identifier: Apache-2.0
#include "store/user_query_rules.h"

#include <gtest/gtest.h>

namespace bowerbird::store {
namespace {

TEST(UserQueryRulesTest, OrdinaryQueriesPass) {
  for (const char* const sql :
       {"SELECT 1", "select count(*), avg((data->>'c')::numeric) from readings",
        "WITH x AS (SELECT * FROM readings) SELECT * FROM x WHERE a IN (1, 2) AND (b OR c)",
        "SELECT 'it''s (pg_sleep(1))', $$ pg_sleep(1) $$ -- pg_sleep(1)\n FROM readings",
        "SELECT /* pg_sleep( /* nested */ */ 1;", "SELECT e.x FROM readings e",
        "SELECT COALESCE(NULLIF(a, ''), 'b') FROM readings GROUP BY (a) HAVING (count(*) > 1)",
        "SELECT row_number() OVER (PARTITION BY a ORDER BY b) FROM readings"}) {
    EXPECT_TRUE(CheckUserStatement(sql).ok()) << sql << ": " << CheckUserStatement(sql);
  }
}

TEST(UserQueryRulesTest, CallsThatAreNotAllowedAreNamed) {
  for (const char* const sql :
       {"SELECT pg_sleep(1)", "SELECT PG_SLEEP (1)", "SELECT pg_catalog.pg_sleep(1)",
        "SELECT \"pg_sleep\"(1)", "SELECT pg_sleep/**/(1)", "SELECT pg_sleep -- x\n (1)",
        "SELECT $$x$$, pg_read_file('a')", "SELECT 'a' 'b', lo_import('x')", "SELECT x$$(1), 'a$$'",
        "SELECT set_config('role', 'none', false)"}) {
    EXPECT_EQ(CheckUserStatement(sql).code(), absl::StatusCode::kPermissionDenied) << sql;
  }
}

// Where the rules and PostgreSQL would disagree on what is quoted, a call could hide.
TEST(UserQueryRulesTest, NoCallHidesBehindAQuoteOrCommentThatEndsElsewhere) {
  for (const char* const sql :
       {"SELECT 1 -- x\r, pg_sleep(1)", "SELECT 1e'\\'', pg_sleep(1) --'",
        "SELECT 1E'\\'', pg_sleep(1) --'", "SELECT 1$a$ ' $a$, pg_sleep(1) --'",
        "SELECT $1$, pg_sleep(1), '$1$'", "SELECT U&\"\\0070g_sleep\"(1)",
        "SELECT u&'\\0027', pg_sleep(1)", "SELECT 'a\\', pg_sleep(1) --'",
        "SELECT /* */ */ pg_sleep(1) /* */", "SELECT x$a$, pg_sleep(1), 'x$a$'"}) {
    EXPECT_FALSE(CheckUserStatement(sql).ok()) << sql;
  }
}

TEST(UserQueryRulesTest, CatalogsAreNotNamed) {
  for (const char* const sql :
       {"SELECT * FROM pg_roles", "SELECT * FROM PG_Catalog.PG_class", "SELECT * FROM \"pg_class\"",
        "SELECT * FROM information_schema.tables", "SELECT * FROM \"information_schema\".tables",
        "SELECT 'items'::pg_catalog.regclass", "WITH x AS (TABLE pg_stat_activity) SELECT * FROM x",
        "SELECT (SELECT query FROM pg_stat_activity LIMIT 1) FROM readings"}) {
    EXPECT_EQ(CheckUserStatement(sql).code(), absl::StatusCode::kPermissionDenied) << sql;
  }
  EXPECT_TRUE(CheckUserStatement("SELECT data->>'pg_roles' FROM readings").ok());
}

TEST(UserQueryRulesTest, WhatIsNotOneSelectIsRefused) {
  for (const char* const sql : {"", "  -- nothing\n", "DELETE FROM readings", "SELECT 1; SELECT 2",
                                "(SELECT 1)", "SELECT 'x", "SELECT \"x", "SELECT /* x",
                                "SELECT $a$ x", "SELECT E'\\'', pg_sleep(1) --'", "; SELECT 1"}) {
    EXPECT_EQ(CheckUserStatement(sql).code(), absl::StatusCode::kInvalidArgument) << sql;
  }
}

TEST(UserQueryRulesTest, TheListOfFunctionsIsFoundByName) {
  EXPECT_TRUE(IsAllowedFunction("abs"));
  EXPECT_TRUE(IsAllowedFunction("variance"));
  EXPECT_TRUE(IsAllowedFunction("jsonb_each_text"));
  EXPECT_TRUE(IsAllowedFunction("time"));
  EXPECT_FALSE(IsAllowedFunction("load_extension"));
  EXPECT_FALSE(IsAllowedFunction("pg_sleep"));
  EXPECT_FALSE(IsAllowedFunction(""));
}

}  // namespace
}  // namespace bowerbird::store
