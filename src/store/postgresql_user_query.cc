// SPDX-License-Identifier: Apache-2.0
#include <poll.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <utility>

#include "base/status.h"
#include "store/postgresql_connection.h"
#include "store/postgresql_database.h"
#include "store/user_query_rules.h"

namespace bowerbird::store {
namespace {

// Only this role's rights hold while the query runs: it has none but on the view. The statement can
// call only functions that are allowed, so it cannot go back to another role.
constexpr const char* kRole = "bowerbird_readings";
// Beyond the time limit that the server keeps.
constexpr std::chrono::seconds kGrace(2);

// https://www.postgresql.org/docs/15/catalog-pg-type.html
constexpr Oid kBool = 16;
constexpr Oid kBytea = 17;
constexpr Oid kInt8 = 20;
constexpr Oid kInt2 = 21;
constexpr Oid kInt4 = 23;
constexpr Oid kJson = 114;
constexpr Oid kFloat4 = 700;
constexpr Oid kFloat8 = 701;
constexpr Oid kTimestamptz = 1184;
constexpr Oid kNumeric = 1700;
constexpr Oid kJsonb = 3802;

// "2026-01-31 12:00:00.123456+00"
bool ReadTime(const std::string& text, int64_t& nanoseconds) {
  std::tm parts{};
  int end = 0;
  if (std::sscanf(text.c_str(), "%d-%d-%d %d:%d:%d%n", &parts.tm_year, &parts.tm_mon,
                  &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &end) != 6) {
    return false;
  }
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  int64_t fraction = 0;
  size_t at = static_cast<size_t>(end);
  if (at < text.size() && text[at] == '.') {
    int64_t unit = 100'000'000;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, unit /= 10) {
      fraction += (text[at] - '0') * unit;
    }
  }
  nanoseconds = timegm(&parts) * 1'000'000'000 + fraction;
  return true;
}

std::string DecodeBytes(const PGresult* result, int row, int column) {
  size_t size = 0;
  unsigned char* const bytes = PQunescapeBytea(
      reinterpret_cast<const unsigned char*>(PQgetvalue(result, row, column)), &size);
  std::string copy(reinterpret_cast<const char*>(bytes), bytes == nullptr ? 0 : size);
  PQfreemem(bytes);
  return copy;
}

UserValue ValueOf(const PGresult* result, int row, int column) {
  UserValue value;
  if (PQgetisnull(result, row, column) != 0) return value;
  value.text.assign(PQgetvalue(result, row, column),
                    static_cast<size_t>(PQgetlength(result, row, column)));
  const char* const begin = value.text.data();
  const char* const end = begin + value.text.size();
  switch (PQftype(result, column)) {
    case kBool:
      value.kind = UserValue::Kind::kInteger;
      value.integer = value.text == "t" ? 1 : 0;
      break;
    case kInt2:
    case kInt4:
    case kInt8:
      value.kind = UserValue::Kind::kInteger;
      std::from_chars(begin, end, value.integer);
      break;
    case kFloat4:
    case kFloat8:
    case kNumeric:
      value.kind = UserValue::Kind::kReal;
      std::from_chars(begin, end, value.real);
      break;
    case kJson:
    case kJsonb:
      value.kind = UserValue::Kind::kJson;
      return value;
    case kBytea:
      value.kind = UserValue::Kind::kBytes;
      value.text = DecodeBytes(result, row, column);
      return value;
    case kTimestamptz:
      value.kind =
          ReadTime(value.text, value.integer) ? UserValue::Kind::kTime : UserValue::Kind::kText;
      return value;
    default:
      value.kind = UserValue::Kind::kText;
      return value;
  }
  value.text.clear();
  return value;
}

absl::Status MakeRole(PostgresqlConnection& connection) {
  bool exists = false;
  RETURN_IF_ERROR(connection.Query("SELECT 1 FROM pg_roles WHERE rolname = $1",
                                   {std::string_view(kRole)}, [&](const Row&) {
                                     exists = true;
                                     return absl::OkStatus();
                                   }));
  if (!exists) {
    const std::string role = kRole;
    const absl::Status made = connection.Run("CREATE ROLE " + role + " NOLOGIN");
    if (!made.ok() && !absl::IsAlreadyExists(made)) {
      return FailedPrecondition(
          "SQL queries need a role without rights, which this PostgreSQL user may not make: run"
          " CREATE ROLE " +
          role + " NOLOGIN; GRANT " + role + " TO the user that Bowerbird connects as");
    }
    RETURN_IF_ERROR(connection.Run("GRANT " + role + " TO CURRENT_USER"));
  }
  return absl::OkStatus();
}

absl::Status Prepare(PostgresqlConnection& connection, const UserQuery& query) {
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(query.time_limit).count();
  const std::string view = query.view.name;
  for (const std::string& statement :
       {std::string("BEGIN"),
        // A barrier: the query's own conditions see no row of another organization.
        "CREATE TEMP VIEW " + view + " WITH (security_barrier) AS " + query.view.select,
        "GRANT SELECT ON " + view + " TO " + kRole,
        "SET LOCAL statement_timeout = " + std::to_string(milliseconds),
        std::string("SET LOCAL work_mem = '16MB'"), std::string("SET TRANSACTION READ ONLY"),
        std::string("SET LOCAL ROLE ") + kRole}) {
    RETURN_IF_ERROR(connection.Run(statement));
  }
  return absl::OkStatus();
}

absl::Status QueryError(const absl::Status& status) {
  // Anything that PostgreSQL says of the statement itself is the user's to correct.
  return absl::IsInternal(status) ? InvalidArgument(MessageOf(status)) : status;
}

struct Patience {
  const Context& context;
  // The server ends the query itself before; but not inside some of its functions.
  std::chrono::steady_clock::time_point deadline;
  uint64_t row_bytes;  // libpq keeps a row in memory until it is whole
};

// Waits until the server has sent a row or said that there is none.
absl::Status WaitForInput(PGconn* handle, const Patience& patience) {
  uint64_t arrived = 0;
  while (PQisBusy(handle) != 0) {
    pollfd socket{.fd = PQsocket(handle), .events = POLLIN, .revents = 0};
    const int ready = poll(&socket, 1, static_cast<int>(kCancellationPoll.count()));
    if (ready < 0 && errno != EINTR) return ErrnoStatus(errno, "wait for PostgreSQL");
    RETURN_IF_ERROR(patience.context.Check());
    if (std::chrono::steady_clock::now() >= patience.deadline) {
      return absl::DeadlineExceededError("the query took too long: ask for a shorter time");
    }
    if (ready <= 0) continue;
    int waiting = 0;
    if (ioctl(socket.fd, FIONREAD, &waiting) == 0 && waiting > 0) {
      arrived += static_cast<uint64_t>(waiting);
    }
    if (arrived > patience.row_bytes) {
      return ResourceExhausted("a row of the query's result has more than " +
                               std::to_string(patience.row_bytes >> 20) + " MB: ask for less");
    }
    if (PQconsumeInput(handle) == 0) return PostgresqlError(handle, nullptr);
  }
  return absl::OkStatus();
}

absl::Status AddRows(const PGresult* part, const UserQuery& query, uint64_t& bytes,
                     UserResult& result) {
  const int columns = PQnfields(part);
  if (result.columns.empty()) {
    for (int column = 0; column < columns; ++column) {
      result.columns.emplace_back(PQfname(part, column));
    }
  }
  for (int row = 0; row < PQntuples(part); ++row) {
    if (result.rows.size() >= query.row_limit) {
      return ResourceExhausted("the query has more than " + std::to_string(query.row_limit) +
                               " rows: add a LIMIT or a condition");
    }
    auto& values = result.rows.emplace_back();
    for (int column = 0; column < columns; ++column) {
      values.push_back(ValueOf(part, row, column));
      bytes += sizeof(UserValue) + values.back().text.size();
    }
    if (bytes > query.byte_limit) {
      return ResourceExhausted("the query's result has more than " +
                               std::to_string(query.byte_limit >> 20) + " MB: ask for less");
    }
  }
  return absl::OkStatus();
}

absl::Status Receive(PGconn* handle, const Context& context, const UserQuery& query,
                     UserResult& result) {
  uint64_t bytes = 0;
  const Patience patience{
      .context = context,
      .deadline = std::chrono::steady_clock::now() + kGrace +
                  std::chrono::duration_cast<std::chrono::steady_clock::duration>(query.time_limit),
      .row_bytes = query.byte_limit};
  while (true) {
    RETURN_IF_ERROR(WaitForInput(handle, patience));
    const PostgresqlResult part(PQgetResult(handle));
    if (part == nullptr) return absl::OkStatus();
    const ExecStatusType status = PQresultStatus(part.get());
    if (status != PGRES_SINGLE_TUPLE && status != PGRES_TUPLES_OK) {
      return QueryError(PostgresqlError(handle, part.get()));
    }
    RETURN_IF_ERROR(AddRows(part.get(), query, bytes, result));
  }
}

}  // namespace

absl::StatusOr<UserResult> RunPostgresqlUserQuery(const std::string& uri, const Context& context,
                                                  const UserQuery& query) {
  RETURN_IF_ERROR(CheckUserStatement(query.sql));
  if (query.sql.find('\0') != std::string::npos) {
    return InvalidArgument("the query holds a NUL character");
  }
  // A connection of its own, closed afterwards: nothing that the query does to it outlives it.
  ASSIGN_OR_RETURN(const auto connection, PostgresqlConnection::Open(uri));
  RETURN_IF_ERROR(MakeRole(*connection));
  RETURN_IF_ERROR(Prepare(*connection, query));
  PGconn* const handle = connection->handle();
  if (PQsendQueryParams(handle, query.sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) == 0 ||
      PQsetSingleRowMode(handle) == 0) {
    return PostgresqlError(handle, nullptr);
  }
  UserResult result;
  const absl::Status received = Receive(handle, context, query, result);
  if (!received.ok()) {
    if (PGcancel* const cancel = PQgetCancel(handle); cancel != nullptr) {
      char error[256];
      (void)PQcancel(cancel, error, sizeof error);
      PQfreeCancel(cancel);
    }
    return received;
  }
  return result;
}

}  // namespace bowerbird::store
