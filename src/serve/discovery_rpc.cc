// SPDX-License-Identifier: Apache-2.0
#include "serve/discovery_rpc.h"

#include "base/status.h"
#include "base/utf8.h"
#include "service/discovery/v1/discovery.pb.h"
#include "wire/machine/struct.h"

namespace bowerbird::serve {

namespace proto = viam::service::discovery::v1;
using machine::Json;

namespace {

absl::Status WriteConfig(const machine::DiscoveredResource& found,
                         viam::app::v1::ComponentConfig& out) {
  out.set_name(Utf8(found.name.name));
  out.set_namespace_(found.name.api.ns);
  out.set_type(found.name.api.subtype);
  out.set_api(found.name.api.ToString());
  out.set_model(found.model.ToString());
  const Json attributes = found.attributes.is_null() ? Json::object() : found.attributes;
  return wire::JsonToStruct(attributes, *out.mutable_attributes());
}

}  // namespace

DiscoveryRpc::DiscoveryRpc(Admission& admission, const machine::ResourceFinder& finder)
    : ResourceRpc("viam.service.discovery.v1.DiscoveryService", admission, finder,
                  machine::kDiscoveryApi) {
  Unary<proto::DiscoverResourcesRequest, proto::DiscoverResourcesResponse>(
      "DiscoverResources",
      [this](Call& call, const proto::DiscoverResourcesRequest& request,
             proto::DiscoverResourcesResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto discovery, Find<machine::Discovery>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        ASSIGN_OR_RETURN(const auto found, discovery->DiscoverResources(call.context(), extra));
        for (const auto& resource : found) {
          const auto status = WriteConfig(resource, *response.add_discoveries());
          if (!status.ok()) return Annotate(status, "discovered " + resource.name.ToString());
        }
        return absl::OkStatus();
      });
  AddDoCommand();
  AddGetStatus();
}

}  // namespace bowerbird::serve
