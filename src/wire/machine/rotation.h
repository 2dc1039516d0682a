// SPDX-License-Identifier: Apache-2.0
//
// Rotations as unit quaternions, and the ways in which configs and the wire spell them. Radians.
#pragma once

#include "wire/machine/pose.h"

namespace bowerbird::wire {

// See pose.h. `direction` of any length but 0.
struct OrientationVector {
  Vector direction{0, 0, 1};
  double theta = 0;
};

double Length(const Vector& vector);

Quaternion Multiply(const Quaternion& a, const Quaternion& b);  // first b, then a
Quaternion Conjugate(const Quaternion& rotation);
Vector Rotate(const Quaternion& rotation, const Vector& vector);

Quaternion FromOrientationVector(const OrientationVector& vector);
// A direction of length 1; theta from -pi to pi.
OrientationVector ToOrientationVector(const Quaternion& rotation);

// `axis` of any length but 0.
Quaternion FromAxisAngle(const Vector& axis, double angle);
// First about x (roll), then y (pitch), then z (yaw), all fixed axes.
Quaternion FromEulerAngles(double roll, double pitch, double yaw);

}  // namespace bowerbird::wire
