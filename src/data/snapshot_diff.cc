// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <utility>
#include <vector>

#include "base/status.h"
#include "data/core.h"
#include "data/item.h"
#include "data/manifest.h"
#include "data/snapshots.h"

namespace bowerbird::data {
namespace {

using Kind = SnapshotDifference::Kind;

constexpr size_t kIdsAtOnce = 500;

SnapshotDifference Difference(Kind kind, const ManifestRecord& record, std::string from,
                              std::string to) {
  return {.kind = kind,
          .item_hash = HexOfBytes(ItemHashOf(record)),
          .item_id = "",
          .from = std::move(from),
          .to = std::move(to)};
}

std::string AnnotationsOf(const ManifestRecord& record) {
  return HexOfBytes(AnnotationHashOf(record));
}
std::string SideOf(const ManifestRecord& record) {
  return std::string(annotation::NameOf(SplitOf(record)));
}

// Walks over both manifests, which are sorted by item, at the same time. Of items with the same
// content the first of one side is compared with the first of the other, and so on.
absl::Status Walk(
    store::Blobs& blobs, const Snapshot& from, const Snapshot& to,
    const std::function<absl::Status(const ManifestRecord*, const ManifestRecord*)>& visit) {
  ASSIGN_OR_RETURN(ManifestReader before, ManifestReader::Open(blobs, from.id));
  ASSIGN_OR_RETURN(ManifestReader after, ManifestReader::Open(blobs, to.id));
  ASSIGN_OR_RETURN(auto old_one, before.Next());
  ASSIGN_OR_RETURN(auto new_one, after.Next());
  while (old_one || new_one) {
    const int order = !old_one   ? 1
                      : !new_one ? -1
                                 : ItemHashOf(*old_one).compare(ItemHashOf(*new_one));
    RETURN_IF_ERROR(visit(order <= 0 ? &*old_one : nullptr, order >= 0 ? &*new_one : nullptr));
    if (order <= 0) {
      ASSIGN_OR_RETURN(old_one, before.Next());
    }
    if (order >= 0) {
      ASSIGN_OR_RETURN(new_one, after.Next());
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<SnapshotDifferenceCounts> Count(store::Blobs& blobs, const Snapshot& from,
                                               const Snapshot& to) {
  SnapshotDifferenceCounts counts;
  const absl::Status walked =
      Walk(blobs, from, to, [&](const ManifestRecord* old_one, const ManifestRecord* new_one) {
        if (old_one == nullptr) {
          ++counts.added;
        } else if (new_one == nullptr) {
          ++counts.removed;
        } else {
          const bool annotations = AnnotationHashOf(*old_one) != AnnotationHashOf(*new_one);
          const bool side = SplitOf(*old_one) != SplitOf(*new_one);
          counts.annotation_changed += annotations ? 1 : 0;
          counts.split_changed += side ? 1 : 0;
          counts.unchanged += !annotations && !side ? 1 : 0;
        }
        return absl::OkStatus();
      });
  RETURN_IF_ERROR(walked);
  return counts;
}

void Compare(const ManifestRecord* old_one, const ManifestRecord* new_one,
             std::vector<SnapshotDifference>& found) {
  if (old_one == nullptr) {
    found.push_back(Difference(Kind::kAdded, *new_one, "", AnnotationsOf(*new_one)));
  } else if (new_one == nullptr) {
    found.push_back(Difference(Kind::kRemoved, *old_one, AnnotationsOf(*old_one), ""));
  } else {
    if (AnnotationHashOf(*old_one) != AnnotationHashOf(*new_one)) {
      found.push_back(Difference(Kind::kAnnotationChanged, *old_one, AnnotationsOf(*old_one),
                                 AnnotationsOf(*new_one)));
    }
    if (SplitOf(*old_one) != SplitOf(*new_one)) {
      found.push_back(
          Difference(Kind::kSplitChanged, *old_one, SideOf(*old_one), SideOf(*new_one)));
    }
  }
}

// An item that has this content now.
absl::Status FindIds(Core& core, const Caller& caller, std::vector<SnapshotDifference>& found) {
  return core.database().Read([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t org, FindOrganization(connection, caller.organization_id));
    for (SnapshotDifference& one : found) {
      const std::string hash = BytesOfHex(one.item_hash);
      RETURN_IF_ERROR(connection.Query(
          "SELECT s.location_id, i.file_id FROM items i JOIN sources s ON s.source = i.source"
          " WHERE i.hash = $1 AND i.org = $2 ORDER BY i.item LIMIT 1",
          {Bytes{hash}, org}, [&](const Row& row) {
            one.item_id = ItemIdOf(caller.organization_id, row.Text(0), HexOfBytes(row.Blob(1)));
            return absl::OkStatus();
          }));
    }
    return absl::OkStatus();
  });
}

}  // namespace

absl::Status Snapshots::Diff(
    const Caller& caller, const std::string& from_id, const std::string& to_id,
    const std::function<absl::Status(const SnapshotDifferenceCounts&)>& counts,
    const std::function<absl::Status(const SnapshotDifference&)>& difference) {
  ASSIGN_OR_RETURN(const Snapshot from, Get(caller, from_id));
  ASSIGN_OR_RETURN(const Snapshot to, Get(caller, to_id));
  ASSIGN_OR_RETURN(const auto counted, Count(core_.blobs(), from, to));
  RETURN_IF_ERROR(counts(counted));
  std::vector<SnapshotDifference> found;
  const auto give_out = [&]() -> absl::Status {
    RETURN_IF_ERROR(FindIds(core_, caller, found));
    for (const SnapshotDifference& one : found) RETURN_IF_ERROR(difference(one));
    found.clear();
    return absl::OkStatus();
  };
  const absl::Status walked = Walk(
      core_.blobs(), from, to, [&](const ManifestRecord* old_one, const ManifestRecord* new_one) {
        Compare(old_one, new_one, found);
        return found.size() >= kIdsAtOnce ? give_out() : absl::OkStatus();
      });
  RETURN_IF_ERROR(walked);
  return give_out();
}

}  // namespace bowerbird::data
