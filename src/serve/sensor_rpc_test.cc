// SPDX-License-Identifier: Apache-2.0
#include "serve/sensor_rpc.h"

#include "common/v1/common.pb.h"
#include "gmock/gmock.h"
#include "serve/data_manager_rpc.h"
#include "serve/discovery_rpc.h"
#include "serve/generic_rpc.h"
#include "serve/rpc_test_server.h"
#include "service/datamanager/v1/data_manager.pb.h"
#include "service/discovery/v1/discovery.pb.h"

namespace bowerbird::serve {
namespace {

namespace proto = viam::common::v1;
using machine::Json;
using testing::HasSubstr;

constexpr char kSensor[] = "viam.component.sensor.v1.SensorService/";
constexpr char kGenericComponent[] = "viam.component.generic.v1.GenericService/";
constexpr char kGenericService[] = "viam.service.generic.v1.GenericService/";

class Thermometer : public machine::Sensor {
 public:
  absl::StatusOr<Json> GetReadings(const Context& context, const Json& extra) override {
    last_extra = extra;
    from_data_management = context.from_data_management;
    return readings;
  }
  absl::StatusOr<Json> GetStatus(const Context&) override { return Json{{"warm", true}}; }

  Json readings = {{"celsius", 21.5}, {"room", "attic"}, {"history", {20, 21}}};
  Json last_extra;
  bool from_data_management = false;
};

class SensorRpcTest : public RpcTest {
 protected:
  SensorRpcTest() { Serve(std::make_unique<SensorRpc>(gate_, finder_)); }
  std::shared_ptr<Thermometer> thermometer_ = finder_.Add("t", std::make_shared<Thermometer>());
};

TEST_F(SensorRpcTest, ReadingsArriveByName) {
  proto::GetReadingsRequest request;
  request.set_name("t");
  proto::GetReadingsResponse response;
  const auto status = Call(std::string(kSensor) + "GetReadings", request, response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.readings_size(), 3);
  EXPECT_EQ(response.readings().at("celsius").number_value(), 21.5);
  EXPECT_EQ(response.readings().at("room").string_value(), "attic");
  EXPECT_EQ(response.readings().at("history").list_value().values(1).number_value(), 21);
  EXPECT_EQ(gate_.last_resource, "t");
  EXPECT_EQ(thermometer_->last_extra, Json::object());
  EXPECT_FALSE(thermometer_->from_data_management);
}

TEST_F(SensorRpcTest, TheMarkOfDataCaptureReachesTheSensor) {
  proto::GetReadingsRequest request;
  request.set_name("t");
  auto& extra = *request.mutable_extra()->mutable_fields();
  extra["fromDataManagement"].set_bool_value(true);
  extra["other"].set_number_value(2);
  proto::GetReadingsResponse response;
  ASSERT_TRUE(Call(std::string(kSensor) + "GetReadings", request, response).ok());
  EXPECT_TRUE(thermometer_->from_data_management);
  EXPECT_EQ(thermometer_->last_extra, Json({{"fromDataManagement", true}, {"other", 2}}));
}

TEST_F(SensorRpcTest, OnlyTrueMarksDataCapture) {
  proto::GetReadingsRequest request;
  request.set_name("t");
  (*request.mutable_extra()->mutable_fields())["fromDataManagement"].set_string_value("true");
  proto::GetReadingsResponse response;
  ASSERT_TRUE(Call(std::string(kSensor) + "GetReadings", request, response).ok());
  EXPECT_FALSE(thermometer_->from_data_management);
}

TEST_F(SensorRpcTest, ASensorThatIsNotThereIsNotFoundByNameAndApi) {
  proto::GetReadingsRequest request;
  request.set_name("nowhere");
  proto::GetReadingsResponse response;
  const auto status = Call(std::string(kSensor) + "GetReadings", request, response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "no node found with api rdk:component:sensor and name nowhere");
}

TEST_F(SensorRpcTest, ReadingsThatAreNoObjectAreInternal) {
  thermometer_->readings = 7;
  proto::GetReadingsRequest request;
  request.set_name("t");
  proto::GetReadingsResponse response;
  EXPECT_EQ(Call(std::string(kSensor) + "GetReadings", request, response).error_code(),
            grpc::StatusCode::INTERNAL);
}

TEST_F(SensorRpcTest, DoCommandIsRefusedAsTheReferenceMachineDoes) {
  proto::DoCommandRequest request;
  request.set_name("t");
  proto::DoCommandResponse response;
  const auto status = Call(std::string(kSensor) + "DoCommand", request, response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNKNOWN);
  EXPECT_THAT(status.error_message(), HasSubstr("DoCommand unimplemented"));
}

TEST_F(SensorRpcTest, StatusAndGeometriesAreAnswered) {
  proto::GetStatusRequest status_request;
  status_request.set_name("t");
  proto::GetStatusResponse status_response;
  ASSERT_TRUE(Call(std::string(kSensor) + "GetStatus", status_request, status_response).ok());
  EXPECT_TRUE(status_response.result().fields().at("warm").bool_value());
  proto::GetGeometriesRequest request;
  request.set_name("t");
  proto::GetGeometriesResponse response;
  EXPECT_TRUE(Call(std::string(kSensor) + "GetGeometries", request, response).ok());
  request.set_name("nowhere");
  EXPECT_EQ(Call(std::string(kSensor) + "GetGeometries", request, response).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST_F(SensorRpcTest, AnObjectNestedTooDeeplyIsRefusedNotFollowed) {
  proto::GetReadingsRequest request;
  request.set_name("t");
  auto* object = request.mutable_extra();
  for (int i = 0; i < 33; ++i) object = (*object->mutable_fields())["k"].mutable_struct_value();
  proto::GetReadingsResponse response;
  const auto status = Call(std::string(kSensor) + "GetReadings", request, response);
  // By the conversion, or already by the parser of the wire.
  EXPECT_TRUE(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT ||
              status.error_code() == grpc::StatusCode::INTERNAL)
      << status.error_code();
}

class Echo : public machine::GenericComponent, public machine::GenericService {
 public:
  static inline const machine::Api& kApi = machine::kGenericComponentApi;
  absl::StatusOr<Json> DoCommand(const Context&, const Json& command) override { return command; }
};

TEST_F(RpcTest, BothGenericServicesPassCommandsOn) {
  std::vector<std::unique_ptr<RpcService>> services;
  services.push_back(std::make_unique<GenericComponentRpc>(gate_, finder_));
  services.push_back(std::make_unique<GenericServiceRpc>(gate_, finder_));
  Serve(std::move(services));
  const auto echo = std::make_shared<Echo>();
  finder_.resources[{machine::kGenericComponentApi, "c"}] = echo;
  finder_.resources[{machine::kGenericServiceApi, "s"}] = echo;
  for (const auto& [service, name] : {std::pair(kGenericComponent, "c"), {kGenericService, "s"}}) {
    proto::DoCommandRequest request;
    request.set_name(name);
    (*request.mutable_command()->mutable_fields())["move"].set_string_value("left");
    proto::DoCommandResponse response;
    const auto status = Call(std::string(service) + "DoCommand", request, response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.result().fields().at("move").string_value(), "left");
    // A component is not found as a service of the same name.
    request.set_name("x");
    EXPECT_EQ(Call(std::string(service) + "DoCommand", request, response).error_code(),
              grpc::StatusCode::NOT_FOUND);
  }
}

class Webcams : public machine::Discovery {
 public:
  absl::StatusOr<std::vector<machine::DiscoveredResource>> DiscoverResources(const Context&,
                                                                             const Json&) override {
    return std::vector<machine::DiscoveredResource>{
        {{machine::kCameraApi, "webcam-1"},
         {"rdk", "builtin", "webcam"},
         {{"video_path", "video0"}, {"width_px", 640}}},
        {{machine::kCameraApi, "webcam-2"}, {"rdk", "builtin", "webcam"}, nullptr}};
  }
};

TEST_F(RpcTest, DiscoveredDevicesAreReadyMadeConfigurations) {
  Serve(std::make_unique<DiscoveryRpc>(gate_, finder_));
  finder_.Add("find", std::make_shared<Webcams>());
  viam::service::discovery::v1::DiscoverResourcesRequest request;
  request.set_name("find");
  viam::service::discovery::v1::DiscoverResourcesResponse response;
  const auto status =
      Call("viam.service.discovery.v1.DiscoveryService/DiscoverResources", request, response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.discoveries_size(), 2);
  const auto& first = response.discoveries(0);
  EXPECT_EQ(first.name(), "webcam-1");
  EXPECT_EQ(first.api(), "rdk:component:camera");
  EXPECT_EQ(first.namespace_(), "rdk");
  EXPECT_EQ(first.type(), "camera");
  EXPECT_EQ(first.model(), "rdk:builtin:webcam");
  EXPECT_EQ(first.attributes().fields().at("video_path").string_value(), "video0");
  EXPECT_TRUE(response.discoveries(1).has_attributes());
}

class CountingDataManager : public machine::DataManager {
 public:
  absl::Status Sync(const Context&, const Json&) override {
    ++syncs;
    return Unavailable("not connected to the cloud");
  }
  int syncs = 0;
};

TEST_F(RpcTest, SyncReachesTheDataManagerAndItsErrorTheClient) {
  Serve(std::make_unique<DataManagerRpc>(gate_, finder_));
  const auto manager = finder_.Add("dm", std::make_shared<CountingDataManager>());
  viam::service::datamanager::v1::SyncRequest request;
  request.set_name("dm");
  viam::service::datamanager::v1::SyncResponse response;
  const auto status =
      Call("viam.service.datamanager.v1.DataManagerService/Sync", request, response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "not connected to the cloud");
  EXPECT_EQ(manager->syncs, 1);
}

}  // namespace
}  // namespace bowerbird::serve
