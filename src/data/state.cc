// SPDX-License-Identifier: Apache-2.0
#include "data/state.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/status.h"

namespace bowerbird::data {
namespace {

using TermNames = std::set<std::pair<TermKind, std::string>>;

TermNames TermsOf(const AnnotationState& state) {
  TermNames names;
  for (const std::string& tag : state.tags) names.emplace(TermKind::kTag, tag);
  for (const auto& box : state.annotations.boxes) names.emplace(TermKind::kBoxLabel, box.label);
  for (const auto& one : state.annotations.classifications) {
    names.emplace(TermKind::kClassification, one.label);
  }
  return names;
}

absl::Status SetTerms(Connection& connection, const StoredItem& stored, const TermNames& before,
                      const TermNames& after) {
  for (const auto& [kind, name] : before) {
    if (after.contains({kind, name})) continue;
    ASSIGN_OR_RETURN(const int64_t term, FindTerm(connection, stored.org, kind, name));
    RETURN_IF_ERROR(RemoveTerm(connection, stored, term).status());
  }
  for (const auto& [kind, name] : after) {
    if (before.contains({kind, name})) continue;
    ASSIGN_OR_RETURN(const int64_t term, MakeTerm(connection, stored.org, kind, name));
    RETURN_IF_ERROR(AddTerm(connection, stored, term).status());
  }
  return absl::OkStatus();
}

absl::Status InsertVersion(Connection& connection, int64_t item, int64_t version,
                           const std::string& body, const std::string& who, Time now) {
  return connection
      .Execute(
          "INSERT INTO annotation_versions(item, version, t, changed_by, body)"
          " VALUES ($1, $2, $3, $4, $5)",
          {item, version, Nanoseconds(now), who, body})
      .status();
}

absl::Status CountTerm(Connection& connection, const StoredItem& stored, int64_t term,
                       int64_t sign) {
  return connection
      .Execute(
          "INSERT INTO term_counts(term, source, items, bytes) VALUES ($1, $2, $3, $4)"
          " ON CONFLICT(term, source) DO UPDATE SET items = term_counts.items +"
          " excluded.items, bytes = term_counts.bytes + excluded.bytes",
          {term, stored.source, sign, sign * stored.size})
      .status();
}

constexpr const char* kStoredColumns =
    "SELECT item, org, source, t, size, version, tagged, width, height, file_id FROM items";

StoredItem StoredOf(const Row& row) {
  return {.item = row.Integer(0),
          .org = row.Integer(1),
          .source = row.Integer(2),
          .t = row.Integer(3),
          .size = row.Integer(4),
          .version = row.Integer(5),
          .tagged = row.Integer(6),
          .width = static_cast<int>(row.Integer(7)),
          .height = static_cast<int>(row.Integer(8)),
          .file_id = HexOfBytes(row.Blob(9))};
}

}  // namespace

absl::StatusOr<std::optional<StoredItem>> FindStored(Connection& connection, int64_t org,
                                                     const std::string& file_id) {
  std::optional<StoredItem> stored;
  const std::string bytes = BytesOfHex(file_id);
  RETURN_IF_ERROR(connection.Query(std::string(kStoredColumns) + " WHERE file_id = $1 AND org = $2",
                                   {Bytes{bytes}, org}, [&](const Row& row) {
                                     stored = StoredOf(row);
                                     return absl::OkStatus();
                                   }));
  return stored;
}

absl::StatusOr<std::vector<StoredItem>> LoadStored(Connection& connection,
                                                   const std::vector<int64_t>& items) {
  std::vector<StoredItem> stored;
  if (items.empty()) return stored;
  RETURN_IF_ERROR(connection.Query(
      std::string(kStoredColumns) + " WHERE item IN (" + Joined(items) + ") ORDER BY item", {},
      [&](const Row& row) {
        stored.push_back(StoredOf(row));
        return absl::OkStatus();
      }));
  return stored;
}

absl::StatusOr<AnnotationState> LoadState(Connection& connection, int64_t item, int64_t version) {
  if (version == 0) return AnnotationState();
  std::optional<std::string> body;
  RETURN_IF_ERROR(
      connection.Query("SELECT body FROM annotation_versions WHERE item = $1 AND version = $2",
                       {item, version}, [&](const Row& row) {
                         body = std::string(row.Text(0));
                         return absl::OkStatus();
                       }));
  if (!body.has_value()) {
    return absl::DataLossError("the annotations of an item are missing: restore a backup");
  }
  return StateOf(*body);
}

absl::StatusOr<bool> ChangeState(Connection& connection, StoredItem& stored,
                                 const AnnotationState& before, AnnotationState after,
                                 const std::string& who, Time now) {
  const int64_t version = stored.version + 1;
  RETURN_IF_ERROR(Normalize(stored.file_id, version, after));
  const std::string body = BodyOf(after);
  if (body == BodyOf(before)) return false;
  RETURN_IF_ERROR(SetTerms(connection, stored, TermsOf(before), TermsOf(after)));
  RETURN_IF_ERROR(InsertVersion(connection, stored.item, version, body, who, now));
  const int64_t tagged = after.tags.empty() ? 0 : 1;
  if (tagged != stored.tagged) {
    RETURN_IF_ERROR(CountItem(connection, stored, -1));
    stored.tagged = tagged;
    RETURN_IF_ERROR(CountItem(connection, stored, +1));
  }
  stored.version = version;
  const std::string hash = HashOf(after, stored.width, stored.height);
  const auto boxes = static_cast<int64_t>(after.annotations.boxes.size());
  RETURN_IF_ERROR(connection
                      .Execute("UPDATE items SET version = $1, tagged = $2, annotation_hash = $3,"
                               " boxes = $4 WHERE item = $5",
                               {version, tagged, Bytes{hash}, boxes, stored.item})
                      .status());
  return true;
}

absl::Status InsertFirstState(Connection& connection, const StoredItem& stored,
                              const AnnotationState& state, const std::string& who, Time now) {
  RETURN_IF_ERROR(SetTerms(connection, stored, {}, TermsOf(state)));
  return InsertVersion(connection, stored.item, 1, BodyOf(state), who, now);
}

absl::StatusOr<int64_t> FindTerm(Connection& connection, int64_t org, TermKind kind,
                                 const std::string& name) {
  int64_t term = 0;
  RETURN_IF_ERROR(
      connection.Query("SELECT term FROM terms WHERE org = $1 AND kind = $2 AND name = $3",
                       {org, static_cast<int64_t>(kind), name}, [&](const Row& row) {
                         term = row.Integer(0);
                         return absl::OkStatus();
                       }));
  return term;
}

absl::StatusOr<int64_t> MakeTerm(Connection& connection, int64_t org, TermKind kind,
                                 const std::string& name) {
  ASSIGN_OR_RETURN(int64_t term, FindTerm(connection, org, kind, name));
  if (term != 0) return term;
  RETURN_IF_ERROR(
      connection.Query("INSERT INTO terms(org, kind, name) VALUES ($1, $2, $3) RETURNING term",
                       {org, static_cast<int64_t>(kind), name}, [&](const Row& row) {
                         term = row.Integer(0);
                         return absl::OkStatus();
                       }));
  return term;
}

absl::StatusOr<bool> AddTerm(Connection& connection, const StoredItem& stored, int64_t term) {
  ASSIGN_OR_RETURN(const int64_t added,
                   connection.Execute("INSERT INTO item_terms(item, term, source, t)"
                                      " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                                      {stored.item, term, stored.source, stored.t}));
  if (added == 0) return false;
  RETURN_IF_ERROR(CountTerm(connection, stored, term, +1));
  return true;
}

absl::StatusOr<bool> RemoveTerm(Connection& connection, const StoredItem& stored, int64_t term) {
  ASSIGN_OR_RETURN(const int64_t removed,
                   connection.Execute("DELETE FROM item_terms WHERE item = $1 AND term = $2",
                                      {stored.item, term}));
  if (removed == 0) return false;
  RETURN_IF_ERROR(CountTerm(connection, stored, term, -1));
  return true;
}

absl::Status CountItem(Connection& connection, const StoredItem& stored, int64_t sign) {
  return connection
      .Execute(
          "INSERT INTO item_days(source, day, tagged, items, bytes)"
          " VALUES ($1, $2, $3, $4, $5) ON CONFLICT(source, day, tagged) DO UPDATE SET"
          " items = item_days.items + excluded.items,"
          " bytes = item_days.bytes + excluded.bytes",
          {stored.source, DayOf(stored.t), stored.tagged, sign, sign * stored.size})
      .status();
}

}  // namespace bowerbird::data
