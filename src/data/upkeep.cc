// SPDX-License-Identifier: Apache-2.0
#include "data/upkeep.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/status.h"
#include "data/ingest.h"
#include "data/item_lookup.h"
#include "data/pins.h"
#include "data/references.h"

namespace bowerbird::data {
namespace {

constexpr uint64_t kPortion = 500;
constexpr std::chrono::seconds kUploadGrace = std::chrono::minutes(10);
// Of one collection, to bound its memory; the next one finds the rest.
constexpr size_t kMostGarbage = 100'000;

struct Candidates {
  std::vector<StoredItem> items;
  std::optional<Position> last;
  bool done = false;
};

absl::StatusOr<Candidates> NextCandidates(Connection& connection, const Caller& caller,
                                          const Filter& filter,
                                          const std::optional<Position>& after) {
  Candidates next;
  ASSIGN_OR_RETURN(const Selection selection, Select(connection, caller, filter));
  ASSIGN_OR_RETURN(const auto page,
                   PageOf(connection, selection, after, Order::kAscending, kPortion));
  std::vector<int64_t> numbers;
  numbers.reserve(page.size());
  for (const Position& position : page) numbers.push_back(position.item);
  ASSIGN_OR_RETURN(next.items, LoadStored(connection, numbers));
  // In the order of the page: the oldest first.
  std::sort(next.items.begin(), next.items.end(), [](const StoredItem& a, const StoredItem& b) {
    return std::pair(a.t, a.item) < std::pair(b.t, b.item);
  });
  if (!page.empty()) next.last = page.back();
  next.done = page.size() < kPortion;
  return next;
}

// Goes over the items, oldest first, and decides for each whether it must go.
class Retention {
 public:
  Retention(Core& core, const Caller& caller, const RetentionPolicy& policy, bool dry_run)
      : core_(core), caller_(caller), policy_(policy), dry_run_(dry_run) {
    if (policy.days) {
      const int64_t today = DayOf(Nanoseconds(core.Now()));
      too_old_before_ = (today - int64_t{*policy.days}) * kNanosecondsOfDay;
    }
  }

  absl::StatusOr<RetentionResult> Run() {
    RETURN_IF_ERROR(FindSurplus());
    std::optional<Position> after;
    bool done = false;
    while (!done) {
      const auto step = [&](Connection& connection) -> absl::Status {
        ASSIGN_OR_RETURN(const Candidates next,
                         NextCandidates(connection, caller_, policy_.filter, after));
        if (!next.items.empty()) {
          ASSIGN_OR_RETURN(done, Step(connection, next.items));
        }
        done = done || next.done;
        after = next.last;
        return absl::OkStatus();
      };
      RETURN_IF_ERROR(dry_run_ ? core_.database().Read(step) : core_.database().Write(step));
      for (const std::string& hash : unused_) {
        if (!hash.empty()) (void)core_.blobs().RemoveIfOlder(hash, kUploadGrace);
      }
      unused_.clear();
    }
    return result_;
  }

 private:
  absl::Status FindSurplus() {
    if (!policy_.binary_limit_bytes) return absl::OkStatus();
    return core_.database().Read([&](Connection& connection) -> absl::Status {
      ASSIGN_OR_RETURN(const Selection selection, Select(connection, caller_, policy_.filter));
      ASSIGN_OR_RETURN(const Totals totals, CountOf(connection, selection));
      surplus_ = totals.bytes > *policy_.binary_limit_bytes
                     ? totals.bytes - *policy_.binary_limit_bytes
                     : 0;
      return absl::OkStatus();
    });
  }

  // Whether nothing after these can have to go.
  absl::StatusOr<bool> Step(Connection& connection, const std::vector<StoredItem>& items) {
    ASSIGN_OR_RETURN(const Pins pins, Pins::Load(connection, items.front().org));
    for (const StoredItem& stored : items) {
      const bool too_old = too_old_before_ && stored.t < *too_old_before_;
      if (!too_old && surplus_ == 0) return true;
      if (pins.Holds(stored.item)) {
        ++result_.pinned_items;
        continue;
      }
      const auto size = static_cast<uint64_t>(stored.size);
      ++result_.items;
      result_.bytes += size;
      surplus_ -= std::min(surplus_, size);
      if (dry_run_) continue;
      ASSIGN_OR_RETURN(unused_.emplace_back(), DeleteItemRows(connection, stored));
    }
    return false;
  }

  Core& core_;
  const Caller& caller_;
  const RetentionPolicy& policy_;
  const bool dry_run_;
  std::optional<int64_t> too_old_before_;
  uint64_t surplus_ = 0;
  RetentionResult result_;
  std::vector<std::string> unused_;
};

}  // namespace

Upkeep::Upkeep(Core& core) : core_(core) {}

absl::StatusOr<RetentionResult> Upkeep::ApplyRetention(const Caller& caller,
                                                       const RetentionPolicy& policy,
                                                       bool dry_run) {
  if (!policy.days && !policy.binary_limit_bytes) {
    return InvalidArgument("a retention policy needs a number of days or of bytes");
  }
  Retention retention(core_, caller, policy, dry_run);
  return retention.Run();
}

absl::StatusOr<uint64_t> Upkeep::CollectGarbage(std::chrono::seconds grace,
                                                const Context& context) {
  uint64_t used_files = 0;
  uint64_t unused_files = 0;
  std::vector<std::string> unused;
  const auto look = [&](const store::BlobInfo& info) -> absl::Status {
    RETURN_IF_ERROR(context.Check());
    if (info.modified + grace > std::chrono::system_clock::now()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const bool used, IsUsed(core_, info.hash));
    ++(used ? used_files : unused_files);
    if (!used && unused.size() < kMostGarbage) unused.push_back(info.hash);
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(core_.blobs().ForEach(look));
  if (unused_files > used_files) {
    return FailedPrecondition(
        std::to_string(unused_files) + " of " + std::to_string(unused_files + used_files) +
        " files belong to no item, which is no remainder of broken uploads: nothing was removed. "
        "Is this the database of these files?");
  }
  uint64_t count = 0;
  for (const std::string& hash : unused) {
    RETURN_IF_ERROR(context.Check());
    // Somebody may have stored the same content meanwhile: then it is young again, or named.
    ASSIGN_OR_RETURN(const bool used, IsUsed(core_, hash));
    if (used) continue;
    ASSIGN_OR_RETURN(const bool removed, core_.blobs().RemoveIfOlder(hash, grace));
    count += removed ? 1 : 0;
  }
  return count;
}

}  // namespace bowerbird::data
