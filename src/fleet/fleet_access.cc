// SPDX-License-Identifier: Apache-2.0
//
// Who may see and change what.
#include <algorithm>

#include "base/status.h"
#include "fleet/fleet.h"

namespace bowerbird::fleet {
namespace {

bool Holds(const Lineage& lineage, ResourceKind kind, const std::string& id) {
  return std::find(lineage.begin(), lineage.end(), std::pair(kind, id)) != lineage.end();
}

}  // namespace

absl::Status Fleet::Check(const Principal& principal, ResourceKind kind, const std::string& id,
                          Role role) const {
  ASSIGN_OR_RETURN(const Lineage lineage, LineageOf(kind, id));
  if (principal.unrestricted) return absl::OkStatus();
  bool has_role = false;
  for (const Authorization& authorization : principal.authorizations) {
    if (!Holds(lineage, authorization.kind, authorization.resource_id)) continue;
    if (authorization.role >= role) return absl::OkStatus();
    has_role = true;
  }
  const std::string what = std::string(NameOf(kind)) + " " + id;
  if (!has_role) {
    ASSIGN_OR_RETURN(const bool sees, Sees(principal, kind, id));
    // As for an id that nobody has.
    if (!sees) {
      return NotFound("there is no " +
                      std::string(kind == ResourceKind::kRobot ? "machine" : NameOf(kind)) +
                      " with the id " + id);
    }
  }
  return absl::PermissionDeniedError(ToAbsl("the key " + principal.name + " is no " +
                                            std::string(NameOf(role)) + " of " + what +
                                            ": use a key that is"));
}

absl::StatusOr<bool> Fleet::Sees(const Principal& principal, ResourceKind kind,
                                 const std::string& id) const {
  ASSIGN_OR_RETURN(const Lineage lineage, LineageOf(kind, id));
  if (principal.unrestricted) return true;
  for (const Authorization& authorization : principal.authorizations) {
    if (Holds(lineage, authorization.kind, authorization.resource_id)) return true;
    const auto own = LineageOf(authorization.kind, authorization.resource_id);
    // What a key was made for may have been deleted since.
    if (absl::IsNotFound(own.status())) continue;
    RETURN_IF_ERROR(own.status());
    if (Holds(*own, kind, id)) return true;
  }
  return false;
}

absl::StatusOr<std::vector<Organization>> Fleet::OrganizationsOf(const Principal& principal) const {
  ASSIGN_OR_RETURN(const std::vector<Organization> all, Organizations());
  std::vector<Organization> seen;
  for (const Organization& organization : all) {
    ASSIGN_OR_RETURN(const bool sees,
                     Sees(principal, ResourceKind::kOrganization, organization.id));
    if (sees) seen.push_back(organization);
  }
  return seen;
}

}  // namespace bowerbird::fleet
