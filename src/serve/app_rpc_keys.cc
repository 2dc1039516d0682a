// SPDX-License-Identifier: Apache-2.0
//
// The calls about API keys. Keys that were made on the server's own machine have no authorizations
// and own everything; they are shown to their like alone, and so nobody can get more rights than
// she has by way of a key.
#include <algorithm>
#include <ctime>

#include "base/status.h"
#include "serve/app_rpc.h"

namespace bowerbird::serve {

namespace proto = viam::app::v1;
using fleet::Authorization;
using fleet::ResourceKind;
using fleet::Role;

namespace {

// Clients write the role with the resource before it ("organization_owner"), or alone.
absl::StatusOr<Authorization> ReadAuthorization(const proto::Authorization& wire) {
  const auto kind = fleet::ResourceKindNamed(wire.resource_type());
  if (!kind)
    return InvalidArgument("the authorization's resource_type is \"" + wire.resource_type() +
                           "\": give organization, location or robot");
  std::string_view word = wire.authorization_id();
  const std::string prefix = wire.resource_type() + "_";
  if (word.starts_with(prefix)) word.remove_prefix(prefix.size());
  if (word.empty()) word = wire.authorization_type();
  const auto role = fleet::RoleNamed(word);
  if (!role)
    return InvalidArgument("the authorization's authorization_id is \"" + wire.authorization_id() +
                           "\": give " + prefix + "owner or " + prefix + "operator");
  if (wire.resource_id().empty())
    return InvalidArgument("the authorization names no " + wire.resource_type() +
                           ": set its resource_id");
  return Authorization{.role = *role, .kind = *kind, .resource_id = wire.resource_id()};
}

void FillTime(const std::string& text, google::protobuf::Timestamp& out) {
  std::tm parts{};
  if (strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts) != nullptr)
    out.set_seconds(timegm(&parts));
}

bool IsFor(const ApiKey& key, ResourceKind kind, const std::string& id) {
  return std::any_of(
      key.authorizations.begin(), key.authorizations.end(),
      [&](const Authorization& one) { return one.kind == kind && one.resource_id == id; });
}

}  // namespace

absl::StatusOr<proto::APIKeyWithAuthorizations> AppRpc::KeyMessage(const ApiKey& key) const {
  proto::APIKeyWithAuthorizations out;
  out.mutable_api_key()->set_id(key.id);
  out.mutable_api_key()->set_name(key.name);
  FillTime(key.created, *out.mutable_api_key()->mutable_created_on());
  for (const Authorization& one : key.authorizations) {
    auto& details = *out.add_authorizations();
    details.set_authorization_type("role");
    details.set_authorization_id(std::string(fleet::NameOf(one.kind)) + "_" +
                                 std::string(fleet::NameOf(one.role)));
    details.set_resource_type(std::string(fleet::NameOf(one.kind)));
    details.set_resource_id(one.resource_id);
    const auto lineage = fleet().LineageOf(one.kind, one.resource_id);
    // What the key was made for may be gone.
    if (absl::IsNotFound(lineage.status())) continue;
    RETURN_IF_ERROR(lineage.status());
    details.set_org_id(lineage->back().second);
  }
  return out;
}

absl::Status AppRpc::CheckKey(const fleet::Principal& principal, const std::string& id) const {
  if (id.empty()) return InvalidArgument("the request names no key: set its id");
  ASSIGN_OR_RETURN(const auto keys, keys_.List());
  const auto key =
      std::find_if(keys.begin(), keys.end(), [&](const ApiKey& one) { return one.id == id; });
  const auto unknown = NotFound("there is no API key with the id " + id);
  if (key == keys.end()) return unknown;
  if (principal.unrestricted) return absl::OkStatus();
  if (key->authorizations.empty()) return unknown;
  for (const Authorization& one : key->authorizations) {
    const auto allowed = fleet().Check(principal, one.kind, one.resource_id, Role::kOwner);
    if (absl::IsNotFound(allowed)) return unknown;
    RETURN_IF_ERROR(allowed);
  }
  return absl::OkStatus();
}

void AppRpc::AddKeys() {
  Unary<proto::ListKeysRequest, proto::ListKeysResponse>(
      "ListKeys", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        RETURN_IF_ERROR(Check(call, ResourceKind::kOrganization, request.org_id(), Role::kOwner));
        ASSIGN_OR_RETURN(const fleet::Principal principal, PrincipalOf(call));
        ASSIGN_OR_RETURN(const auto keys, keys_.List());
        for (const ApiKey& key : keys) {
          ASSIGN_OR_RETURN(auto message, KeyMessage(key));
          const auto& list = message.authorizations();
          const bool here = key.authorizations.empty()
                                ? principal.unrestricted
                                : std::any_of(list.begin(), list.end(), [&](const auto& one) {
                                    return one.org_id() == request.org_id();
                                  });
          if (here) *response.add_api_keys() = std::move(message);
        }
        return absl::OkStatus();
      });
  Unary<proto::GetRobotAPIKeysRequest, proto::GetRobotAPIKeysResponse>(
      "GetRobotAPIKeys", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        RETURN_IF_ERROR(Check(call, ResourceKind::kRobot, request.robot_id(), Role::kOwner));
        ASSIGN_OR_RETURN(const auto keys, keys_.List());
        for (const ApiKey& key : keys) {
          if (!IsFor(key, ResourceKind::kRobot, request.robot_id())) continue;
          ASSIGN_OR_RETURN(*response.add_api_keys(), KeyMessage(key));
        }
        return absl::OkStatus();
      });
}

void AppRpc::AddKeyChanges() {
  Unary<proto::CreateKeyRequest, proto::CreateKeyResponse>(
      "CreateKey", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        std::vector<Authorization> authorizations;
        for (const proto::Authorization& wire : request.authorizations()) {
          ASSIGN_OR_RETURN(Authorization one, ReadAuthorization(wire));
          RETURN_IF_ERROR(Check(call, one.kind, one.resource_id, Role::kOwner));
          authorizations.push_back(std::move(one));
        }
        if (authorizations.empty())
          return InvalidArgument("the key would have no rights: give at least one authorization");
        ASSIGN_OR_RETURN(const NewApiKey made,
                         keys_.Create(request.name().empty() ? "unnamed" : request.name(),
                                      std::move(authorizations)));
        response.set_id(made.key.id);
        response.set_key(made.secret);
        return absl::OkStatus();
      });
  Unary<proto::DeleteKeyRequest, proto::DeleteKeyResponse>(
      "DeleteKey", [this](Call& call, const auto& request, auto&) -> absl::Status {
        ASSIGN_OR_RETURN(const fleet::Principal principal, PrincipalOf(call));
        RETURN_IF_ERROR(CheckKey(principal, request.id()));
        return keys_.Revoke(request.id());
      });
  Unary<proto::RenameKeyRequest, proto::RenameKeyResponse>(
      "RenameKey", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const fleet::Principal principal, PrincipalOf(call));
        RETURN_IF_ERROR(CheckKey(principal, request.id()));
        RETURN_IF_ERROR(keys_.Rename(request.id(), request.name()));
        response.set_id(request.id());
        response.set_name(request.name());
        return absl::OkStatus();
      });
}

}  // namespace bowerbird::serve
