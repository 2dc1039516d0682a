// SPDX-License-Identifier: Apache-2.0
#include "serve/hub_rpc.h"

namespace bowerbird::serve {

absl::StatusOr<data::Caller> HubRpc::EnterForItems(const Call& call, Permission permission,
                                                   std::span<const std::string> ids) const {
  std::string organization;
  if (!ids.empty()) {
    const size_t slash = ids.front().find('/');
    if (slash != std::string::npos) organization = ids.front().substr(0, slash);
  }
  auto caller = permission == Permission::kRead ? EnterToRead(call, organization)
                                                : Enter(call, permission, organization);
  // What others have is as unknown as what nobody has.
  if (absl::IsNotFound(caller.status()) && !organization.empty())
    return NotFound("no binary data has the id " + ids.front());
  return caller;
}

absl::StatusOr<data::Caller> HubRpc::EnterForFilter(const Call& call, Permission permission,
                                                    const data::Filter& filter) const {
  const std::string organization =
      filter.organization_ids.size() == 1 ? filter.organization_ids.front() : "";
  return permission == Permission::kRead ? EnterToRead(call, organization)
                                         : Enter(call, permission, organization);
}

}  // namespace bowerbird::serve
