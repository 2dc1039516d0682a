// SPDX-License-Identifier: Apache-2.0
#include "data/ingest.h"

#include "base/status.h"
#include "data/dataset_rows.h"
#include "data/schema.h"
#include "data/sources.h"

namespace bowerbird::data {
namespace {

absl::StatusOr<StoredItem> InsertItemRow(Connection& connection, int64_t org, int64_t source,
                                         const NewItem& item, const Content& content,
                                         const std::string& file_id, const AnnotationState& state,
                                         Time now) {
  const bool is_bare = state.tags.empty() && state.annotations.empty();
  StoredItem stored{.org = org,
                    .source = source,
                    .t = Nanoseconds(item.time_requested),
                    .size = static_cast<int64_t>(content.size),
                    .version = is_bare ? 0 : 1,
                    .tagged = state.tags.empty() ? 0 : 1,
                    .width = content.width,
                    .height = content.height,
                    .file_id = file_id};
  const std::string id_bytes = BytesOfHex(file_id);
  const std::string hash = BytesOfHex(content.hash);
  const std::string state_hash = HashOf(state, content.width, content.height);
  const auto boxes = static_cast<int64_t>(state.annotations.boxes.size());
  // Only pictures have something to prepare.
  const int64_t prepared = content.width > 0 ? 0 : 1;
  const absl::Status inserted = connection.Query(
      "INSERT INTO items(org, source, file_id, t, received, stored, file_name, file_extension,"
      " size, hash, width, height, tagged, version, annotation_hash, boxes, prepared)"
      " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
      " RETURNING item",
      {org, source, Bytes{id_bytes}, stored.t, Nanoseconds(item.time_received), Nanoseconds(now),
       item.file_name, item.file_extension, stored.size, Bytes{hash}, int64_t{content.width},
       int64_t{content.height}, stored.tagged, stored.version, Bytes{state_hash}, boxes, prepared},
      [&](const Row& row) {
        stored.item = row.Integer(0);
        return absl::OkStatus();
      });
  RETURN_IF_ERROR(inserted);
  RETURN_IF_ERROR(CountItem(connection, stored, +1));
  return stored;
}

absl::Status HasNoNul(const std::string& text, const char* what) {
  if (text.find('\0') == std::string::npos) return absl::OkStatus();
  return InvalidArgument(std::string(what) + " must not hold a NUL character");
}

}  // namespace

absl::Status CheckNewItem(const NewItem& item) {
  const Source& source = item.source;
  for (const std::string* text :
       {&source.location_id, &source.robot_id, &source.robot_name, &source.part_id,
        &source.part_name, &source.component_type, &source.component_name, &source.method_name,
        &source.mime_type, &item.file_name, &item.file_extension}) {
    RETURN_IF_ERROR(HasNoNul(*text, "the metadata of an upload"));
  }
  AnnotationState state{.tags = item.tags, .annotations = item.annotations};
  return Normalize("", 1, state);
}

absl::StatusOr<Ingested> InsertItem(Connection& connection, const Caller& caller,
                                    const NewItem& item, const Content& content, Time now) {
  ASSIGN_OR_RETURN(const int64_t org, MakeOrganization(connection, caller.organization_id));
  Ingested result;
  result.file_id = FileIdOf(caller.organization_id, item, content.hash);
  result.id = ItemIdOf(caller.organization_id, item.source.location_id, result.file_id);
  ASSIGN_OR_RETURN(const auto existing, FindStored(connection, org, result.file_id));
  if (existing.has_value()) {
    result.existed = true;
    return result;
  }
  ASSIGN_OR_RETURN(const int64_t source,
                   MakeSource(connection, org, /*tabular=*/false, item.source, {}));
  AnnotationState state{.tags = item.tags, .annotations = item.annotations};
  RETURN_IF_ERROR(Normalize(result.file_id, 1, state));
  ASSIGN_OR_RETURN(const StoredItem stored, InsertItemRow(connection, org, source, item, content,
                                                          result.file_id, state, now));
  if (stored.version > 0) {
    RETURN_IF_ERROR(InsertFirstState(connection, stored, state, caller.name, now));
  }
  for (const std::string& dataset : item.dataset_ids) {
    ASSIGN_OR_RETURN(const int64_t term, TermOfDataset(connection, org, dataset));
    RETURN_IF_ERROR(AddTerm(connection, stored, term).status());
  }
  return result;
}

absl::StatusOr<std::string> DeleteItemRows(Connection& connection, const StoredItem& stored) {
  std::vector<int64_t> terms;
  RETURN_IF_ERROR(connection.Query("SELECT term FROM item_terms WHERE item = $1", {stored.item},
                                   [&](const Row& row) {
                                     terms.push_back(row.Integer(0));
                                     return absl::OkStatus();
                                   }));
  for (const int64_t term : terms) {
    RETURN_IF_ERROR(RemoveTerm(connection, stored, term).status());
  }
  RETURN_IF_ERROR(CountItem(connection, stored, -1));
  RETURN_IF_ERROR(connection.Execute("UPDATE deletions SET number = number + 1", {}).status());
  RETURN_IF_ERROR(
      connection.Execute("DELETE FROM annotation_versions WHERE item = $1", {stored.item})
          .status());
  std::string hash;
  RETURN_IF_ERROR(connection.Query("DELETE FROM items WHERE item = $1 RETURNING hash",
                                   {stored.item}, [&](const Row& row) {
                                     hash = row.Blob(0);
                                     return absl::OkStatus();
                                   }));
  RETURN_IF_ERROR(connection.Query("SELECT 1 FROM items WHERE hash = $1 LIMIT 1", {Bytes{hash}},
                                   [&](const Row&) {
                                     hash.clear();
                                     return absl::OkStatus();
                                   }));
  return HexOfBytes(hash);
}

}  // namespace bowerbird::data
