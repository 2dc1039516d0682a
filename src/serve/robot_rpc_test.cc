// SPDX-License-Identifier: Apache-2.0
#include "serve/robot_rpc.h"

#include <algorithm>
#include <map>
#include <thread>

#include "common/v1/common.pb.h"
#include "gmock/gmock.h"
#include "machine/api_service.h"
#include "robot/v1/robot.pb.h"
#include "serve/machine_services.h"
#include "serve/robot_log.h"
#include "serve/rpc_test_server.h"

namespace bowerbird::serve {
namespace {

namespace proto = viam::robot::v1;
using machine::Json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kService = "viam.robot.v1.RobotService/";

constexpr char kConfig[] = R"({
  "components": [
    {"name": "motor", "api": "rdk:component:generic", "model": "test:fake:motor",
     "frame": {"parent": "world", "translation": {"x": 100, "y": 0, "z": 0},
               "orientation": {"type": "ov_degrees", "value": {"x": 0, "y": 0, "z": 1, "th": 90}}}},
    {"name": "hand", "api": "rdk:component:generic", "model": "test:fake:motor",
     "frame": {"parent": "motor", "translation": {"x": 10, "y": 0, "z": 0}}},
    {"name": "stuck", "api": "rdk:component:generic", "model": "test:fake:broken"}
  ],
  "services": [{"name": "talk", "api": "rdk:service:generic", "model": "test:fake:talk"}],
  "revision": "r7"
})";

// Counts its stops; stops of one that is jammed fail.
class Motor : public machine::GenericComponent {
 public:
  absl::Status Stop(const Context&) override {
    ++stops;
    return jammed ? Unknown("the motor is jammed") : absl::OkStatus();
  }
  static inline std::atomic<int> stops{0};
  static inline std::atomic<bool> jammed{false};
};

class Talk : public machine::GenericService {};

class RobotRpcTest : public RpcTest {
 protected:
  RobotRpcTest() {
    Motor::stops = 0;
    Motor::jammed = false;
    const auto model = [](const char* name) { return machine::ModelName{"test", "fake", name}; };
    catalog_.Add({machine::kGenericComponentApi, model("motor"), {}, [](const auto&) {
                    return std::shared_ptr<machine::Resource>(std::make_shared<Motor>());
                  }});
    catalog_.Add({machine::kGenericServiceApi, model("talk"), {}, [](const auto&) {
                    return std::shared_ptr<machine::Resource>(std::make_shared<Talk>());
                  }});
    catalog_.Add({machine::kGenericComponentApi,
                  model("broken"),
                  {},
                  [](const auto&) -> absl::StatusOr<std::shared_ptr<machine::Resource>> {
                    return Unavailable("the cable is loose");
                  }});
    machine_ = std::make_unique<machine::Machine>(catalog_, metrics_, testing::TempDir());
    Serve(MakeMachineServices(
        {*machine_, gate_, operations_, sessions_, metrics_, "1.2.3", [this] { ++shutdowns_; }}));
  }

  void ApplyConfig() {
    auto config = machine::ParseConfig(kConfig, {});
    ASSERT_TRUE(config.ok()) << config.status();
    machine_->Apply(*std::move(config));
    const auto status = machine_->WaitUntilApplied(Context().WithTimeout(std::chrono::seconds(20)));
    ASSERT_TRUE(status.ok()) << status;
  }

  template <typename Request, typename Response>
  Response Ask(const std::string& method, const Request& request = {}) {
    Response response;
    const auto status = Call(kService + method, request, response);
    EXPECT_TRUE(status.ok()) << method << ": " << status.error_message();
    return response;
  }

  machine::Catalog catalog_;
  OperationRegistry operations_;
  Sessions sessions_;
  std::unique_ptr<machine::Machine> machine_;
  std::atomic<int> shutdowns_{0};
};

TEST_F(RobotRpcTest, ResourceNamesAreThoseThatHaveBeenBuilt) {
  ApplyConfig();
  const auto response =
      Ask<proto::ResourceNamesRequest, proto::ResourceNamesResponse>("ResourceNames");
  std::vector<std::string> names;
  for (const auto& name : response.resources())
    names.push_back(name.namespace_() + ":" + name.type() + ":" + name.subtype() + "/" +
                    name.name());
  EXPECT_THAT(names, ElementsAre("rdk:component:generic/hand", "rdk:component:generic/motor",
                                 "rdk:service:generic/talk"));
}

