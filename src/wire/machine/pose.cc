// SPDX-License-Identifier: Apache-2.0
#include "wire/machine/pose.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/status.h"
#include "wire/machine/rotation.h"

namespace bowerbird::wire {

RigidPose Compose(const RigidPose& outer, const RigidPose& inner) {
  const Vector moved = Rotate(outer.rotation, inner.translation);
  return {
      {outer.translation.x + moved.x, outer.translation.y + moved.y, outer.translation.z + moved.z},
      Multiply(outer.rotation, inner.rotation)};
}

RigidPose Inverse(const RigidPose& pose) {
  const Quaternion back = Conjugate(pose.rotation);
  const Vector moved = Rotate(back, pose.translation);
  return {{-moved.x, -moved.y, -moved.z}, back};
}

viam::common::v1::Pose ToPose(const RigidPose& pose) {
  const OrientationVector vector = ToOrientationVector(pose.rotation);
  viam::common::v1::Pose out;
  out.set_x(pose.translation.x);
  out.set_y(pose.translation.y);
  out.set_z(pose.translation.z);
  out.set_o_x(vector.direction.x);
  out.set_o_y(vector.direction.y);
  out.set_o_z(vector.direction.z);
  out.set_theta(vector.theta * 180 / std::numbers::pi);
  return out;
}

absl::StatusOr<RigidPose> FromPose(const viam::common::v1::Pose& pose) {
  for (const double number :
       {pose.x(), pose.y(), pose.z(), pose.o_x(), pose.o_y(), pose.o_z(), pose.theta()})
    if (!std::isfinite(number)) return InvalidArgument("a pose holds a number that is not finite");
  RigidPose out;
  out.translation = {pose.x(), pose.y(), pose.z()};
  const Vector direction{pose.o_x(), pose.o_y(), pose.o_z()};
  if (Length(direction) > 0)
    out.rotation = FromOrientationVector({direction, pose.theta() * std::numbers::pi / 180});
  return out;
}

}  // namespace bowerbird::wire
