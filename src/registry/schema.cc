// SPDX-License-Identifier: Apache-2.0
#include "registry/schema.h"

#include <string>
#include <vector>

#include "base/status.h"

namespace bowerbird::registry {
namespace {

// Statements in several pieces are what this check takes for a missing comma.
// NOLINTBEGIN(bugprone-suspicious-missing-comma)
// Each step is applied once, in this order, and never changed once released.
std::vector<std::vector<std::string>> Steps() {
  return {{
      // A deleted version keeps its row: its name is not given out again.
      "CREATE TABLE registry_models(org TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,"
      " t BIGINT NOT NULL, task BIGINT NOT NULL, labels TEXT NOT NULL, card TEXT NOT NULL,"
      " job TEXT NOT NULL, snapshot TEXT NOT NULL, deleted BIGINT NOT NULL,"
      " PRIMARY KEY(org, name, version))",
      "CREATE INDEX registry_models_by_job ON registry_models(job)",
      "CREATE TABLE registry_files(org TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,"
      " file TEXT NOT NULL, size BIGINT NOT NULL, hash TEXT NOT NULL,"
      " PRIMARY KEY(org, name, version, file))",
      "CREATE INDEX registry_files_by_hash ON registry_files(hash)",
  }};
}
// NOLINTEND(bugprone-suspicious-missing-comma)

}  // namespace

absl::Status MakeTables(store::Database& database) {
  return database.Write([](store::Connection& connection) -> absl::Status {
    RETURN_IF_ERROR(
        connection
            .Execute("CREATE TABLE IF NOT EXISTS registry_version(version BIGINT PRIMARY KEY)", {})
            .status());
    int64_t version = 0;
    RETURN_IF_ERROR(connection.Query("SELECT COALESCE(MAX(version), 0) FROM registry_version", {},
                                     [&](const store::Row& row) {
                                       version = row.Integer(0);
                                       return absl::OkStatus();
                                     }));
    const auto steps = Steps();
    if (version > static_cast<int64_t>(steps.size()))
      return FailedPrecondition("the registry was written by a newer program: run that one");
    for (; version < static_cast<int64_t>(steps.size()); ++version) {
      for (const std::string& sql : steps[static_cast<size_t>(version)])
        RETURN_IF_ERROR(connection.Execute(sql, {}).status());
      RETURN_IF_ERROR(
          connection.Execute("INSERT INTO registry_version(version) VALUES ($1)", {version + 1})
              .status());
    }
    return absl::OkStatus();
  });
}

}  // namespace bowerbird::registry
