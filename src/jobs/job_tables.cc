// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "base/status.h"
#include "jobs/job_rows.h"

namespace bowerbird::jobs {
namespace {

// Statements in several pieces are what this check takes for a missing comma.
// NOLINTBEGIN(bugprone-suspicious-missing-comma)
// Each step is applied once, in this order, and never changed once released.
std::vector<std::vector<std::string>> Steps() {
  return {
      {"CREATE TABLE training_jobs(id TEXT PRIMARY KEY, org TEXT NOT NULL, created_by TEXT NOT "
       "NULL,"
       " request TEXT NOT NULL, snapshot TEXT NOT NULL, status BIGINT NOT NULL,"
       " code BIGINT NOT NULL, error TEXT NOT NULL, t BIGINT NOT NULL, modified BIGINT NOT NULL,"
       " started BIGINT, ended BIGINT, starts BIGINT NOT NULL, program TEXT NOT NULL,"
       " base_hash TEXT NOT NULL, report TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL)",
       "CREATE INDEX training_jobs_by_organization ON training_jobs(org, t)",
       "CREATE INDEX training_jobs_by_status ON training_jobs(status, t)",
       "CREATE TABLE training_logs(job TEXT NOT NULL, number BIGINT NOT NULL, t BIGINT NOT NULL,"
       " level TEXT NOT NULL, message TEXT NOT NULL, PRIMARY KEY(job, number))",
       "CREATE INDEX training_logs_by_time ON training_logs(t)",
       "CREATE TABLE training_points(job TEXT NOT NULL, number BIGINT NOT NULL, t BIGINT NOT NULL,"
       " phase TEXT NOT NULL, step BIGINT NOT NULL, steps BIGINT NOT NULL, loss DOUBLE PRECISION,"
       " score DOUBLE PRECISION, seconds_left DOUBLE PRECISION, PRIMARY KEY(job, number))"},
      {"ALTER TABLE training_jobs ADD COLUMN hub TEXT NOT NULL DEFAULT ''",
       "ALTER TABLE training_jobs ADD COLUMN heard BIGINT NOT NULL DEFAULT 0"}};
}
// NOLINTEND(bugprone-suspicious-missing-comma)

}  // namespace

absl::Status MakeTables(store::Database& database) {
  return database.Write([](store::Connection& connection) -> absl::Status {
    RETURN_IF_ERROR(
        connection
            .Execute("CREATE TABLE IF NOT EXISTS training_version(version BIGINT PRIMARY KEY)", {})
            .status());
    int64_t version = 0;
    RETURN_IF_ERROR(connection.Query("SELECT COALESCE(MAX(version), 0) FROM training_version", {},
                                     [&](const store::Row& row) {
                                       version = row.Integer(0);
                                       return absl::OkStatus();
                                     }));
    const auto steps = Steps();
    if (version > static_cast<int64_t>(steps.size()))
      return FailedPrecondition("the training jobs were written by a newer program: run that one");
    for (; version < static_cast<int64_t>(steps.size()); ++version) {
      for (const std::string& sql : steps[static_cast<size_t>(version)])
        RETURN_IF_ERROR(connection.Execute(sql, {}).status());
      RETURN_IF_ERROR(
          connection.Execute("INSERT INTO training_version(version) VALUES ($1)", {version + 1})
              .status());
    }
    return absl::OkStatus();
  });
}

}  // namespace bowerbird::jobs
