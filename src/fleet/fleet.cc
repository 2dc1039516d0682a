// SPDX-License-Identifier: Apache-2.0
#include "fleet/fleet.h"

#include <sys/random.h>

#include <array>
#include <cstdlib>

#include "base/sha256.h"
#include "base/status.h"
#include "fleet/rows.h"

namespace bowerbird::fleet {

using store::Connection;
using store::Row;

namespace {

// Version 4. Ids are addresses, no secrets; a system without randomness cannot run a server.
std::string RandomUuid() {
  std::array<unsigned char, 16> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) std::abort();
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  std::string text = HexOf(bytes);
  for (const size_t at : {size_t{20}, size_t{16}, size_t{12}, size_t{8}}) text.insert(at, 1, '-');
  return text;
}

}  // namespace

absl::StatusOr<Fleet> Fleet::Open(FleetOptions options) {
  if (options.now == nullptr) {
    options.now = [] {
      return std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now());
    };
  }
  if (options.make_uuid == nullptr) options.make_uuid = RandomUuid;
  Fleet fleet(std::move(options));
  RETURN_IF_ERROR(Annotate(fleet.MakeTables(), "the fleet's tables"));
  RETURN_IF_ERROR(Annotate(fleet.MakeLocal(), "the local organization"));
  return fleet;
}

// Its version stands apart from that of the other tables of the database, which belong to another
// room.
absl::Status Fleet::MakeTables() {
  return options_.database->Write([](Connection& connection) -> absl::Status {
    RETURN_IF_ERROR(
        connection
            .Execute("CREATE TABLE IF NOT EXISTS fleet_version(version BIGINT PRIMARY KEY)", {})
            .status());
    int64_t version = 0;
    RETURN_IF_ERROR(connection.Query("SELECT COALESCE(MAX(version), 0) FROM fleet_version", {},
                                     [&](const Row& row) {
                                       version = row.Integer(0);
                                       return absl::OkStatus();
                                     }));
    const auto steps = SchemaSteps();
    const auto newest = static_cast<int64_t>(steps.size());
    if (version > newest) {
      return FailedPrecondition("the database has version " + std::to_string(version) +
                                ", this program knows versions up to " + std::to_string(newest) +
                                ": run the newer program, or restore a backup");
    }
    for (; version < newest; ++version) {
      for (const std::string& sql : steps[static_cast<size_t>(version)])
        RETURN_IF_ERROR(connection.Execute(sql, {}).status());
      RETURN_IF_ERROR(
          connection.Execute("INSERT INTO fleet_version(version) VALUES ($1)", {version + 1})
              .status());
    }
    return absl::OkStatus();
  });
}

