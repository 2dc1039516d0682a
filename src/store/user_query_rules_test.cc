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
