// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite_connection.h"

#include <utility>
#include <vector>

#include "base/status.h"
#include "store/sqlite_memory.h"

namespace bowerbird::store {
namespace {

// Filters make statements of many shapes; beyond so many the kept ones are dropped.
constexpr size_t kMostStatements = 200;

absl::StatusCode CodeOf(int code) {
  switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return absl::StatusCode::kAlreadyExists;
    default:
      break;
  }
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::StatusCode::kDataLoss;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
      return absl::StatusCode::kUnavailable;
    case SQLITE_INTERRUPT:
      return absl::StatusCode::kCancelled;
    case SQLITE_AUTH:
    case SQLITE_PERM:
      return absl::StatusCode::kPermissionDenied;
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
      return absl::StatusCode::kFailedPrecondition;
    default:
      return absl::StatusCode::kInternal;
  }
}

class SqliteRow : public Row {
 public:
  explicit SqliteRow(sqlite3_stmt* statement) : statement_(statement) {}
  bool IsNull(int column) const override {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
  }
  int64_t Integer(int column) const override { return sqlite3_column_int64(statement_, column); }
  double Real(int column) const override { return sqlite3_column_double(statement_, column); }
  std::string_view Text(int column) const override {
    const auto* const text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return text == nullptr ? std::string_view() : std::string_view(text, Size(column));
  }
  std::string_view Blob(int column) const override {
    const auto* const bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    return bytes == nullptr ? std::string_view() : std::string_view(bytes, Size(column));
  }

 private:
  size_t Size(int column) const {
    return static_cast<size_t>(sqlite3_column_bytes(statement_, column));
  }
  sqlite3_stmt* const statement_;
};

struct BindValue {
  sqlite3_stmt* statement;
  int index;
  int operator()(std::monostate) const { return sqlite3_bind_null(statement, index); }
  int operator()(int64_t value) const { return sqlite3_bind_int64(statement, index, value); }
  int operator()(double value) const { return sqlite3_bind_double(statement, index, value); }
  int operator()(std::string_view text) const {
    return sqlite3_bind_text64(statement, index, text.data() == nullptr ? "" : text.data(),
                               text.size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  int operator()(Bytes value) const {
    return sqlite3_bind_blob64(statement, index,
                               value.bytes.data() == nullptr ? "" : value.bytes.data(),
                               value.bytes.size(), SQLITE_STATIC);
  }
};

// $N is a name to SQLite: the same number may stand at several places or at none.
absl::Status Bind(sqlite3* database, sqlite3_stmt* statement, std::span<const Value> parameters) {
  for (int index = 1; index <= sqlite3_bind_parameter_count(statement); ++index) {
    const char* const name = sqlite3_bind_parameter_name(statement, index);
    size_t number = 0;
    for (const char* digit = name == nullptr ? "" : name + 1; *digit != 0; ++digit) {
      number = number * 10 + static_cast<size_t>(*digit - '0');
    }
    if (number == 0 || number > parameters.size()) {
      return Internal("a statement has a parameter without a value");
    }
    const int code = std::visit(BindValue{statement, index}, parameters[number - 1]);
    if (code != SQLITE_OK) return SqliteError(database, code);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status SqliteError(sqlite3* database, int code) {
  const std::string message = std::string("SQLite: ") + sqlite3_errmsg(database);
  return absl::Status(CodeOf(code), ToAbsl(message));
}

absl::StatusOr<std::unique_ptr<SqliteConnection>> SqliteConnection::Open(const std::string& path,
                                                                         const Options& options) {
  RETURN_IF_ERROR(CountSqliteMemory());
  sqlite3* database = nullptr;
  const int flags =
      options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  // Connections are never used by two threads at once.
  const int code = sqlite3_open_v2(path.c_str(), &database, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection(database));
  if (code != SQLITE_OK) return Annotate(SqliteError(database, code), "open " + path);
  sqlite3_extended_result_codes(database, 1);
  sqlite3_busy_timeout(database, 5000);
  RETURN_IF_ERROR(connection->Run("PRAGMA cache_size=-" + std::to_string(options.cache_kilobytes)));
  if (options.read_only) RETURN_IF_ERROR(connection->Run("PRAGMA query_only=ON"));
  return connection;
}

SqliteConnection::~SqliteConnection() {
  statements_.clear();
  sqlite3_close_v2(database_);
}

absl::StatusOr<SqliteStatement> SqliteConnection::Take(const std::string& sql) {
  if (auto node = statements_.extract(sql); !node.empty()) return std::move(node.mapped());
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(database_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return SqliteError(database_, code);
  return SqliteStatement(statement);
}

void SqliteConnection::Keep(const std::string& sql, SqliteStatement statement) {
  sqlite3_reset(statement.get());
  sqlite3_clear_bindings(statement.get());
  if (statements_.size() >= kMostStatements) statements_.clear();
  statements_.insert_or_assign(sql, std::move(statement));
}

absl::Status SqliteConnection::Query(const std::string& sql, std::span<const Value> parameters,
                                     const OnRow& row) {
  ASSIGN_OR_RETURN(SqliteStatement statement, Take(sql));
  RETURN_IF_ERROR(Bind(database_, statement.get(), parameters));
  const SqliteRow view(statement.get());
  absl::Status status;
  int code = SQLITE_ROW;
  while (status.ok() && (code = sqlite3_step(statement.get())) == SQLITE_ROW) {
    if (row != nullptr) status = row(view);
  }
  if (status.ok() && code != SQLITE_DONE) return SqliteError(database_, code);
  Keep(sql, std::move(statement));
  return status;
}

absl::Status SqliteConnection::Scan(const std::string& sql, std::span<const int64_t> parameters,
                                    const OnRow& row) {
  const std::vector<Value> values(parameters.begin(), parameters.end());
  return Query(sql, std::span<const Value>(values), row);
}

absl::StatusOr<int64_t> SqliteConnection::Execute(const std::string& sql,
                                                  std::span<const Value> parameters) {
  RETURN_IF_ERROR(Query(sql, parameters, nullptr));
  return sqlite3_changes64(database_);
}

absl::Status SqliteConnection::Run(const std::string& sql) {
  const int code = sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : SqliteError(database_, code);
}

}  // namespace bowerbird::store
