// SPDX-License-Identifier: Apache-2.0
//
// The members of snapshots, and which items they hold in place. Internal to this room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data/core.h"

namespace bowerbird::data {

// One member: an item and the version of its annotations.
struct Member {
  int64_t item = 0;
  int64_t version = 0;
};

// Sorted by item; as it is kept: the difference to the item before and the version, each as a
// little-endian base-128 number, which makes about three bytes a member.
std::string PackMembers(const std::vector<Member>& members);
// DATA_LOSS if these are not such bytes.
absl::StatusOr<std::vector<Member>> UnpackMembers(std::string_view bytes);

// Items that a snapshot of the organization holds.
class Pins {
 public:
  static absl::StatusOr<Pins> Load(Connection& connection, int64_t org);
  bool Holds(int64_t item) const {
    return item >= 0 && static_cast<size_t>(item) < held_.size() &&
           held_[static_cast<size_t>(item)];
  }

 private:
  std::vector<bool> held_;
};

}  // namespace bowerbird::data
