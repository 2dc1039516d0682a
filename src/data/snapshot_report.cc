// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <utility>

#include "annotation/leak_report.h"
#include "base/status.h"
#include "data/dataset_rows.h"
#include "data/manifest.h"
#include "data/previews.h"
#include "data/snapshot_rows.h"

namespace bowerbird::data {
namespace {

absl::StatusOr<annotation::Statistics> StatisticsOf(Core& core,
                                                    const std::vector<Member>& members) {
  annotation::StatisticsBuilder builder;
  const absl::Status read = ForEachMemberState(core, members, [&](const MemberState& one) {
    builder.Add(one.state.annotations, one.state.tags, one.width, one.height);
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(read);
  return builder.Finish();
}

absl::Status ForEachRecord(store::Blobs& blobs, const std::string& id,
                           const std::function<void(const ManifestRecord&)>& visit) {
  ASSIGN_OR_RETURN(ManifestReader reader, ManifestReader::Open(blobs, id));
  while (true) {
    ASSIGN_OR_RETURN(const auto record, reader.Next());
    if (!record) return absl::OkStatus();
    visit(*record);
  }
}

struct LeakItem {
  int64_t item = 0;
  std::string hash{};
  std::optional<uint64_t> looks{};
};

absl::StatusOr<std::vector<LeakItem>> LoadLeakItems(Core& core,
                                                    const std::vector<Member>& members) {
  constexpr size_t kPortion = 2000;
  std::vector<LeakItem> items;
  items.reserve(members.size());
  for (size_t at = 0; at < members.size(); at += kPortion) {
    std::vector<int64_t> numbers;
    for (size_t one = at; one < std::min(members.size(), at + kPortion); ++one) {
      numbers.push_back(members[one].item);
    }
    const absl::Status read = core.database().Read([&](Connection& connection) {
      return connection.Query("SELECT item, hash, looks FROM items WHERE item IN (" +
                                  Joined(numbers) + ") ORDER BY item",
                              {}, [&](const Row& row) {
                                LeakItem& item = items.emplace_back();
                                item.item = row.Integer(0);
                                item.hash = row.Blob(1);
                                if (!row.IsNull(2)) {
                                  item.looks = static_cast<uint64_t>(row.Integer(2));
                                }
                                return absl::OkStatus();
                              });
    });
    RETURN_IF_ERROR(read);
  }
  return items;
}

// Ids of some items by number.
absl::StatusOr<std::map<int64_t, std::string>> IdsOf(Core& core, const Caller& caller,
                                                     const std::vector<int64_t>& numbers) {
  std::map<int64_t, std::string> ids;
  if (numbers.empty()) return ids;
  const absl::Status read = core.database().Read([&](Connection& connection) {
    return connection.Query(
        "SELECT i.item, s.location_id, i.file_id FROM items i JOIN sources s"
        " ON s.source = i.source WHERE i.item IN (" +
            Joined(numbers) + ")",
        {}, [&](const Row& row) {
          ids[row.Integer(0)] =
              ItemIdOf(caller.organization_id, row.Text(1), HexOfBytes(row.Blob(2)));
          return absl::OkStatus();
        });
  });
  RETURN_IF_ERROR(read);
  return ids;
}

}  // namespace

absl::StatusOr<SnapshotStatistics> Snapshots::StatisticsOfSnapshot(const Caller& caller,
                                                                   const std::string& id) {
  std::vector<Member> members;
  ASSIGN_OR_RETURN(const Snapshot snapshot, Get(caller, id));
  const absl::Status read = core_.database().Read([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(members, LoadMembers(connection, caller, snapshot));
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(read);
  SnapshotStatistics result;
  ASSIGN_OR_RETURN(result.statistics, StatisticsOf(core_, members));
  const absl::Status walked =
      ForEachRecord(core_.blobs(), snapshot.id, [&](const ManifestRecord& record) {
        const annotation::Split side = SplitOf(record);
        result.training += side == annotation::Split::kTraining ? 1 : 0;
        result.validation += side == annotation::Split::kValidation ? 1 : 0;
        result.test += side == annotation::Split::kTest ? 1 : 0;
      });
  RETURN_IF_ERROR(walked);
  return result;
}

absl::StatusOr<SnapshotStatistics> Snapshots::StatisticsOfDataset(const Caller& caller,
                                                                  const std::string& dataset_id) {
  std::vector<Member> members;
  const absl::Status read = core_.database().Read([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t org, FindOrganization(connection, caller.organization_id));
    RETURN_IF_ERROR(RequireDataset(connection, org, dataset_id));
    ASSIGN_OR_RETURN(const int64_t term, FindTerm(connection, org, TermKind::kDataset, dataset_id));
    return ForEachCurrentMember(connection, term, MemberDetail::kVersions,
                                [&](const CurrentMember& one) { members.push_back(one.member); });
  });
  RETURN_IF_ERROR(read);
  SnapshotStatistics result;
  ASSIGN_OR_RETURN(result.statistics, StatisticsOf(core_, members));
  result.training = members.size();
  return result;
}

absl::StatusOr<LeakReport> Snapshots::Leaks(const Caller& caller, const std::string& id,
                                            uint32_t near_duplicate_bits) {
  RETURN_IF_ERROR(previews_.WaitUntilDone());
  std::vector<Member> members;
  ASSIGN_OR_RETURN(const Snapshot snapshot, Get(caller, id));
  const absl::Status read = core_.database().Read([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(members, LoadMembers(connection, caller, snapshot));
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(read);
  std::map<std::string, annotation::Split, std::less<>> sides;
  const absl::Status walked =
      ForEachRecord(core_.blobs(), snapshot.id, [&](const ManifestRecord& record) {
        sides.emplace_hint(sides.end(), ItemHashOf(record), SplitOf(record));
      });
  RETURN_IF_ERROR(walked);
  ASSIGN_OR_RETURN(const auto items, LoadLeakItems(core_, members));
  std::vector<annotation::LeakCandidate> candidates;
  candidates.reserve(items.size());
  for (const LeakItem& item : items) {
    const auto side = sides.find(item.hash);
    candidates.push_back(
        {.perceptual_hash = item.looks,
         .split = side == sides.end() ? annotation::Split::kTraining : side->second});
  }
  ASSIGN_OR_RETURN(const auto found, annotation::FindLeaks(candidates, near_duplicate_bits));
  LeakReport report;
  report.leak_count = found.pair_count;
  std::vector<int64_t> numbers;
  numbers.reserve(2 * found.pairs.size());
  for (const auto& pair : found.pairs) {
    numbers.push_back(items[pair.first].item);
    numbers.push_back(items[pair.second].item);
  }
  ASSIGN_OR_RETURN(auto ids, IdsOf(core_, caller, numbers));
  for (const auto& pair : found.pairs) {
    report.leaks.push_back(
        {.item_id = ids[items[pair.first].item],
         .split = std::string(annotation::NameOf(candidates[pair.first].split)),
         .other_item_id = ids[items[pair.second].item],
         .other_split = std::string(annotation::NameOf(candidates[pair.second].split)),
         .different_bits = pair.different_bits});
  }
  return report;
}

}  // namespace bowerbird::data