TEST_F(RobotRpcTest, SubtypesNameTheServiceBehindEachApiOnce) {
  ApplyConfig();
  const auto response = Ask<proto::ResourceRPCSubtypesRequest, proto::ResourceRPCSubtypesResponse>(
      "ResourceRPCSubtypes");
  std::map<std::string, std::string> services;
  for (const auto& subtype : response.resource_rpc_subtypes()) {
    EXPECT_EQ(subtype.subtype().name(), "");
    services[subtype.subtype().type() + ":" + subtype.subtype().subtype()] =
        subtype.proto_service();
  }
  EXPECT_EQ(response.resource_rpc_subtypes_size(), 2);
  EXPECT_EQ(services["component:generic"], "viam.component.generic.v1.GenericService");
  EXPECT_EQ(services["service:generic"], "viam.service.generic.v1.GenericService");
}

TEST_F(RobotRpcTest, EveryServiceNamedBehindAnApiIsServed) {
  std::vector<std::string> served;
  for (const auto& service : services_) served.push_back(service->service_name());
  for (const machine::Api& api :
       {machine::kCameraApi, machine::kSensorApi, machine::kGenericComponentApi,
        machine::kGenericServiceApi, machine::kMlModelApi, machine::kVisionApi,
        machine::kDataManagerApi, machine::kDiscoveryApi})
    EXPECT_THAT(served, testing::Contains(machine::ProtoServiceOf(api))) << api.ToString();
  EXPECT_EQ(machine::ProtoServiceOf({"acme", "component", "arm"}), "");
}

TEST_F(RobotRpcTest, MachineStatusTellsTheStateAndErrorOfEachResource) {
  EXPECT_EQ(
      (Ask<proto::GetMachineStatusRequest, proto::GetMachineStatusResponse>("GetMachineStatus"))
          .state(),
      proto::GetMachineStatusResponse::STATE_INITIALIZING);
  ApplyConfig();
  const auto response =
      Ask<proto::GetMachineStatusRequest, proto::GetMachineStatusResponse>("GetMachineStatus");
  EXPECT_EQ(response.state(), proto::GetMachineStatusResponse::STATE_RUNNING);
  EXPECT_EQ(response.config().revision(), "r7");
  EXPECT_GT(response.config().last_updated().seconds(), 0);
  std::map<std::string, proto::ResourceStatus> by_name;
  for (const auto& resource : response.resources()) by_name[resource.name().name()] = resource;
  ASSERT_EQ(by_name.size(), 4u);
  EXPECT_EQ(by_name["motor"].state(), proto::ResourceStatus::STATE_READY);
  EXPECT_EQ(by_name["motor"].error(), "");
  EXPECT_TRUE(by_name["motor"].has_last_updated());
  EXPECT_TRUE(by_name["motor"].has_cloud_metadata());
  EXPECT_EQ(by_name["stuck"].state(), proto::ResourceStatus::STATE_UNHEALTHY);
  EXPECT_THAT(by_name["stuck"].error(), HasSubstr("the cable is loose"));
}

TEST_F(RobotRpcTest, VersionAndCloudAreAnswered) {
  const auto version = Ask<proto::GetVersionRequest, proto::GetVersionResponse>("GetVersion");
  EXPECT_EQ(version.platform(), "bowerbird");
  EXPECT_EQ(version.version(), "1.2.3");
  EXPECT_NE(version.api_version(), "");
  proto::GetCloudMetadataResponse response;
  const auto status =
      Call(kService + "GetCloudMetadata", proto::GetCloudMetadataRequest(), response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("cloud metadata not available"));
}

TEST_F(RobotRpcTest, OperationsAreListedWithoutTheCallThatAsks) {
  OperationInfo info;
  info.method = "/a.B/C";
  info.session_id = "s";
  const auto running = operations_.Begin(info, {});
  const auto response =
      Ask<proto::GetOperationsRequest, proto::GetOperationsResponse>("GetOperations");
  ASSERT_EQ(response.operations_size(), 1);
  EXPECT_EQ(response.operations(0).id(), running->info().id);
  EXPECT_EQ(response.operations(0).method(), "/a.B/C");
  EXPECT_EQ(response.operations(0).session_id(), "s");
  EXPECT_TRUE(response.operations(0).has_arguments());
  EXPECT_GT(response.operations(0).started().seconds(), 0);
}

TEST_F(RobotRpcTest, AnOperationCanBeCancelledOnceAndAnUnknownOneWithoutError) {
  int cancelled = 0;
  const auto running = operations_.Begin({}, [&cancelled] { ++cancelled; });
  proto::CancelOperationRequest request;
  request.set_id(running->info().id);
  Ask<proto::CancelOperationRequest, proto::CancelOperationResponse>("CancelOperation", request);
  EXPECT_EQ(cancelled, 1);
  EXPECT_TRUE(running->cancelled());
  request.set_id("no such operation");
  Ask<proto::CancelOperationRequest, proto::CancelOperationResponse>("CancelOperation", request);
}

