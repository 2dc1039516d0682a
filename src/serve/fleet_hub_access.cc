// SPDX-License-Identifier: Apache-2.0
#include "serve/fleet_hub_access.h"

#include <vector>

#include "base/status.h"

namespace bowerbird::serve {

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
