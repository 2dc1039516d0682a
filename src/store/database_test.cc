// SPDX-License-Identifier: Apache-2.0
#include "store/database.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <stdlib.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/status.h"
#include "store/testing/postgresql_server.h"

namespace bowerbird::store {
namespace {

std::vector<Migration> OneTable() {
  Migration first{.version = 1, .name = "first"};
  first.sql = {
      "CREATE TABLE notes(note {id}, name {text} NOT NULL UNIQUE, bytes {bytes},"
      " number BIGINT, real {real}, json {json})"};
  first.sqlite_sql = {"CREATE TABLE only_sqlite(x BIGINT)"};
  first.postgresql_sql = {"CREATE TABLE only_postgresql(x BIGINT)"};
  return {first};
}

class DatabaseTest : public testing::TestWithParam<Engine> {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/database_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    location_ = "sqlite:" + folder_ + "/test.db";
    if (GetParam() == Engine::kPostgresql) {
      const auto server = PostgresqlServer::Get();
      if (absl::IsNotFound(server.status())) GTEST_SKIP() << server.status().message();
      ASSERT_TRUE(server.ok()) << server.status();
      location_ = *(*server)->CreateDatabase();
    }
    Open(OneTable());
  }
  void TearDown() override {
    database_.reset();
    std::filesystem::remove_all(folder_);
  }
  void Open(std::vector<Migration> migrations) {
    database_.reset();
    auto database = OpenDatabase({.location = location_, .migrations = std::move(migrations)});
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
  }
  absl::Status Insert(const std::string& name) {
    return database_->Write([&](Connection& connection) {
      return connection.Execute("INSERT INTO notes(name) VALUES ($1)", {name}).status();
    });
  }
  int64_t Count(const std::string& table = "notes") {
    int64_t count = -1;
    const absl::Status status = database_->Read([&](Connection& connection) {
      return connection.Query("SELECT COUNT(*) FROM " + table, {}, [&](const Row& row) {
        count = row.Integer(0);
        return absl::OkStatus();
      });
    });
    EXPECT_TRUE(status.ok()) << status;
    return count;
  }

