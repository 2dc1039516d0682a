// SPDX-License-Identifier: Apache-2.0
#include "serve/robot_rpc.h"

#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "base/utf8.h"
#include "machine/api_service.h"
#include "robot/v1/robot.pb.h"
#include "wire/machine/time.h"

namespace bowerbird::serve {

namespace proto = viam::robot::v1;

namespace {

constexpr char kPlatform[] = "bowerbird";
// The release of the public API that proto/contract/ was taken from.
constexpr char kApiVersion[] = "v0.1.512";
constexpr char kInternalNamespace[] = "rdk-internal";

void WriteName(const machine::ResourceName& name, viam::common::v1::ResourceName& out) {
  out.set_namespace_(name.api.ns);
  out.set_type(name.api.type);
  out.set_subtype(name.api.subtype);
  out.set_name(Utf8(name.name));
}

void WriteStatus(const machine::ResourceStatus& status, proto::ResourceStatus& out) {
  WriteName(status.name, *out.mutable_name());
  // The numbers of both enumerations are the same by intent.
  out.set_state(static_cast<proto::ResourceStatus::State>(status.state));
  *out.mutable_last_updated() = wire::ToTimestamp(status.last_updated);
  out.set_revision(Utf8(status.revision));
  out.set_error(Utf8(status.error));
  out.mutable_cloud_metadata();
}

// What serves the resource's API: this program, or whoever has it.
std::string ServiceOf(const machine::Machine& machine, const machine::ResourceName& name) {
  std::string known = machine::ProtoServiceOf(name.api);
  if (!known.empty()) return known;
  const auto found = machine.Find(name);
  const auto foreign =
      found.ok() ? std::dynamic_pointer_cast<machine::ForeignResource>(*found) : nullptr;
  return foreign == nullptr ? "" : foreign->proto_service();
}

void WriteRemote(const machine::RemoteStatus& remote, proto::ResourceStatus& out) {
  machine::ResourceStatus status;
  status.name = {{"rdk", "remote", ""}, remote.name};
  status.last_updated = remote.last_updated;
  status.error = remote.error;
  status.state = remote.connected       ? machine::ResourceState::kReady
                 : remote.error.empty() ? machine::ResourceState::kConfiguring
                                        : machine::ResourceState::kUnhealthy;
  WriteStatus(status, out);
}

void WriteModule(const machine::ModuleStatus& module, proto::ModuleStatus& out) {
  out.set_module_name(Utf8(module.name));
  switch (module.state) {
    case machine::ModuleState::kStarting:
      out.set_state(proto::ModuleStatus::STATE_STARTING);
      break;
    case machine::ModuleState::kReady:
      out.set_state(proto::ModuleStatus::STATE_READY);
      break;
    case machine::ModuleState::kFailed:
      out.set_state(proto::ModuleStatus::STATE_UNHEALTHY);
      break;
  }
  *out.mutable_last_updated() = wire::ToTimestamp(module.last_updated);
  out.set_error(Utf8(module.error));
  out.set_consecutive_failures(static_cast<uint32_t>(module.failures));
}

}  // namespace

RobotRpc::RobotRpc(Admission& admission, RobotRpcOptions options)
    : RpcService("viam.robot.v1.RobotService", admission), options_(std::move(options)) {
  AddResources();
  AddMachineStatus();
  AddOperations();
  AddSessions();
  AddFrames();
  AddControl();
  AddWhatModulesCall();
  AddModules();
}

void RobotRpc::AddResources() {
  Unary<proto::ResourceNamesRequest, proto::ResourceNamesResponse>(
      "ResourceNames", [this](Call& call, const proto::ResourceNamesRequest&,
                              proto::ResourceNamesResponse& response) {
        if (options_.remotes != nullptr) {
          std::string reach;
          for (const std::string& id : options_.remotes->Reach())
            reach += (reach.empty() ? "" : ",") + id;
          call.AddHeader(machine::kReachHeader, reach);
        }
        for (const machine::ResourceName& name : options_.machine.Names())
          if (name.api.ns != kInternalNamespace) WriteName(name, *response.add_resources());
        return absl::OkStatus();
      });
  Unary<proto::ResourceRPCSubtypesRequest, proto::ResourceRPCSubtypesResponse>(
      "ResourceRPCSubtypes", [this](Call&, const proto::ResourceRPCSubtypesRequest&,
                                    proto::ResourceRPCSubtypesResponse& response) {
        std::map<machine::Api, std::string> services;
        for (const machine::ResourceName& name : options_.machine.Names()) {
          std::string& service = services[name.api];
          if (service.empty()) service = ServiceOf(options_.machine, name);
        }
        for (const auto& [api, service] : services) {
          if (service.empty()) continue;
          proto::ResourceRPCSubtype& out = *response.add_resource_rpc_subtypes();
          WriteName({api, ""}, *out.mutable_subtype());
          out.set_proto_service(service);
        }
        return absl::OkStatus();
      });
}

void RobotRpc::AddMachineStatus() {
  Unary<proto::GetMachineStatusRequest, proto::GetMachineStatusResponse>(
      "GetMachineStatus", [this](Call&, const proto::GetMachineStatusRequest&,
                                 proto::GetMachineStatusResponse& response) {
        const machine::MachineStatus status = options_.machine.Status();
        for (const machine::ResourceStatus& resource : status.resources)
          WriteStatus(resource, *response.add_resources());
        response.mutable_config()->set_revision(Utf8(status.revision));
        *response.mutable_config()->mutable_last_updated() =
            wire::ToTimestamp(status.config_updated);
        if (options_.remotes != nullptr) {
          for (const machine::RemoteStatus& remote : options_.remotes->Status())
            WriteRemote(remote, *response.add_resources());
        }
        if (options_.modules != nullptr) {
          for (const machine::ModuleStatus& module : options_.modules->Status())
            WriteModule(module, *response.add_modules());
        }
        response.set_state(status.running ? proto::GetMachineStatusResponse::STATE_RUNNING
                                          : proto::GetMachineStatusResponse::STATE_INITIALIZING);
        return absl::OkStatus();
      });
  Unary<proto::GetVersionRequest, proto::GetVersionResponse>(
      "GetVersion",
      [this](Call&, const proto::GetVersionRequest&, proto::GetVersionResponse& response) {
        response.set_platform(kPlatform);
        response.set_version(options_.version);
        response.set_api_version(kApiVersion);
        return absl::OkStatus();
      });
  Unary<proto::GetCloudMetadataRequest, proto::GetCloudMetadataResponse>(
      "GetCloudMetadata",
      [](Call&, const proto::GetCloudMetadataRequest&, proto::GetCloudMetadataResponse&) {
        return FailedPrecondition(
            "cloud metadata not available: this machine is not managed by a cloud");
      });
}

void RobotRpc::AddOperations() {
  Unary<proto::GetOperationsRequest, proto::GetOperationsResponse>(
      "GetOperations", [this](Call& call, const proto::GetOperationsRequest&,
                              proto::GetOperationsResponse& response) {
        for (const OperationInfo& info : options_.operations.List(call.operation_id())) {
          proto::Operation& out = *response.add_operations();
          out.set_id(info.id);
          out.set_method(Utf8(info.method));
          out.mutable_arguments();
          *out.mutable_started() = wire::ToTimestamp(info.started);
          if (!info.session_id.empty()) out.set_session_id(Utf8(info.session_id));
        }
        return absl::OkStatus();
      });
  Unary<proto::CancelOperationRequest, proto::CancelOperationResponse>(
      "CancelOperation",
      [this](Call&, const proto::CancelOperationRequest& request, proto::CancelOperationResponse&) {
        // One that has just ended is what the caller wanted.
        options_.operations.Cancel(request.id());
        return absl::OkStatus();
      });
  Unary<proto::BlockForOperationRequest, proto::BlockForOperationResponse>(
      "BlockForOperation", [this](Call& call, const proto::BlockForOperationRequest& request,
                                  proto::BlockForOperationResponse&) {
        if (request.id() == call.operation_id())
          return InvalidArgument("a call cannot wait for its own end");
        return options_.operations.WaitUntilEnded(call.context(), request.id());
      });
}

void RobotRpc::AddSessions() {
  Unary<proto::StartSessionRequest, proto::StartSessionResponse>(
      "StartSession",
      [this](Call& call, const proto::StartSessionRequest& request,
             proto::StartSessionResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const Sessions::Started started,
                         options_.sessions.Start(call.owner(), call.peer(), request.resume()));
        response.set_id(started.id);
        *response.mutable_heartbeat_window() = wire::ToDuration(started.window);
        return absl::OkStatus();
      });
  Unary<proto::SendSessionHeartbeatRequest, proto::SendSessionHeartbeatResponse>(
      "SendSessionHeartbeat", [this](Call& call, const proto::SendSessionHeartbeatRequest& request,
                                     proto::SendSessionHeartbeatResponse&) {
        return options_.sessions.Heartbeat(request.id(), call.owner());
      });
  Unary<proto::GetSessionsRequest, proto::GetSessionsResponse>(
      "GetSessions",
      [this](Call&, const proto::GetSessionsRequest&, proto::GetSessionsResponse& response) {
        for (const SessionInfo& session : options_.sessions.List()) {
          proto::Session& out = *response.add_sessions();
          out.set_id(session.id);
          out.mutable_peer_connection_info()->set_type(proto::PEER_CONNECTION_TYPE_GRPC);
          out.mutable_peer_connection_info()->set_remote_address(Utf8(session.peer));
        }
        return absl::OkStatus();
      });
}

