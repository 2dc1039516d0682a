// SPDX-License-Identifier: Apache-2.0
#include "resource.h"

namespace {

double OffsetIn(const google::protobuf::Struct& attributes) {
  const auto found = attributes.fields().find("offset");
  return found == attributes.fields().end() ? 0 : found->second.number_value();
}

// Adds to `needs` what the resource depends on.
grpc::Status Validate(const google::protobuf::Struct& attributes, module::Needs& /*needs*/) {
  const auto found = attributes.fields().find("offset");
  if (found != attributes.fields().end() && !found->second.has_number_value())
    return {grpc::StatusCode::INVALID_ARGUMENT, "attribute \"offset\" must be a number"};
  return grpc::Status::OK;
}

}  // namespace

MyResource::MyResource(const module::Config& config) : offset_(OffsetIn(config.attributes)) {}

grpc::Status MyResource::DoCommand(const viam::common::v1::DoCommandRequest& request,
                                   viam::common::v1::DoCommandResponse& response) {
  const grpc::Status wrong(grpc::StatusCode::INVALID_ARGUMENT,
                           "the command must be {\"add\": [numbers]}");
  const auto found = request.command().fields().find("add");
  if (found == request.command().fields().end() || !found->second.has_list_value()) return wrong;
  double sum = offset_;
  for (const auto& value : found->second.list_value().values()) {
    if (!value.has_number_value()) return wrong;
    sum += value.number_value();
  }
  (*response.mutable_result()->mutable_fields())["sum"].set_number_value(sum);
  return grpc::Status::OK;
}

void Register(module::Module& program, const std::string& api, const std::string& model) {
  // The API is one of components and one of services.
  const bool is_service = api.find(":service:") != std::string::npos;
  const std::string service = is_service ? "viam.service.generic.v1.GenericService"
                                         : "viam.component.generic.v1.GenericService";
  program.Add({api, service, model, Validate,
               [](const module::Config& config, std::shared_ptr<module::Resource>& resource) {
                 resource = std::make_shared<MyResource>(config);
                 return grpc::Status::OK;
               }});
  program.Serve(service + "/DoCommand", &MyResource::DoCommand);
}
