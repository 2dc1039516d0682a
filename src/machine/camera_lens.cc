// SPDX-License-Identifier: Apache-2.0
#include "machine/camera_lens.h"

#include "base/status.h"

namespace bowerbird::machine {
namespace {

constexpr int64_t kMaxSide = 65535;
constexpr double kMaxFocal = 1e6;
constexpr double kMaxCoefficient = 1e3;

absl::StatusOr<int> Side(const Attributes& attributes, std::string_view key) {
  if (!attributes.Has(key)) return attributes.Error(key, "is missing: give the pixels");
  ASSIGN_OR_RETURN(const int64_t side, attributes.Int(key, 0, 1, kMaxSide));
  return static_cast<int>(side);
}

absl::StatusOr<double> Focal(const Attributes& attributes, std::string_view key) {
  if (!attributes.Has(key)) return attributes.Error(key, "is missing: give the focal length");
  ASSIGN_OR_RETURN(const double focal, attributes.Double(key, 0, -kMaxFocal, kMaxFocal));
  if (focal <= 0) return attributes.Error(key, "is not a focal length in pixels, above 0");
  return focal;
}

absl::StatusOr<image::Intrinsics> ReadIntrinsics(const Attributes& attributes) {
  image::Intrinsics intrinsics;
  ASSIGN_OR_RETURN(intrinsics.size.width, Side(attributes, "width_px"));
  ASSIGN_OR_RETURN(intrinsics.size.height, Side(attributes, "height_px"));
  ASSIGN_OR_RETURN(intrinsics.focal_x, Focal(attributes, "fx"));
  ASSIGN_OR_RETURN(intrinsics.focal_y, Focal(attributes, "fy"));
  ASSIGN_OR_RETURN(intrinsics.center_x, attributes.Double("ppx", 0, 0, kMaxSide));
  ASSIGN_OR_RETURN(intrinsics.center_y, attributes.Double("ppy", 0, 0, kMaxSide));
  return intrinsics;
}

absl::StatusOr<image::Distortion> ReadDistortion(const Attributes& attributes) {
  const auto read = [&](std::string_view key) {
    return attributes.Double(key, 0, -kMaxCoefficient, kMaxCoefficient);
  };
  image::Distortion distortion;
  ASSIGN_OR_RETURN(distortion.radial_k1, read("rk1"));
  ASSIGN_OR_RETURN(distortion.radial_k2, read("rk2"));
  ASSIGN_OR_RETURN(distortion.radial_k3, read("rk3"));
  ASSIGN_OR_RETURN(distortion.tangential_p1, read("tp1"));
  ASSIGN_OR_RETURN(distortion.tangential_p2, read("tp2"));
  return distortion;
}

}  // namespace

absl::StatusOr<Lens> ReadLens(const Attributes& attributes) {
  Lens lens;
  ASSIGN_OR_RETURN(const Attributes intrinsics, attributes.Object("intrinsic_parameters"));
  if (!intrinsics.json().empty()) {
    ASSIGN_OR_RETURN(lens.intrinsics, ReadIntrinsics(intrinsics));
  }
  ASSIGN_OR_RETURN(const Attributes distortion, attributes.Object("distortion_parameters"));
  if (!distortion.json().empty()) {
    ASSIGN_OR_RETURN(lens.distortion, ReadDistortion(distortion));
  }
  return lens;
}

}  // namespace bowerbird::machine
