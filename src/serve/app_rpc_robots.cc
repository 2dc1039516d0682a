// SPDX-License-Identifier: Apache-2.0
//
// The calls about machines and their parts.
#include "base/status.h"
#include "google/protobuf/util/json_util.h"
#include "serve/app_rpc.h"
#include "wire/machine/time.h"

namespace bowerbird::serve {

namespace proto = viam::app::v1;
using fleet::ResourceKind;
using fleet::Role;

// The machine of this process is there as long as the process answers. Of the others the hub knows
// nothing but what they send.
bool AppRpc::IsLocal(const std::string& robot_id) const {
  return options_.local_config != nullptr && robot_id == fleet().local().robot_id;
}

proto::Robot AppRpc::RobotMessage(const fleet::Robot& robot) const {
  const bool local = IsLocal(robot.id);
  proto::Robot out;
  out.set_id(robot.id);
  out.set_name(robot.name);
  out.set_location(robot.location_id);
  *out.mutable_last_access() =
      wire::ToTimestamp(local ? std::chrono::system_clock::now() : robot.created);
  *out.mutable_created_on() = wire::ToTimestamp(robot.created);
  out.set_online_state(local ? proto::ONLINE_STATE_ONLINE : proto::ONLINE_STATE_UNSPECIFIED);
  return out;
}

proto::RobotPart AppRpc::PartMessage(const fleet::Part& part) const {
  const bool local = IsLocal(part.robot_id) && part.main;
  proto::RobotPart out;
  out.set_id(part.id);
  out.set_name(part.name);
  out.set_robot(part.robot_id);
  out.set_location_id(part.location_id);
  out.mutable_robot_config();
  *out.mutable_last_access() =
      wire::ToTimestamp(local ? std::chrono::system_clock::now() : part.created);
  out.mutable_user_supplied_info();
  out.set_main_part(part.main);
  *out.mutable_created_on() = wire::ToTimestamp(part.created);
  *out.mutable_last_updated() = wire::ToTimestamp(part.created);
  out.set_online_state(local ? proto::ONLINE_STATE_ONLINE : proto::ONLINE_STATE_UNSPECIFIED);
  return out;
}

absl::Status AppRpc::AddRobotsOf(const fleet::Principal& principal, const std::string& location_id,
                                 google::protobuf::RepeatedPtrField<proto::Robot>& out) const {
  ASSIGN_OR_RETURN(const auto robots, fleet().Robots(location_id));
  for (const fleet::Robot& robot : robots) {
    const auto sees = fleet().Sees(principal, ResourceKind::kRobot, robot.id);
    if (absl::IsNotFound(sees.status())) continue;  // deleted meanwhile
    RETURN_IF_ERROR(sees.status());
    if (*sees) *out.Add() = RobotMessage(robot);
  }
  return absl::OkStatus();
}

void AppRpc::AddRobots() {
  Unary<proto::GetRobotRequest, proto::GetRobotResponse>(
      "GetRobot", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        RETURN_IF_ERROR(Check(call, ResourceKind::kRobot, request.id(), Role::kOperator));
        ASSIGN_OR_RETURN(const auto found, fleet().FindRobot(request.id()));
        *response.mutable_robot() = RobotMessage(found);
        return absl::OkStatus();
      });
  Unary<proto::NewRobotRequest, proto::NewRobotResponse>(
      "NewRobot", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        RETURN_IF_ERROR(Check(call, ResourceKind::kLocation, request.location(), Role::kOwner));
        ASSIGN_OR_RETURN(const auto made, fleet().CreateRobot(request.location(), request.name()));
        response.set_id(made.id);
        return absl::OkStatus();
      });
  Unary<proto::UpdateRobotRequest, proto::UpdateRobotResponse>(
      "UpdateRobot", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        RETURN_IF_ERROR(Check(call, ResourceKind::kRobot, request.id(), Role::kOwner));
        ASSIGN_OR_RETURN(auto changed, fleet().FindRobot(request.id()));
        if (!request.name().empty()) changed.name = request.name();
        if (!request.location().empty() && request.location() != changed.location_id) {
          RETURN_IF_ERROR(Check(call, ResourceKind::kLocation, request.location(), Role::kOwner));
          changed.location_id = request.location();
        }
        RETURN_IF_ERROR(fleet().UpdateRobot(changed));
        *response.mutable_robot() = RobotMessage(changed);
        return absl::OkStatus();
      });
  Unary<proto::DeleteRobotRequest, proto::DeleteRobotResponse>(
      "DeleteRobot", [this](Call& call, const auto& request, auto&) -> absl::Status {
        RETURN_IF_ERROR(Check(call, ResourceKind::kRobot, request.id(), Role::kOwner));
        return fleet().DeleteRobot(request.id());
      });
}

