// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <numbers>
#include <string>
#include <string_view>

#include "base/status.h"
#include "base/utf8.h"
#include "wire/machine/pose.h"
#include "wire/machine/rotation.h"

namespace bowerbird::wire {
namespace {

using nlohmann::json;
using viam::common::v1::Geometry;
using viam::common::v1::Transform;

constexpr double kRadiansPerDegree = std::numbers::pi / 180;

absl::Status WrongKind(const json& found, std::string_view wanted) {
  // Invalid UTF-8 is replaced: dump() would throw on it.
  return InvalidArgument(found.dump(-1, ' ', true, json::error_handler_t::replace) + " is not " +
                         std::string(wanted));
}

// The text of a JSON string; "" for anything else.
std::string_view TextOf(const json& value) {
  return value.is_string() ? std::string_view(value.get_ref<const std::string&>())
                           : std::string_view();
}

// The member `key` of an object; null where it is absent. Config keys are compared as written.
const json& Member(const json& object, const char* key) {
  static const json kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

absl::Status ReadNumber(const json& object, const char* key, double& out) {
  const json& member = Member(object, key);
  if (member.is_null()) return absl::OkStatus();
  if (!member.is_number()) return Annotate(WrongKind(member, "a number"), key);
  out = member.get<double>();
  if (!std::isfinite(out)) return Annotate(InvalidArgument("the number is not finite"), key);
  return absl::OkStatus();
}

absl::StatusOr<Vector> ReadVector(const json& object) {
  if (!object.is_object()) return WrongKind(object, "an object with x, y and z");
  Vector vector;
  RETURN_IF_ERROR(ReadNumber(object, "x", vector.x));
  RETURN_IF_ERROR(ReadNumber(object, "y", vector.y));
  RETURN_IF_ERROR(ReadNumber(object, "z", vector.z));
  return vector;
}

absl::StatusOr<Vector> ReadDirection(const json& value) {
  ASSIGN_OR_RETURN(const Vector direction, ReadVector(value));
  if (Length(direction) == 0)
    return InvalidArgument("x, y and z are all 0: at least one must point somewhere");
  return direction;
}

absl::StatusOr<Quaternion> ReadQuaternion(const json& value) {
  Quaternion q{0, 0, 0, 0};
  // Both spellings are in use.
  RETURN_IF_ERROR(ReadNumber(value, "W", q.w));
  RETURN_IF_ERROR(ReadNumber(value, "X", q.x));
  RETURN_IF_ERROR(ReadNumber(value, "Y", q.y));
  RETURN_IF_ERROR(ReadNumber(value, "Z", q.z));
  RETURN_IF_ERROR(ReadNumber(value, "w", q.w));
  RETURN_IF_ERROR(ReadNumber(value, "x", q.x));
  RETURN_IF_ERROR(ReadNumber(value, "y", q.y));
  RETURN_IF_ERROR(ReadNumber(value, "z", q.z));
  const double length = std::hypot(std::hypot(q.w, q.x), std::hypot(q.y, q.z));
  if (length == 0) return InvalidArgument("w, x, y and z are all 0");
  return Quaternion{q.w / length, q.x / length, q.y / length, q.z / length};
}

absl::StatusOr<Quaternion> ReadRotation(std::string_view type, const json& value) {
  if (!value.is_object()) return WrongKind(value, "an object");
  double theta = 0;
  RETURN_IF_ERROR(ReadNumber(value, "th", theta));
  if (type == "quaternion") return ReadQuaternion(value);
  if (type == "euler_angles") {
    double roll = 0, pitch = 0, yaw = 0;
    RETURN_IF_ERROR(ReadNumber(value, "roll", roll));
    RETURN_IF_ERROR(ReadNumber(value, "pitch", pitch));
    RETURN_IF_ERROR(ReadNumber(value, "yaw", yaw));
    return FromEulerAngles(roll, pitch, yaw);
  }
  ASSIGN_OR_RETURN(const Vector direction, ReadDirection(value));
  if (type == "axis_angles") return FromAxisAngle(direction, theta);
  return FromOrientationVector(
      {direction, type == "ov_radians" ? theta : theta * kRadiansPerDegree});
}

absl::StatusOr<Quaternion> ReadOrientation(const json& orientation) {
  if (orientation.is_null()) return Quaternion{};
  if (!orientation.is_object()) return WrongKind(orientation, "an object with type and value");
  const json& type = Member(orientation, "type");
  const std::string_view name = TextOf(type);
  if (type.is_null() || (type.is_string() && name.empty())) return Quaternion{};
  for (const std::string_view known :
       {"ov_degrees", "ov_radians", "euler_angles", "axis_angles", "quaternion"}) {
    if (name != known) continue;
    auto rotation = ReadRotation(known, Member(orientation, "value"));
    return rotation.ok() ? rotation : Annotate(rotation.status(), "value");
  }
  return Annotate(WrongKind(type,
                            "an orientation type: it is one of ov_degrees, ov_radians, "
                            "euler_angles, axis_angles, quaternion"),
                  "type");
}

// Translation and orientation of a frame or a geometry.
absl::StatusOr<RigidPose> ReadPlace(const json& object) {
  RigidPose pose;
  if (const json& translation = Member(object, "translation"); !translation.is_null()) {
    auto moved = ReadVector(translation);
    if (!moved.ok()) return Annotate(moved.status(), "translation");
    pose.translation = *moved;
  }
  auto rotation = ReadOrientation(Member(object, "orientation"));
  if (!rotation.ok()) return Annotate(rotation.status(), "orientation");
  pose.rotation = *rotation;
  return pose;
}

// The shape by `type`, or by the numbers given where that is absent. "" fits none.
std::string_view ShapeOf(const json& geometry, double radius, double length, const Vector& edges) {
  const json& type = Member(geometry, "type");
  const std::string_view name = TextOf(type);
  for (const std::string_view known : {"box", "sphere", "capsule", "point"})
    if (name == known) return known;
  if (!type.is_null() && !(type.is_string() && name.empty())) return "";
  if (edges.x > 0 && edges.y > 0 && edges.z > 0) return "box";
  if (radius > 0) return length > 0 ? "capsule" : "sphere";
  return "";
}

absl::StatusOr<Geometry> ReadGeometry(const json& geometry, const std::string& frame_name) {
  if (!geometry.is_object()) return WrongKind(geometry, "an object");
  double radius = 0, length = 0;
  RETURN_IF_ERROR(ReadNumber(geometry, "r", radius));
  RETURN_IF_ERROR(ReadNumber(geometry, "l", length));
  ASSIGN_OR_RETURN(const Vector edges, ReadVector(geometry));
  ASSIGN_OR_RETURN(const RigidPose pose, ReadPlace(geometry));
  const std::string_view shape = ShapeOf(geometry, radius, length, edges);
  Geometry out;
  if (shape == "box") {
    auto& dims = *out.mutable_box()->mutable_dims_mm();
    dims.set_x(edges.x);
    dims.set_y(edges.y);
    dims.set_z(edges.z);
  } else if (shape == "sphere" || shape == "point") {
    out.mutable_sphere()->set_radius_mm(radius);  // a point is a sphere of radius 0
  } else if (shape == "capsule") {
    out.mutable_capsule()->set_radius_mm(radius);
    out.mutable_capsule()->set_length_mm(length);
  } else {
    return InvalidArgument(
        "no shape: it is a box (x, y, z), a sphere (r), a capsule (r, l) or a point");
  }
  *out.mutable_center() = ToPose(pose);
  const std::string_view label = TextOf(Member(geometry, "label"));
  out.set_label(label.empty() ? frame_name : Utf8(label));
  return out;
}

}  // namespace

absl::StatusOr<Transform> TransformFromFrame(const std::string& name, const json& frame) {
  if (!frame.is_object()) return WrongKind(frame, "an object");
  Transform transform;
  transform.set_reference_frame(Utf8(name));
  auto& pose_in_frame = *transform.mutable_pose_in_observer_frame();
  const json& parent = Member(frame, "parent");
  if (!parent.is_null() && !parent.is_string())
    return Annotate(WrongKind(parent, "the name of a frame"), "parent");
  pose_in_frame.set_reference_frame(TextOf(parent).empty() ? "world" : Utf8(TextOf(parent)));
  ASSIGN_OR_RETURN(const RigidPose pose, ReadPlace(frame));
  *pose_in_frame.mutable_pose() = ToPose(pose);
  if (const json& geometry = Member(frame, "geometry"); !geometry.is_null()) {
    auto shape = ReadGeometry(geometry, transform.reference_frame());
    if (!shape.ok()) return Annotate(shape.status(), "geometry");
    *transform.mutable_physical_object() = *std::move(shape);
  }
  return transform;
}

}  // namespace bowerbird::wire
