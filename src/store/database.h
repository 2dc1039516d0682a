// SPDX-License-Identifier: Apache-2.0
//
// A database: SQLite in a file, or a PostgreSQL server. The rooms above write SQL that both
// understand, with parameters $1, $2, …; words in braces stand for what differs (Migration).
//
// - One thread writes ("db-write"). Transactions that callers hand in while it commits are
// committed
//   together, each under its own savepoint; a caller is answered once its transaction is durable.
// - Reads run in the caller's thread on connections of their own, each in one consistent state, and
//   do not wait for the writer.
// - Everything waits in bounded queues: a caller that finds one full waits its turn.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "base/context.h"

namespace bowerbird::store {

// Bytes, not text. Does not own them: they must live until the call returns.
struct Bytes {
  std::string_view bytes{};
};
// A parameter. Text and bytes are not copied.
using Value = std::variant<std::monostate, int64_t, double, std::string_view, Bytes>;

// A row of a result; valid during the callback only. Columns count from 0. Null reads as 0 or "".
class Row {
 public:
  virtual ~Row() = default;
  virtual bool IsNull(int column) const = 0;
  virtual int64_t Integer(int column) const = 0;
  virtual double Real(int column) const = 0;
  virtual std::string_view Text(int column) const = 0;
  virtual std::string_view Blob(int column) const = 0;
};

// A connection inside a transaction. Belongs to the callback that got it.
class Connection {
 public:
  using OnRow = std::function<absl::Status(const Row&)>;

  virtual ~Connection() = default;
  // An error of `row` ends the query and is returned. ALREADY_EXISTS: a unique key is taken;
  // RESOURCE_EXHAUSTED: the disk is full; DATA_LOSS: the file is damaged; UNAVAILABLE: no server.
  // The message holds no parameter.
  virtual absl::Status Query(const std::string& sql, std::span<const Value> parameters,
                             const OnRow& row) = 0;
  // A SELECT over many rows, which are handed over as the database finds them: in any order if it
  // asks for none, none of them kept in memory. Parameters are integers. Columns are read by the
  // call for their type: Integer for BIGINT, Blob for {bytes}, Text for {text}. Errors as Query.
  virtual absl::Status Scan(const std::string& sql, std::span<const int64_t> parameters,
                            const OnRow& row) = 0;
  // How many rows it changed.
  virtual absl::StatusOr<int64_t> Execute(const std::string& sql,
                                          std::span<const Value> parameters) = 0;

  absl::Status Query(const std::string& sql, std::initializer_list<Value> parameters,
                     const OnRow& row) {
    return Query(sql, std::span<const Value>(parameters.begin(), parameters.size()), row);
  }
  absl::Status Scan(const std::string& sql, std::initializer_list<int64_t> parameters,
                    const OnRow& row) {
    return Scan(sql, std::span<const int64_t>(parameters.begin(), parameters.size()), row);
  }
  absl::StatusOr<int64_t> Execute(const std::string& sql, std::initializer_list<Value> parameters) {
    return Execute(sql, std::span<const Value>(parameters.begin(), parameters.size()));
  }
};

enum class Engine { kSqlite, kPostgresql };

// A step from one version of the schema to the next, in one transaction. Never changed once
// released. Words that differ between the engines: {id} an integer primary key that is given out,
// {text}, {bytes}, {json}, {real}, and {clustered} at the end of a table that is only its index.
struct Migration {
  int version = 0;  // 1, 2, 3, …
  std::string_view name{};
  std::vector<std::string> sql{};             // both
  std::vector<std::string> sqlite_sql{};      // then, only there
  std::vector<std::string> postgresql_sql{};  // then, only there
};

// What a user's query may see: the name of a view and the SELECT that it stands for.
struct UserView {
  std::string name{};
  std::string select{};
};

struct UserQuery {
  std::string sql{};
  UserView view{};
  std::chrono::nanoseconds time_limit = std::chrono::seconds(10);
  uint64_t row_limit = 10'000;
  uint64_t byte_limit = uint64_t{64} << 20;
};

struct UserValue {
  enum class Kind { kNull, kInteger, kReal, kText, kBytes, kTime, kJson };
  Kind kind = Kind::kNull;
  int64_t integer = 0;  // kTime: nanoseconds since 1970
  double real = 0;
  std::string text{};
};

struct UserResult {
  std::vector<std::string> columns{};
  std::vector<std::vector<UserValue>> rows{};
};

class Database {
 public:
  using Work = std::function<absl::Status(Connection&)>;

  virtual ~Database() = default;
  virtual Engine engine() const = 0;

  // Runs `work` on the writer's thread and returns once it is committed; an error of `work` undoes
  // what it did, and nothing else. UNAVAILABLE after a connection broke: whether it was committed
  // is not known, so changes that a caller repeats must be such that they can be. `work` must not
  // call Write (INTERNAL).
  virtual absl::Status Write(const Work& work) = 0;
  // Runs `work` in the caller's thread in a read-only transaction.
  virtual absl::Status Read(const Work& work) = 0;

  // A statement that a user wrote, on a connection that can only read: one SELECT over `view`.
  // INVALID_ARGUMENT: it is not that, or does not parse; PERMISSION_DENIED: it asks for another
  // table or a function that is not allowed; DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED: its limits;
  // CANCELLED: nobody waits any more.
  virtual absl::StatusOr<UserResult> RunUserQuery(const Context& context,
                                                  const UserQuery& query) = 0;
};

struct DatabaseOptions {
  // "sqlite:PATH" or "postgresql://…" (libpq's URI).
  std::string location{};
  std::vector<Migration> migrations{};
};

// Opens, makes and migrates. FAILED_PRECONDITION: the database is newer than the program, or
// another process has it open.
absl::StatusOr<std::unique_ptr<Database>> OpenDatabase(const DatabaseOptions& options);

}  // namespace bowerbird::store
