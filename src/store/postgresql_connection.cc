// SPDX-License-Identifier: Apache-2.0
#include "store/postgresql_connection.h"

#include <array>
#include <charconv>
#include <map>
#include <utility>
#include <vector>

#include "base/status.h"
#include "store/postgresql_copy.h"

namespace bowerbird::store {
namespace {

constexpr size_t kMostStatements = 200;
constexpr Oid kBytea = 17;

absl::StatusCode CodeOf(std::string_view state) {
  if (state == "23505") return absl::StatusCode::kAlreadyExists;
  if (state == "57014") return absl::StatusCode::kDeadlineExceeded;  // statement_timeout
  if (state == "42501" || state == "25006") return absl::StatusCode::kPermissionDenied;
  if (state == "22021" || state == "22P05") return absl::StatusCode::kInvalidArgument;  // text
  const std::string_view family = state.substr(0, 2);
  if (family == "53") return absl::StatusCode::kResourceExhausted;
  if (family == "08" || family == "57") return absl::StatusCode::kUnavailable;
  if (family == "28" || family == "3D") return absl::StatusCode::kFailedPrecondition;
  if (family == "58" || family == "XX") return absl::StatusCode::kDataLoss;
  return absl::StatusCode::kInternal;
}

std::string WithoutLineEnds(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  for (char& letter : text) {
    if (letter == '\n' || letter == '\t') letter = ' ';
  }
  return text;
}

// Values in the form of the protocol: text, except bytes.
class Parameters {
 public:
  explicit Parameters(std::span<const Value> values) {
    texts_.reserve(values.size());
    for (const Value& value : values) std::visit([this](auto one) { Add(one); }, value);
  }
  int count() const { return static_cast<int>(pointers_.size()); }
  const char* const* values() const { return pointers_.data(); }
  const int* lengths() const { return lengths_.data(); }
  const int* formats() const { return formats_.data(); }

 private:
  void Add(std::monostate) { Put(nullptr, 0, 0); }
  void Add(int64_t value) { AddText(std::to_string(value)); }
  void Add(double value) {
    std::array<char, 40> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value);
    AddText(std::string(text.data(), end.ptr));
  }
  void Add(std::string_view text) { AddText(std::string(text)); }
  void Add(Bytes value) {
    Put(value.bytes.data() == nullptr ? "" : value.bytes.data(), value.bytes.size(), 1);
  }
  // Texts must be ended by a NUL, which a view is not.
  void AddText(std::string text) {
    texts_.push_back(std::move(text));
    Put(texts_.back().c_str(), texts_.back().size(), 0);
  }
  void Put(const char* data, size_t size, int format) {
    pointers_.push_back(data);
    lengths_.push_back(static_cast<int>(size));
    formats_.push_back(format);
  }
  std::vector<std::string> texts_;
  std::vector<const char*> pointers_;
  std::vector<int> lengths_, formats_;
};

class PostgresqlRow : public Row {
 public:
  explicit PostgresqlRow(const PGresult* result) : result_(result) {}
  void Go(int row) {
    row_ = row;
    decoded_.clear();
  }
  bool IsNull(int column) const override { return PQgetisnull(result_, row_, column) != 0; }
  int64_t Integer(int column) const override {
    const std::string_view text = Text(column);
    int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  }
  double Real(int column) const override {
    const std::string_view text = Text(column);
    double value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  }
  std::string_view Text(int column) const override {
    return {PQgetvalue(result_, row_, column),
            static_cast<size_t>(PQgetlength(result_, row_, column))};
  }
  std::string_view Blob(int column) const override {
    if (PQftype(result_, column) != kBytea) return Text(column);
    const auto [at, fresh] = decoded_.try_emplace(column);
    if (fresh) at->second = Decode(Text(column));
    return at->second;
  }

 private:
  // "\x0aff…"
  static std::string Decode(std::string_view text) {
    std::string bytes;
    bytes.reserve(text.size() / 2);
    for (size_t digit = 2; digit + 1 < text.size(); digit += 2) {
      unsigned value = 0;
      std::from_chars(text.data() + digit, text.data() + digit + 2, value, 16);
      bytes += static_cast<char>(static_cast<unsigned char>(value));
    }
    return bytes;
  }
  const PGresult* const result_;
  int row_ = 0;
  mutable std::map<int, std::string> decoded_;
};

void DropNotice(void*, const char*) {}

// For the rest of the transaction: what sorting and joining may keep in memory. The server's own
// default of 4 MB sends a join of a million rows through files.
constexpr const char* kScanMemory = "SET LOCAL work_mem = '64MB'";

// COPY takes no parameters.
std::string Filled(std::string_view sql, std::span<const int64_t> parameters) {
  std::string text;
  for (size_t at = 0; at < sql.size(); ++at) {
    size_t number = 0, end = at + 1;
    if (sql[at] == '$') {
      end = static_cast<size_t>(
          std::from_chars(sql.data() + end, sql.data() + sql.size(), number).ptr - sql.data());
    }
    if (number == 0 || number > parameters.size()) {
      text += sql[at];
      continue;
    }
    text += "CAST(" + std::to_string(parameters[number - 1]) + " AS BIGINT)";
    at = end - 1;
  }
  return text;
}

}  // namespace

