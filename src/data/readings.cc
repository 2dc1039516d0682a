// SPDX-License-Identifier: Apache-2.0
#include "data/readings.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/sha256.h"
#include "base/status.h"
#include "data/reading_rows.h"
#include "data/sources.h"

namespace bowerbird::data {
namespace {

constexpr size_t kLargestReading = 4'000'000;
constexpr uint64_t kPortion = 1000;
constexpr std::chrono::hours kLatestWithin(365 * 24);

std::string IdentityOf(const Caller& caller, const ReadingSource& origin, const NewReading& reading,
                       const std::string& payload) {
  Sha256 hash;
  const Source& source = origin.source;
  const std::string times = std::to_string(Nanoseconds(reading.time_requested)) + " " +
                            std::to_string(Nanoseconds(reading.time_received));
  for (const std::string* part : {&caller.organization_id, &source.part_id, &source.component_type,
                                  &source.component_name, &source.method_name, &times, &payload}) {
    hash.Update(std::to_string(part->size()) + ":");
    hash.Update(*part);
  }
  const Sha256Digest digest = hash.Finish();
  return {reinterpret_cast<const char*>(digest.data()), 20};
}

// Neither engine keeps a NUL in the text of a JSON value: it becomes U+FFFD, as what is no
// character does elsewhere. One odd text must not cost the readings that came with it.
void ReplaceNul(std::string& json) {
  constexpr std::string_view kNul = "\\u0000";
  for (size_t at = json.find('\\'); at != std::string::npos; at = json.find('\\', at)) {
    const bool is_nul = json.compare(at, kNul.size(), kNul) == 0;
    if (is_nul) json.replace(at, kNul.size(), "\xEF\xBF\xBD");
    at += 2;  // what stands behind a backslash, another one maybe, begins nothing
  }
}

// A reading in the form in which it is stored.
struct Checked {
  std::string identity;
  std::string payload;
};

absl::StatusOr<std::vector<Checked>> Check(const Caller& caller, const ReadingSource& source,
                                           const std::vector<NewReading>& readings) {
  for (const std::string& tag : source.tags) RETURN_IF_ERROR(annotation::CheckLabel(tag));
  std::vector<Checked> checked;
  checked.reserve(readings.size());
  for (const NewReading& reading : readings) {
    if (reading.payload.size() > kLargestReading) {
      return InvalidArgument("a reading of " + source.source.component_name + " has " +
                             std::to_string(reading.payload.size()) +
                             " bytes; at most 4000000 are allowed");
    }
    ASSIGN_OR_RETURN(std::string payload, CanonicalJsonObject(reading.payload, "a reading"));
    ReplaceNul(payload);
    std::string identity = IdentityOf(caller, source, reading, payload);
    checked.push_back({.identity = std::move(identity), .payload = std::move(payload)});
  }
  return checked;
}

absl::Status Insert(Connection& connection, int64_t org, int64_t source, const NewReading& reading,
                    const Checked& checked, Time now) {
  const int64_t t = Nanoseconds(reading.time_requested);
  const auto size = static_cast<int64_t>(checked.payload.size());
  ASSIGN_OR_RETURN(const int64_t added,
                   connection.Execute(
                       "INSERT INTO reading_rows(org, source, t, received, stored, identity, size,"
                       " data) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
                       " ON CONFLICT(identity) DO NOTHING",
                       {org, source, t, Nanoseconds(reading.time_received), Nanoseconds(now),
                        Bytes{checked.identity}, size, checked.payload}));
  if (added == 0) return absl::OkStatus();
  return connection
      .Execute(
          "INSERT INTO reading_days(source, day, items, bytes) VALUES ($1, $2, 1, $3)"
          " ON CONFLICT(source, day) DO UPDATE SET items = reading_days.items + 1,"
          " bytes = reading_days.bytes + excluded.bytes",
          {source, DayOf(t), size})
      .status();
}

absl::StatusOr<Filter> FilterOf(const ResourceMethod& what) {
  if (what.part_id.empty() || what.resource_name.empty() || what.method_name.empty()) {
    return InvalidArgument("the part, the name of the resource and the method are needed");
  }
  Filter filter;
  filter.part_id = what.part_id;
  filter.component_name = what.resource_name;
  filter.component_type = what.resource_subtype;
  filter.method = what.method_name;
  filter.method_parameters = what.method_parameters;
  return filter;
}

std::vector<int64_t> SourcesOf(const std::vector<ReadingRow>& rows) {
  std::vector<int64_t> numbers;
  numbers.reserve(rows.size());
  for (const ReadingRow& row : rows) numbers.push_back(row.source);
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

// Rows and what their sources are.
struct Portion {
  std::vector<ReadingRow> rows;
  std::map<int64_t, KnownSource> sources;
};

absl::StatusOr<Portion> ReadPortion(Core& core, const Caller& caller, const Filter& filter,
                                    const std::optional<Position>& after, Order order,
                                    uint64_t limit) {
  Portion portion;
  const absl::Status read = core.database().Read([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const auto selection, SelectReadings(connection, caller, filter));
    ASSIGN_OR_RETURN(portion.rows, PageOfReadings(connection, selection, after, order, limit));
    ASSIGN_OR_RETURN(portion.sources, LoadSources(connection, SourcesOf(portion.rows)));
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(read);
  for (ReadingRow& row : portion.rows) {
    row.reading.organization_id = portion.sources.at(row.source).organization_id;
  }
  return portion;
}

ReadingSource SourceOf(const KnownSource& known) {
  return {.source = known.source, .tags = known.tags};
}

}  // namespace

Readings::Readings(Core& core) : core_(core) {}

absl::StatusOr<std::string> Readings::Add(const Caller& caller, const ReadingSource& source,
                                          const std::vector<NewReading>& readings) {
  ASSIGN_OR_RETURN(const auto checked, Check(caller, source, readings));
  const absl::Status written = core_.database().Write([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t org, MakeOrganization(connection, caller.organization_id));
    ASSIGN_OR_RETURN(const int64_t number,
                     MakeSource(connection, org, /*tabular=*/true, source.source, source.tags));
    for (size_t at = 0; at < readings.size(); ++at) {
      RETURN_IF_ERROR(Insert(connection, org, number, readings[at], checked[at], core_.Now()));
    }
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(written);
  std::string identities;
  for (const Checked& one : checked) identities += one.identity;
  return Sha256Hex(identities).substr(0, 40);
}

absl::StatusOr<ReadingPage> Readings::List(const Caller& caller, const PageRequest& request) {
  ASSIGN_OR_RETURN(const auto after, PositionOf(request.last));
  const uint64_t limit = request.limit == 0 ? kDefaultPage : std::min(request.limit, kLargestPage);
  ASSIGN_OR_RETURN(Portion portion,
                   ReadPortion(core_, caller, request.filter, after, request.order, limit));
  ReadingPage page;
  if (portion.rows.size() == limit) page.last = TokenOf(portion.rows.back().position);
  std::map<int64_t, uint32_t> indices;
  for (const auto& [number, known] : portion.sources) {
    indices[number] = static_cast<uint32_t>(page.sources.size());
    page.sources.push_back(SourceOf(known));
  }
  for (ReadingRow& row : portion.rows) {
    row.reading.source_index = indices[row.source];
    page.readings.push_back(std::move(row.reading));
  }
  return page;
}

absl::StatusOr<Totals> Readings::Count(const Caller& caller, const Filter& filter) {
  Totals totals;
  const absl::Status read = core_.database().Read([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const auto selection, SelectReadings(connection, caller, filter));
    ASSIGN_OR_RETURN(totals, CountReadings(connection, selection));
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(read);
  return totals;
}

absl::Status Readings::Export(
    const Caller& caller, const ResourceMethod& what, std::optional<Time> start,
    std::optional<Time> end,
    const std::function<absl::Status(const ReadingSource&, const Reading&)>& visit) {
  ASSIGN_OR_RETURN(Filter filter, FilterOf(what));
  filter.start = start;
  filter.end = end;
  std::optional<Position> after;
  while (true) {
    ASSIGN_OR_RETURN(const Portion portion,
                     ReadPortion(core_, caller, filter, after, Order::kAscending, kPortion));
    for (const ReadingRow& row : portion.rows) {
      RETURN_IF_ERROR(visit(SourceOf(portion.sources.at(row.source)), row.reading));
    }
    if (portion.rows.size() < kPortion) return absl::OkStatus();
    after = portion.rows.back().position;
  }
}

absl::StatusOr<std::optional<Reading>> Readings::Latest(const Caller& caller,
                                                        const ResourceMethod& what) {
  ASSIGN_OR_RETURN(Filter filter, FilterOf(what));
  filter.start = core_.Now() - kLatestWithin;
  ASSIGN_OR_RETURN(Portion portion,
                   ReadPortion(core_, caller, filter, std::nullopt, Order::kDescending, 1));
  if (portion.rows.empty()) return std::optional<Reading>();
  return std::optional<Reading>(std::move(portion.rows.front().reading));
}

absl::StatusOr<uint64_t> Readings::Delete(const Caller& caller, uint32_t older_than_days,
                                          const Filter& filter) {
  const Time before = core_.Now() - std::chrono::hours(24) * int64_t{older_than_days};
  const int64_t limit_time = older_than_days == 0 ? INT64_MAX : Nanoseconds(before);
  uint64_t count = 0;
  uint64_t deleted = 0;
  do {
    const absl::Status written =
        core_.database().Write([&](Connection& connection) -> absl::Status {
          deleted = 0;
          ASSIGN_OR_RETURN(const auto selection, SelectReadings(connection, caller, filter));
          if (selection.nothing) return absl::OkStatus();
          ASSIGN_OR_RETURN(deleted,
                           DeleteSomeReadings(connection, selection, limit_time, kPortion));
          return absl::OkStatus();
        });
    RETURN_IF_ERROR(written);
    count += deleted;
  } while (deleted == kPortion);
  return count;
}

}  // namespace bowerbird::data
