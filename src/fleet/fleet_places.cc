// SPDX-License-Identifier: Apache-2.0
//
// Locations, machines and parts.
#include "base/status.h"
#include "fleet/fleet.h"
#include "fleet/rows.h"

namespace bowerbird::fleet {

using store::Connection;
using store::Value;

namespace {

absl::Status Own(std::string_view what) {
  return FailedPrecondition("this " + std::string(what) +
                            " is the server's own, which cannot be deleted");
}

absl::Status DeleteRow(Connection& connection, const std::string& table, const std::string& id) {
  return connection.Execute("DELETE FROM " + table + " WHERE id = $1", {id}).status();
}

// Whether `location` is `above` or lies below it.
absl::StatusOr<bool> LiesIn(Connection& connection, std::string location,
                            const std::string& above) {
  while (!location.empty()) {
    if (location == above) return true;
    ASSIGN_OR_RETURN(const Location found, LoadLocation(connection, location));
    location = found.parent_id;
  }
  return false;
}

absl::Status CheckParent(Connection& connection, const std::string& organization_id,
                         const std::string& parent_id) {
  if (parent_id.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Location parent, LoadLocation(connection, parent_id));
  if (parent.organization_id == organization_id) return absl::OkStatus();
  return InvalidArgument("location " + parent_id +
                         " belongs to another organization: choose a parent of the same one");
}

absl::Status InsertPart(Connection& connection, const Part& part) {
  return NameTaken(
      connection
          .Execute("INSERT INTO fleet_parts(id, robot, name, main, t) VALUES ($1, $2, $3, $4, $5)",
                   {part.id, part.robot_id, part.name, int64_t{part.main ? 1 : 0},
                    Nanoseconds(part.created)})
          .status(),
      "a part of the machine", part.name);
}

}  // namespace

absl::StatusOr<Location> Fleet::CreateLocation(const std::string& organization_id,
                                               const std::string& name,
                                               const std::string& parent_id) {
  RETURN_IF_ERROR(CheckName("a location", name));
  const Location made{.id = NewId(),
                      .name = name,
                      .organization_id = organization_id,
                      .parent_id = parent_id,
                      .created = Now()};
  const absl::Status done = options_.database->Write([&](Connection& connection) -> absl::Status {
    RETURN_IF_ERROR(LoadOrganization(connection, organization_id).status());
    RETURN_IF_ERROR(CheckParent(connection, organization_id, parent_id));
    return NameTaken(
        connection
            .Execute("INSERT INTO fleet_locations(id, org, parent, name, t, region)"
                     " VALUES ($1, $2, $3, $4, $5, '')",
                     {made.id, organization_id, parent_id, name, Nanoseconds(made.created)})
            .status(),
        "a location", name);
  });
  if (!done.ok()) return done;
  return made;
}

absl::StatusOr<std::vector<Location>> Fleet::Locations(const std::string& organization_id) const {
  absl::StatusOr<std::vector<Location>> found;
  const absl::Status done = options_.database->Read([&](Connection& connection) -> absl::Status {
    RETURN_IF_ERROR(LoadOrganization(connection, organization_id).status());
    const std::vector<Value> values{organization_id};
    found = ReadLocations(connection, "WHERE l.org = $1", values);
    return found.status();
  });
  if (!done.ok()) return done;
  return found;
}

absl::StatusOr<Location> Fleet::FindLocation(const std::string& id) const {
  absl::StatusOr<Location> found;
  RETURN_IF_ERROR(options_.database->Read([&](Connection& connection) {
    found = LoadLocation(connection, id);
    return found.status();
  }));
  return found;
}

absl::Status Fleet::UpdateLocation(const Location& changed) {
  RETURN_IF_ERROR(CheckName("a location", changed.name));
  return options_.database->Write([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const Location before, LoadLocation(connection, changed.id));
    RETURN_IF_ERROR(CheckParent(connection, before.organization_id, changed.parent_id));
    ASSIGN_OR_RETURN(const bool circle, LiesIn(connection, changed.parent_id, changed.id));
    if (circle)
      return InvalidArgument("location " + changed.parent_id + " lies in location " + changed.id +
                             ": choose a parent outside of it");
    return NameTaken(
        connection
            .Execute("UPDATE fleet_locations SET name = $1, parent = $2, region = $3 WHERE id = $4",
                     {changed.name, changed.parent_id, changed.region, changed.id})
            .status(),
        "a location", changed.name);
  });
}

absl::Status Fleet::DeleteLocation(const std::string& id) {
  return options_.database->Write([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const Location location, LoadLocation(connection, id));
    if (id == local_.location_id) return Own("location");
    const std::vector<Value> values{id};
    ASSIGN_OR_RETURN(const auto below, ReadLocations(connection, "WHERE l.parent = $1", values));
    if (location.robot_count > 0 || !below.empty())
      return FailedPrecondition("location " + id + " has " + std::to_string(location.robot_count) +
                                " machines and " + std::to_string(below.size()) +
                                " locations in it: delete or move them first");
    return DeleteRow(connection, "fleet_locations", id);
  });
}

