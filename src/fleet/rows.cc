// SPDX-License-Identifier: Apache-2.0
#include "fleet/rows.h"

#include "base/status.h"

namespace bowerbird::fleet {
namespace {

using store::Connection;
using store::Row;
using store::Value;

constexpr size_t kMaxNameBytes = 200;

Time TimeAt(const Row& row, int column) {
  return Time(std::chrono::nanoseconds(row.Integer(column)));
}

template <typename Thing, typename Read>
absl::StatusOr<std::vector<Thing>> ReadAll(Connection& connection, const std::string& sql,
                                           std::span<const Value> values, const Read& read) {
  std::vector<Thing> things;
  RETURN_IF_ERROR(connection.Query(sql, values, [&](const Row& row) {
    things.push_back(read(row));
    return absl::OkStatus();
  }));
  return things;
}

template <typename Thing>
absl::StatusOr<Thing> Only(absl::StatusOr<std::vector<Thing>> found, std::string_view what,
                           const std::string& id) {
  RETURN_IF_ERROR(found.status());
  if (found->empty()) return NotFound("there is no " + std::string(what) + " with the id " + id);
  return std::move(found->front());
}

}  // namespace

// Statements in several pieces are what this check takes for a missing comma.
// NOLINTBEGIN(bugprone-suspicious-missing-comma)
std::vector<std::vector<std::string>> SchemaSteps() {
  return {{
      "CREATE TABLE fleet_organizations(id TEXT PRIMARY KEY, name TEXT NOT NULL, t BIGINT NOT NULL,"
      " namespace TEXT NOT NULL, region TEXT NOT NULL, UNIQUE(name))",
      "CREATE TABLE fleet_locations(id TEXT PRIMARY KEY, org TEXT NOT NULL, parent TEXT NOT NULL,"
      " name TEXT NOT NULL, t BIGINT NOT NULL, region TEXT NOT NULL, UNIQUE(org, parent, name))",
      "CREATE TABLE fleet_robots(id TEXT PRIMARY KEY, location TEXT NOT NULL, name TEXT NOT NULL,"
      " t BIGINT NOT NULL, UNIQUE(location, name))",
      "CREATE TABLE fleet_parts(id TEXT PRIMARY KEY, robot TEXT NOT NULL, name TEXT NOT NULL,"
      " main BIGINT NOT NULL, t BIGINT NOT NULL, UNIQUE(robot, name))",
      "CREATE TABLE fleet_local(one BIGINT PRIMARY KEY, org TEXT NOT NULL, location TEXT NOT NULL,"
      " robot TEXT NOT NULL, part TEXT NOT NULL)",
  }};
}
// NOLINTEND(bugprone-suspicious-missing-comma)

absl::StatusOr<std::vector<Organization>> ReadOrganizations(Connection& connection,
                                                            const std::string& where,
                                                            std::span<const Value> values) {
  return ReadAll<Organization>(
      connection,
      "SELECT id, name, t, namespace, region FROM fleet_organizations " + where + " ORDER BY t, id",
      values, [](const Row& row) {
        return Organization{.id = std::string(row.Text(0)),
                            .name = std::string(row.Text(1)),
                            .created = TimeAt(row, 2),
                            .public_namespace = std::string(row.Text(3)),
                            .region = std::string(row.Text(4))};
      });
}

absl::StatusOr<std::vector<Location>> ReadLocations(Connection& connection,
                                                    const std::string& where,
                                                    std::span<const Value> values) {
  return ReadAll<Location>(
      connection,
      "SELECT l.id, l.name, l.org, l.parent, l.t, l.region,"
      " (SELECT COUNT(*) FROM fleet_robots r WHERE r.location = l.id) FROM fleet_locations l " +
          where + " ORDER BY l.t, l.id",
      values, [](const Row& row) {
        return Location{.id = std::string(row.Text(0)),
                        .name = std::string(row.Text(1)),
                        .organization_id = std::string(row.Text(2)),
                        .parent_id = std::string(row.Text(3)),
                        .created = TimeAt(row, 4),
                        .region = std::string(row.Text(5)),
                        .robot_count = static_cast<int>(row.Integer(6))};
      });
}

absl::StatusOr<std::vector<Robot>> ReadRobots(Connection& connection, const std::string& where,
                                              std::span<const Value> values) {
  return ReadAll<Robot>(
      connection, "SELECT id, name, location, t FROM fleet_robots " + where + " ORDER BY t, id",
      values, [](const Row& row) {
        return Robot{.id = std::string(row.Text(0)),
                     .name = std::string(row.Text(1)),
                     .location_id = std::string(row.Text(2)),
                     .created = TimeAt(row, 3)};
      });
}

absl::StatusOr<std::vector<Part>> ReadParts(Connection& connection, const std::string& where,
                                            std::span<const Value> values) {
  return ReadAll<Part>(
      connection,
      "SELECT p.id, p.name, p.robot, r.name, r.location, l.org, p.main, p.t FROM fleet_parts p"
      " JOIN fleet_robots r ON r.id = p.robot JOIN fleet_locations l ON l.id = r.location " +
          where + " ORDER BY p.main DESC, p.t, p.id",
      values, [](const Row& row) {
        return Part{.id = std::string(row.Text(0)),
                    .name = std::string(row.Text(1)),
                    .robot_id = std::string(row.Text(2)),
                    .robot_name = std::string(row.Text(3)),
                    .location_id = std::string(row.Text(4)),
                    .organization_id = std::string(row.Text(5)),
                    .main = row.Integer(6) != 0,
                    .created = TimeAt(row, 7)};
      });
}

absl::StatusOr<Organization> LoadOrganization(Connection& connection, const std::string& id) {
  const std::vector<Value> values{id};
  return Only(ReadOrganizations(connection, "WHERE id = $1", values), "organization", id);
}

absl::StatusOr<Location> LoadLocation(Connection& connection, const std::string& id) {
  const std::vector<Value> values{id};
  return Only(ReadLocations(connection, "WHERE l.id = $1", values), "location", id);
}

absl::StatusOr<Robot> LoadRobot(Connection& connection, const std::string& id) {
  const std::vector<Value> values{id};
  return Only(ReadRobots(connection, "WHERE id = $1", values), "machine", id);
}

absl::StatusOr<Part> LoadPart(Connection& connection, const std::string& id) {
  const std::vector<Value> values{id};
  return Only(ReadParts(connection, "WHERE p.id = $1", values), "part", id);
}

absl::Status CheckName(std::string_view what, const std::string& name) {
  bool fits = !name.empty() && name.size() <= kMaxNameBytes;
  for (const char c : name) fits = fits && static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
  if (fits) return absl::OkStatus();
  return InvalidArgument("the name of " + std::string(what) +
                         " has 1 to 200 bytes and no control characters: choose another one");
}

absl::Status NameTaken(const absl::Status& status, std::string_view what, const std::string& name) {
  if (!absl::IsAlreadyExists(status)) return status;
  return absl::AlreadyExistsError(ToAbsl("there is " + std::string(what) + " called " + name +
                                         " already: choose another name"));
}

}  // namespace bowerbird::fleet
