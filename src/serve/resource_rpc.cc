// SPDX-License-Identifier: Apache-2.0
#include "serve/resource_rpc.h"

#include "base/status.h"
#include "common/v1/common.pb.h"
#include "wire/machine/struct.h"

namespace bowerbird::serve {

namespace proto = viam::common::v1;
using machine::Json;

void ResourceRpc::AddDoCommand() {
  Unary<proto::DoCommandRequest, proto::DoCommandResponse>(
      "DoCommand",
      [this](Call& call, const proto::DoCommandRequest& request,
             proto::DoCommandResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto resource, finder_.Find({api_, request.name()}));
        ASSIGN_OR_RETURN(const Json command, wire::JsonFromStruct(request.command()));
        ASSIGN_OR_RETURN(const Json result, resource->DoCommand(call.context(), command));
        return Annotate(wire::JsonToStruct(result, *response.mutable_result()),
                        "result of DoCommand");
      });
}

void ResourceRpc::AddGetStatus() {
  Unary<proto::GetStatusRequest, proto::GetStatusResponse>(
      "GetStatus",
      [this](Call& call, const proto::GetStatusRequest& request,
             proto::GetStatusResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto resource, finder_.Find({api_, request.name()}));
        ASSIGN_OR_RETURN(const Json status, resource->GetStatus(call.context()));
        return Annotate(wire::JsonToStruct(status, *response.mutable_result()),
                        "result of GetStatus");
      });
}

void ResourceRpc::AddGetGeometries() {
  Unary<proto::GetGeometriesRequest, proto::GetGeometriesResponse>(
      "GetGeometries",
      [this](Call&, const proto::GetGeometriesRequest& request,
             proto::GetGeometriesResponse&) -> absl::Status {
        return finder_.Find({api_, request.name()}).status();
      });
}

absl::StatusOr<Json> ReadExtra(const google::protobuf::Struct& extra, Context& context) {
  ASSIGN_OR_RETURN(Json json, wire::JsonFromStruct(extra));
  const auto flag = json.find("fromDataManagement");
  if (flag != json.end() && flag->is_boolean() && flag->get<bool>())
    context.from_data_management = true;
  return json;
}

}  // namespace bowerbird::serve
