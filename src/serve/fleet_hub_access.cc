// SPDX-License-Identifier: Apache-2.0
#include "serve/fleet_hub_access.h"

#include <algorithm>
#include <vector>

#include "base/status.h"

namespace bowerbird::serve {
namespace {

bool Has(const std::vector<std::string>& ids, const std::string& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace

absl::StatusOr<std::string> FleetHubAccess::OwnOrganization(
    const fleet::Principal& principal) const {
  if (principal.unrestricted) return fleet_.local().organization_id;
  ASSIGN_OR_RETURN(const std::vector<fleet::Organization> organizations,
                   fleet_.OrganizationsOf(principal));
  if (organizations.empty())
    return absl::PermissionDeniedError(
        ToAbsl("the key " + principal.name + " is for no organization: use another one"));
  return organizations.front().id;
}

absl::StatusOr<data::Caller> FleetHubAccess::Enter(const Call& call,
                                                   const std::string& organization_id,
                                                   Permission permission) {
  ASSIGN_OR_RETURN(const fleet::Principal principal, principal_of_(call.owner()));
  data::Caller caller{organization_id, principal.name};
  if (caller.organization_id.empty()) {
    ASSIGN_OR_RETURN(caller.organization_id, OwnOrganization(principal));
  }
  RETURN_IF_ERROR(fleet_.Check(
      principal, fleet::ResourceKind::kOrganization, caller.organization_id,
      permission == Permission::kWrite ? fleet::Role::kOwner : fleet::Role::kOperator));
  return caller;
}

absl::StatusOr<data::Places> FleetHubAccess::PlacesOf(const fleet::Principal& principal,
                                                      const std::string& organization_id) const {
  data::Places places;
  for (const fleet::Authorization& one : principal.authorizations) {
    if (one.kind == fleet::ResourceKind::kOrganization) continue;
    const auto lineage = fleet_.LineageOf(one.kind, one.resource_id);
    // What a key was made for may have been deleted since.
    if (absl::IsNotFound(lineage.status())) continue;
    RETURN_IF_ERROR(lineage.status());
    if (lineage->back().second != organization_id) continue;
    (one.kind == fleet::ResourceKind::kRobot ? places.robot_ids : places.location_ids)
        .push_back(one.resource_id);
  }
  if (places.location_ids.empty()) return places;
  ASSIGN_OR_RETURN(const auto locations, fleet_.Locations(organization_id));
  // Locations have no cycles, so each round adds a deeper level or is the last one.
  for (size_t known = 0; known != places.location_ids.size();) {
    known = places.location_ids.size();
    for (const fleet::Location& location : locations) {
      if (Has(places.location_ids, location.parent_id) && !Has(places.location_ids, location.id))
        places.location_ids.push_back(location.id);
    }
  }
  return places;
}

absl::StatusOr<data::Caller> FleetHubAccess::EnterToRead(const Call& call,
                                                         const std::string& organization_id) {
  auto caller = Enter(call, organization_id, Permission::kRead);
  if (!absl::IsPermissionDenied(caller.status())) return caller;
  ASSIGN_OR_RETURN(const fleet::Principal principal, principal_of_(call.owner()));
  data::Caller limited{organization_id, principal.name};
  if (limited.organization_id.empty()) {
    ASSIGN_OR_RETURN(limited.organization_id, OwnOrganization(principal));
  }
  ASSIGN_OR_RETURN(limited.places, PlacesOf(principal, limited.organization_id));
  if (limited.places->location_ids.empty() && limited.places->robot_ids.empty())
    return caller.status();
  return limited;
}

absl::StatusOr<Uploader> FleetHubAccess::EnterForPart(const Call& call,
                                                      const std::string& part_id) {
  ASSIGN_OR_RETURN(const fleet::Principal principal, principal_of_(call.owner()));
  ASSIGN_OR_RETURN(const fleet::Part part, fleet_.FindPart(part_id));
  const absl::Status allowed =
      fleet_.Check(principal, fleet::ResourceKind::kRobot, part.robot_id, fleet::Role::kOperator);
  // As for an id that nobody has.
  if (absl::IsNotFound(allowed)) return NotFound("there is no part with the id " + part_id);
  RETURN_IF_ERROR(allowed);
  return Uploader{
      {part.organization_id, principal.name},
      {part.location_id, part.robot_id, part.robot_name, part.id, part.name},
  };
}

}  // namespace bowerbird::serve
