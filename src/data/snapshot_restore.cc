// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/status.h"
#include "data/dataset_rows.h"
#include "data/snapshot_rows.h"

namespace bowerbird::data {
namespace {

constexpr size_t kPortion = 1000;

// Brings the members of a dataset to those of a snapshot, inside one transaction.
class Restoring {
 public:
  Restoring(Connection& connection, const Caller& caller, int64_t term, Time now)
      : connection_(connection), caller_(caller), term_(term), now_(now) {}

  absl::StatusOr<RestoreResult> Run(const std::vector<Member>& wanted) {
    std::vector<int64_t> surplus;
    RETURN_IF_ERROR(ForEachCurrentMember(
        connection_, term_, MemberDetail::kVersions, [&](const CurrentMember& one) {
          const auto at = std::lower_bound(
              wanted.begin(), wanted.end(), one.member.item,
              [](const Member& member, int64_t item) { return member.item < item; });
          if (at == wanted.end() || at->item != one.member.item) surplus.push_back(one.member.item);
        }));
    RETURN_IF_ERROR(Remove(surplus));
    for (size_t at = 0; at < wanted.size(); at += kPortion) {
      const size_t count = std::min(kPortion, wanted.size() - at);
      RETURN_IF_ERROR(Add(std::span(wanted).subspan(at, count)));
    }
    return result_;
  }

 private:
  absl::Status Remove(const std::vector<int64_t>& items) {
    for (size_t at = 0; at < items.size(); at += kPortion) {
      const auto begin = items.begin() + static_cast<ptrdiff_t>(at);
      const auto end = begin + static_cast<ptrdiff_t>(std::min(kPortion, items.size() - at));
      ASSIGN_OR_RETURN(const auto stored, LoadStored(connection_, {begin, end}));
      for (const StoredItem& one : stored) {
        ASSIGN_OR_RETURN(const bool removed, RemoveTerm(connection_, one, term_));
        result_.items_removed += removed ? 1 : 0;
      }
    }
    return absl::OkStatus();
  }

  // `members` are sorted by item, and so is what is loaded.
  absl::Status Add(std::span<const Member> members) {
    std::vector<int64_t> items;
    items.reserve(members.size());
    for (const Member& member : members) items.push_back(member.item);
    ASSIGN_OR_RETURN(auto stored, LoadStored(connection_, items));
    if (stored.size() != members.size()) {
      return absl::DataLossError("items of the snapshot are missing: restore a backup");
    }
    for (size_t at = 0; at < members.size(); ++at) {
      ASSIGN_OR_RETURN(const bool added, AddTerm(connection_, stored[at], term_));
      result_.items_added += added ? 1 : 0;
      RETURN_IF_ERROR(RestoreState(stored[at], members[at].version));
    }
    return absl::OkStatus();
  }

  absl::Status RestoreState(StoredItem& stored, int64_t version) {
    if (stored.version == version) return absl::OkStatus();
    ASSIGN_OR_RETURN(const auto now, LoadState(connection_, stored.item, stored.version));
    ASSIGN_OR_RETURN(const auto then, LoadState(connection_, stored.item, version));
    ASSIGN_OR_RETURN(const bool changed,
                     ChangeState(connection_, stored, now, then, caller_.name, now_));
    result_.annotations_changed += changed ? 1 : 0;
    return absl::OkStatus();
  }

  Connection& connection_;
  const Caller& caller_;
  const int64_t term_;
  const Time now_;
  RestoreResult result_;
};

}  // namespace

absl::StatusOr<RestoreResult> Snapshots::Restore(const Caller& caller, const std::string& id,
                                                 const std::string& dataset_id) {
  RestoreResult result;
  const absl::Status written = core_.database().Write([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const Snapshot snapshot, FindSnapshot(connection, caller, id));
    ASSIGN_OR_RETURN(const int64_t org, FindOrganization(connection, caller.organization_id));
    ASSIGN_OR_RETURN(
        const int64_t term,
        TermOfDataset(connection, org, dataset_id.empty() ? snapshot.dataset_id : dataset_id));
    ASSIGN_OR_RETURN(const auto members, LoadMembers(connection, caller, snapshot));
    Restoring restoring(connection, caller, term, core_.Now());
    ASSIGN_OR_RETURN(result, restoring.Run(members));
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(written);
  return result;
}

}  // namespace bowerbird::data
