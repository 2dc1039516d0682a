// SPDX-License-Identifier: Apache-2.0
#include "data/item_rows.h"

#include <map>
#include <set>
#include <utility>

#include "base/status.h"
#include "data/schema.h"
#include "data/sources.h"
#include "data/state.h"

namespace bowerbird::data {
namespace {

struct LoadedItem {
  Item item;
  int64_t source = 0;
};

absl::StatusOr<LoadedItem> ItemOf(const Row& row) {
  LoadedItem loaded;
  Item& item = loaded.item;
  loaded.source = row.Integer(1);
  item.file_id = HexOfBytes(row.Blob(2));
  item.time_requested = TimeOf(row.Integer(3));
  item.time_received = TimeOf(row.Integer(4));
  item.file_name = row.Text(5);
  item.file_extension = row.Text(6);
  item.size = static_cast<uint64_t>(row.Integer(7));
  item.content_hash = HexOfBytes(row.Blob(8));
  item.width = static_cast<int>(row.Integer(9));
  item.height = static_cast<int>(row.Integer(10));
  if (!row.IsNull(11)) {
    ASSIGN_OR_RETURN(AnnotationState state, StateOf(row.Text(11)));
    item.tags = std::move(state.tags);
    item.annotations = std::move(state.annotations);
  }
  return loaded;
}

}  // namespace

absl::StatusOr<std::vector<Item>> LoadItems(Connection& connection,
                                            const std::vector<int64_t>& items) {
  std::vector<Item> result;
  if (items.empty()) return result;
  std::map<int64_t, LoadedItem> found;
  std::set<int64_t> source_numbers;
  const std::string list = Joined(items);
  RETURN_IF_ERROR(connection.Query(
      "SELECT i.item, i.source, i.file_id, i.t, i.received, i.file_name, i.file_extension, i.size,"
      " i.hash, i.width, i.height, v.body FROM items i LEFT JOIN annotation_versions v"
      " ON v.item = i.item AND v.version = i.version WHERE i.item IN (" +
          list + ")",
      {}, [&](const Row& row) -> absl::Status {
        ASSIGN_OR_RETURN(LoadedItem loaded, ItemOf(row));
        source_numbers.insert(loaded.source);
        found.emplace(row.Integer(0), std::move(loaded));
        return absl::OkStatus();
      }));
  RETURN_IF_ERROR(connection.Query(
      "SELECT m.item, t.name FROM item_terms m JOIN terms t ON t.term = m.term WHERE m.item IN (" +
          list + ") AND t.kind = " + std::to_string(static_cast<int64_t>(TermKind::kDataset)) +
          " ORDER BY t.name",
      {}, [&](const Row& row) {
        const auto at = found.find(row.Integer(0));
        if (at != found.end()) at->second.item.dataset_ids.emplace_back(row.Text(1));
        return absl::OkStatus();
      }));
  ASSIGN_OR_RETURN(const auto sources,
                   LoadSources(connection, {source_numbers.begin(), source_numbers.end()}));
  result.reserve(items.size());
  for (const int64_t number : items) {
    const auto at = found.find(number);
    if (at == found.end()) continue;
    Item& item = at->second.item;
    const KnownSource& known = sources.at(at->second.source);
    item.organization_id = known.organization_id;
    item.source = known.source;
    item.id = ItemIdOf(known.organization_id, known.source.location_id, item.file_id);
    result.push_back(item);
  }
  return result;
}

}  // namespace bowerbird::data