absl::Status PostgresqlError(PGconn* connection, const PGresult* result) {
  if (PQstatus(connection) != CONNECTION_OK) {
    return Unavailable("PostgreSQL: " + WithoutLineEnds(PQerrorMessage(connection)));
  }
  const char* const state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  // The server gives every error a state; one without is of the client's library, which noticed
  // that the server is gone and may find the connection itself broken only at the next statement.
  if (state == nullptr) {
    return Unavailable("PostgreSQL: " + WithoutLineEnds(PQerrorMessage(connection)));
  }
  const char* const text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const std::string message =
      std::string("PostgreSQL: ") + (text != nullptr ? text : PQerrorMessage(connection));
  return absl::Status(CodeOf(state), ToAbsl(WithoutLineEnds(message)));
}

absl::StatusOr<std::unique_ptr<PostgresqlConnection>> PostgresqlConnection::Open(
    const std::string& uri) {
  std::unique_ptr<PostgresqlConnection> connection(
      new PostgresqlConnection(PQconnectdb(uri.c_str())));
  if (connection->IsBroken()) return PostgresqlError(connection->handle(), nullptr);
  PQsetNoticeProcessor(connection->handle(), DropNotice, nullptr);
  // Filters make statements whose best plan depends on their values.
  for (const char* const setting :
       {"SET client_encoding = 'UTF8'", "SET standard_conforming_strings = on",
        "SET TimeZone = 'UTC'", "SET bytea_output = 'hex'", "SET application_name = 'bowerbird'",
        "SET plan_cache_mode = force_custom_plan", "SET synchronous_commit = on",
        // Compiling a statement takes longer than any of these gains by it.
        "SET jit = off"}) {
    RETURN_IF_ERROR(connection->Run(setting));
  }
  return connection;
}

PostgresqlConnection::~PostgresqlConnection() { PQfinish(connection_); }

absl::StatusOr<std::string> PostgresqlConnection::Prepare(const std::string& sql) {
  if (const auto found = names_.find(sql); found != names_.end()) return found->second;
  if (names_.size() >= kMostStatements) {
    RETURN_IF_ERROR(Run("DEALLOCATE ALL"));
    names_.clear();
  }
  std::string name = "s";
  name += std::to_string(next_name_++);
  const PostgresqlResult result(PQprepare(connection_, name.c_str(), sql.c_str(), 0, nullptr));
  if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) {
    return PostgresqlError(connection_, result.get());
  }
  names_.emplace(sql, name);
  return name;
}

absl::StatusOr<PostgresqlResult> PostgresqlConnection::RunPrepared(
    const std::string& sql, std::span<const Value> parameters) {
  ASSIGN_OR_RETURN(const std::string name, Prepare(sql));
  const Parameters sent(parameters);
  PostgresqlResult result(PQexecPrepared(connection_, name.c_str(), sent.count(), sent.values(),
                                         sent.lengths(), sent.formats(), /*resultFormat=*/0));
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    return PostgresqlError(connection_, result.get());
  }
  return result;
}

absl::Status PostgresqlConnection::Query(const std::string& sql, std::span<const Value> parameters,
                                         const OnRow& row) {
  ASSIGN_OR_RETURN(const PostgresqlResult result, RunPrepared(sql, parameters));
  PostgresqlRow view(result.get());
  for (int number = 0; row != nullptr && number < PQntuples(result.get()); ++number) {
    view.Go(number);
    RETURN_IF_ERROR(row(view));
  }
  return absl::OkStatus();
}

// COPY instead of a cursor or a result in portions: the server may use several processes for it,
// and numbers and bytes come as they are.
absl::Status PostgresqlConnection::Scan(const std::string& sql, std::span<const int64_t> parameters,
                                        const OnRow& row) {
  RETURN_IF_ERROR(Run(kScanMemory));
  const std::string copy = "COPY (" + Filled(sql, parameters) + ") TO STDOUT (FORMAT binary)";
  const PostgresqlResult begun(PQexec(connection_, copy.c_str()));
  if (PQresultStatus(begun.get()) != PGRES_COPY_OUT) {
    return PostgresqlError(connection_, begun.get());
  }
  PostgresqlCopyReader reader;
  absl::Status status;
  char* piece = nullptr;
  int size = 0;
  // After an error of `row` the rest must be read, too: the connection is of no use before.
  while ((size = PQgetCopyData(connection_, &piece, /*async=*/0)) > 0) {
    if (status.ok()) status = reader.Take({piece, static_cast<size_t>(size)}, row);
    PQfreemem(piece);
  }
  if (size == -2) return PostgresqlError(connection_, nullptr);
  const PostgresqlResult ended(PQgetResult(connection_));
  while (PostgresqlResult(PQgetResult(connection_)) != nullptr) {
  }
  RETURN_IF_ERROR(status);
  if (PQresultStatus(ended.get()) != PGRES_COMMAND_OK) {
    return PostgresqlError(connection_, ended.get());
  }
  return reader.is_complete() ? absl::OkStatus() : Internal("PostgreSQL sent half a table");
}

absl::StatusOr<int64_t> PostgresqlConnection::Execute(const std::string& sql,
                                                      std::span<const Value> parameters) {
  ASSIGN_OR_RETURN(const PostgresqlResult result, RunPrepared(sql, parameters));
  const std::string_view count = PQcmdTuples(result.get());
  int64_t rows = 0;
  std::from_chars(count.data(), count.data() + count.size(), rows);
  return rows;
}

absl::Status PostgresqlConnection::Run(const std::string& sql) {
  const PostgresqlResult result(PQexec(connection_, sql.c_str()));
  const ExecStatusType status = PQresultStatus(result.get());
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK
             ? absl::OkStatus()
             : PostgresqlError(connection_, result.get());
}

}  // namespace bowerbird::store
