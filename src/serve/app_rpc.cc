// SPDX-License-Identifier: Apache-2.0
#include "serve/app_rpc.h"

#include <utility>

#include "base/status.h"
#include "wire/machine/time.h"

namespace bowerbird::serve {

namespace proto = viam::app::v1;
using fleet::ResourceKind;
using fleet::Role;

namespace {

void Fill(const fleet::Organization& organization, proto::Organization& out) {
  out.set_id(organization.id);
  out.set_name(organization.name);
  *out.mutable_created_on() = wire::ToTimestamp(organization.created);
  out.set_public_namespace(organization.public_namespace);
  out.set_default_region(organization.region);
  // Clients read what is in an optional message without asking whether it is there.
  out.mutable_default_fragments();
  out.mutable_allowed_login_methods();
}

}  // namespace

AppRpc::AppRpc(Admission& admission, AppRpcOptions options)
    : RpcService("viam.app.v1.AppService", admission),
      options_(std::move(options)),
      keys_(options_.data_dir) {
  AddOrganizations();
  AddLocations();
  AddRobots();
  AddRobotLists();
  AddParts();
  AddKeys();
  AddKeyChanges();
}

absl::Status AppRpc::Check(const Call& call, ResourceKind kind, const std::string& id,
                           Role role) const {
  if (id.empty())
    return InvalidArgument("the request names no " + std::string(fleet::NameOf(kind)) +
                           ": set its id");
  ASSIGN_OR_RETURN(const fleet::Principal principal, PrincipalOf(call));
  return fleet().Check(principal, kind, id, role);
}

absl::Status AppRpc::CheckSees(const Call& call, ResourceKind kind, const std::string& id) const {
  if (id.empty())
    return InvalidArgument("the request names no " + std::string(fleet::NameOf(kind)) +
                           ": set its id");
  ASSIGN_OR_RETURN(const fleet::Principal principal, PrincipalOf(call));
  ASSIGN_OR_RETURN(const bool sees, fleet().Sees(principal, kind, id));
  if (sees) return absl::OkStatus();
  return NotFound("there is no " + std::string(fleet::NameOf(kind)) + " with the id " + id);
}

void AppRpc::AddOrganizations() {
  Unary<proto::ListOrganizationsRequest, proto::ListOrganizationsResponse>(
      "ListOrganizations", [this](Call& call, const auto&, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const fleet::Principal principal, PrincipalOf(call));
        ASSIGN_OR_RETURN(const auto organizations, fleet().OrganizationsOf(principal));
        for (const auto& one : organizations) Fill(one, *response.add_organizations());
        return absl::OkStatus();
      });
  Unary<proto::GetOrganizationRequest, proto::GetOrganizationResponse>(
      "GetOrganization", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        RETURN_IF_ERROR(CheckSees(call, ResourceKind::kOrganization, request.organization_id()));
        ASSIGN_OR_RETURN(const auto found, fleet().FindOrganization(request.organization_id()));
        Fill(found, *response.mutable_organization());
        return absl::OkStatus();
      });
  Unary<proto::CreateOrganizationRequest, proto::CreateOrganizationResponse>(
      "CreateOrganization",
      [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const fleet::Principal principal, PrincipalOf(call));
        if (!principal.unrestricted)
          return absl::PermissionDeniedError(
              "organizations are made with a key of the server's own: bowerbird key create NAME");
        ASSIGN_OR_RETURN(const auto made, fleet().CreateOrganization(request.name()));
        Fill(made, *response.mutable_organization());
        return absl::OkStatus();
      });
  Unary<proto::UpdateOrganizationRequest, proto::UpdateOrganizationResponse>(
      "UpdateOrganization",
      [this](Call& call, const auto& request, auto& response) -> absl::Status {
        RETURN_IF_ERROR(
            Check(call, ResourceKind::kOrganization, request.organization_id(), Role::kOwner));
        ASSIGN_OR_RETURN(auto changed, fleet().FindOrganization(request.organization_id()));
        if (request.has_name()) changed.name = request.name();
        if (request.has_public_namespace()) changed.public_namespace = request.public_namespace();
        if (request.has_region()) changed.region = request.region();
        RETURN_IF_ERROR(fleet().UpdateOrganization(changed));
        Fill(changed, *response.mutable_organization());
        return absl::OkStatus();
      });
}

}  // namespace bowerbird::serve