absl::Status RobotRpc::StopAll(Call& call) const {
  std::string failures;
  for (const auto& resource : options_.machine.All()) {
    const absl::Status status = resource->Stop(call.context());
    if (!status.ok()) failures += (failures.empty() ? "" : "; ") + MessageOf(status);
  }
  if (failures.empty()) return absl::OkStatus();
  return bowerbird::Unknown("not everything stopped: " + failures);
}

void RobotRpc::AddControl() {
  Unary<proto::StopAllRequest, proto::StopAllResponse>(
      "StopAll", [this](Call& call, const proto::StopAllRequest&, proto::StopAllResponse&) {
        return StopAll(call);
      });
  Unary<proto::ShutdownRequest, proto::ShutdownResponse>(
      "Shutdown", [this](Call&, const proto::ShutdownRequest&, proto::ShutdownResponse&) {
        if (!options_.shutdown) return Unimplemented("Shutdown is not offered by this program");
        options_.shutdown();
        return absl::OkStatus();
      });
}

void RobotRpc::AddWhatModulesCall() {
  Unary<proto::LogRequest, proto::LogResponse>(
      "Log",
      [this](Call&, const proto::LogRequest& request, proto::LogResponse&) -> absl::Status {
        if (request.logs_size() != 1)
          return InvalidArgument("a Log call carries exactly one entry, not " +
                                 std::to_string(request.logs_size()));
        log_limit_.Log(request.logs(0));
        return absl::OkStatus();
      },
      {.unlimited = true});
  // Spans are accepted, so that modules that trace do not fail, and dropped: nothing here reads
  // them.
  Unary<proto::SendTracesRequest, proto::SendTracesResponse>(
      "SendTraces",
      [](Call&, const proto::SendTracesRequest&, proto::SendTracesResponse&) {
        return absl::OkStatus();
      },
      {.unlimited = true});
  Unary<proto::ListTunnelsRequest, proto::ListTunnelsResponse>(
      "ListTunnels", [](Call&, const proto::ListTunnelsRequest&, proto::ListTunnelsResponse&) {
        return absl::OkStatus();
      });
}

void RobotRpc::AddModules() {
  Unary<proto::GetModelsFromModulesRequest, proto::GetModelsFromModulesResponse>(
      "GetModelsFromModules", [this](Call&, const proto::GetModelsFromModulesRequest&,
                                     proto::GetModelsFromModulesResponse& response) {
        if (options_.modules == nullptr) return absl::OkStatus();
        for (const machine::ModuleStatus& module : options_.modules->Status()) {
          for (const auto& [api, model] : module.models) {
            proto::ModuleModel& out = *response.add_models();
            out.set_module_name(Utf8(module.name));
            out.set_api(api.ToString());
            out.set_model(model.ToString());
            out.set_from_local_module(true);
          }
        }
        return absl::OkStatus();
      });
  Unary<proto::RestartModuleRequest, proto::RestartModuleResponse>(
      "RestartModule",
      [this](Call&, const proto::RestartModuleRequest& request, proto::RestartModuleResponse&) {
        const std::string& name =
            request.has_module_id() ? request.module_id() : request.module_name();
        if (options_.modules == nullptr) return NotFound("no module named \"" + name + "\"");
        return options_.modules->Restart(name);
      });
}

}  // namespace bowerbird::serve
