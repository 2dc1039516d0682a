// SPDX-License-Identifier: Apache-2.0
#include "jobs/job_rows.h"

#include <utility>

#include "base/status.h"
#include "jobs/request_json.h"

namespace bowerbird::jobs {

using store::Connection;
using store::Row;
using store::Value;

namespace {

Time TimeAt(const Row& row, int column) {
  return Time(std::chrono::nanoseconds(row.Integer(column)));
}

std::optional<Time> MaybeTimeAt(const Row& row, int column) {
  if (row.IsNull(column)) return std::nullopt;
  return TimeAt(row, column);
}

Value ValueOf(const std::optional<Time>& time) {
  return time.has_value() ? Value(Nanoseconds(*time)) : Value();
}

Value ValueOf(const std::optional<double>& number) {
  return number.has_value() ? Value(*number) : Value();
}

std::optional<double> MaybeReal(const Row& row, int column) {
  if (row.IsNull(column)) return std::nullopt;
  return row.Real(column);
}

Job ReadJob(const Row& row) {
  Job job{.id = std::string(row.Text(0)),
          .organization_id = std::string(row.Text(1)),
          .created_by = std::string(row.Text(2)),
          .hub = std::string(row.Text(3)),
          .request = RequestOfJson(row.Text(4)),
          .snapshot_id = std::string(row.Text(5)),
          .status = static_cast<JobStatus>(row.Integer(6)),
          .error_code = static_cast<absl::StatusCode>(row.Integer(7)),
          .error = std::string(row.Text(8)),
          .created = TimeAt(row, 9),
          .modified = TimeAt(row, 10),
          .started = MaybeTimeAt(row, 11),
          .ended = MaybeTimeAt(row, 12),
          .starts = static_cast<uint32_t>(row.Integer(13)),
          .program_version = std::string(row.Text(14)),
          .base_hash = std::string(row.Text(15)),
          .report = std::string(row.Text(16))};
  return job;
}

}  // namespace

absl::Status InsertJob(Connection& connection, const Job& job) {
  const std::string request = JsonOfRequest(job.request);
  return connection
      .Execute(
          "INSERT INTO training_jobs(id, org, created_by, request, snapshot, status, code, error,"
          " t, modified, started, ended, starts, program, base_hash, report, name, version, hub,"
          " heard) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,"
          " $17, $18, $19, $20)",
          {job.id,
           job.organization_id,
           job.created_by,
           request,
           job.snapshot_id,
           static_cast<int64_t>(job.status),
           static_cast<int64_t>(job.error_code),
           job.error,
           Nanoseconds(job.created),
           Nanoseconds(job.modified),
           ValueOf(job.started),
           ValueOf(job.ended),
           static_cast<int64_t>(job.starts),
           job.program_version,
           job.base_hash,
           job.report,
           job.request.model_name,
           job.request.model_version,
           job.hub,
           Nanoseconds(job.created)})
      .status();
}

absl::Status UpdateJob(Connection& connection, const Job& job) {
  return connection
      .Execute(
          "UPDATE training_jobs SET status = $2, code = $3, error = $4, modified = $5,"
          " started = $6, ended = $7, starts = $8, base_hash = $9, report = $10, program = $11"
          " WHERE id = $1",
          {job.id, static_cast<int64_t>(job.status), static_cast<int64_t>(job.error_code),
           job.error, Nanoseconds(job.modified), ValueOf(job.started), ValueOf(job.ended),
           static_cast<int64_t>(job.starts), job.base_hash, job.report, job.program_version})
      .status();
}

absl::StatusOr<std::vector<Job>> ReadJobs(Connection& connection, const std::string& rest,
                                          std::span<const Value> values, Reports reports) {
  std::vector<Job> jobs;
  const std::string report = reports == Reports::kRead ? "report" : "''";
  RETURN_IF_ERROR(
      connection.Query("SELECT id, org, created_by, hub, request, snapshot, status, code, error, "
                       "t, modified, started,"
                       " ended, starts, program, base_hash, " +
                           report + " FROM training_jobs " + rest,
                       values, [&](const Row& row) {
                         jobs.push_back(ReadJob(row));
                         return absl::OkStatus();
                       }));
  return jobs;
}

absl::StatusOr<Job> LoadJob(Connection& connection, const std::string& organization_id,
                            const std::string& id) {
  const std::vector<Value> values{id};
  ASSIGN_OR_RETURN(auto found, ReadJobs(connection, "WHERE id = $1", values));
  if (found.empty() ||
      (!organization_id.empty() && found.front().organization_id != organization_id))
    return NotFound("there is no training job " + id + ": see `bowerbird train list`");
  return std::move(found.front());
}

absl::Status DeleteJob(Connection& connection, const std::string& id) {
  for (const char* sql :
       {"DELETE FROM training_logs WHERE job = $1", "DELETE FROM training_points WHERE job = $1",
        "DELETE FROM training_jobs WHERE id = $1"})
    RETURN_IF_ERROR(connection.Execute(sql, {id}).status());
  return absl::OkStatus();
}

absl::Status AppendLog(Connection& connection, const std::string& id,
                       std::span<const LogEntry> entries) {
  for (const LogEntry& entry : entries) {
    RETURN_IF_ERROR(
        connection
            .Execute("INSERT INTO training_logs(job, number, t, level, message)"
                     " VALUES ($1, $2, $3, $4, $5)",
                     {id, entry.number, Nanoseconds(entry.time), entry.level, entry.message})
            .status());
  }
  if (entries.empty()) return absl::OkStatus();
  return connection
      .Execute("DELETE FROM training_logs WHERE job = $1 AND number <= $2",
               {id, entries.back().number - kMostLogEntries})
      .status();
}

absl::Status AppendPoints(Connection& connection, const std::string& id,
                          std::span<const Point> points) {
  for (const Point& point : points) {
    RETURN_IF_ERROR(
        connection
            .Execute("INSERT INTO training_points(job, number, t, phase, step, steps, loss, score,"
                     " seconds_left) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                     {id, point.number, Nanoseconds(point.time), point.phase,
                      static_cast<int64_t>(point.step), static_cast<int64_t>(point.steps),
                      ValueOf(point.loss), ValueOf(point.score), ValueOf(point.seconds_left)})
            .status());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<LogEntry>> ReadLog(Connection& connection, const std::string& id,
                                              int64_t after, Time not_before, int64_t limit) {
  std::vector<LogEntry> entries;
  RETURN_IF_ERROR(connection.Query(
      "SELECT number, t, level, message FROM training_logs WHERE job = $1 AND number > $2 AND"
      " t >= $3 ORDER BY number LIMIT $4",
      {id, after, Nanoseconds(not_before), limit}, [&](const Row& row) {
        entries.push_back({.number = row.Integer(0),
                           .time = TimeAt(row, 1),
                           .level = std::string(row.Text(2)),
                           .message = std::string(row.Text(3))});
        return absl::OkStatus();
      }));
  return entries;
}

absl::StatusOr<std::vector<Point>> ReadPoints(Connection& connection, const std::string& id,
                                              int64_t after) {
  std::vector<Point> points;
  RETURN_IF_ERROR(connection.Query(
      "SELECT number, t, phase, step, steps, loss, score, seconds_left FROM training_points"
      " WHERE job = $1 AND number > $2 ORDER BY number",
      {id, after}, [&](const Row& row) {
        points.push_back({.number = row.Integer(0),
                          .time = TimeAt(row, 1),
                          .phase = std::string(row.Text(2)),
                          .step = static_cast<uint64_t>(row.Integer(3)),
                          .steps = static_cast<uint64_t>(row.Integer(4)),
                          .loss = MaybeReal(row, 5),
                          .score = MaybeReal(row, 6),
                          .seconds_left = MaybeReal(row, 7)});
        return absl::OkStatus();
      }));
  return points;
}

absl::StatusOr<std::pair<int64_t, int64_t>> LastNumbers(Connection& connection,
                                                        const std::string& id) {
  std::pair<int64_t, int64_t> last;
  RETURN_IF_ERROR(
      connection.Query("SELECT (SELECT COALESCE(MAX(number), 0) FROM training_logs WHERE job = $1),"
                       " (SELECT COALESCE(MAX(number), 0) FROM training_points WHERE job = $1)",
                       {id}, [&](const Row& row) {
                         last = {row.Integer(0), row.Integer(1)};
                         return absl::OkStatus();
                       }));
  return last;
}

absl::Status DropOldLogs(Connection& connection, Time before) {
  return connection.Execute("DELETE FROM training_logs WHERE t < $1", {Nanoseconds(before)})
      .status();
}

}  // namespace bowerbird::jobs
