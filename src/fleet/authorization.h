// SPDX-License-Identifier: Apache-2.0
//
// What a key may do: a role on an organization, a location or a machine, and on everything in it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bowerbird::fleet {

enum class Role {
  kOperator = 1,  // sees everything, and sends what a machine captured
  kOwner = 2,     // changes everything, too
};
enum class ResourceKind { kOrganization, kLocation, kRobot };

// The words of the wire: "owner", "operator"; "organization", "location", "robot".
std::string_view NameOf(Role role);
std::string_view NameOf(ResourceKind kind);
// nullopt for any other word.
std::optional<Role> RoleNamed(std::string_view name);
std::optional<ResourceKind> ResourceKindNamed(std::string_view name);

struct Authorization {
  Role role = Role::kOperator;
  ResourceKind kind = ResourceKind::kOrganization;
  std::string resource_id{};
  friend bool operator==(const Authorization&, const Authorization&) = default;
};

// Whom a call acts for.
struct Principal {
  std::string name{};  // for histories: the key's
  // Owner of everything: the keys that the server's own operator made on its machine, and everybody
  // where no credentials are asked for.
  bool unrestricted = false;
  std::vector<Authorization> authorizations{};
};

}  // namespace bowerbird::fleet
