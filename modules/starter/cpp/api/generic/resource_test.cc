// SPDX-License-Identifier: Apache-2.0
#include "common/v1/common.pb.h"
#include "testing.h"

int main(int, char** arguments) {
  RunningModule module(arguments[1]);
  google::protobuf::Struct attributes;
  (*attributes.mutable_fields())["offset"].set_number_value(10);
  EXPECT(module.Validate(attributes).ok());
  EXPECT(module.Add(attributes).ok());

  const bool is_service = std::string("@API@").find(":service:") != std::string::npos;
  const std::string method = std::string("viam.") + (is_service ? "service" : "component") +
                             ".generic.v1.GenericService/DoCommand";
  viam::common::v1::DoCommandRequest request;
  request.set_name("mine");
  auto& fields = *request.mutable_command()->mutable_fields();
  for (const double number : {1, 2})
    fields["add"].mutable_list_value()->add_values()->set_number_value(number);
  viam::common::v1::DoCommandResponse response;
  EXPECT(module.Call(method, request, response).ok());
  EXPECT(response.result().fields().at("sum").number_value() == 13);

  fields["add"].set_string_value("x");
  EXPECT(module.Call(method, request, response).error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  (*attributes.mutable_fields())["offset"].set_string_value("x");
  EXPECT(module.Validate(attributes).error_message() == "attribute \"offset\" must be a number");
  std::puts("passed");
}
