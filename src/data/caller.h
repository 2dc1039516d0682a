// SPDX-License-Identifier: Apache-2.0
//
// On whose behalf a call is made. Every call of this room takes one: what belongs to another
// organization is not there (NOT_FOUND), whatever ids the caller knows.
#pragma once

#include <chrono>
#include <string>

namespace bowerbird::data {

// Nanoseconds since 1970, UTC. What the wire's Timestamp can hold beyond 1677..2262 is refused.
using Time = std::chrono::sys_time<std::chrono::nanoseconds>;

struct Caller {
  std::string organization_id{};
  // For the history of annotations: the name of a key, of a component, of a command.
  std::string name{};
};

}  // namespace bowerbird::data
