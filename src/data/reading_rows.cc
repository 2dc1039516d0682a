// SPDX-License-Identifier: Apache-2.0
#include "data/reading_rows.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/status.h"
#include "data/sources.h"

namespace bowerbird::data {
namespace {

constexpr size_t kMostLegs = 64;

struct ReadingPageQuery {
  const ReadingSelection& selection;
  std::optional<Position> after;
  bool descending;
  uint64_t limit;

  std::string Ordered() const {
    const char* const way = descending ? "DESC" : "ASC";
    return std::string(" ORDER BY t ") + way + ", reading " + way + " LIMIT " +
           std::to_string(limit);
  }

  std::string Leg(const std::string& range) const {
    std::string text =
        "SELECT * FROM (SELECT t, reading, source, received, stored, data FROM reading_rows "
        "WHERE " +
        range;
    if (selection.start) text += " AND t >= " + std::to_string(*selection.start);
    if (selection.end) text += " AND t < " + std::to_string(*selection.end);
    if (after) {
      text += std::string(" AND (t, reading) ") + (descending ? "<" : ">") + " (" +
              std::to_string(after->t) + ", " + std::to_string(after->item) + ")";
    }
    return text + Ordered() + ") leg";
  }

  std::string Sql() const {
    const std::string org = "org = " + std::to_string(selection.org);
    if (!selection.sources) return Leg(org) + Ordered();
    if (selection.sources->size() > kMostLegs) {
      return Leg(org + " AND source IN (" + Joined(*selection.sources) + ")") + Ordered();
    }
    std::string text;
    for (const int64_t source : *selection.sources) {
      text += (text.empty() ? "" : " UNION ALL ") + Leg("source = " + std::to_string(source));
    }
    return text + Ordered();
  }
};

std::string OfSources(const ReadingSelection& selection) {
  if (selection.sources) return "source IN (" + Joined(*selection.sources) + ")";
  return "source IN (SELECT source FROM sources WHERE tabular = 1 AND org = " +
         std::to_string(selection.org) + ")";
}

}  // namespace

absl::StatusOr<ReadingSelection> SelectReadings(Connection& connection, const Caller& caller,
                                                const Filter& filter) {
  ReadingSelection selection;
  ASSIGN_OR_RETURN(selection.org, FindOrganization(connection, caller.organization_id));
  const auto& organizations = filter.organization_ids;
  const bool other =
      !organizations.empty() && std::find(organizations.begin(), organizations.end(),
                                          caller.organization_id) == organizations.end();
  // Readings have neither boxes nor a dataset.
  selection.nothing =
      selection.org == 0 || other || !filter.box_labels.empty() || !filter.dataset_id.empty();
  if (selection.nothing) return selection;
  if (AsksForSources(caller, filter, /*tabular=*/true)) {
    ASSIGN_OR_RETURN(selection.sources,
                     MatchSources(connection, selection.org, caller, filter, /*tabular=*/true));
    selection.nothing = selection.sources->empty();
  }
  if (filter.start) selection.start = Nanoseconds(*filter.start);
  if (filter.end) selection.end = Nanoseconds(*filter.end);
  return selection;
}

absl::StatusOr<std::vector<ReadingRow>> PageOfReadings(Connection& connection,
                                                       const ReadingSelection& selection,
                                                       const std::optional<Position>& after,
                                                       Order order, uint64_t limit) {
  std::vector<ReadingRow> rows;
  if (selection.nothing) return rows;
  const ReadingPageQuery query{.selection = selection,
                               .after = after,
                               .descending = order == Order::kDescending,
                               .limit = limit};
  const absl::Status queried = connection.Query(query.Sql(), {}, [&](const Row& row) {
    ReadingRow& one = rows.emplace_back();
    one.position = {.t = row.Integer(0), .item = row.Integer(1)};
    one.source = row.Integer(2);
    one.reading.time_requested = TimeOf(row.Integer(0));
    one.reading.time_received = TimeOf(row.Integer(3));
    one.reading.time_stored = TimeOf(row.Integer(4));
    one.reading.payload = row.Text(5);
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(queried);
  return rows;
}

absl::StatusOr<Totals> CountReadings(Connection& connection, const ReadingSelection& selection) {
  Totals totals;
  if (selection.nothing) return totals;
  const auto add = [&](const Row& row) {
    totals.count += static_cast<uint64_t>(row.Integer(0));
    totals.bytes += static_cast<uint64_t>(row.Integer(1));
    return absl::OkStatus();
  };
  std::string days;
  std::string ends;
  if (selection.start) {
    const int64_t day = DayOf(*selection.start);
    days += " AND day > " + std::to_string(day);
    ends += " AND t >= " + std::to_string(*selection.start);
  }
  if (selection.end) {
    days += " AND day < " + std::to_string(DayOf(*selection.end));
    ends += " AND t < " + std::to_string(*selection.end);
  }
  RETURN_IF_ERROR(connection.Query(
      "SELECT COALESCE(SUM(items), 0), COALESCE(SUM(bytes), 0) FROM reading_days WHERE " +
          OfSources(selection) + days,
      {}, add));
  // The days at the ends are looked at; a day that is both ends only once.
  std::vector<int64_t> edges;
  if (selection.start) edges.push_back(DayOf(*selection.start));
  if (selection.end && (edges.empty() || edges[0] != DayOf(*selection.end))) {
    edges.push_back(DayOf(*selection.end));
  }
  for (const int64_t day : edges) {
    RETURN_IF_ERROR(connection.Query(
        "SELECT COUNT(*), COALESCE(SUM(size), 0) FROM reading_rows WHERE " + OfSources(selection) +
            ends + " AND t >= " + std::to_string(day * kNanosecondsOfDay) + " AND t < " +
            std::to_string((day + 1) * kNanosecondsOfDay),
        {}, add));
  }
  return totals;
}

absl::StatusOr<uint64_t> DeleteSomeReadings(Connection& connection,
                                            const ReadingSelection& selection, int64_t before,
                                            uint64_t limit) {
  // What the days of each source lose.
  std::map<std::pair<int64_t, int64_t>, std::pair<int64_t, int64_t>> lost;
  uint64_t count = 0;
  const absl::Status deleted = connection.Query(
      "DELETE FROM reading_rows WHERE reading IN (SELECT reading FROM reading_rows WHERE " +
          OfSources(selection) + " AND received < " + std::to_string(before) + " LIMIT " +
          std::to_string(limit) + ") RETURNING source, t, size",
      {}, [&](const Row& row) {
        auto& [items, bytes] = lost[{row.Integer(0), DayOf(row.Integer(1))}];
        ++items;
        bytes += row.Integer(2);
        ++count;
        return absl::OkStatus();
      });
  RETURN_IF_ERROR(deleted);
  for (const auto& [key, sums] : lost) {
    RETURN_IF_ERROR(connection
                        .Execute("UPDATE reading_days SET items = items - $1, bytes = bytes - $2"
                                 " WHERE source = $3 AND day = $4",
                                 {sums.first, sums.second, key.first, key.second})
                        .status());
  }
  return count;
}

}  // namespace bowerbird::data
