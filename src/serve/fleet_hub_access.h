// SPDX-License-Identifier: Apache-2.0
//
// HubAccess over the fleet: to read an organization's data takes a role on it, to change it the
// owner's, and to upload for a part a role on its machine.
//
// A key for a location or a machine alone reads what was captured there (of a location: also in
// those below it), and changes nothing: labels and datasets are the organization's.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "fleet/fleet.h"
#include "serve/hub_access.h"

namespace bowerbird::serve {

class FleetHubAccess : public HubAccess {
 public:
  // Whom the calls of a key act for; "" where no credentials were asked for.
  using PrincipalOf = std::function<absl::StatusOr<fleet::Principal>(const std::string& key_id)>;

  // `fleet` outlives it.
  FleetHubAccess(const fleet::Fleet& fleet, PrincipalOf principal_of)
      : fleet_(fleet), principal_of_(std::move(principal_of)) {}

  absl::StatusOr<data::Caller> Enter(const Call& call, const std::string& organization_id,
                                     Permission permission) override;
  absl::StatusOr<data::Caller> EnterToRead(const Call& call,
                                           const std::string& organization_id) override;
  absl::StatusOr<Uploader> EnterForPart(const Call& call, const std::string& part_id) override;

 private:
  // The organization that a request means that names none.
  absl::StatusOr<std::string> OwnOrganization(const fleet::Principal& principal) const;

  // The places in the organization that the principal has a role on.
  absl::StatusOr<data::Places> PlacesOf(const fleet::Principal& principal,
                                        const std::string& organization_id) const;

  const fleet::Fleet& fleet_;
  const PrincipalOf principal_of_;
};

}  // namespace bowerbird::serve
