// SPDX-License-Identifier: Apache-2.0
//
// The calls about locations.
#include "base/status.h"
#include "serve/app_rpc.h"
#include "wire/machine/time.h"

namespace bowerbird::serve {

namespace proto = viam::app::v1;
using fleet::ResourceKind;
using fleet::Role;

absl::StatusOr<proto::Location> AppRpc::LocationMessage(const fleet::Location& location) const {
  ASSIGN_OR_RETURN(const auto organization, fleet().FindOrganization(location.organization_id));
  proto::Location out;
  out.set_id(location.id);
  out.set_name(location.name);
  out.set_parent_location_id(location.parent_id);
  // Secrets of locations are a thing of the past: keys have taken their place.
  out.mutable_auth()->set_location_id(location.id);
  auto& owner = *out.add_organizations();
  owner.set_organization_id(location.organization_id);
  owner.set_primary(true);
  *out.mutable_created_on() = wire::ToTimestamp(location.created);
  out.set_robot_count(location.robot_count);
  out.mutable_config()->set_region(location.region);
  out.mutable_primary_org_identity()->set_id(organization.id);
  out.mutable_primary_org_identity()->set_name(organization.name);
  return out;
}

void AppRpc::AddLocations() {
  Unary<proto::ListLocationsRequest, proto::ListLocationsResponse>(
      "ListLocations", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        RETURN_IF_ERROR(CheckSees(call, ResourceKind::kOrganization, request.organization_id()));
        ASSIGN_OR_RETURN(const fleet::Principal principal, PrincipalOf(call));
        ASSIGN_OR_RETURN(const auto locations, fleet().Locations(request.organization_id()));
        for (const fleet::Location& location : locations) {
          const auto sees = fleet().Sees(principal, ResourceKind::kLocation, location.id);
          if (absl::IsNotFound(sees.status())) continue;  // deleted meanwhile
          RETURN_IF_ERROR(sees.status());
          if (!*sees) continue;
          ASSIGN_OR_RETURN(*response.add_locations(), LocationMessage(location));
        }
        return absl::OkStatus();
      });
  Unary<proto::GetLocationRequest, proto::GetLocationResponse>(
      "GetLocation", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        RETURN_IF_ERROR(CheckSees(call, ResourceKind::kLocation, request.location_id()));
        ASSIGN_OR_RETURN(const auto found, fleet().FindLocation(request.location_id()));
        ASSIGN_OR_RETURN(*response.mutable_location(), LocationMessage(found));
        return absl::OkStatus();
      });
  Unary<proto::CreateLocationRequest, proto::CreateLocationResponse>(
      "CreateLocation", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        RETURN_IF_ERROR(
            Check(call, ResourceKind::kOrganization, request.organization_id(), Role::kOwner));
        ASSIGN_OR_RETURN(const auto made,
                         fleet().CreateLocation(request.organization_id(), request.name(),
                                                request.parent_location_id()));
        ASSIGN_OR_RETURN(*response.mutable_location(), LocationMessage(made));
        return absl::OkStatus();
      });
  Unary<proto::UpdateLocationRequest, proto::UpdateLocationResponse>(
      "UpdateLocation", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        RETURN_IF_ERROR(Check(call, ResourceKind::kLocation, request.location_id(), Role::kOwner));
        ASSIGN_OR_RETURN(auto changed, fleet().FindLocation(request.location_id()));
        if (request.has_name()) changed.name = request.name();
        if (request.has_region()) changed.region = request.region();
        if (request.has_parent_location_id() && request.parent_location_id() != changed.parent_id) {
          changed.parent_id = request.parent_location_id();
          // Whoever owns the new parent owns the location afterwards: only an owner of both may.
          RETURN_IF_ERROR(
              changed.parent_id.empty()
                  ? Check(call, ResourceKind::kOrganization, changed.organization_id, Role::kOwner)
                  : Check(call, ResourceKind::kLocation, changed.parent_id, Role::kOwner));
        }
        RETURN_IF_ERROR(fleet().UpdateLocation(changed));
        ASSIGN_OR_RETURN(*response.mutable_location(), LocationMessage(changed));
        return absl::OkStatus();
      });
  Unary<proto::DeleteLocationRequest, proto::DeleteLocationResponse>(
      "DeleteLocation", [this](Call& call, const auto& request, auto&) -> absl::Status {
        RETURN_IF_ERROR(Check(call, ResourceKind::kLocation, request.location_id(), Role::kOwner));
        return fleet().DeleteLocation(request.location_id());
      });
}

}  // namespace bowerbird::serve
