// SPDX-License-Identifier: Apache-2.0
//
// What a transform camera does to pictures, apart from scaling (resize.h) and marks (draw.h).
// Nothing here changes its input. Errors are INVALID_ARGUMENT and name the values at fault.
#pragma once

#include "absl/status/statusor.h"
#include "image/image.h"
#include "image/point_cloud.h"

namespace bowerbird::image {

// Turned by `degrees` clockwise, any angle; the canvas grows so that nothing is cut off, and the
// new corners are 0 (black, transparent, no depth). Multiples of 90 are exact; other angles are
// interpolated, depth by nearest neighbour. Every format.
absl::StatusOr<Image> Rotate(const Image& image, double degrees);

// The pixels x_min <= x < x_max, y_min <= y < y_max; not empty and inside the picture. Every
// format.
struct CropBox {
  int x_min = 0, y_min = 0, x_max = 0, y_max = 0;
};
absl::StatusOr<Image> Crop(const Image& image, const CropBox& box);

// Without the lens distortion: the picture a pinhole camera of the same `intrinsics` would have
// taken. intrinsics.size must be the picture's. Depth by nearest neighbour. Every format.
absl::StatusOr<Image> Undistort(const Image& image, const Intrinsics& intrinsics,
                                const Distortion& distortion);

// Canny edges as white on black, kGray8. The thresholds are fractions (0..1, low <= high) of the
// largest gradient of the picture; the picture is smoothed first by a Gaussian whose standard
// deviation is `blur_radius_px` (0 = not). Every format; depth is scaled to gray.
struct EdgeOptions {
  double high_threshold_pct = 0.85;
  double low_threshold_pct = 0.40;
  double blur_radius_px = 3.0;
};
absl::StatusOr<Image> CannyEdges(const Image& image, const EdgeOptions& options);

// Depth as colours for people, kRgb8: hue from red (nearest) to violet (farthest), unknown black.
// kDepth16 only.
absl::StatusOr<Image> DepthToPretty(const Image& depth);

// Depth made usable for edges and segments: holes (0) surrounded by known depth are filled from
// their neighbours, then noise is smoothed without blurring steps. kDepth16 in and out.
absl::StatusOr<Image> PreprocessDepth(const Image& depth);

// Depth laid over the colours it was aligned with, half transparent, where it is known. kRgb8 out;
// sizes must agree.
absl::StatusOr<Image> OverlayDepth(const Image& color, const Image& depth);

}  // namespace bowerbird::image
