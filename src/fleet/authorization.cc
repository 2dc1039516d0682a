// SPDX-License-Identifier: Apache-2.0
#include "fleet/authorization.h"

namespace bowerbird::fleet {

std::string_view NameOf(Role role) { return role == Role::kOwner ? "owner" : "operator"; }

std::string_view NameOf(ResourceKind kind) {
  switch (kind) {
    case ResourceKind::kOrganization:
      return "organization";
    case ResourceKind::kLocation:
      return "location";
    case ResourceKind::kRobot:
      return "robot";
  }
  return "";
}

std::optional<Role> RoleNamed(std::string_view name) {
  for (const Role role : {Role::kOwner, Role::kOperator}) {
    if (NameOf(role) == name) return role;
  }
  return std::nullopt;
}

std::optional<ResourceKind> ResourceKindNamed(std::string_view name) {
  for (const auto kind :
       {ResourceKind::kOrganization, ResourceKind::kLocation, ResourceKind::kRobot}) {
    if (NameOf(kind) == name) return kind;
  }
  return std::nullopt;
}

}  // namespace bowerbird::fleet
