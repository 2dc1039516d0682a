// SPDX-License-Identifier: Apache-2.0
//
// One connection to an SQLite file, with its prepared statements. Used by one thread at a time.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>
#include <unordered_map>

#include "store/database.h"

namespace bowerbird::store {

struct SqliteStatementEnd {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using SqliteStatement = std::unique_ptr<sqlite3_stmt, SqliteStatementEnd>;

// The code and message of what went wrong last.
absl::Status SqliteError(sqlite3* database, int code);

class SqliteConnection : public Connection {
 public:
  struct Options {
    bool read_only = false;
    int cache_kilobytes = 4096;
  };
  static absl::StatusOr<std::unique_ptr<SqliteConnection>> Open(const std::string& path,
                                                                const Options& options);
  ~SqliteConnection() override;
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  using Connection::Execute;
  using Connection::Query;
  using Connection::Scan;
  absl::Status Query(const std::string& sql, std::span<const Value> parameters,
                     const OnRow& row) override;
  absl::Status Scan(const std::string& sql, std::span<const int64_t> parameters,
                    const OnRow& row) override;
  absl::StatusOr<int64_t> Execute(const std::string& sql,
                                  std::span<const Value> parameters) override;

  // Statements without parameters, in order.
  absl::Status Run(const std::string& sql);
  sqlite3* handle() { return database_; }

 private:
  explicit SqliteConnection(sqlite3* database) : database_(database) {}
  // Taken out of the kept ones, so that a query inside a query has its own.
  absl::StatusOr<SqliteStatement> Take(const std::string& sql);
  void Keep(const std::string& sql, SqliteStatement statement);

  sqlite3* const database_;
  std::unordered_map<std::string, SqliteStatement> statements_;
};

}  // namespace bowerbird::store
