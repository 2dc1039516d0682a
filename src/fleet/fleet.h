// SPDX-License-Identifier: Apache-2.0
//
// Organizations, their locations, the machines there and the parts (computers) of those machines;
// and the questions of isolation: whose is this, and who may touch it.
//
// The first start makes one of each, so that a machine without any cloud has an organization to
// keep its data under. Their ids are random and then never change.
//
// Thread-safe. Changes are durable when they return. Every answer is one look into the database:
// nothing is cached, so several objects over one database agree.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "fleet/authorization.h"
#include "store/database.h"

namespace bowerbird::fleet {

using Time = std::chrono::sys_time<std::chrono::nanoseconds>;

struct Organization {
  std::string id{}, name{};
  Time created{};
  std::string public_namespace{}, region{};
};

struct Location {
  std::string id{}, name{};
  std::string organization_id{};
  std::string parent_id{};  // "" = directly below the organization
  Time created{};
  std::string region{};
  int robot_count = 0;
};

// The wire's word for a machine.
struct Robot {
  std::string id{}, name{};
  std::string location_id{};
  Time created{};
};

struct Part {
  std::string id{}, name{};
  std::string robot_id{}, robot_name{}, location_id{}, organization_id{};
  bool main = false;  // each robot has one main part
  Time created{};
};

// What was made at the first start.
struct Local {
  std::string organization_id{}, location_id{}, robot_id{}, part_id{};
};

struct FleetOptions {
  store::Database* database = nullptr;       // must outlive the fleet
  std::string machine_name = "local";        // of the first machine, when it is made
  std::function<Time()> now{};               // empty = the system's clock
  std::function<std::string()> make_uuid{};  // empty = random ones
};

// What holds a thing: the thing itself first, its organization last.
using Lineage = std::vector<std::pair<ResourceKind, std::string>>;

// Every call answers NOT_FOUND for ids that do not exist, INVALID_ARGUMENT for a name that is
// empty, longer than 200 bytes or has control characters, ALREADY_EXISTS for a name that a sibling
// has, and FAILED_PRECONDITION where something that is not empty, or is the server's own, is to be
// deleted.
class Fleet {
 public:
  static absl::StatusOr<Fleet> Open(FleetOptions options);

  const Local& local() const { return local_; }

  absl::StatusOr<Organization> CreateOrganization(const std::string& name);
  absl::StatusOr<std::vector<Organization>> Organizations() const;  // oldest first
  absl::StatusOr<Organization> FindOrganization(const std::string& id) const;
  // Name, public namespace and region of `changed`.
  absl::Status UpdateOrganization(const Organization& changed);

  absl::StatusOr<Location> CreateLocation(const std::string& organization_id,
                                          const std::string& name, const std::string& parent_id);
  absl::StatusOr<std::vector<Location>> Locations(const std::string& organization_id) const;
  absl::StatusOr<Location> FindLocation(const std::string& id) const;
  // Name, parent and region of `changed`. INVALID_ARGUMENT: a parent that lies below it, or in
  // another organization.
  absl::Status UpdateLocation(const Location& changed);
  absl::Status DeleteLocation(const std::string& id);

  // With its main part, which is called "NAME-main".
  absl::StatusOr<Robot> CreateRobot(const std::string& location_id, const std::string& name);
  absl::StatusOr<std::vector<Robot>> Robots(const std::string& location_id) const;
  absl::StatusOr<Robot> FindRobot(const std::string& id) const;
  // Name and location of `changed`. INVALID_ARGUMENT: a location of another organization, whose
  // data the machine's would not be.
  absl::Status UpdateRobot(const Robot& changed);
  absl::Status DeleteRobot(const std::string& id);

  absl::StatusOr<Part> CreatePart(const std::string& robot_id, const std::string& name);
  absl::StatusOr<std::vector<Part>> Parts(const std::string& robot_id) const;
  absl::StatusOr<Part> FindPart(const std::string& id) const;
  absl::Status DeletePart(const std::string& id);

  absl::StatusOr<Lineage> LineageOf(ResourceKind kind, const std::string& id) const;

  // The questions of isolation. NOT_FOUND: the principal has nothing to do with it, or it does not
  // exist, which look alike. PERMISSION_DENIED: it may see it, but has not that role on it.
  absl::Status Check(const Principal& principal, ResourceKind kind, const std::string& id,
                     Role role) const;
  // Whether it has a role on it, on what holds it, or on something in it.
  absl::StatusOr<bool> Sees(const Principal& principal, ResourceKind kind,
                            const std::string& id) const;
  // The organizations it may see, oldest first.
  absl::StatusOr<std::vector<Organization>> OrganizationsOf(const Principal& principal) const;

 private:
  explicit Fleet(FleetOptions options) : options_(std::move(options)) {}
  absl::Status MakeTables();
  absl::Status MakeLocal();
  Time Now() const { return options_.now(); }
  std::string NewId() const { return options_.make_uuid(); }

  FleetOptions options_;
  Local local_;
};

}  // namespace bowerbird::fleet
