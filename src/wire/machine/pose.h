// SPDX-License-Identifier: Apache-2.0
//
// Where things stand and how they are turned: the wire's Pose and the config's `frame` objects.
//
// The wire tells a rotation as an orientation vector: the direction (o_x, o_y, o_z) in which the
// rotated z axis points, and a turn of theta degrees about it. As Euler angles that is
// Rz(longitude) Ry(colatitude) Rz(theta), where longitude is 0 when the direction is the z axis or
// its opposite.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/v1/common.pb.h"
#include "nlohmann/json.hpp"

namespace bowerbird::wire {

// A rotation; of length 1.
struct Quaternion {
  double w = 1, x = 0, y = 0, z = 0;
};

struct Vector {
  double x = 0, y = 0, z = 0;
};

// First turned, then moved. Millimetres.
struct RigidPose {
  Vector translation;
  Quaternion rotation;
};

// `inner`, told in the coordinates of `outer`, in those that `outer` is told in.
RigidPose Compose(const RigidPose& outer, const RigidPose& inner);
RigidPose Inverse(const RigidPose& pose);

viam::common::v1::Pose ToPose(const RigidPose& pose);
// A direction of length 0 (a message left empty) means no rotation. INVALID_ARGUMENT: not finite.
absl::StatusOr<RigidPose> FromPose(const viam::common::v1::Pose& pose);

// A config's frame: {"parent", "translation", "orientation": {"type", "value"}, "geometry"}, each
// optional; orientation types ov_degrees, ov_radians, euler_angles, axis_angles, quaternion.
// INVALID_ARGUMENT names the key: docs/formats/machine-config.md.
absl::StatusOr<viam::common::v1::Transform> TransformFromFrame(const std::string& name,
                                                               const nlohmann::json& frame);

}  // namespace bowerbird::wire
