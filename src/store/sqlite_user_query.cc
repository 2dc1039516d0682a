// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cstdio>
#include <ctime>
#include <string_view>

#include "base/sha256.h"
#include "base/status.h"
#include "store/sqlite_connection.h"
#include "store/sqlite_database.h"
#include "store/sqlite_memory.h"
#include "store/sqlite_text_functions.h"
#include "store/user_query_rules.h"

namespace bowerbird::store {
namespace {

using Clock = std::chrono::steady_clock;

// Of everything that a query has at a time: values, sorting, the pages it reads.
constexpr int64_t kMemory = int64_t{256} << 20;
// Where the time is looked at, and how much can be done until then: SQLite cannot be interrupted
// within a function or between two jumps of its program. What these leave is measured in
// docs/data.md.
constexpr int kStepsPerQuestion = 100;
constexpr int kMostValueBytes = 8 << 20;  // and a row that is sorted; a reading has at most 4 MB
constexpr int kMostStatementBytes = 32'000;
constexpr int kMostInstructions = 10'000;
constexpr int kMostArguments = 32;

// What the hooks of a running query look at.
struct Watch {
  const Context& context;
  Clock::time_point deadline;
  // The tables may be read only on behalf of the inner view. A user can call a subquery or alias
  // what he likes, and the authorizer would take it for a view of that name: this one's name cannot
  // be guessed.
  std::string inner_view;
  std::string outer_view;
  bool timed_out = false;
  std::string refused;
};

// Sticks: whatever SQLite makes of an end, the reason is known.
bool MustEnd(Watch& watch) {
  watch.timed_out = watch.timed_out || Clock::now() >= watch.deadline;
  return watch.timed_out || !watch.context.Check().ok();
}

int Progress(void* data) { return MustEnd(*static_cast<Watch*>(data)) ? 1 : 0; }

int Refuse(Watch& watch, std::string what) {
  watch.refused = std::move(what);
  return SQLITE_DENY;
}

std::string_view TextOf(const char* text) { return text == nullptr ? "" : text; }

// These operators are functions to SQLite.
bool IsAllowed(std::string_view function) {
  return function == "->" || function == "->>" || function == "glob" || IsAllowedFunction(function);
}

// https://www.sqlite.org/c3ref/set_authorizer.html: `scope` is the innermost view or subquery.
int Authorize(void* data, int action, const char* first, const char* second, const char*,
              const char* scope) {
  Watch& watch = *static_cast<Watch*>(data);
  // Names that stand for one another many times over take their time here.
  if (MustEnd(watch)) return SQLITE_DENY;
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_FUNCTION:
      if (TextOf(scope) == watch.inner_view || IsAllowed(TextOf(second))) return SQLITE_OK;
      return Refuse(watch, "the function " + std::string(TextOf(second)));
    case SQLITE_READ: {
      const std::string_view table = TextOf(first);
      if (TextOf(scope) == watch.inner_view || table == watch.outer_view ||
          table == watch.inner_view || table == "json_each" || table == "json_tree") {
        return SQLITE_OK;
      }
      return Refuse(watch, "the table " + std::string(table));
    }
    default:
      return Refuse(watch, "anything but SELECT");
  }
}

UserValue ValueOf(sqlite3_stmt* statement, int column) {
  UserValue value;
  const auto text = [&] {
    const auto* const bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
    const int size = sqlite3_column_bytes(statement, column);
    return bytes == nullptr ? std::string() : std::string(bytes, static_cast<size_t>(size));
  };
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      value.kind = UserValue::Kind::kInteger;
      value.integer = sqlite3_column_int64(statement, column);
      break;
    case SQLITE_FLOAT:
      value.kind = UserValue::Kind::kReal;
      value.real = sqlite3_column_double(statement, column);
      break;
    case SQLITE_TEXT: {
      const std::string_view type = TextOf(sqlite3_column_decltype(statement, column));
      value.kind = type == "JSON"        ? UserValue::Kind::kJson
                   : type == "TIMESTAMP" ? UserValue::Kind::kTime
                                         : UserValue::Kind::kText;
      value.text = text();
      break;
    }
    case SQLITE_BLOB:
      value.kind = UserValue::Kind::kBytes;
      value.text = text();
      break;
    default:
      break;
  }
  return value;
}

// "2026-01-31T12:00:00.123456Z", as the table makes it.
void ReadTime(UserValue& value) {
  std::tm parts{};
  int microseconds = 0;
  if (std::sscanf(value.text.c_str(), "%d-%d-%dT%d:%d:%d.%6dZ", &parts.tm_year, &parts.tm_mon,
                  &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec,
                  &microseconds) != 7) {
    value.kind = UserValue::Kind::kText;
    return;
  }
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  value.integer = timegm(&parts) * 1'000'000'000 + int64_t{microseconds} * 1000;
}

