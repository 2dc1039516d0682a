// SPDX-License-Identifier: Apache-2.0
#include "service/mlmodel/v1/mlmodel.pb.h"
#include "testing.h"

int main(int, char** arguments) {
  RunningModule module(arguments[1]);
  google::protobuf::Struct attributes;
  (*attributes.mutable_fields())["factor"].set_number_value(3);
  EXPECT(module.Validate(attributes).ok());
  EXPECT(module.Add(attributes).ok());

  namespace proto = viam::service::mlmodel::v1;
  const std::string service = "viam.service.mlmodel.v1.MLModelService/";
  proto::MetadataRequest question;
  question.set_name("mine");
  proto::MetadataResponse described;
  EXPECT(module.Call(service + "Metadata", question, described).ok());
  EXPECT(described.metadata().input_info(0).name() == "x");

  proto::InferRequest request;
  request.set_name("mine");
  proto::InferResponse response;
  EXPECT(module.Call(service + "Infer", request, response).error_code() ==
         grpc::StatusCode::INVALID_ARGUMENT);
  auto& x = (*request.mutable_input_tensors()->mutable_tensors())["x"];
  x.add_shape(2);
  for (const float value : {1.0f, 2.0f}) x.mutable_float_tensor()->add_data(value);
  EXPECT(module.Call(service + "Infer", request, response).ok());
  const auto& y = response.output_tensors().tensors().at("y");
  EXPECT(y.float_tensor().data(0) == 3 && y.float_tensor().data(1) == 6);

  (*attributes.mutable_fields())["factor"].set_string_value("x");
  EXPECT(module.Validate(attributes).error_message() == "attribute \"factor\" must be a number");
  std::puts("passed");
}
