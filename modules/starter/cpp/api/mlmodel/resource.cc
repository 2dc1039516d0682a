// SPDX-License-Identifier: Apache-2.0
#include "resource.h"

namespace {

namespace proto = viam::service::mlmodel::v1;

float FactorIn(const google::protobuf::Struct& attributes) {
  const auto found = attributes.fields().find("factor");
  return found == attributes.fields().end() ? 1 : static_cast<float>(found->second.number_value());
}

// Adds to `needs` what the resource depends on.
grpc::Status Validate(const google::protobuf::Struct& attributes, module::Needs& /*needs*/) {
  const auto found = attributes.fields().find("factor");
  if (found != attributes.fields().end() && !found->second.has_number_value())
    return {grpc::StatusCode::INVALID_ARGUMENT, "attribute \"factor\" must be a number"};
  return grpc::Status::OK;
}

void Describe(const std::string& name, proto::TensorInfo& info) {
  info.set_name(name);
  info.set_data_type("float32");
  info.add_shape(-1);
}

}  // namespace

MyResource::MyResource(const module::Config& config)
    : name_(config.name), factor_(FactorIn(config.attributes)) {}

grpc::Status MyResource::Metadata(const proto::MetadataRequest&,
                                  proto::MetadataResponse& response) {
  response.mutable_metadata()->set_name(name_);
  Describe("x", *response.mutable_metadata()->add_input_info());
  Describe("y", *response.mutable_metadata()->add_output_info());
  return grpc::Status::OK;
}

grpc::Status MyResource::Infer(const proto::InferRequest& request, proto::InferResponse& response) {
  const auto& tensors = request.input_tensors().tensors();
  const auto x = tensors.find("x");
  if (x == tensors.end() || !x->second.has_float_tensor())
    return {grpc::StatusCode::INVALID_ARGUMENT, "the tensor \"x\" of float32 is missing"};
  auto& y = (*response.mutable_output_tensors()->mutable_tensors())["y"];
  *y.mutable_shape() = x->second.shape();
  for (const float value : x->second.float_tensor().data())
    y.mutable_float_tensor()->add_data(factor_ * value);
  return grpc::Status::OK;
}

void Register(module::Module& program, const std::string& api, const std::string& model) {
  const std::string service = "viam.service.mlmodel.v1.MLModelService";
  program.Add({api, service, model, Validate,
               [](const module::Config& config, std::shared_ptr<module::Resource>& resource) {
                 resource = std::make_shared<MyResource>(config);
                 return grpc::Status::OK;
               }});
  program.Serve(service + "/Metadata", &MyResource::Metadata);
  program.Serve(service + "/Infer", &MyResource::Infer);
}
