// SPDX-License-Identifier: Apache-2.0
//
// The fleet's tables. Internal to this room.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "fleet/fleet.h"
#include "store/database.h"

namespace bowerbird::fleet {

// In the order in which they are applied; each once.
std::vector<std::vector<std::string>> SchemaSteps();

// `where`: "", or a clause that begins with WHERE. Oldest first.
absl::StatusOr<std::vector<Organization>> ReadOrganizations(store::Connection& connection,
                                                            const std::string& where,
                                                            std::span<const store::Value> values);
absl::StatusOr<std::vector<Location>> ReadLocations(store::Connection& connection,
                                                    const std::string& where,
                                                    std::span<const store::Value> values);
absl::StatusOr<std::vector<Robot>> ReadRobots(store::Connection& connection,
                                              const std::string& where,
                                              std::span<const store::Value> values);
absl::StatusOr<std::vector<Part>> ReadParts(store::Connection& connection, const std::string& where,
                                            std::span<const store::Value> values);

// The one of that id; NOT_FOUND.
absl::StatusOr<Organization> LoadOrganization(store::Connection& connection, const std::string& id);
absl::StatusOr<Location> LoadLocation(store::Connection& connection, const std::string& id);
absl::StatusOr<Robot> LoadRobot(store::Connection& connection, const std::string& id);
absl::StatusOr<Part> LoadPart(store::Connection& connection, const std::string& id);

absl::Status CheckName(std::string_view what, const std::string& name);
// ALREADY_EXISTS says which name is taken.
absl::Status NameTaken(const absl::Status& status, std::string_view what, const std::string& name);

inline int64_t Nanoseconds(Time time) { return time.time_since_epoch().count(); }

}  // namespace bowerbird::fleet
