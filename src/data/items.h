// SPDX-License-Identifier: Apache-2.0
//
// The captured files: taking them in, finding them, giving them out, deleting them.
//
// Thread-safe: any thread may make any call. Calls that change something return once the change is
// durable; calls of several threads share the syncs, so many at once are much faster than one after
// the other. Reads see one consistent state each and never wait for a writer.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "data/filter.h"
#include "data/item.h"
#include "store/blobs.h"

namespace bowerbird::data {

class Core;
class Previews;

struct Ingested {
  std::string id{}, file_id{};
  bool existed = false;  // it was there already; nothing was changed
};

// Content on its way in. Dropping it drops the content. Used by one thread; must not outlive the
// catalog.
class Upload {
 public:
  explicit Upload(std::unique_ptr<store::BlobWriter> blob) : blob_(std::move(blob)) {}
  absl::Status Append(std::string_view bytes);
  uint64_t size() const { return blob_->size(); }

 private:
  friend class Items;
  std::unique_ptr<store::BlobWriter> blob_;
  std::string head_;  // enough of the content to see what kind of picture it is
};

class Items {
 public:
  Items(Core& core, Previews& previews);

  // For content that comes in pieces: append to it, then hand it to Add.
  absl::StatusOr<std::unique_ptr<Upload>> Receive();

  // The item is there, durably, when this returns OK; else nothing of it is. INVALID_ARGUMENT: a
  // tag, label or box that cannot be; NOT_FOUND: a dataset that does not exist.
  absl::StatusOr<Ingested> Add(const Caller& caller, const NewItem& item,
                               std::unique_ptr<Upload> content);
  absl::StatusOr<Ingested> Add(const Caller& caller, const NewItem& item, std::string_view content);

  absl::StatusOr<ItemPage> List(const Caller& caller, const PageRequest& request);
  // In the order of `ids`. NOT_FOUND names the first that is not there.
  absl::StatusOr<std::vector<Item>> Get(const Caller& caller, std::span<const std::string> ids);
  // Of the filter alone; kept counters where the filter allows it, never a walk over all items.
  absl::StatusOr<Totals> Count(const Caller& caller, const Filter& filter);
  // Every item of the filter, oldest first, in bounded memory. `visit` may take its time: no
  // transaction is held. Items that arrive meanwhile may be left out.
  absl::Status ForEach(const Caller& caller, const Filter& filter,
                       const std::function<absl::Status(const Item&)>& visit);

  // DATA_LOSS if the file of a known item is missing.
  absl::StatusOr<std::unique_ptr<store::BlobReader>> Open(const Item& item);
  // All of it; RESOURCE_EXHAUSTED above `limit` bytes.
  absl::StatusOr<std::string> Read(const Item& item, uint64_t limit = uint64_t{256} << 20);
  // A JPEG that fits in 320x320, made on first use or soon after arrival, and kept.
  // FAILED_PRECONDITION where the item is no picture.
  absl::StatusOr<std::string> Preview(const Item& item);

  // How many there were. Ids that do not exist are passed over, as on the wire. Items that a
  // snapshot holds stay: FAILED_PRECONDITION names the first of them, and nothing is deleted.
  absl::StatusOr<uint64_t> Delete(const Caller& caller, std::span<const std::string> ids);
  // In portions; what a snapshot holds stays and is not counted.
  absl::StatusOr<uint64_t> DeleteByFilter(const Caller& caller, const Filter& filter);

 private:
  Core& core_;
  Previews& previews_;
};

}  // namespace bowerbird::data