absl::Status Ended(const Watch& watch, sqlite3* database, int code) {
  if (!watch.refused.empty()) {
    const std::string message = "the query may not use " + watch.refused + ": only the table " +
                                watch.outer_view + " can be read";
    return absl::PermissionDeniedError(ToAbsl(message));
  }
  if (watch.timed_out) {
    return absl::DeadlineExceededError("the query took too long: ask for a shorter time");
  }
  RETURN_IF_ERROR(watch.context.Check());
  if ((code & 0xff) == SQLITE_TOOBIG) {
    return ResourceExhausted("a text of the query, or the query, is too large (" +
                             std::to_string(kMostValueBytes >> 20) + " MB, " +
                             std::to_string(kMostStatementBytes / 1000) + " kB): ask for less");
  }
  if ((code & 0xff) == SQLITE_NOMEM) {
    return ResourceExhausted("the query takes more than " + std::to_string(kMemory >> 20) +
                             " MB of memory, or has too many parts: ask for less");
  }
  return InvalidArgument("the query cannot be run: " + std::string(sqlite3_errmsg(database)));
}

absl::StatusOr<UserResult> Run(sqlite3* database, const UserQuery& query, const Watch& watch,
                               sqlite3_stmt* statement) {
  UserResult result;
  const int columns = sqlite3_column_count(statement);
  for (int column = 0; column < columns; ++column) {
    result.columns.emplace_back(TextOf(sqlite3_column_name(statement, column)));
  }
  uint64_t bytes = 0;
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
    if (result.rows.size() >= query.row_limit) {
      return ResourceExhausted("the query has more than " + std::to_string(query.row_limit) +
                               " rows: add a LIMIT or a condition");
    }
    auto& row = result.rows.emplace_back();
    for (int column = 0; column < columns; ++column) {
      row.push_back(ValueOf(statement, column));
      if (row.back().kind == UserValue::Kind::kTime) ReadTime(row.back());
      bytes += sizeof(UserValue) + row.back().text.size();
    }
    if (bytes > query.byte_limit) {
      return ResourceExhausted("the query's result has more than " +
                               std::to_string(query.byte_limit >> 20) + " MB: ask for less");
    }
  }
  if (code != SQLITE_DONE) return Ended(watch, database, code);
  return result;
}

std::string Unguessable() {
  unsigned char bytes[16];
  sqlite3_randomness(sizeof bytes, bytes);
  std::string name = "v";
  name += HexOf(bytes);
  return name;
}

absl::Status MakeViews(SqliteConnection& connection, const UserQuery& query, const Watch& watch) {
  RETURN_IF_ERROR(connection.Run("PRAGMA query_only=OFF"));
  RETURN_IF_ERROR(
      connection.Run("CREATE TEMP VIEW " + watch.inner_view + " AS " + query.view.select));
  return connection.Run("CREATE TEMP VIEW " + query.view.name + " AS SELECT * FROM " +
                        watch.inner_view);
}

void Limit(sqlite3* database, const UserQuery& query, Watch& watch) {
  sqlite3_limit(database, SQLITE_LIMIT_LENGTH,
                static_cast<int>(std::min<uint64_t>(query.byte_limit, uint64_t{kMostValueBytes})));
  sqlite3_limit(database, SQLITE_LIMIT_SQL_LENGTH, kMostStatementBytes);
  sqlite3_limit(database, SQLITE_LIMIT_VDBE_OP, kMostInstructions);
  sqlite3_limit(database, SQLITE_LIMIT_FUNCTION_ARG, kMostArguments);
  sqlite3_limit(database, SQLITE_LIMIT_EXPR_DEPTH, 200);
  sqlite3_limit(database, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
  sqlite3_set_authorizer(database, Authorize, &watch);
  sqlite3_progress_handler(database, kStepsPerQuestion, Progress, &watch);
}

}  // namespace

absl::StatusOr<UserResult> RunSqliteUserQuery(const std::string& path, const Context& context,
                                              const UserQuery& query) {
  ASSIGN_OR_RETURN(const auto connection,
                   SqliteConnection::Open(path, {.read_only = true, .cache_kilobytes = 8192}));
  Watch watch{
      .context = context,
      .deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(query.time_limit),
      .inner_view = Unguessable(),
      .outer_view = query.view.name,
      .refused = ""};
  RETURN_IF_ERROR(MakeViews(*connection, query, watch));
  sqlite3* const database = connection->handle();
  const MustStop must_stop = [&watch] { return MustEnd(watch); };
  RETURN_IF_ERROR(ReplaceTextFunctions(database, must_stop));
  Limit(database, query, watch);
  const SqliteMemoryLimit memory(kMemory, must_stop);
  sqlite3_stmt* prepared = nullptr;
  const char* tail = nullptr;
  const int code = sqlite3_prepare_v2(database, query.sql.data(),
                                      static_cast<int>(query.sql.size()), &prepared, &tail);
  const SqliteStatement statement(prepared);
  if (code != SQLITE_OK) return Ended(watch, database, code);
  if (prepared == nullptr) return InvalidArgument("the query is empty");
  const std::string_view rest(tail,
                              static_cast<size_t>(query.sql.data() + query.sql.size() - tail));
  if (rest.find_first_not_of(" \t\r\n;") != std::string_view::npos) {
    return InvalidArgument("only one statement is allowed");
  }
  if (sqlite3_stmt_readonly(prepared) == 0) {
    return InvalidArgument("only SELECT statements are allowed");
  }
  return Run(database, query, watch, prepared);
}

}  // namespace bowerbird::store
