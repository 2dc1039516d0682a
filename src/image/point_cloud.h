// SPDX-License-Identifier: Apache-2.0
//
// Point clouds in the PCD 0.7 binary form that the wire uses (MIME type pointcloud/pcd).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "image/image.h"

namespace bowerbird::image {

inline constexpr std::string_view kMimePcd = "pointcloud/pcd";

// Pinhole camera, in pixels of an image of `size`.
struct Intrinsics {
  Size size;
  double focal_x = 0, focal_y = 0, center_x = 0, center_y = 0;
};

// Brown-Conrady, in the order the wire sends it: k1, k2, k3, p1, p2.
struct Distortion {
  double radial_k1 = 0, radial_k2 = 0, radial_k3 = 0, tangential_p1 = 0, tangential_p2 = 0;
};

struct Point {
  float x = 0, y = 0, z = 0;  // millimetres; x right, y down, z away from the camera
  uint8_t r = 0, g = 0, b = 0;
};

struct PointCloud {
  std::vector<Point> points;
  bool has_color = false;
};

// Header and little-endian records, metres, colour packed as 0xRRGGBB.
std::string EncodePcd(const PointCloud& cloud);

// Depth pixels that are not 0, projected through `intrinsics` (without: parallel, pixels as mm),
// coloured by `color` where it is given (same size as depth, else INVALID_ARGUMENT).
absl::StatusOr<PointCloud> Project(const Image& depth, const Image* color,
                                   const std::optional<Intrinsics>& intrinsics);

// Only checks the header and that the announced points are there; used for files passed on as they
// are.
absl::Status CheckPcd(std::string_view bytes);

}  // namespace bowerbird::image