absl::Status Fleet::MakeLocal() {
  const auto load = [this](Connection& connection) {
    return connection.Query("SELECT org, location, robot, part FROM fleet_local", {},
                            [&](const Row& row) {
                              local_ = {std::string(row.Text(0)), std::string(row.Text(1)),
                                        std::string(row.Text(2)), std::string(row.Text(3))};
                              return absl::OkStatus();
                            });
  };
  RETURN_IF_ERROR(options_.database->Read(load));
  if (!local_.organization_id.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(CheckName("a machine", options_.machine_name));
  const Local made{NewId(), NewId(), NewId(), NewId()};
  const std::string name = options_.machine_name;
  const std::string part_name = name + "-main";
  const int64_t t = Nanoseconds(Now());
  absl::Status done = options_.database->Write([&](Connection& connection) -> absl::Status {
    RETURN_IF_ERROR(connection
                        .Execute("INSERT INTO fleet_organizations(id, name, t, namespace, region)"
                                 " VALUES ($1, 'local', $2, '', '')",
                                 {made.organization_id, t})
                        .status());
    RETURN_IF_ERROR(connection
                        .Execute("INSERT INTO fleet_locations(id, org, parent, name, t, region)"
                                 " VALUES ($1, $2, '', 'local', $3, '')",
                                 {made.location_id, made.organization_id, t})
                        .status());
    RETURN_IF_ERROR(
        connection
            .Execute("INSERT INTO fleet_robots(id, location, name, t) VALUES ($1, $2, $3, $4)",
                     {made.robot_id, made.location_id, name, t})
            .status());
    RETURN_IF_ERROR(connection
                        .Execute("INSERT INTO fleet_parts(id, robot, name, main, t)"
                                 " VALUES ($1, $2, $3, 1, $4)",
                                 {made.part_id, made.robot_id, part_name, t})
                        .status());
    return connection
        .Execute(
            "INSERT INTO fleet_local(one, org, location, robot, part)"
            " VALUES (1, $1, $2, $3, $4)",
            {made.organization_id, made.location_id, made.robot_id, made.part_id})
        .status();
  });
  if (!done.ok()) return done;
  local_ = made;
  return absl::OkStatus();
}

absl::StatusOr<Organization> Fleet::CreateOrganization(const std::string& name) {
  RETURN_IF_ERROR(CheckName("an organization", name));
  const Organization made{.id = NewId(), .name = name, .created = Now()};
  RETURN_IF_ERROR(options_.database->Write([&](Connection& connection) {
    return NameTaken(connection
                         .Execute("INSERT INTO fleet_organizations(id, name, t, namespace, region)"
                                  " VALUES ($1, $2, $3, '', '')",
                                  {made.id, made.name, Nanoseconds(made.created)})
                         .status(),
                     "an organization", name);
  }));
  return made;
}

absl::StatusOr<std::vector<Organization>> Fleet::Organizations() const {
  absl::StatusOr<std::vector<Organization>> found;
  RETURN_IF_ERROR(options_.database->Read([&](Connection& connection) {
    found = ReadOrganizations(connection, "", {});
    return found.status();
  }));
  return found;
}

absl::StatusOr<Organization> Fleet::FindOrganization(const std::string& id) const {
  absl::StatusOr<Organization> found;
  RETURN_IF_ERROR(options_.database->Read([&](Connection& connection) {
    found = LoadOrganization(connection, id);
    return found.status();
  }));
  return found;
}

absl::Status Fleet::UpdateOrganization(const Organization& changed) {
  RETURN_IF_ERROR(CheckName("an organization", changed.name));
  return options_.database->Write([&](Connection& connection) -> absl::Status {
    RETURN_IF_ERROR(LoadOrganization(connection, changed.id).status());
    return NameTaken(
        connection
            .Execute("UPDATE fleet_organizations SET name = $1, namespace = $2, region = $3"
                     " WHERE id = $4",
                     {changed.name, changed.public_namespace, changed.region, changed.id})
            .status(),
        "an organization", changed.name);
  });
}

absl::StatusOr<Lineage> Fleet::LineageOf(ResourceKind kind, const std::string& id) const {
  Lineage lineage;
  const absl::Status done = options_.database->Read([&](Connection& connection) -> absl::Status {
    std::string location = id;
    if (kind == ResourceKind::kOrganization) {
      RETURN_IF_ERROR(LoadOrganization(connection, id).status());
      lineage.emplace_back(kind, id);
      return absl::OkStatus();
    }
    if (kind == ResourceKind::kRobot) {
      ASSIGN_OR_RETURN(const Robot robot, LoadRobot(connection, id));
      lineage.emplace_back(kind, id);
      location = robot.location_id;
    }
    std::string organization;
    while (!location.empty()) {
      ASSIGN_OR_RETURN(const Location found, LoadLocation(connection, location));
      lineage.emplace_back(ResourceKind::kLocation, location);
      organization = found.organization_id;
      location = found.parent_id;
    }
    lineage.emplace_back(ResourceKind::kOrganization, organization);
    return absl::OkStatus();
  });
  if (!done.ok()) return done;
  return lineage;
}

}  // namespace bowerbird::fleet
