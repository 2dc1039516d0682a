// SPDX-License-Identifier: Apache-2.0
//
// The tables of jobs, their logs and curves. Internal to this room.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "jobs/job.h"
#include "store/database.h"

namespace bowerbird::jobs {

// Of one job: older lines go, and older points are thinned by a stride that doubles.
inline constexpr int64_t kMostLogEntries = 10'000;
inline constexpr int64_t kMostPoints = 10'000;
// In the folder of the jobs: what this hub is called in the database.
inline constexpr char kHubFile[] = "hub";
// Lines are not shown, and removed some time later.
inline constexpr std::chrono::hours kLogLife{7 * 24};

absl::Status MakeTables(store::Database& database);

absl::Status InsertJob(store::Connection& connection, const Job& job);
// Everything of it but what was asked for.
absl::Status UpdateJob(store::Connection& connection, const Job& job);
// Reports are large: a list of jobs does without.
enum class Reports { kRead, kLeave };
// `rest`: "WHERE …" and an order.
absl::StatusOr<std::vector<Job>> ReadJobs(store::Connection& connection, const std::string& rest,
                                          std::span<const store::Value> values,
                                          Reports reports = Reports::kRead);
// NOT_FOUND, also for another organization's; "" = of any.
absl::StatusOr<Job> LoadJob(store::Connection& connection, const std::string& organization_id,
                            const std::string& id);
// With its log and curve.
absl::Status DeleteJob(store::Connection& connection, const std::string& id);

absl::Status AppendLog(store::Connection& connection, const std::string& id,
                       std::span<const LogEntry> entries);
absl::Status AppendPoints(store::Connection& connection, const std::string& id,
                          std::span<const Point> points);
absl::StatusOr<std::vector<LogEntry>> ReadLog(store::Connection& connection, const std::string& id,
                                              int64_t after, Time not_before, int64_t limit);
absl::StatusOr<std::vector<Point>> ReadPoints(store::Connection& connection, const std::string& id,
                                              int64_t after);
// The highest number of a log line and of a point, 0 if there is none.
absl::StatusOr<std::pair<int64_t, int64_t>> LastNumbers(store::Connection& connection,
                                                        const std::string& id);
absl::Status DropOldLogs(store::Connection& connection, Time before);

inline int64_t Nanoseconds(Time time) { return time.time_since_epoch().count(); }

}  // namespace bowerbird::jobs
