// SPDX-License-Identifier: Apache-2.0
#include "serve/motor_rpc.h"

#include "base/status.h"
#include "component/motor/v1/motor.pb.h"
#include "machine/motor.h"

namespace bowerbird::serve {

namespace proto = viam::component::motor::v1;
using machine::Json;
using machine::Motor;

MotorRpc::MotorRpc(Admission& admission, const machine::ResourceFinder& finder)
    : ResourceRpc("viam.component.motor.v1.MotorService", admission, finder, machine::kMotorApi) {
  AddMotions();
  AddQuestions();
  AddDoCommand();
  AddGetStatus();
  AddGetGeometries();
}

void MotorRpc::AddMotions() {
  Unary<proto::SetPowerRequest, proto::SetPowerResponse>(
      "SetPower",
      [this](Call& call, const proto::SetPowerRequest& request,
             proto::SetPowerResponse&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto motor, Find<Motor>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        return motor->SetPower(call.context(), request.power_pct(), extra);
      });
  Unary<proto::GoForRequest, proto::GoForResponse>(
      "GoFor",
      [this](Call& call, const proto::GoForRequest& request,
             proto::GoForResponse&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto motor, Find<Motor>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        return motor->GoFor(call.context(), request.rpm(), request.revolutions(), extra);
      });
  Unary<proto::GoToRequest, proto::GoToResponse>(
      "GoTo",
      [this](Call& call, const proto::GoToRequest& request, proto::GoToResponse&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto motor, Find<Motor>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        return motor->GoTo(call.context(), request.rpm(), request.position_revolutions(), extra);
      });
  Unary<proto::SetRPMRequest, proto::SetRPMResponse>(
      "SetRPM",
      [this](Call& call, const proto::SetRPMRequest& request,
             proto::SetRPMResponse&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto motor, Find<Motor>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        return motor->SetRpm(call.context(), request.rpm(), extra);
      });
  Unary<proto::ResetZeroPositionRequest, proto::ResetZeroPositionResponse>(
      "ResetZeroPosition",
      [this](Call& call, const proto::ResetZeroPositionRequest& request,
             proto::ResetZeroPositionResponse&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto motor, Find<Motor>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        return motor->ResetZeroPosition(call.context(), request.offset(), extra);
      });
  Unary<proto::StopRequest, proto::StopResponse>(
      "Stop",
      [this](Call& call, const proto::StopRequest& request, proto::StopResponse&) -> absl::Status {
        ASSIGN_OR_RETURN(const auto motor, Find<Motor>(request.name()));
        return motor->Stop(call.context());
      });
}

void MotorRpc::AddQuestions() {
  Unary<proto::GetPositionRequest, proto::GetPositionResponse>(
      "GetPosition",
      [this](Call& call, const proto::GetPositionRequest& request,
             proto::GetPositionResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto motor, Find<Motor>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        ASSIGN_OR_RETURN(const double position, motor->GetPosition(call.context(), extra));
        response.set_position(position);
        return absl::OkStatus();
      });
  Unary<proto::GetPropertiesRequest, proto::GetPropertiesResponse>(
      "GetProperties",
      [this](Call& call, const proto::GetPropertiesRequest& request,
             proto::GetPropertiesResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto motor, Find<Motor>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        ASSIGN_OR_RETURN(const bool reports, motor->ReportsPosition(call.context(), extra));
        response.set_position_reporting(reports);
        return absl::OkStatus();
      });
  Unary<proto::IsPoweredRequest, proto::IsPoweredResponse>(
      "IsPowered",
      [this](Call& call, const proto::IsPoweredRequest& request,
             proto::IsPoweredResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto motor, Find<Motor>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        ASSIGN_OR_RETURN(const auto power, motor->IsPowered(call.context(), extra));
        response.set_is_on(power.is_on);
        response.set_power_pct(power.fraction);
        return absl::OkStatus();
      });
  Unary<proto::IsMovingRequest, proto::IsMovingResponse>(
      "IsMoving",
      [this](Call& call, const proto::IsMovingRequest& request,
             proto::IsMovingResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto motor, Find<Motor>(request.name()));
        ASSIGN_OR_RETURN(const bool moving, motor->IsMoving(call.context()));
        response.set_is_moving(moving);
        return absl::OkStatus();
      });
}

}  // namespace bowerbird::serve