TEST_F(RobotRpcTest, BlockingForAnOperationEndsWithIt) {
  auto running = operations_.Begin({}, {});
  proto::BlockForOperationRequest request;
  request.set_id(running->info().id);
  std::atomic<bool> ended{false};
  std::thread waiting([&] {
    Ask<proto::BlockForOperationRequest, proto::BlockForOperationResponse>("BlockForOperation",
                                                                           request);
    EXPECT_TRUE(ended);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  ended = true;
  running.reset();
  waiting.join();
}

TEST_F(RobotRpcTest, ACallDoesNotWaitForItself) {
  proto::BlockForOperationRequest request;
  request.set_id("own-operation");
  proto::BlockForOperationResponse response;
  EXPECT_EQ(Call(kService + "BlockForOperation", request, response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(RobotRpcTest, SessionsAreStartedKeptAndListed) {
  const auto started = Ask<proto::StartSessionRequest, proto::StartSessionResponse>("StartSession");
  EXPECT_NE(started.id(), "");
  ASSERT_TRUE(started.has_heartbeat_window());
  EXPECT_EQ(started.heartbeat_window().seconds(), 2);
  proto::SendSessionHeartbeatRequest beat;
  beat.set_id(started.id());
  Ask<proto::SendSessionHeartbeatRequest, proto::SendSessionHeartbeatResponse>(
      "SendSessionHeartbeat", beat);
  const auto sessions = Ask<proto::GetSessionsRequest, proto::GetSessionsResponse>("GetSessions");
  ASSERT_EQ(sessions.sessions_size(), 1);
  EXPECT_EQ(sessions.sessions(0).id(), started.id());
  EXPECT_EQ(sessions.sessions(0).peer_connection_info().remote_address(), "10.0.0.7:4711");
  proto::StartSessionRequest again;
  again.set_resume(started.id());
  EXPECT_EQ(
      (Ask<proto::StartSessionRequest, proto::StartSessionResponse>("StartSession", again)).id(),
      started.id());
}

TEST_F(RobotRpcTest, AHeartbeatForNoSessionIsAnError) {
  proto::SendSessionHeartbeatRequest beat;
  beat.set_id("gone");
  proto::SendSessionHeartbeatResponse response;
  EXPECT_FALSE(Call(kService + "SendSessionHeartbeat", beat, response).ok());
}

TEST_F(RobotRpcTest, StopAllReachesEveryResourceAndNamesWhatWouldNotStop) {
  Ask<proto::StopAllRequest, proto::StopAllResponse>("StopAll");  // of an empty machine
  ApplyConfig();
  Ask<proto::StopAllRequest, proto::StopAllResponse>("StopAll");
  EXPECT_EQ(Motor::stops, 2);
  Motor::jammed = true;
  proto::StopAllResponse response;
  const auto status = Call(kService + "StopAll", proto::StopAllRequest(), response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNKNOWN);
  EXPECT_THAT(status.error_message(), HasSubstr("the motor is jammed"));
  EXPECT_EQ(Motor::stops, 4);
}

TEST_F(RobotRpcTest, ShutdownIsAnsweredAndHandedOn) {
  Ask<proto::ShutdownRequest, proto::ShutdownResponse>("Shutdown");
  EXPECT_EQ(shutdowns_, 1);
}

TEST_F(RobotRpcTest, FramesOfTheConfigAreListedAndUsed) {
  ApplyConfig();
  const auto config =
      Ask<proto::FrameSystemConfigRequest, proto::FrameSystemConfigResponse>("FrameSystemConfig");
  ASSERT_EQ(config.frame_system_configs_size(), 2);
  EXPECT_EQ(config.frame_system_configs(1).frame().reference_frame(), "hand");
  EXPECT_EQ(config.frame_system_configs(1).frame().pose_in_observer_frame().reference_frame(),
            "motor");
  EXPECT_TRUE(config.frame_system_configs(1).has_kinematics());

  proto::GetPoseRequest where;
  where.set_component_name("hand");
  const auto pose = Ask<proto::GetPoseRequest, proto::GetPoseResponse>("GetPose", where);
  EXPECT_EQ(pose.pose().reference_frame(), "world");
  EXPECT_NEAR(pose.pose().pose().x(), 100, 1e-9);
  EXPECT_NEAR(pose.pose().pose().y(), 10, 1e-9);

  proto::TransformPoseRequest transform;
  transform.mutable_source()->set_reference_frame("world");
  transform.mutable_source()->mutable_pose()->set_x(100);
  transform.set_destination("motor");
  const auto seen =
      Ask<proto::TransformPoseRequest, proto::TransformPoseResponse>("TransformPose", transform);
  EXPECT_NEAR(seen.pose().pose().x(), 0, 1e-9);

  transform.set_destination("nowhere");
  proto::TransformPoseResponse response;
  EXPECT_EQ(Call(kService + "TransformPose", transform, response).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST_F(RobotRpcTest, LogTakesExactlyOneEntry) {
  proto::LogRequest request;
  proto::LogResponse response;
  EXPECT_EQ(Call(kService + "Log", request, response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  auto& entry = *request.add_logs();
  entry.set_level("WARN");
  entry.set_logger_name("my-module");
  entry.set_message("the lens is dirty\nand \xC3\xA4lter");
  auto& fields = *entry.add_fields()->mutable_fields();
  fields["Key"].set_string_value("camera");
  fields["String"].set_string_value("front");
  testing::internal::CaptureStderr();
  EXPECT_TRUE(Call(kService + "Log", request, response).ok());
  EXPECT_TRUE(gate_.last_method.unlimited);
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, AllOf(HasSubstr("my-module"), HasSubstr("the lens is dirty"),
                         HasSubstr("camera=\"front\"")));
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 1);
  request.add_logs();
  EXPECT_EQ(Call(kService + "Log", request, response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(RobotRpcTest, WhatModulesAskInPassingIsAnswered) {
  proto::SendTracesRequest traces;
  traces.add_resource_spans()->set_schema_url("x");
  Ask<proto::SendTracesRequest, proto::SendTracesResponse>("SendTraces", traces);
  EXPECT_TRUE(gate_.last_method.unlimited);
  EXPECT_EQ((Ask<proto::GetModelsFromModulesRequest, proto::GetModelsFromModulesResponse>(
                 "GetModelsFromModules"))
                .models_size(),
            0);
  EXPECT_EQ(
      (Ask<proto::ListTunnelsRequest, proto::ListTunnelsResponse>("ListTunnels")).tunnels_size(),
      0);
}

TEST_F(RobotRpcTest, CallsThatAreNotServedAreUnimplemented) {
  proto::GetStatusResponse status_response;
  EXPECT_EQ(Call(kService + "GetStatus", proto::GetStatusRequest(), status_response).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  proto::UploadDataFromPathResponse upload_response;
  EXPECT_EQ(
      Call(kService + "UploadDataFromPath", proto::UploadDataFromPathRequest(), upload_response)
          .error_code(),
      grpc::StatusCode::UNIMPLEMENTED);
}

TEST(RobotLog, LevelsHaveManySpellings) {
  EXPECT_EQ(LevelFromName("DEBUG"), LogLevel::kDebug);
  EXPECT_EQ(LevelFromName("info"), LogLevel::kInfo);
  EXPECT_EQ(LevelFromName("Warning"), LogLevel::kWarning);
  EXPECT_EQ(LevelFromName("warn"), LogLevel::kWarning);
  EXPECT_EQ(LevelFromName("error"), LogLevel::kError);
  EXPECT_EQ(LevelFromName("FATAL"), LogLevel::kError);
  EXPECT_EQ(LevelFromName(""), LogLevel::kInfo);
  EXPECT_EQ(LevelFromName("\xFF"), LogLevel::kInfo);
}

TEST(RobotLog, AFloodOfOneLoggerIsCutShortAndOthersAreNot) {
  LogLimit limit;
  testing::internal::CaptureStderr();
  for (int i = 0; i < 500; ++i) {
    viam::common::v1::LogEntry entry;
    entry.set_logger_name(i % 50 == 0 ? "calm" : "loud");
    entry.set_message("line");
    entry.set_level("error");
    limit.Log(entry);
  }
  const std::string written = testing::internal::GetCapturedStderr();
  const auto lines = [&written](const std::string& logger) {
    int count = 0;
    for (size_t at = 0; (at = written.find("[" + logger + "]", at)) != std::string::npos; ++at)
      ++count;
    return count;
  };
  EXPECT_EQ(lines("calm"), 10);
  EXPECT_GE(lines("loud"), 100);
  EXPECT_LE(lines("loud"), 201) << "more only where a second ended meanwhile";
}

}  // namespace
}  // namespace bowerbird::serve