  std::string folder_, location_;
  std::unique_ptr<Database> database_;
};
INSTANTIATE_TEST_SUITE_P(Engines, DatabaseTest,
                         testing::Values(Engine::kSqlite, Engine::kPostgresql),
                         [](const testing::TestParamInfo<Engine>& one) {
                           return one.param == Engine::kSqlite ? "Sqlite" : "Postgresql";
                         });

TEST_P(DatabaseTest, ValuesComeBackAsTheyWere) {
  const std::string bytes("\0\x01\xff'\"\\", 6);
  const std::string text = "ä ' \" \\ $1 {id}";
  ASSERT_TRUE(database_
                  ->Write([&](Connection& connection) {
                    return connection
                        .Execute(
                            "INSERT INTO notes(name, bytes, number, real, json)"
                            " VALUES ($1, $2, $3, $4, $5)",
                            {text, Bytes{bytes}, INT64_MIN, 0.1 + 0.2, std::monostate()})
                        .status();
                  })
                  .ok());
  int rows = 0;
  const absl::Status status = database_->Read([&](Connection& connection) {
    return connection.Query("SELECT name, bytes, number, real, json FROM notes WHERE name = $1",
                            {text}, [&](const Row& row) {
                              ++rows;
                              EXPECT_EQ(row.Text(0), text);
                              EXPECT_EQ(row.Blob(1), bytes);
                              EXPECT_EQ(row.Integer(2), INT64_MIN);
                              EXPECT_EQ(row.Real(3), 0.1 + 0.2);
                              EXPECT_TRUE(row.IsNull(4));
                              return absl::OkStatus();
                            });
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(rows, 1);
}

TEST_P(DatabaseTest, AScanGivesEveryRowOfALargeResultAsItIs) {
  constexpr int64_t kRows = 20'000;  // of about 60 bytes: many messages of the server
  const std::string bytes("\0\x01\xff\\", 4);
  ASSERT_TRUE(database_
                  ->Write([&](Connection& connection) {
                    return connection
                        .Execute(
                            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n"
                            " WHERE x < $2) INSERT INTO notes(name, bytes, number)"
                            " SELECT 'ä ' || x, $1, CASE WHEN x % 2 = 0 THEN -x END FROM n",
                            {Bytes{bytes}, kRows})
                        .status();
                  })
                  .ok());
  int64_t rows = 0, sum = 0, nulls = 0;
  const auto take = [&](const Row& row) {
    ++rows;
    sum += row.Integer(0);
    nulls += row.IsNull(0) ? 1 : 0;
    EXPECT_EQ(row.Blob(1), bytes);
    EXPECT_EQ(row.Text(2).substr(0, 3), "ä ");
    return absl::OkStatus();
  };
  const absl::Status status = database_->Read([&](Connection& connection) -> absl::Status {
    RETURN_IF_ERROR(
        connection.Scan("SELECT number, bytes, name FROM notes WHERE number IS NULL OR number > $1",
                        {-kRows}, take));
    // The connection is free again, also after an error of the callback and of the statement.
    EXPECT_EQ(connection
                  .Scan("SELECT number FROM notes", {},
                        [](const Row&) { return absl::CancelledError("enough"); })
                  .code(),
              absl::StatusCode::kCancelled);
    return connection.Scan("SELECT number, bytes, name FROM notes WHERE number = $1", {-kRows},
                           take);
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(rows, kRows);
  EXPECT_EQ(nulls, kRows / 2);
  EXPECT_EQ(sum, -(kRows / 2) * (kRows / 2 + 1));
  const absl::Status wrong = database_->Read([&](Connection& connection) {
    return connection.Scan("SELECT nothing FROM notes", {}, take);
  });
  EXPECT_EQ(wrong.code(), absl::StatusCode::kInternal) << wrong;
  EXPECT_EQ(Count(), kRows);
}

TEST_P(DatabaseTest, AnErrorUndoesItsOwnTransactionAndNoOther) {
  std::vector<std::thread> threads;
  std::atomic<int> refused = 0;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int number = 0; number < 25; ++number) {
        const std::string name = std::to_string(thread) + "." + std::to_string(number);
        const absl::Status status = database_->Write([&](Connection& connection) -> absl::Status {
          RETURN_IF_ERROR(
              connection.Execute("INSERT INTO notes(name) VALUES ($1)", {name}).status());
          if (number % 5 == 0) return InvalidArgument("no");
          if (number % 5 == 1) {
            return connection.Execute("INSERT INTO notes(name) VALUES ($1)", {name}).status();
          }
          return absl::OkStatus();
        });
        const absl::StatusCode expected = number % 5 == 0   ? absl::StatusCode::kInvalidArgument
                                          : number % 5 == 1 ? absl::StatusCode::kAlreadyExists
                                                            : absl::StatusCode::kOk;
        EXPECT_EQ(status.code(), expected) << status;
        refused += status.ok() ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(refused, 80);
  EXPECT_EQ(Count(), 120);
}

TEST_P(DatabaseTest, AReaderKeepsItsStateWhileOthersWrite) {
  ASSERT_TRUE(Insert("one").ok());
  const absl::Status status = database_->Read([&](Connection& connection) -> absl::Status {
    std::vector<int64_t> counts;
    const auto count = [&] {
      return connection.Query("SELECT COUNT(*) FROM notes", {}, [&](const Row& row) {
        counts.push_back(row.Integer(0));
        return absl::OkStatus();
      });
    };
    RETURN_IF_ERROR(count());
    EXPECT_TRUE(Insert("two").ok());
    RETURN_IF_ERROR(count());
    EXPECT_EQ(counts, (std::vector<int64_t>{1, 1}));
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(Count(), 2);
}

TEST_P(DatabaseTest, AReaderCannotWriteAndATransactionCannotStartAnother) {
  EXPECT_FALSE(database_
                   ->Read([](Connection& connection) {
                     return connection.Execute("INSERT INTO notes(name) VALUES ('x')", {}).status();
                   })
                   .ok());
  const absl::Status nested = database_->Write([&](Connection&) { return Insert("inner"); });
  EXPECT_EQ(nested.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(Count(), 0);
}

TEST_P(DatabaseTest, MigrationsRunOnceInOrderAndAllOrNothing) {
  ASSERT_TRUE(Insert("kept").ok());
  EXPECT_EQ(Count(GetParam() == Engine::kSqlite ? "only_sqlite" : "only_postgresql"), 0);
  auto migrations = OneTable();
  Migration second{.version = 2, .name = "second"};
  second.sql = {"CREATE TABLE more(x BIGINT)", "INSERT INTO more(x) VALUES (7)"};
  migrations.push_back(second);
  Migration broken{.version = 3, .name = "broken"};
  broken.sql = {"CREATE TABLE half(x BIGINT)", "INSERT INTO nowhere(x) VALUES (1)"};
  auto with_broken = migrations;
  with_broken.push_back(broken);
  database_.reset();
  const auto failed = OpenDatabase({.location = location_, .migrations = with_broken});
  ASSERT_FALSE(failed.ok());
  EXPECT_NE(failed.status().message().find("migration 3 (broken)"), absl::string_view::npos);
  Open(migrations);
  EXPECT_EQ(Count("more"), 1);
  EXPECT_EQ(Count(), 1);
  EXPECT_FALSE(database_
                   ->Read([](Connection& connection) {
                     return connection.Query("SELECT * FROM half", {}, nullptr);
                   })
                   .ok());
  // A newer database is refused by an older program.
  database_.reset();
  const auto older = OpenDatabase({.location = location_, .migrations = OneTable()});
  EXPECT_EQ(older.status().code(), absl::StatusCode::kFailedPrecondition);
}

// What `die` does in a statement.
void Die(sqlite3_context*, int, sqlite3_value**) { (void)raise(SIGKILL); }

int MakeDie(sqlite3* database, char**, const void*) {
  return sqlite3_create_function(database, "die", 0, SQLITE_UTF8, nullptr, Die, nullptr, nullptr);
}

// The test's child opens the parent's database, whose place it finds in the environment.
constexpr const char* kPlace = "BOWERBIRD_KILLED_MIGRATION";

void MigrateUntilKilled(const std::vector<Migration>& migrations) {
  sqlite3_auto_extension(reinterpret_cast<void (*)()>(MakeDie));
  const auto opened = OpenDatabase({.location = std::getenv(kPlace), .migrations = migrations});
  std::fprintf(stderr, "not killed: %s\n", opened.status().ToString().c_str());
}

TEST_P(DatabaseTest, AMigrationThatIsKilledInTheMiddleIsDoneByTheNextStart) {
  const bool sqlite = GetParam() == Engine::kSqlite;
  ASSERT_TRUE(Insert("kept").ok());
  auto migrations = OneTable();
  Migration second{.version = 2, .name = "second"};
  second.sql = {"CREATE TABLE more(x BIGINT)", "INSERT INTO more(x) VALUES (7)"};
  migrations.push_back(second);
  auto killed = migrations;
  killed.back().sql.push_back(sqlite ? "SELECT die()"
                                     : "SELECT pg_terminate_backend(pg_backend_pid())");
  database_.reset();
  if (sqlite) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    (void)setenv(kPlace, location_.c_str(), 0);
    EXPECT_EXIT(MigrateUntilKilled(killed), testing::KilledBySignal(SIGKILL), "");
    (void)unsetenv(kPlace);
  } else {
    const auto cut = OpenDatabase({.location = location_, .migrations = killed});
    EXPECT_EQ(cut.status().code(), absl::StatusCode::kUnavailable) << cut.status();
  }
  Open(migrations);
  EXPECT_EQ(Count("more"), 1);
  EXPECT_EQ(Count(), 1);
  EXPECT_EQ(Count("schema_version"), 2);
}

TEST_P(DatabaseTest, IsOpenedByOneProcessAtATime) {
  const auto second = OpenDatabase({.location = location_, .migrations = OneTable()});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  database_.reset();
  EXPECT_TRUE(OpenDatabase({.location = location_, .migrations = OneTable()}).ok());
}

// Whoever is told UNAVAILABLE tries again; a key that is taken then says that it had been done.
TEST_P(DatabaseTest, AServerThatDropsItsConnectionsLosesAndDoublesNothing) {
  if (GetParam() != Engine::kPostgresql) GTEST_SKIP() << "SQLite has no connections to drop";
  constexpr int kThreads = 4, kNames = 40;
  std::atomic<int> running = kThreads;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int number = 0; number < kNames; ++number) {
        const std::string name = std::to_string(thread) + "." + std::to_string(number);
        absl::Status status = Insert(name);
        for (int again = 0; absl::IsUnavailable(status) && again < 1000; ++again) {
          std::this_thread::sleep_for(std::chrono::milliseconds(5));
          status = Insert(name);
        }
        EXPECT_TRUE(status.ok() || absl::IsAlreadyExists(status)) << status;
      }
      --running;
    });
  }
  int dropped = 0;
  while (running > 0) {
    const absl::Status read = database_->Read([&](Connection& connection) {
      return connection.Query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
          " WHERE datname = current_database() AND pid <> pg_backend_pid()",
          {}, [&](const Row&) {
            ++dropped;
            return absl::OkStatus();
          });
    });
    EXPECT_TRUE(read.ok() || absl::IsUnavailable(read)) << read;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(dropped, 0);
  EXPECT_EQ(Count(), kThreads * kNames);
}

TEST_P(DatabaseTest, AProcessThatHoldsTheFileMakesWritersWaitAndThenFail) {
  if (GetParam() != Engine::kSqlite) GTEST_SKIP() << "only SQLite locks files";
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open((folder_ + "/test.db").c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  EXPECT_EQ(Insert("refused").code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Count(), 0);  // readers go on meanwhile
  ASSERT_EQ(sqlite3_exec(other, "COMMIT", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  EXPECT_TRUE(Insert("taken").ok());
  EXPECT_EQ(Count(), 1);
}

TEST_P(DatabaseTest, ManyShapesOfStatementsDoNotPileUp) {
  const absl::Status status = database_->Write([](Connection& connection) -> absl::Status {
    for (int number = 0; number < 500; ++number) {
      RETURN_IF_ERROR(connection.Query("SELECT " + std::to_string(number), {}, nullptr));
    }
    return connection.Execute("INSERT INTO notes(name) VALUES ('x')", {}).status();
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(Count(), 1);
}

TEST(OpenDatabaseTest, ALocationThatIsNoneIsRefused) {
  for (const char* const location : {"", "sqlite:", "mysql://x", "/a/path"}) {
    EXPECT_EQ(OpenDatabase({.location = location, .migrations = {}}).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(
      OpenDatabase({.location = "postgresql:///x?host=/nowhere", .migrations = {}}).status().code(),
      absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace bowerbird::store
