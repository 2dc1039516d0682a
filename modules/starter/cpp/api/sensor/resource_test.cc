// SPDX-License-Identifier: Apache-2.0
#include "component/sensor/v1/sensor.pb.h"
#include "testing.h"

int main(int, char** arguments) {
  RunningModule module(arguments[1]);
  google::protobuf::Struct attributes;
  (*attributes.mutable_fields())["step"].set_number_value(2);
  EXPECT(module.Validate(attributes).ok());
  EXPECT(module.Add(attributes).ok());

  const std::string service = "viam.component.sensor.v1.SensorService/";
  viam::common::v1::GetReadingsRequest request;
  request.set_name("mine");
  viam::common::v1::GetReadingsResponse response;
  EXPECT(module.Call(service + "GetReadings", request, response).ok());
  EXPECT(module.Call(service + "GetReadings", request, response).ok());
  EXPECT(response.readings().at("count").number_value() == 4);

  viam::common::v1::DoCommandRequest command;
  command.set_name("mine");
  (*command.mutable_command()->mutable_fields())["reset"].set_bool_value(true);
  viam::common::v1::DoCommandResponse done;
  EXPECT(module.Call(service + "DoCommand", command, done).ok());
  EXPECT(module.Call(service + "GetReadings", request, response).ok());
  EXPECT(response.readings().at("count").number_value() == 2);

  request.set_name("other");
  EXPECT(module.Call(service + "GetReadings", request, response).error_code() ==
         grpc::StatusCode::NOT_FOUND);
  (*attributes.mutable_fields())["step"].set_string_value("two");
  EXPECT(module.Validate(attributes).error_message() == "attribute \"step\" must be a number");
  std::puts("passed");
}