absl::StatusOr<Robot> Fleet::CreateRobot(const std::string& location_id, const std::string& name) {
  RETURN_IF_ERROR(CheckName("a machine", name));
  const Robot made{.id = NewId(), .name = name, .location_id = location_id, .created = Now()};
  const Part main{.id = NewId(),
                  .name = name + "-main",
                  .robot_id = made.id,
                  .main = true,
                  .created = made.created};
  const absl::Status done = options_.database->Write([&](Connection& connection) -> absl::Status {
    RETURN_IF_ERROR(LoadLocation(connection, location_id).status());
    RETURN_IF_ERROR(NameTaken(
        connection
            .Execute("INSERT INTO fleet_robots(id, location, name, t) VALUES ($1, $2, $3, $4)",
                     {made.id, location_id, name, Nanoseconds(made.created)})
            .status(),
        "a machine at the location", name));
    return InsertPart(connection, main);
  });
  if (!done.ok()) return done;
  return made;
}

absl::StatusOr<std::vector<Robot>> Fleet::Robots(const std::string& location_id) const {
  absl::StatusOr<std::vector<Robot>> found;
  const absl::Status done = options_.database->Read([&](Connection& connection) -> absl::Status {
    RETURN_IF_ERROR(LoadLocation(connection, location_id).status());
    const std::vector<Value> values{location_id};
    found = ReadRobots(connection, "WHERE location = $1", values);
    return found.status();
  });
  if (!done.ok()) return done;
  return found;
}

absl::StatusOr<Robot> Fleet::FindRobot(const std::string& id) const {
  absl::StatusOr<Robot> found;
  RETURN_IF_ERROR(options_.database->Read([&](Connection& connection) {
    found = LoadRobot(connection, id);
    return found.status();
  }));
  return found;
}

absl::Status Fleet::UpdateRobot(const Robot& changed) {
  RETURN_IF_ERROR(CheckName("a machine", changed.name));
  return options_.database->Write([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const Robot before, LoadRobot(connection, changed.id));
    ASSIGN_OR_RETURN(const Location from, LoadLocation(connection, before.location_id));
    ASSIGN_OR_RETURN(const Location to, LoadLocation(connection, changed.location_id));
    if (from.organization_id != to.organization_id)
      return InvalidArgument("location " + to.id +
                             " belongs to another organization: a machine cannot be moved there");
    return NameTaken(connection
                         .Execute("UPDATE fleet_robots SET name = $1, location = $2 WHERE id = $3",
                                  {changed.name, changed.location_id, changed.id})
                         .status(),
                     "a machine at the location", changed.name);
  });
}

absl::Status Fleet::DeleteRobot(const std::string& id) {
  return options_.database->Write([&](Connection& connection) -> absl::Status {
    RETURN_IF_ERROR(LoadRobot(connection, id).status());
    if (id == local_.robot_id) return Own("machine");
    const std::vector<Value> values{id};
    ASSIGN_OR_RETURN(const auto parts, ReadParts(connection, "WHERE p.robot = $1", values));
    if (parts.size() > 1)
      return FailedPrecondition("machine " + id + " has " + std::to_string(parts.size() - 1) +
                                " parts besides its main part: delete them first");
    RETURN_IF_ERROR(connection.Execute("DELETE FROM fleet_parts WHERE robot = $1", {id}).status());
    return DeleteRow(connection, "fleet_robots", id);
  });
}

absl::StatusOr<Part> Fleet::CreatePart(const std::string& robot_id, const std::string& name) {
  RETURN_IF_ERROR(CheckName("a part", name));
  const std::string id = NewId();
  absl::StatusOr<Part> made;
  const absl::Status done = options_.database->Write([&](Connection& connection) -> absl::Status {
    RETURN_IF_ERROR(LoadRobot(connection, robot_id).status());
    RETURN_IF_ERROR(
        InsertPart(connection, {.id = id, .name = name, .robot_id = robot_id, .created = Now()}));
    made = LoadPart(connection, id);
    return made.status();
  });
  if (!done.ok()) return done;
  return made;
}

absl::StatusOr<std::vector<Part>> Fleet::Parts(const std::string& robot_id) const {
  absl::StatusOr<std::vector<Part>> found;
  const absl::Status done = options_.database->Read([&](Connection& connection) -> absl::Status {
    RETURN_IF_ERROR(LoadRobot(connection, robot_id).status());
    const std::vector<Value> values{robot_id};
    found = ReadParts(connection, "WHERE p.robot = $1", values);
    return found.status();
  });
  if (!done.ok()) return done;
  return found;
}

absl::StatusOr<Part> Fleet::FindPart(const std::string& id) const {
  absl::StatusOr<Part> found;
  RETURN_IF_ERROR(options_.database->Read([&](Connection& connection) {
    found = LoadPart(connection, id);
    return found.status();
  }));
  return found;
}

absl::Status Fleet::DeletePart(const std::string& id) {
  return options_.database->Write([&](Connection& connection) -> absl::Status {
    ASSIGN_OR_RETURN(const Part part, LoadPart(connection, id));
    if (part.main)
      return FailedPrecondition("part " + id + " is the main part of machine " + part.robot_id +
                                ": delete the machine instead");
    return DeleteRow(connection, "fleet_parts", id);
  });
}

}  // namespace bowerbird::fleet
