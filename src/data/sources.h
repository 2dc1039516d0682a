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

// Whether the filter asks anything of where an item comes from (for readings also: of tags).
bool AsksForSources(const Filter& filter, bool tabular);

// The sources that the filter asks for, by number; all of the organization if it does not ask.
absl::StatusOr<std::vector<int64_t>> MatchSources(Connection& connection, int64_t org,
                                                  const Filter& filter, bool tabular);

// Keys sorted, no white space. INVALID_ARGUMENT if it is no JSON object.
absl::StatusOr<std::string> CanonicalJsonObject(std::string_view json, std::string_view what);

}  // namespace bowerbird::data
