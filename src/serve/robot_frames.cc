// SPDX-License-Identifier: Apache-2.0
//
// The calls of RobotService that ask where things stand.
#include "base/status.h"
#include "robot/v1/robot.pb.h"
#include "serve/frame_system.h"
#include "serve/robot_rpc.h"

namespace bowerbird::serve {

namespace proto = viam::robot::v1;
using viam::common::v1::PoseInFrame;

void RobotRpc::AddFrames() {
  Unary<proto::FrameSystemConfigRequest, proto::FrameSystemConfigResponse>(
      "FrameSystemConfig",
      [this](Call&, const proto::FrameSystemConfigRequest& request,
             proto::FrameSystemConfigResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto frames, FrameSystem::Create(*options_.machine.config(),
                                                                request.supplemental_transforms()));
        for (const auto& part : frames.parts()) {
          proto::FrameSystemConfig& out = *response.add_frame_system_configs();
          *out.mutable_frame() = part;
          out.mutable_kinematics();  // empty: the part has no joints
        }
        return absl::OkStatus();
      });
  Unary<proto::GetPoseRequest, proto::GetPoseResponse>(
      "GetPose",
      [this](Call&, const proto::GetPoseRequest& request,
             proto::GetPoseResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto frames, FrameSystem::Create(*options_.machine.config(),
                                                                request.supplemental_transforms()));
        PoseInFrame origin;
        origin.set_reference_frame(request.component_name());
        ASSIGN_OR_RETURN(*response.mutable_pose(),
                         frames.Transform(origin, request.destination_frame()));
        return absl::OkStatus();
      });
  Unary<proto::TransformPoseRequest, proto::TransformPoseResponse>(
      "TransformPose",
      [this](Call&, const proto::TransformPoseRequest& request,
             proto::TransformPoseResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto frames, FrameSystem::Create(*options_.machine.config(),
                                                                request.supplemental_transforms()));
        ASSIGN_OR_RETURN(*response.mutable_pose(),
                         frames.Transform(request.source(), request.destination()));
        return absl::OkStatus();
      });
}

}  // namespace bowerbird::serve
