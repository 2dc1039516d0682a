// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "base/status.h"
#include "data/core.h"
#include "data/readings.h"

namespace bowerbird::data {
namespace {

std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char letter : text) {
    quoted += letter;
    if (letter == '\'') quoted += letter;
  }
  return quoted + "'";
}

// The columns of the public API's documents. Each table is asked for a column that is not its
// number: of a table without one SQLite does not say on whose behalf it is read.
std::string ViewOf(store::Engine engine, int64_t org, const std::string& organization_id) {
  const bool sqlite = engine == store::Engine::kSqlite;
  const std::string main = sqlite ? "main." : "";
  const auto time = [&](const char* derived, const char* column) {
    return sqlite ? "r." + std::string(derived)
                  : "to_timestamp(r." + std::string(column) + " / 1000 / 1000000.0) AS " + derived;
  };
  std::string text = "SELECT ";
  text.append(Quoted(organization_id)).append(" AS organization_id, s.location_id, s.robot_id,");
  text.append(" s.part_id, s.component_type, s.component_name, s.method_name, ");
  text.append(time("time_requested", "t")).append(", ").append(time("time_received", "received"));
  text.append(", s.tags, s.method_parameters AS additional_parameters, r.data FROM ").append(main);
  text.append("reading_rows r JOIN ").append(main);
  text.append("sources s ON s.source = r.source AND s.tabular = 1 WHERE r.org = ");
  return text.append(std::to_string(org));
}

SqlValue ValueOf(store::UserValue value) {
  SqlValue result;
  result.kind = static_cast<SqlValue::Kind>(value.kind);
  result.integer = value.integer;
  result.real = value.real;
  result.text = std::move(value.text);
  if (result.kind == SqlValue::Kind::kTime) result.time = TimeOf(value.integer);
  return result;
}

static_assert(static_cast<int>(SqlValue::Kind::kJson) ==
              static_cast<int>(store::UserValue::Kind::kJson));

}  // namespace

absl::StatusOr<SqlResult> Readings::Sql(const Context& context, const Caller& caller,
                                        const std::string& query) {
  if (caller.places.has_value())
    return absl::PermissionDeniedError(
        "a query in SQL sees the whole organization: use a key for the organization");
  int64_t org = 0;
  const absl::Status read = core_.database().Read([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(org, FindOrganization(connection, caller.organization_id));
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(read);
  store::UserQuery asked;
  asked.sql = query;
  asked.view = {.name = "readings",
                .select = ViewOf(core_.database().engine(), org, caller.organization_id)};
  ASSIGN_OR_RETURN(store::UserResult answer, core_.database().RunUserQuery(context, asked));
  SqlResult result;
  result.columns = std::move(answer.columns);
  for (auto& row : answer.rows) {
    auto& values = result.rows.emplace_back();
    for (auto& value : row) values.push_back(ValueOf(std::move(value)));
  }
  return result;
}

}  // namespace bowerbird::data