void AppRpc::AddRobotLists() {
  Unary<proto::ListRobotsRequest, proto::ListRobotsResponse>(
      "ListRobots", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        RETURN_IF_ERROR(CheckSees(call, ResourceKind::kLocation, request.location_id()));
        ASSIGN_OR_RETURN(const fleet::Principal principal, PrincipalOf(call));
        return AddRobotsOf(principal, request.location_id(), *response.mutable_robots());
      });
  Unary<proto::ListRobotsForLocationsRequest, proto::ListRobotsForLocationsResponse>(
      "ListRobotsForLocations",
      [this](Call& call, const auto& request, auto& response) -> absl::Status {
        ASSIGN_OR_RETURN(const fleet::Principal principal, PrincipalOf(call));
        for (const std::string& id : request.location_ids()) {
          RETURN_IF_ERROR(CheckSees(call, ResourceKind::kLocation, id));
          RETURN_IF_ERROR(AddRobotsOf(principal, id, *response.mutable_robots()));
        }
        return absl::OkStatus();
      });
  Unary<proto::ListRobotsForOrgRequest, proto::ListRobotsForOrgResponse>(
      "ListRobotsForOrg", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        RETURN_IF_ERROR(CheckSees(call, ResourceKind::kOrganization, request.org_id()));
        ASSIGN_OR_RETURN(const fleet::Principal principal, PrincipalOf(call));
        ASSIGN_OR_RETURN(const auto locations, fleet().Locations(request.org_id()));
        for (const fleet::Location& location : locations) {
          const auto added = AddRobotsOf(principal, location.id, *response.mutable_robots());
          if (!absl::IsNotFound(added)) RETURN_IF_ERROR(added);
        }
        return absl::OkStatus();
      });
}

void AppRpc::AddParts() {
  Unary<proto::GetRobotPartsRequest, proto::GetRobotPartsResponse>(
      "GetRobotParts", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        RETURN_IF_ERROR(Check(call, ResourceKind::kRobot, request.robot_id(), Role::kOperator));
        ASSIGN_OR_RETURN(const auto parts, fleet().Parts(request.robot_id()));
        for (const fleet::Part& part : parts) *response.add_parts() = PartMessage(part);
        return absl::OkStatus();
      });
  Unary<proto::GetRobotPartRequest, proto::GetRobotPartResponse>(
      "GetRobotPart", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        if (request.id().empty()) return InvalidArgument("the request names no part: set its id");
        ASSIGN_OR_RETURN(const fleet::Part part, fleet().FindPart(request.id()));
        const auto allowed = Check(call, ResourceKind::kRobot, part.robot_id, Role::kOperator);
        if (absl::IsNotFound(allowed))
          return NotFound("there is no part with the id " + request.id());
        RETURN_IF_ERROR(allowed);
        *response.mutable_part() = PartMessage(part);
        response.set_config_json("{}");
        if (!IsLocal(part.robot_id) || !part.main ||
            !Check(call, ResourceKind::kRobot, part.robot_id, Role::kOwner).ok())
          return absl::OkStatus();
        const std::string config = options_.local_config();
        google::protobuf::Struct parsed;
        // A config that is being written just now is no JSON for a moment.
        if (google::protobuf::util::JsonStringToMessage(config, &parsed).ok()) {
          *response.mutable_part()->mutable_robot_config() = parsed;
          response.mutable_part()->set_robot_config_json(config);
          response.set_config_json(config);
        }
        return absl::OkStatus();
      });
  Unary<proto::NewRobotPartRequest, proto::NewRobotPartResponse>(
      "NewRobotPart", [this](Call& call, const auto& request, auto& response) -> absl::Status {
        RETURN_IF_ERROR(Check(call, ResourceKind::kRobot, request.robot_id(), Role::kOwner));
        ASSIGN_OR_RETURN(const auto made,
                         fleet().CreatePart(request.robot_id(), request.part_name()));
        response.set_part_id(made.id);
        return absl::OkStatus();
      });
  Unary<proto::DeleteRobotPartRequest, proto::DeleteRobotPartResponse>(
      "DeleteRobotPart", [this](Call& call, const auto& request, auto&) -> absl::Status {
        if (request.part_id().empty())
          return InvalidArgument("the request names no part: set its id");
        ASSIGN_OR_RETURN(const fleet::Part part, fleet().FindPart(request.part_id()));
        const auto allowed = Check(call, ResourceKind::kRobot, part.robot_id, Role::kOwner);
        if (absl::IsNotFound(allowed))
          return NotFound("there is no part with the id " + request.part_id());
        RETURN_IF_ERROR(allowed);
        return fleet().DeletePart(request.part_id());
      });
}

}  // namespace bowerbird::serve
