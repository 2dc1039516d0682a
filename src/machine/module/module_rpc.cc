// SPDX-License-Identifier: Apache-2.0
#include "machine/module/module_rpc.h"

#include <chrono>
#include <set>
#include <thread>

#include "base/status.h"
#include "base/utf8.h"
#include "machine/api_service.h"
#include "machine/graph_order.h"
#include "module/v1/module.pb.h"
#include "wire/machine/struct.h"

namespace bowerbird::machine {
namespace {

namespace proto = viam::module::v1;

constexpr char kService[] = "viam.module.v1.ModuleService/";
constexpr std::chrono::seconds kReadyTime{3};
constexpr std::chrono::milliseconds kReadyPause{200};
constexpr std::chrono::seconds kValidateTime{5};

// A module that is still coming up.
bool MayBecomeReady(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) ||
         absl::IsDeadlineExceeded(status) || absl::IsCancelled(status);
}

absl::StatusOr<ModuleHandler> ReadHandler(const proto::HandlerDefinition& message) {
  ModuleHandler handler;
  const auto& subtype = message.subtype().subtype();
  ASSIGN_OR_RETURN(handler.api, Api::Parse(subtype.namespace_() + ":" + subtype.type() + ":" +
                                           subtype.subtype()));
  handler.proto_service = message.subtype().proto_service();
  if (handler.proto_service.empty())
    return InvalidArgument("the API " + handler.api.ToString() + " has no gRPC service");
  const std::string known = ProtoServiceOf(handler.api);
  if (!known.empty() && handler.proto_service != known)
    return InvalidArgument("the API " + handler.api.ToString() + " is served by " + known +
                           ", not by " + handler.proto_service);
  for (const std::string& model : message.models()) {
    ASSIGN_OR_RETURN(handler.models.emplace_back(), ModelName::Parse(model));
  }
  return handler;
}

absl::Status WriteConfig(const ResourceConfig& config, viam::app::v1::ComponentConfig& message) {
  message.set_name(config.name.name);
  message.set_namespace_(config.name.api.ns);
  message.set_type(config.name.api.subtype);
  message.set_api(config.name.api.ToString());
  message.set_model(config.model.ToString());
  for (const std::string& name : config.depends_on) message.add_depends_on(Utf8(name));
  for (const auto& [type, attributes] : config.service_configs) {
    auto& service = *message.add_service_configs();
    service.set_type(Utf8(type));
    RETURN_IF_ERROR(wire::JsonToStruct(attributes, *service.mutable_attributes()));
  }
  if (!config.log_level.empty())
    message.mutable_log_configuration()->set_level(Utf8(config.log_level));
  return Annotate(wire::JsonToStruct(config.attributes, *message.mutable_attributes()),
                  config.path + ".attributes");
}

// Names that stand for something other than a resource.
bool IsNoResource(const std::string& name) {
  static const std::set<std::string>& known = *new std::set<std::string>{
      "framesystem", "$framesystem", "rdk-internal:service:frame_system/builtin"};
  return known.contains(name);
}

}  // namespace

absl::StatusOr<std::vector<ModuleHandler>> ModuleRpc::AwaitReady(
    const Context& context, const std::string& parent, std::vector<std::string>& faults) const {
  proto::ReadyRequest request;
  request.set_parent_address(parent);
  request.set_raw_parent_address(parent);
  proto::ReadyResponse response;
  while (!response.ready()) {
    RETURN_IF_ERROR(Annotate(context.Check(), "it has not said so in time"));
    const absl::Status status = client_.Call(context.WithTimeout(kReadyTime),
                                             std::string(kService) + "Ready", request, response);
    if (status.ok() && response.ready()) break;
    if (!status.ok() && !MayBecomeReady(status)) return status;
    std::this_thread::sleep_for(kReadyPause);
  }
  std::vector<ModuleHandler> handlers;
  for (const auto& message : response.handlermap().handlers()) {
    auto handler = ReadHandler(message);
    if (handler.ok()) {
      handlers.push_back(*std::move(handler));
    } else {
      faults.push_back(MessageOf(handler.status()));
    }
  }
  return handlers;
}

absl::StatusOr<std::vector<std::string>> ModuleRpc::Validate(const Context& context,
                                                             const ResourceConfig& config) const {
  proto::ValidateConfigRequest request;
  RETURN_IF_ERROR(WriteConfig(config, *request.mutable_config()));
  proto::ValidateConfigResponse response;
  const absl::Status status =
      client_.Call(context.WithTimeout(kValidateTime), std::string(kService) + "ValidateConfig",
                   request, response);
  if (absl::IsUnimplemented(status)) return std::vector<std::string>();
  RETURN_IF_ERROR(status);
  std::vector<std::string> names;
  for (const std::string& name : response.dependencies()) {
    if (!IsNoResource(name)) names.push_back(name);
  }
  for (const std::string& name : response.optional_dependencies()) {
    if (!IsNoResource(name)) names.push_back(name + kOptionalMark);
  }
  return names;
}

absl::Status ModuleRpc::Add(const Context& context, const ResourceConfig& config,
                            const std::vector<std::string>& dependencies) const {
  proto::AddResourceRequest request;
  RETURN_IF_ERROR(WriteConfig(config, *request.mutable_config()));
  for (const std::string& name : dependencies) request.add_dependencies(name);
  proto::AddResourceResponse response;
  return client_.Call(context, std::string(kService) + "AddResource", request, response);
}

absl::Status ModuleRpc::Remove(const Context& context, const ResourceName& name) const {
  proto::RemoveResourceRequest request;
  request.set_name(name.ToString());
  proto::RemoveResourceResponse response;
  return client_.Call(context, std::string(kService) + "RemoveResource", request, response);
}

}  // namespace bowerbird::machine
