// SPDX-License-Identifier: Apache-2.0
#include "data/items.h"

#include <algorithm>
#include <map>

#include "base/status.h"
#include "data/ingest.h"
#include "data/item_lookup.h"
#include "data/item_rows.h"
#include "data/pins.h"
#include "data/previews.h"
#include "image/codec.h"

namespace bowerbird::data {
namespace {

// The size of a picture stands in its first segments, behind at most some of metadata.
constexpr size_t kHeadBytes = size_t{256} << 10;
// A file that was committed less long ago may belong to an upload whose row is on its way.
constexpr std::chrono::seconds kUploadGrace = std::chrono::minutes(10);

std::vector<int64_t> NumbersOf(const std::vector<Position>& page) {
  std::vector<int64_t> numbers;
  numbers.reserve(page.size());
  for (const Position& position : page) numbers.push_back(position.item);
  return numbers;
}

uint64_t PageLimit(uint64_t asked) {
  return asked == 0 ? kDefaultPage : std::min(asked, kLargestPage);
}

void RemoveContents(Core& core, const std::vector<std::string>& hashes) {
  for (const std::string& hash : hashes) {
    // What stays is found when garbage is collected.
    if (!hash.empty()) (void)core.blobs().RemoveIfOlder(hash, kUploadGrace);
  }
}

}  // namespace

absl::Status Upload::Append(std::string_view bytes) {
  if (head_.size() < kHeadBytes) head_ += bytes.substr(0, kHeadBytes - head_.size());
  return blob_->Append(bytes);
}

Items::Items(Core& core, Previews& previews) : core_(core), previews_(previews) {}

absl::StatusOr<std::unique_ptr<Upload>> Items::Receive() {
  ASSIGN_OR_RETURN(auto blob, core_.blobs().Create());
  return std::make_unique<Upload>(std::move(blob));
}

absl::StatusOr<Ingested> Items::Add(const Caller& caller, const NewItem& item,
                                    std::string_view content) {
  ASSIGN_OR_RETURN(auto upload, Receive());
  RETURN_IF_ERROR(upload->Append(content));
  return Add(caller, item, std::move(upload));
}

absl::StatusOr<Ingested> Items::Add(const Caller& caller, const NewItem& item,
                                    std::unique_ptr<Upload> upload) {
  RETURN_IF_ERROR(CheckNewItem(item));
  Content content{.hash = upload->blob_->Hash(), .size = upload->size()};
  const auto header = image::ReadHeader(
      std::span(reinterpret_cast<const uint8_t*>(upload->head_.data()), upload->head_.size()));
  if (header.ok()) {
    content.width = header->size.width;
    content.height = header->size.height;
  }
  // Sent again: neither the content nor the row is written.
  Ingested result;
  RETURN_IF_ERROR(core_.database().Read([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t org, FindOrganization(connection, caller.organization_id));
    result.file_id = FileIdOf(caller.organization_id, item, content.hash);
    result.id = ItemIdOf(caller.organization_id, item.source.location_id, result.file_id);
    ASSIGN_OR_RETURN(const auto existing, FindStored(connection, org, result.file_id));
    result.existed = existing.has_value();
    return absl::OkStatus();
  }));
  if (result.existed) return result;
  RETURN_IF_ERROR(upload->blob_->Commit().status());
  RETURN_IF_ERROR(core_.database().Write([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(result, InsertItem(connection, caller, item, content, core_.Now()));
    return absl::OkStatus();
  }));
  if (content.width > 0) previews_.Wake();
  return result;
}

absl::StatusOr<ItemPage> Items::List(const Caller& caller, const PageRequest& request) {
  ASSIGN_OR_RETURN(const auto after, PositionOf(request.last));
  const uint64_t limit = PageLimit(request.limit);
  ItemPage page;
  RETURN_IF_ERROR(core_.database().Read([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const Selection selection, Select(connection, caller, request.filter));
    ASSIGN_OR_RETURN(const auto positions,
                     PageOf(connection, selection, after, request.order, limit));
    if (positions.size() == limit) page.last = TokenOf(positions.back());
    ASSIGN_OR_RETURN(page.items, LoadItems(connection, NumbersOf(positions)));
    return absl::OkStatus();
  }));
  return page;
}

