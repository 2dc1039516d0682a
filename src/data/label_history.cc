// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "base/status.h"
#include "data/item_lookup.h"
#include "data/labels.h"

namespace bowerbird::data {
namespace {

// FILE.VERSION: the item, and the version that the change made.
struct ChangeId {
  std::string file_id;
  int64_t version = 0;
};

std::string TextOf(const ChangeId& id) { return id.file_id + "." + std::to_string(id.version); }

absl::StatusOr<ChangeId> ParseChangeId(const Caller& caller, const std::string& text) {
  const size_t dot = text.rfind('.');
  ChangeId id;
  if (dot != std::string::npos) {
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + dot + 1, end, id.version);
    auto file_id = ParseItemId(caller, text.substr(0, dot));
    if (parsed.ec == std::errc() && parsed.ptr == end && id.version > 0 && file_id.ok()) {
      id.file_id = *std::move(file_id);
      return id;
    }
  }
  return NotFound("no change of annotations has the id " + text);
}

struct Version {
  int64_t version = 0;
  Time time;
  std::string changed_by;
  AnnotationState state{};
};

absl::StatusOr<std::vector<Version>> LoadVersions(Connection& connection, int64_t item,
                                                  int64_t newest, int64_t count) {
  std::vector<Version> versions;
  RETURN_IF_ERROR(connection.Query(
      "SELECT version, t, changed_by, body FROM annotation_versions WHERE item = $1"
      " AND version <= $2 ORDER BY version DESC LIMIT $3",
      {item, newest, count}, [&](const Row& row) -> absl::Status {
        Version version{.version = row.Integer(0),
                        .time = TimeOf(row.Integer(1)),
                        .changed_by = std::string(row.Text(2))};
        ASSIGN_OR_RETURN(version.state, StateOf(row.Text(3)));
        versions.push_back(std::move(version));
        return absl::OkStatus();
      }));
  return versions;
}

AnnotationChange ChangeOf(const std::string& file_id, const Version& after,
                          const AnnotationState& before) {
  return {.id = TextOf({.file_id = file_id, .version = after.version}),
          .time = after.time,
          .changed_by = after.changed_by,
          .before = before.annotations,
          .after = after.state.annotations,
          .tags_before = before.tags,
          .tags_after = after.state.tags};
}

}  // namespace

absl::StatusOr<std::vector<AnnotationChange>> Labels::History(const Caller& caller,
                                                              const std::string& id, size_t limit) {
  std::vector<AnnotationChange> changes;
  RETURN_IF_ERROR(core_.database().Read([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const StoredItem stored, FindOne(connection, caller, id));
    // One more than asked for: what was before the last of them.
    ASSIGN_OR_RETURN(const auto versions,
                     LoadVersions(connection, stored.item, stored.version,
                                  static_cast<int64_t>(std::min<size_t>(limit, 10'000)) + 1));
    for (size_t at = 0; at < versions.size() && changes.size() < limit; ++at) {
      const bool has_before = at + 1 < versions.size();
      changes.push_back(ChangeOf(stored.file_id, versions[at],
                                 has_before ? versions[at + 1].state : AnnotationState()));
    }
    return absl::OkStatus();
  }));
  return changes;
}

absl::StatusOr<AnnotationChange> Labels::Undo(const Caller& caller, const std::string& change_id) {
  ASSIGN_OR_RETURN(const ChangeId id, ParseChangeId(caller, change_id));
  AnnotationChange change;
  const absl::Status written = core_.database().Write([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(StoredItem stored, FindOne(connection, caller, id.file_id));
    if (id.version > stored.version) {
      return NotFound("no change of annotations has the id " + change_id);
    }
    if (id.version < stored.version) {
      return FailedPrecondition("the annotations were changed again since: undo change " +
                                TextOf({id.file_id, stored.version}) + " first");
    }
    ASSIGN_OR_RETURN(const AnnotationState now, LoadState(connection, stored.item, stored.version));
    ASSIGN_OR_RETURN(const AnnotationState before,
                     LoadState(connection, stored.item, stored.version - 1));
    RETURN_IF_ERROR(
        ChangeState(connection, stored, now, before, caller.name, core_.Now()).status());
    ASSIGN_OR_RETURN(const auto versions, LoadVersions(connection, stored.item, stored.version, 1));
    change = ChangeOf(stored.file_id, versions.front(), now);
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(written);
  return change;
}

}  // namespace bowerbird::data
