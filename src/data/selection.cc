// SPDX-License-Identifier: Apache-2.0
#include "data/selection.h"

#include <algorithm>
#include <charconv>

#include "base/status.h"
#include "data/schema.h"
#include "data/sources.h"

namespace bowerbird::data {
namespace {

// More legs than this cost more than they save; SQLite allows 500 in one statement.
constexpr size_t kMostLegs = 64;
constexpr size_t kMostTerms = 400;

// The terms among `names` that exist, and how many items have one of them at most.
struct Group {
  std::vector<int64_t> terms;
  int64_t items = 0;
};

absl::StatusOr<Group> FindTerms(Connection& connection, int64_t org, TermKind kind,
                                const std::vector<std::string>& names) {
  if (names.size() > kMostTerms) {
    return InvalidArgument("a filter can ask for at most " + std::to_string(kMostTerms) +
                           " tags or labels, not " + std::to_string(names.size()));
  }
  Group group;
  std::vector<store::Value> parameters;
  parameters.reserve(names.size());
  std::string list;
  for (const std::string& name : names) {
    parameters.emplace_back(std::string_view(name));
    list += (list.empty() ? "$" : ", $") + std::to_string(parameters.size());
  }
  RETURN_IF_ERROR(connection.Query(
      "SELECT t.term, (SELECT SUM(c.items) FROM term_counts c WHERE c.term = t.term)"
      " FROM terms t WHERE t.org = " +
          std::to_string(org) + " AND t.kind = " + std::to_string(static_cast<int64_t>(kind)) +
          " AND t.name IN (" + list + ") ORDER BY t.term",
      parameters, [&](const Row& row) {
        group.terms.push_back(row.Integer(0));
        group.items += row.Integer(1);
        return absl::OkStatus();
      }));
  return group;
}

absl::Status AddGroups(Connection& connection, const Filter& filter, Selection& selection) {
  std::vector<Group> groups;
  const auto add = [&](TermKind kind, const std::vector<std::string>& names) -> absl::Status {
    if (names.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(groups.emplace_back(), FindTerms(connection, selection.org, kind, names));
    if (groups.back().terms.empty()) selection.nothing = true;
    return absl::OkStatus();
  };
  if (filter.tags_filter == Filter::Tags::kOneOf) {
    RETURN_IF_ERROR(add(TermKind::kTag, filter.tags));
  }
  RETURN_IF_ERROR(add(TermKind::kBoxLabel, filter.box_labels));
  if (!filter.dataset_id.empty()) {
    RETURN_IF_ERROR(add(TermKind::kDataset, {filter.dataset_id}));
  }
  std::sort(groups.begin(), groups.end(),
            [](const Group& a, const Group& b) { return a.items < b.items; });
  for (Group& group : groups) selection.groups.push_back(std::move(group.terms));
  return absl::OkStatus();
}

struct PageQuery {
  const Selection& selection;
  std::optional<Position> after;
  bool descending;
  uint64_t limit;

  // What holds for each leg. `m` is the row of the leg's index.
  std::string Conditions(size_t first_group, bool join_for_tagged) const {
    std::string text;
    if (selection.start) text += " AND m.t >= " + std::to_string(*selection.start);
    if (selection.end) text += " AND m.t < " + std::to_string(*selection.end);
    if (after) {
      text += std::string(" AND (m.t, m.item) ") + (descending ? "<" : ">") + " (" +
              std::to_string(after->t) + ", " + std::to_string(after->item) + ")";
    }
    for (size_t group = first_group; group < selection.groups.size(); ++group) {
      text += " AND EXISTS(SELECT 1 FROM item_terms x WHERE x.item = m.item AND x.term IN (" +
              Joined(selection.groups[group]) + "))";
    }
    if (join_for_tagged && selection.tagged) {
      text += " AND (SELECT i.tagged FROM items i WHERE i.item = m.item) = " +
              std::to_string(*selection.tagged);
    }
    return text;
  }

  std::string Ordered() const {
    const char* const way = descending ? "DESC" : "ASC";
    return std::string(" ORDER BY t ") + way + ", item " + way + " LIMIT " + std::to_string(limit);
  }

  std::string Leg(const std::string& table, const std::string& range,
                  const std::string& conditions) const {
    return "SELECT * FROM (SELECT m.t AS t, m.item AS item FROM " + table + " m WHERE " + range +
           conditions + Ordered() + ") leg";
  }

  std::vector<std::string> Legs() const {
    const bool by_term = !selection.groups.empty();
    const std::vector<int64_t> parts =
        by_term ? selection.groups.front()
                : (selection.tagged ? std::vector<int64_t>{*selection.tagged}
                                    : std::vector<int64_t>{0, 1});
    const std::string table = by_term ? "item_terms" : "items";
    const std::string column = by_term ? "m.term" : "m.tagged";
    std::string conditions = Conditions(by_term ? 1 : 0, by_term);
    const bool by_source =
        selection.sources && selection.sources->size() * parts.size() <= kMostLegs;
    if (selection.sources && !by_source) {
      conditions += " AND m.source IN (" + Joined(*selection.sources) + ")";
    }
    std::vector<std::string> legs;
    for (const int64_t part : parts) {
      const std::string range = column + " = " + std::to_string(part);
      if (by_source) {
        for (const int64_t source : *selection.sources) {
          legs.push_back(
              Leg(table, "m.source = " + std::to_string(source) + " AND " + range, conditions));
        }
      } else {
        const std::string all =
            by_term ? range : "m.org = " + std::to_string(selection.org) + " AND " + range;
        legs.push_back(Leg(table, all, conditions));
      }
    }
    return legs;
  }

  std::string Sql() const {
    std::string text;
    for (const std::string& leg : Legs()) text += (text.empty() ? "" : " UNION ") + leg;
    return text + Ordered();
  }
};

absl::Status AddTotals(Connection& connection, const std::string& sql, Totals& totals) {
  return connection.Query(sql, {}, [&](const Row& row) {
    totals.count += static_cast<uint64_t>(row.Integer(0));
    totals.bytes += static_cast<uint64_t>(row.Integer(1));
    return absl::OkStatus();
  });
}

std::string OfSources(const Selection& selection) {
  if (selection.sources) return "source IN (" + Joined(*selection.sources) + ")";
  return "source IN (SELECT source FROM sources WHERE tabular = 0 AND org = " +
         std::to_string(selection.org) + ")";
}

// Items whose time lies in [start, end), which are parts of days.
absl::Status CountRange(Connection& connection, const Selection& selection, int64_t start,
                        int64_t end, Totals& totals) {
  if (start >= end) return absl::OkStatus();
  const std::string tagged =
      selection.tagged ? std::to_string(*selection.tagged) : std::string("0, 1");
  const std::string range = " AND tagged IN (" + tagged + ") AND t >= " + std::to_string(start) +
                            " AND t < " + std::to_string(end);
  const std::string whose =
      selection.sources ? OfSources(selection) : "org = " + std::to_string(selection.org);
  return AddTotals(connection,
                   "SELECT COUNT(*), COALESCE(SUM(size), 0) FROM items WHERE " + whose + range,
                   totals);
}

// Without terms: whole days are kept; only the days at the ends are looked at.
absl::StatusOr<Totals> CountByDay(Connection& connection, const Selection& selection) {
  Totals totals;
  std::string days;
  if (selection.tagged) days += " AND tagged = " + std::to_string(*selection.tagged);
  int64_t first = 0;
  if (selection.start) {
    const int64_t day = DayOf(*selection.start);
    first = *selection.start == day * kNanosecondsOfDay ? day : day + 1;
    days += " AND day >= " + std::to_string(first);
  }
  if (selection.end) days += " AND day < " + std::to_string(DayOf(*selection.end));
  RETURN_IF_ERROR(
      AddTotals(connection,
                "SELECT COALESCE(SUM(items), 0), COALESCE(SUM(bytes), 0) FROM item_days WHERE " +
                    OfSources(selection) + days,
                totals));
  const int64_t no_end = std::numeric_limits<int64_t>::max();
  if (selection.start && *selection.start < first * kNanosecondsOfDay) {
    const int64_t end = std::min(first * kNanosecondsOfDay, selection.end.value_or(no_end));
    RETURN_IF_ERROR(CountRange(connection, selection, *selection.start, end, totals));
  }
  if (selection.end) {
    int64_t begin = DayOf(*selection.end) * kNanosecondsOfDay;
    if (selection.start) begin = std::max(begin, *selection.start);
    // Both ends in one day: it was counted above.
    const bool counted = selection.start && *selection.start < first * kNanosecondsOfDay &&
                         DayOf(*selection.start) == DayOf(*selection.end);
    if (!counted) RETURN_IF_ERROR(CountRange(connection, selection, begin, *selection.end, totals));
  }
  return totals;
}

}  // namespace

absl::StatusOr<Selection> Select(Connection& connection, const Caller& caller,
                                 const Filter& filter) {
  Selection selection;
  ASSIGN_OR_RETURN(selection.org, FindOrganization(connection, caller.organization_id));
  const auto& organizations = filter.organization_ids;
  selection.nothing =
      selection.org == 0 ||
      (!organizations.empty() && std::find(organizations.begin(), organizations.end(),
                                           caller.organization_id) == organizations.end());
  if (selection.nothing) return selection;
  if (AsksForSources(caller, filter, /*tabular=*/false)) {
    ASSIGN_OR_RETURN(selection.sources,
                     MatchSources(connection, selection.org, caller, filter, /*tabular=*/false));
    if (selection.sources->empty()) selection.nothing = true;
  }
  if (filter.tags_filter == Filter::Tags::kTagged) selection.tagged = 1;
  if (filter.tags_filter == Filter::Tags::kUntagged) selection.tagged = 0;
  if (filter.start) selection.start = Nanoseconds(*filter.start);
  if (filter.end) selection.end = Nanoseconds(*filter.end);
  if (selection.start && selection.end && *selection.start >= *selection.end) {
    selection.nothing = true;
  }
  RETURN_IF_ERROR(AddGroups(connection, filter, selection));
  return selection;
}

absl::StatusOr<std::vector<Position>> PageOf(Connection& connection, const Selection& selection,
                                             const std::optional<Position>& after, Order order,
                                             uint64_t limit) {
  std::vector<Position> page;
  if (selection.nothing) return page;
  const PageQuery query{.selection = selection,
                        .after = after,
                        .descending = order == Order::kDescending,
                        .limit = limit};
  RETURN_IF_ERROR(connection.Query(query.Sql(), {}, [&](const Row& row) {
    page.push_back({.t = row.Integer(0), .item = row.Integer(1)});
    return absl::OkStatus();
  }));
  return page;
}

absl::StatusOr<Totals> CountOf(Connection& connection, const Selection& selection) {
  Totals totals;
  if (selection.nothing) return totals;
  if (selection.groups.empty()) return CountByDay(connection, selection);
  const bool kept = selection.groups.size() == 1 && selection.groups[0].size() == 1 &&
                    !selection.start && !selection.end && !selection.tagged;
  if (kept) {
    RETURN_IF_ERROR(AddTotals(
        connection,
        "SELECT COALESCE(SUM(items), 0), COALESCE(SUM(bytes), 0) FROM term_counts WHERE term = " +
            std::to_string(selection.groups[0][0]) + " AND " + OfSources(selection),
        totals));
    return totals;
  }
  const PageQuery query{
      .selection = selection, .after = std::nullopt, .descending = true, .limit = 0};
  std::string where = "m.term IN (" + Joined(selection.groups.front()) + ")";
  if (selection.sources) where += " AND m.source IN (" + Joined(*selection.sources) + ")";
  RETURN_IF_ERROR(AddTotals(connection,
                            "SELECT COUNT(*), COALESCE(SUM(i.size), 0) FROM items i WHERE i.item IN"
                            " (SELECT m.item FROM item_terms m WHERE " +
                                where + query.Conditions(1, true) + ")",
                            totals));
  return totals;
}

std::string TokenOf(const Position& position) {
  return std::to_string(position.t) + "." + std::to_string(position.item);
}

absl::StatusOr<std::optional<Position>> PositionOf(const std::string& token) {
  if (token.empty()) return std::optional<Position>();
  Position position;
  const char* const end = token.data() + token.size();
  const auto t = std::from_chars(token.data(), end, position.t);
  if (t.ec == std::errc() && t.ptr != end && *t.ptr == '.') {
    const auto item = std::from_chars(t.ptr + 1, end, position.item);
    if (item.ec == std::errc() && item.ptr == end) return std::optional<Position>(position);
  }
  return InvalidArgument("`last` is not a place that an earlier page ended at: " + token);
}

}  // namespace bowerbird::data