absl::StatusOr<std::vector<Item>> Items::Get(const Caller& caller,
                                             std::span<const std::string> ids) {
  std::vector<Item> items;
  RETURN_IF_ERROR(core_.database().Read([&](Connection& connection) -> absl::Status {
    std::vector<int64_t> numbers;
    numbers.reserve(ids.size());
    for (const std::string& id : ids) {
      ASSIGN_OR_RETURN(const StoredItem stored, FindOne(connection, caller, id));
      numbers.push_back(stored.item);
    }
    ASSIGN_OR_RETURN(items, LoadItems(connection, numbers));
    return absl::OkStatus();
  }));
  return items;
}

absl::StatusOr<Totals> Items::Count(const Caller& caller, const Filter& filter) {
  Totals totals;
  RETURN_IF_ERROR(core_.database().Read([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const Selection selection, Select(connection, caller, filter));
    ASSIGN_OR_RETURN(totals, CountOf(connection, selection));
    return absl::OkStatus();
  }));
  return totals;
}

absl::Status Items::ForEach(const Caller& caller, const Filter& filter,
                            const std::function<absl::Status(const Item&)>& visit) {
  PageRequest request{
      .filter = filter, .limit = kLargestPage, .last = "", .order = Order::kAscending};
  do {
    ASSIGN_OR_RETURN(const ItemPage page, List(caller, request));
    for (const Item& item : page.items) RETURN_IF_ERROR(visit(item));
    request.last = page.last;
  } while (!request.last.empty());
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<store::BlobReader>> Items::Open(const Item& item) {
  auto reader = core_.blobs().Open(item.content_hash);
  if (absl::IsNotFound(reader.status())) {
    const std::string message = "the file of binary data " + item.id +
                                " is missing: restore blob " + item.content_hash +
                                " from a backup, or delete the item";
    return absl::DataLossError(ToAbsl(message));
  }
  return reader;
}

absl::StatusOr<std::string> Items::Read(const Item& item, uint64_t limit) {
  ASSIGN_OR_RETURN(const auto reader, Open(item));
  if (reader->size() > limit) {
    return ResourceExhausted("binary data " + item.id + " has " + std::to_string(reader->size()) +
                             " bytes: fetch it in pieces");
  }
  std::string bytes(reader->size(), '\0');
  ASSIGN_OR_RETURN(const size_t count, reader->ReadAt(0, bytes));
  bytes.resize(count);
  return bytes;
}

absl::StatusOr<std::string> Items::Preview(const Item& item) { return previews_.Get(item); }

absl::StatusOr<uint64_t> Items::Delete(const Caller& caller, std::span<const std::string> ids) {
  std::vector<std::string> unused;
  const absl::Status written = core_.database().Write([&](Connection& connection) -> absl::Status {
    unused.clear();
    ASSIGN_OR_RETURN(const int64_t org, FindOrganization(connection, caller.organization_id));
    ASSIGN_OR_RETURN(const Pins pins, Pins::Load(connection, org));
    std::map<int64_t, StoredItem> found;
    for (const std::string& id : ids) {
      const auto stored = FindOne(connection, caller, id);
      if (absl::IsNotFound(stored.status())) continue;
      RETURN_IF_ERROR(stored.status());
      if (pins.Holds(stored->item)) {
        return FailedPrecondition("binary data " + id +
                                  " is part of a snapshot: delete the snapshot first");
      }
      found.emplace(stored->item, *stored);
    }
    for (const auto& [number, stored] : found) {
      ASSIGN_OR_RETURN(unused.emplace_back(), DeleteItemRows(connection, stored));
    }
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(written);
  RemoveContents(core_, unused);
  return unused.size();
}

absl::StatusOr<uint64_t> Items::DeleteByFilter(const Caller& caller, const Filter& filter) {
  uint64_t count = 0;
  std::vector<std::string> unused;
  const absl::Status status = ChangeByFilter(
      core_, caller, filter,
      [&](Connection& connection, std::vector<StoredItem>& portion) -> absl::Status {
        ASSIGN_OR_RETURN(const Pins pins, Pins::Load(connection, portion.front().org));
        for (const StoredItem& stored : portion) {
          if (pins.Holds(stored.item)) continue;
          ASSIGN_OR_RETURN(unused.emplace_back(), DeleteItemRows(connection, stored));
          ++count;
        }
        return absl::OkStatus();
      });
  // Also what earlier portions let go of, if a later one failed.
  RemoveContents(core_, unused);
  RETURN_IF_ERROR(status);
  return count;
}

}  // namespace bowerbird::data
