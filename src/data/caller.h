// SPDX-License-Identifier: Apache-2.0
//
// On whose behalf a call is made. Every call of this room takes one: what belongs to another
// organization is not there (NOT_FOUND), whatever ids the caller knows.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace bowerbird::data {

// Nanoseconds since 1970, UTC. What the wire's Timestamp can hold beyond 1677..2262 is refused.
using Time = std::chrono::sys_time<std::chrono::nanoseconds>;

// Of an organization's places: what was captured at one of them or by one of these machines, as the
// hub knew it at the time of the capture.
struct Places {
  std::vector<std::string> location_ids{};
  std::vector<std::string> robot_ids{};
};

struct Caller {
  std::string organization_id{};
  // For the history of annotations: the name of a key, of a component, of a command.
  std::string name{};
  // Sees only items and readings from there; nullopt = all of the organization. Only for reading
  // items and readings: what has no place (datasets, snapshots, queries in SQL) and changes are for
  // callers without this.
  std::optional<Places> places{};
};

}  // namespace bowerbird::data
