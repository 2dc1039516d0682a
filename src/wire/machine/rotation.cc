// SPDX-License-Identifier: Apache-2.0
#include "wire/machine/rotation.h"

#include <algorithm>
#include <cmath>

namespace bowerbird::wire {
namespace {

// Closer to the z axis than this, a direction has no longitude worth the name. Clients draw the
// line at the same place; on the other side of it they would read another theta.
constexpr double kPole = 1e-4;

Quaternion AboutY(double angle) { return {std::cos(angle / 2), 0, std::sin(angle / 2), 0}; }
Quaternion AboutZ(double angle) { return {std::cos(angle / 2), 0, 0, std::sin(angle / 2)}; }

// The rotation that takes the z axis to `direction` (of length 1) with theta 0.
Quaternion PointAt(const Vector& direction) {
  const double colatitude = std::acos(std::clamp(direction.z, -1.0, 1.0));
  const bool at_pole = 1 - std::abs(direction.z) <= kPole;
  const double longitude = at_pole ? 0 : std::atan2(direction.y, direction.x);
  return Multiply(AboutZ(longitude), AboutY(colatitude));
}

}  // namespace

double Length(const Vector& vector) { return std::hypot(vector.x, vector.y, vector.z); }

Quaternion Multiply(const Quaternion& a, const Quaternion& b) {
  return {
      a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z, a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
      a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x, a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w};
}

Quaternion Conjugate(const Quaternion& rotation) {
  return {rotation.w, -rotation.x, -rotation.y, -rotation.z};
}

Vector Rotate(const Quaternion& rotation, const Vector& vector) {
  const Quaternion turned =
      Multiply(Multiply(rotation, {0, vector.x, vector.y, vector.z}), Conjugate(rotation));
  return {turned.x, turned.y, turned.z};
}

Quaternion FromOrientationVector(const OrientationVector& vector) {
  const double length = Length(vector.direction);
  const Vector direction{vector.direction.x / length, vector.direction.y / length,
                         vector.direction.z / length};
  return Multiply(PointAt(direction), AboutZ(vector.theta));
}

OrientationVector ToOrientationVector(const Quaternion& rotation) {
  OrientationVector vector;
  vector.direction = Rotate(rotation, {0, 0, 1});
  // What is left after pointing there is a turn about z.
  const Quaternion turn = Multiply(Conjugate(PointAt(vector.direction)), rotation);
  vector.theta = std::remainder(2 * std::atan2(turn.z, turn.w), 2 * std::acos(-1.0));
  return vector;
}

Quaternion FromAxisAngle(const Vector& axis, double angle) {
  const double scale = std::sin(angle / 2) / Length(axis);
  return {std::cos(angle / 2), axis.x * scale, axis.y * scale, axis.z * scale};
}

Quaternion FromEulerAngles(double roll, double pitch, double yaw) {
  return Multiply(AboutZ(yaw), Multiply(AboutY(pitch), FromAxisAngle({1, 0, 0}, roll)));
}

}  // namespace bowerbird::wire
