// SPDX-License-Identifier: Apache-2.0
#include "resource.h"

namespace {

double StepIn(const google::protobuf::Struct& attributes) {
  const auto found = attributes.fields().find("step");
  return found == attributes.fields().end() ? 1 : found->second.number_value();
}

// Adds to `needs` what the resource depends on.
grpc::Status Validate(const google::protobuf::Struct& attributes, module::Needs& /*needs*/) {
  const auto found = attributes.fields().find("step");
  if (found != attributes.fields().end() && !found->second.has_number_value())
    return {grpc::StatusCode::INVALID_ARGUMENT, "attribute \"step\" must be a number"};
  return grpc::Status::OK;
}

}  // namespace

MyResource::MyResource(const module::Config& config) : step_(StepIn(config.attributes)) {}

grpc::Status MyResource::GetReadings(const viam::common::v1::GetReadingsRequest&,
                                     viam::common::v1::GetReadingsResponse& response) {
  const std::lock_guard lock(mutex_);
  count_ += step_;
  (*response.mutable_readings())["count"].set_number_value(count_);
  return grpc::Status::OK;
}

grpc::Status MyResource::DoCommand(const viam::common::v1::DoCommandRequest& request,
                                   viam::common::v1::DoCommandResponse& response) {
  const std::lock_guard lock(mutex_);
  if (request.command().fields().contains("reset")) count_ = 0;
  (*response.mutable_result()->mutable_fields())["count"].set_number_value(count_);
  return grpc::Status::OK;
}

void Register(module::Module& program, const std::string& api, const std::string& model) {
  const std::string service = "viam.component.sensor.v1.SensorService";
  program.Add({api, service, model, Validate,
               [](const module::Config& config, std::shared_ptr<module::Resource>& resource) {
                 resource = std::make_shared<MyResource>(config);
                 return grpc::Status::OK;
               }});
  program.Serve(service + "/GetReadings", &MyResource::GetReadings);
  program.Serve(service + "/DoCommand", &MyResource::DoCommand);
}
