// SPDX-License-Identifier: Apache-2.0
#include "serve/frame_system.h"

#include <set>
#include <utility>

#include "base/status.h"

namespace bowerbird::serve {

namespace proto = viam::common::v1;

absl::StatusOr<FrameSystem> FrameSystem::Create(const machine::Config& config,
                                                const Transforms& supplemental) {
  FrameSystem system;
  for (const machine::ResourceConfig& resource : config.resources) {
    if (resource.frame.is_null()) continue;
    const std::string& name = resource.name.name;
    auto transform = wire::TransformFromFrame(name, resource.frame);
    const auto status = transform.ok() ? system.Add(*transform) : transform.status();
    if (!status.ok()) system.frames_[name].problem = Annotate(status, resource.path + ".frame");
  }
  for (const proto::Transform& transform : supplemental)
    RETURN_IF_ERROR(Annotate(system.Add(transform), "supplemental transform"));
  return system;
}

absl::Status FrameSystem::Add(const proto::Transform& transform) {
  const std::string& name = transform.reference_frame();
  if (name.empty() || name == kWorldFrame)
    return InvalidArgument("a frame cannot be called \"" + name + "\"");
  if (frames_.count(name) != 0)
    return InvalidArgument("there is another frame called \"" + name + "\"");
  const proto::PoseInFrame& place = transform.pose_in_observer_frame();
  ASSIGN_OR_RETURN(const wire::RigidPose pose, wire::FromPose(place.pose()));
  frames_[name] = {place.reference_frame(), pose, absl::OkStatus()};
  parts_.push_back(transform);
  return absl::OkStatus();
}

absl::Status FrameSystem::Unknown(const std::string& frame) const {
  std::string known = kWorldFrame;
  for (const auto& [name, unused] : frames_) known += ", " + name;
  return NotFound("no frame called \"" + frame + "\"; known are " + known);
}

absl::StatusOr<wire::RigidPose> FrameSystem::ToWorld(const std::string& frame) const {
  wire::RigidPose pose;
  std::string name = frame;
  std::set<std::string> passed;
  while (!name.empty() && name != kWorldFrame) {
    if (!passed.insert(name).second)
      return InvalidArgument("frame \"" + name + "\" is its own ancestor: correct a `parent`");
    const auto found = frames_.find(name);
    if (found == frames_.end()) return Unknown(name);
    if (!found->second.problem.ok()) return found->second.problem;
    pose = wire::Compose(found->second.in_parent, pose);
    name = found->second.parent;
  }
  return pose;
}

absl::StatusOr<proto::PoseInFrame> FrameSystem::Transform(const proto::PoseInFrame& source,
                                                          const std::string& destination) const {
  ASSIGN_OR_RETURN(const wire::RigidPose pose, wire::FromPose(source.pose()));
  ASSIGN_OR_RETURN(const wire::RigidPose from, ToWorld(source.reference_frame()));
  ASSIGN_OR_RETURN(const wire::RigidPose to, ToWorld(destination));
  proto::PoseInFrame out;
  out.set_reference_frame(destination.empty() ? kWorldFrame : destination);
  *out.mutable_pose() = wire::ToPose(wire::Compose(wire::Inverse(to), wire::Compose(from, pose)));
  return out;
}

}  // namespace bowerbird::serve
