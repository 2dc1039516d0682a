// SPDX-License-Identifier: Apache-2.0
//
// Where items and readings come from, as numbers: a dictionary that filters are resolved against.
// Internal to this room.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "data/core.h"
#include "data/filter.h"

namespace bowerbird::data {

struct KnownSource {
  std::string organization_id{};
  Source source{};
  std::vector<std::string> tags{};  // of readings
};

// The number of a source, which is made if it is new. On the writer's connection.
absl::StatusOr<int64_t> MakeSource(Connection& connection, int64_t org, bool tabular,
                                   const Source& source, const std::vector<std::string>& tags);

absl::StatusOr<std::map<int64_t, KnownSource>> LoadSources(Connection& connection,
                                                           const std::vector<int64_t>& numbers);

// Whether the filter asks anything of where an item comes from (for readings also: of tags), or the
// caller does not see everything.
bool AsksForSources(const Caller& caller, const Filter& filter, bool tabular);

// The sources that the filter asks for and the caller sees, by number; all of the organization if
// nothing is asked.
absl::StatusOr<std::vector<int64_t>> MatchSources(Connection& connection, int64_t org,
                                                  const Caller& caller, const Filter& filter,
                                                  bool tabular);

// Whether the caller sees what comes from the source of that number.
absl::StatusOr<bool> SeesSource(Connection& connection, const Caller& caller, int64_t source);

// Keys sorted, no white space. INVALID_ARGUMENT if it is no JSON object.
absl::StatusOr<std::string> CanonicalJsonObject(std::string_view json, std::string_view what);

}  // namespace bowerbird::data
