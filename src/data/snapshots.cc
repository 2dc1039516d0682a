// SPDX-License-Identifier: Apache-2.0
#include "data/snapshots.h"

#include <algorithm>
#include <map>
#include <utility>

#include "annotation/split.h"
#include "base/status.h"
#include "data/dataset_rows.h"
#include "data/manifest.h"
#include "data/previews.h"
#include "data/snapshot_rows.h"
#include "data/sources.h"

namespace bowerbird::data {
namespace {

// Another attempt is needed only where items are deleted while the snapshot is made.
constexpr int kMostAttempts = 5;

struct Gathered {
  std::vector<ManifestRecord> records;
  std::vector<Member> members;
  uint64_t boxes = 0;
  int64_t deletions = 0;
};

// What a split needs to know of an item.
struct SplitMember {
  int64_t item = 0, source = 0, t = 0;
  std::optional<uint64_t> looks{};
  size_t record = 0;  // where it stands among those of the manifest
};

// One consistent state of the dataset.
struct SplitInput {
  std::vector<SplitMember> members;        // sorted by time
  std::map<int64_t, std::string> cameras;  // by source
};

absl::StatusOr<std::map<int64_t, std::string>> CamerasOf(Connection& connection,
                                                         const std::vector<SplitMember>& members) {
  std::vector<int64_t> numbers;
  numbers.reserve(members.size());
  for (const SplitMember& one : members) numbers.push_back(one.source);
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  ASSIGN_OR_RETURN(const auto sources, LoadSources(connection, numbers));
  std::map<int64_t, std::string> cameras;
  for (const auto& [number, known] : sources) {
    cameras[number] = known.source.part_id + "\n" + known.source.component_name;
  }
  return cameras;
}

// The side of each record of the manifest.
absl::Status AssignSides(const SplitInput& input, const SplitOptions& options,
                         std::vector<ManifestRecord>& records) {
  // The same content is one item to the split, whoever captured it how often: the first of them.
  std::map<std::string_view, size_t> firsts;
  std::vector<annotation::SplitItem> items;
  std::vector<std::string> keys;
  for (const SplitMember& one : input.members) {
    const std::string_view hash = ItemHashOf(records[one.record]);
    if (!firsts.emplace(hash, items.size()).second) continue;
    keys.push_back(HexOfBytes(hash));
    items.push_back({.key = "",
                     .perceptual_hash = one.looks,
                     .source = input.cameras.at(one.source),
                     .nanoseconds = one.t});
  }
  for (size_t at = 0; at < items.size(); ++at) items[at].key = keys[at];
  ASSIGN_OR_RETURN(const auto sides, annotation::AssignSplits(
                                         items, {.seed = options.seed,
                                                 .validation_fraction = options.validation_fraction,
                                                 .test_fraction = options.test_fraction,
                                                 .near_duplicate_bits = options.near_duplicate_bits,
                                                 .burst_seconds = options.burst_seconds}));
  for (const SplitMember& one : input.members) {
    ManifestRecord& record = records[one.record];
    record.back() = static_cast<unsigned char>(sides[firsts.at(ItemHashOf(record))]);
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> Deletions(Connection& connection) {
  int64_t number = 0;
  RETURN_IF_ERROR(connection.Query("SELECT number FROM deletions", {}, [&](const Row& row) {
    number = row.Integer(0);
    return absl::OkStatus();
  }));
  return number;
}

absl::StatusOr<Gathered> Gather(Core& core, const Caller& caller, const std::string& dataset_id,
                                const std::optional<SplitOptions>& split) {
  Gathered gathered;
  SplitInput input;
  const auto take = [&](const CurrentMember& one) {
    if (split)
      input.members.push_back(
          {one.member.item, one.source, one.t, one.looks, gathered.records.size()});
    gathered.members.push_back(one.member);
    gathered.boxes += static_cast<uint64_t>(one.boxes);
    gathered.records.push_back(
        MakeRecord(one.hash, one.annotation_hash, annotation::Split::kTraining));
  };
  const absl::Status read = core.database().Read([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t org, FindOrganization(connection, caller.organization_id));
    RETURN_IF_ERROR(RequireDataset(connection, org, dataset_id));
    ASSIGN_OR_RETURN(const int64_t term, FindTerm(connection, org, TermKind::kDataset, dataset_id));
    ASSIGN_OR_RETURN(gathered.deletions, Deletions(connection));
    RETURN_IF_ERROR(ForEachCurrentMember(
        connection, term, split ? MemberDetail::kSplit : MemberDetail::kHashes, take));
    ASSIGN_OR_RETURN(input.cameras, CamerasOf(connection, input.members));
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(read);
  if (split) {
    std::sort(input.members.begin(), input.members.end(),
              [](const SplitMember& a, const SplitMember& b) {
                return a.t != b.t ? a.t < b.t : a.item < b.item;
              });
    RETURN_IF_ERROR(AssignSides(input, *split, gathered.records));
  }
  std::sort(gathered.members.begin(), gathered.members.end(),
            [](const Member& a, const Member& b) { return a.item < b.item; });
  return gathered;
}

// ABORTED if items were deleted since they were read.
absl::StatusOr<CreatedSnapshot> InsertSnapshot(Core& core, const Caller& caller,
                                               const Snapshot& wanted, const Gathered& gathered) {
  CreatedSnapshot created;
  const std::string members = PackMembers(gathered.members);
  const absl::Status written = core.database().Write([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t deletions, Deletions(connection));
    if (deletions != gathered.deletions) return absl::AbortedError("items were deleted");
    ASSIGN_OR_RETURN(const int64_t org, FindOrganization(connection, caller.organization_id));
    RETURN_IF_ERROR(RequireDataset(connection, org, wanted.dataset_id));
    ASSIGN_OR_RETURN(
        const int64_t added,
        connection.Execute(
            "INSERT INTO snapshots(org, id, dataset_id, name, t, items, boxes, split, created_by,"
            " members) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
            {org, wanted.id, wanted.dataset_id, wanted.name, Nanoseconds(wanted.time_created),
             static_cast<int64_t>(wanted.item_count), static_cast<int64_t>(wanted.box_count),
             TextOf(wanted.split), wanted.created_by, Bytes{members}}));
    created.existed = added == 0;
    ASSIGN_OR_RETURN(created.snapshot,
                     FindSnapshot(connection, caller, wanted.id, wanted.dataset_id));
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(written);
  return created;
}

}  // namespace

Snapshots::Snapshots(Core& core, Previews& previews) : core_(core), previews_(previews) {}

absl::StatusOr<CreatedSnapshot> Snapshots::Create(const Caller& caller,
                                                  const std::string& dataset_id,
                                                  const std::string& name,
                                                  const std::optional<SplitOptions>& split) {
  if (!name.empty() && !annotation::CheckLabel(name).ok()) {
    return InvalidArgument(
        "the name of a snapshot has at most 200 bytes of UTF-8 without control characters");
  }
  // The split looks at perceptual hashes: it must not depend on how far they have got.
  if (split) RETURN_IF_ERROR(previews_.WaitUntilDone());
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    ASSIGN_OR_RETURN(Gathered gathered, Gather(core_, caller, dataset_id, split));
    Snapshot wanted{.dataset_id = dataset_id,
                    .name = name,
                    .time_created = core_.Now(),
                    .item_count = gathered.members.size(),
                    .box_count = gathered.boxes,
                    .split = split,
                    .created_by = caller.name};
    ASSIGN_OR_RETURN(wanted.id, StoreManifest(core_.blobs(), gathered.records));
    auto created = InsertSnapshot(core_, caller, wanted, gathered);
    if (!absl::IsAborted(created.status())) return created;
  }
  return Unavailable("items are being deleted all the time: make the snapshot later");
}

absl::StatusOr<std::vector<Snapshot>> Snapshots::List(const Caller& caller,
                                                      const std::string& dataset_id) {
  std::vector<Snapshot> snapshots;
  const absl::Status read = core_.database().Read([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t org, FindOrganization(connection, caller.organization_id));
    RETURN_IF_ERROR(RequireDataset(connection, org, dataset_id));
    std::vector<std::string> ids;
    RETURN_IF_ERROR(
        connection.Query("SELECT id FROM snapshots WHERE org = $1 AND dataset_id = $2 ORDER BY t "
                         "DESC, snapshot DESC",
                         {org, dataset_id}, [&](const Row& row) {
                           ids.emplace_back(row.Text(0));
                           return absl::OkStatus();
                         }));
    for (const std::string& id : ids) {
      ASSIGN_OR_RETURN(snapshots.emplace_back(), FindSnapshot(connection, caller, id, dataset_id));
    }
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(read);
  return snapshots;
}

absl::StatusOr<Snapshot> Snapshots::Get(const Caller& caller, const std::string& id) {
  Snapshot snapshot;
  const absl::Status read = core_.database().Read([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(snapshot, FindSnapshot(connection, caller, id));
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(read);
  return snapshot;
}

absl::Status Snapshots::Delete(const Caller& caller, const std::string& id) {
  // The manifest goes when garbage is collected: another snapshot may have the same.
  return core_.database().Write([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const Snapshot snapshot, FindSnapshot(connection, caller, id));
    ASSIGN_OR_RETURN(const int64_t org, FindOrganization(connection, caller.organization_id));
    return connection
        .Execute("DELETE FROM snapshots WHERE org = $1 AND id = $2 AND dataset_id = $3",
                 {org, snapshot.id, snapshot.dataset_id})
        .status();
  });
}

absl::StatusOr<std::unique_ptr<store::BlobReader>> Snapshots::Manifest(const Caller& caller,
                                                                       const std::string& id) {
  ASSIGN_OR_RETURN(const Snapshot snapshot, Get(caller, id));
  return core_.blobs().Open(snapshot.id);
}

}  // namespace bowerbird::data
