// SPDX-License-Identifier: Apache-2.0
//
// Snapshots as rows, and the members of datasets as snapshots need them. Internal to this room.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data/core.h"
#include "data/pins.h"
#include "data/selection.h"
#include "data/snapshots.h"
#include "data/state.h"

namespace bowerbird::data {

// By id or by the beginning of one, of any dataset or of the given one. NOT_FOUND;
// INVALID_ARGUMENT: several begin so.
absl::StatusOr<Snapshot> FindSnapshot(Connection& connection, const Caller& caller,
                                      const std::string& id, const std::string& dataset_id = "");
absl::StatusOr<std::vector<Member>> LoadMembers(Connection& connection, const Caller& caller,
                                                const Snapshot& snapshot);

std::string TextOf(const std::optional<SplitOptions>& split);
std::optional<SplitOptions> SplitOptionsOf(std::string_view text);

// How much of each member is asked for; each has what those before it have. A column less of a
// million rows is 40 ms less of PostgreSQL.
enum class MemberDetail { kVersions, kHashes, kSplit };

// A member of a dataset as it is now. The hashes, 32 bytes each, are valid during the call.
struct CurrentMember {
  Member member{};
  // From kHashes on.
  int64_t boxes = 0;
  std::string_view hash{}, annotation_hash{};
  // From kSplit on.
  int64_t source = 0, t = 0;
  std::optional<uint64_t> looks{};
};
// In any order.
absl::Status ForEachCurrentMember(Connection& connection, int64_t term, MemberDetail detail,
                                  const std::function<void(const CurrentMember&)>& visit);

// A member's annotations in the version that the snapshot has, with the size of the picture.
struct MemberState {
  Member member{};
  int width = 0, height = 0;
  AnnotationState state{};
};
// In portions of `members`; those that are gone are left out.
absl::Status ForEachMemberState(Core& core, const std::vector<Member>& members,
                                const std::function<absl::Status(const MemberState&)>& visit);

}  // namespace bowerbird::data
