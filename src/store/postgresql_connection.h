// SPDX-License-Identifier: Apache-2.0
//
// One connection to a PostgreSQL server, with its prepared statements. Used by one thread at a
// time.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <unordered_map>

#include "store/database.h"

namespace bowerbird::store {

struct PostgresqlResultEnd {
  void operator()(PGresult* result) const { PQclear(result); }
};
using PostgresqlResult = std::unique_ptr<PGresult, PostgresqlResultEnd>;

class PostgresqlConnection : public Connection {
 public:
  static absl::StatusOr<std::unique_ptr<PostgresqlConnection>> Open(const std::string& uri);
  ~PostgresqlConnection() override;
  PostgresqlConnection(const PostgresqlConnection&) = delete;
  PostgresqlConnection& operator=(const PostgresqlConnection&) = delete;

  using Connection::Execute;
  using Connection::Query;
  using Connection::Scan;
  // A result is held in memory as a whole: Scan what may be large.
  absl::Status Query(const std::string& sql, std::span<const Value> parameters,
                     const OnRow& row) override;
  absl::Status Scan(const std::string& sql, std::span<const int64_t> parameters,
                    const OnRow& row) override;
  absl::StatusOr<int64_t> Execute(const std::string& sql,
                                  std::span<const Value> parameters) override;

  // A statement without parameters that is not kept.
  absl::Status Run(const std::string& sql);
  bool IsBroken() const { return PQstatus(connection_) != CONNECTION_OK; }
  PGconn* handle() { return connection_; }

 private:
  explicit PostgresqlConnection(PGconn* connection) : connection_(connection) {}
  absl::StatusOr<PostgresqlResult> RunPrepared(const std::string& sql,
                                               std::span<const Value> parameters);
  absl::StatusOr<std::string> Prepare(const std::string& sql);

  PGconn* const connection_;
  std::unordered_map<std::string, std::string> names_;
  int next_name_ = 0;
};

// Null where the result is one, else the error of the connection or of the statement.
absl::Status PostgresqlError(PGconn* connection, const PGresult* result);

}  // namespace bowerbird::store
