// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"
#include "data/labels.h"
#include "data/schema.h"
#include "data/selection.h"
#include "data/sources.h"

namespace bowerbird::data {
namespace {

struct Term {
  int64_t term = 0;
  LabelCount count;
};

// Terms of the vocabulary that items of these sources have, with their kept counts.
absl::StatusOr<std::vector<Term>> Vocabulary(Connection& connection, const Selection& selection,
                                             TermKind kind) {
  std::string sql =
      "SELECT t.term, t.name, SUM(c.items) FROM terms t JOIN term_counts c ON c.term = t.term"
      " WHERE t.org = " +
      std::to_string(selection.org) + " AND t.kind = " + std::to_string(static_cast<int64_t>(kind));
  if (selection.sources) sql += " AND c.source IN (" + Joined(*selection.sources) + ")";
  sql += " GROUP BY t.term, t.name HAVING SUM(c.items) > 0 ORDER BY t.name";
  std::vector<Term> terms;
  RETURN_IF_ERROR(connection.Query(sql, {}, [&](const Row& row) {
    terms.push_back({.term = row.Integer(0),
                     .count = {.label = std::string(row.Text(1)),
                               .items = static_cast<uint64_t>(row.Integer(2))}});
    return absl::OkStatus();
  }));
  return terms;
}

bool IsOfSourcesOnly(const Selection& selection) {
  return !selection.tagged && selection.groups.empty() && !selection.start && !selection.end;
}

absl::StatusOr<std::vector<LabelCount>> Names(Core& core, const Caller& caller,
                                              const Filter& filter, TermKind kind) {
  std::vector<LabelCount> names;
  RETURN_IF_ERROR(core.database().Read([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const Selection selection, Select(connection, caller, filter));
    if (selection.nothing) return absl::OkStatus();
    ASSIGN_OR_RETURN(auto terms, Vocabulary(connection, selection, kind));
    const bool counted = IsOfSourcesOnly(selection);
    for (Term& term : terms) {
      if (!counted) {
        // One look-up for each word of the vocabulary, instead of a walk over the items.
        Selection with_term = selection;
        with_term.groups.push_back({term.term});
        ASSIGN_OR_RETURN(const auto found,
                         PageOf(connection, with_term, std::nullopt, Order::kDescending, 1));
        if (found.empty()) continue;
        term.count.items = 0;
      }
      names.push_back(std::move(term.count));
    }
    return absl::OkStatus();
  }));
  return names;
}

}  // namespace

absl::StatusOr<std::vector<LabelCount>> Labels::Tags(const Caller& caller, const Filter& filter) {
  return Names(core_, caller, filter, TermKind::kTag);
}

absl::StatusOr<std::vector<LabelCount>> Labels::BoxLabels(const Caller& caller,
                                                          const Filter& filter) {
  return Names(core_, caller, filter, TermKind::kBoxLabel);
}

}  // namespace bowerbird::data
