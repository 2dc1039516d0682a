// SPDX-License-Identifier: Apache-2.0
#include "image/transform.h"

#include <cmath>
#include <cstring>
#include <mutex>
#include <numbers>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "image/exif.h"
#include "image/formats.h"
#include "image/pixels.h"

namespace bowerbird::image {
namespace {

// OpenCV reads through a cv::Mat only, but has no const one.
cv::Mat View(const Image& image) {
  constexpr int kTypes[] = {CV_8UC1, CV_8UC3, CV_8UC4, CV_16UC1};
  return cv::Mat(image.height(), image.width(), kTypes[static_cast<int>(image.format())],
                 const_cast<uint8_t*>(image.bytes().data()));
}

int Interpolation(const Image& image) {
  return image.format() == PixelFormat::kDepth16 ? cv::INTER_NEAREST : cv::INTER_LINEAR;
}

// Runs OpenCV code on the calling thread alone, its exceptions turned into a status.
template <typename Work>
absl::Status Contain(std::string_view what, const Work& work) {
  static std::once_flag single_threaded;
  try {
    std::call_once(single_threaded, [] { cv::setNumThreads(0); });
    work();
    return absl::OkStatus();
  } catch (const cv::Exception& error) {
    return InvalidArgument(absl::StrCat("cannot ", ToAbsl(what), " this picture: ", error.err));
  }
}

absl::Status NotEmpty(const Image& image, std::string_view what) {
  if (!image.empty()) return absl::OkStatus();
  return InvalidArgument(absl::StrCat("cannot ", ToAbsl(what), " an empty picture"));
}

// Where every pixel of the undistorted picture is found in the distorted one.
void FillMaps(const Intrinsics& camera, const Distortion& lens, cv::Mat& map_x, cv::Mat& map_y) {
  for (int v = 0; v < camera.size.height; ++v) {
    auto* row_x = map_x.ptr<float>(v);
    auto* row_y = map_y.ptr<float>(v);
    const double y = (v - camera.center_y) / camera.focal_y;
    for (int u = 0; u < camera.size.width; ++u) {
      const double x = (u - camera.center_x) / camera.focal_x;
      const double r2 = x * x + y * y;
      const double radial = 1 + r2 * (lens.radial_k1 + r2 * (lens.radial_k2 + r2 * lens.radial_k3));
      const double bent_x =
          x * radial + 2 * lens.tangential_p1 * x * y + lens.tangential_p2 * (r2 + 2 * x * x);
      const double bent_y =
          y * radial + 2 * lens.tangential_p2 * x * y + lens.tangential_p1 * (r2 + 2 * y * y);
      row_x[u] = static_cast<float>(bent_x * camera.focal_x + camera.center_x);
      row_y[u] = static_cast<float>(bent_y * camera.focal_y + camera.center_y);
    }
  }
}

absl::StatusOr<Image> RotateFreely(const Image& image, double degrees) {
  const double angle = degrees * std::numbers::pi / 180;
  const double cosine = std::cos(angle), sine = std::sin(angle);
  const double width = std::abs(image.width() * cosine) + std::abs(image.height() * sine);
  const double height = std::abs(image.width() * sine) + std::abs(image.height() * cosine);
  // A thousandth of a pixel is rounding, not picture.
  const int new_width = static_cast<int>(std::ceil(width - 1e-3));
  const int new_height = static_cast<int>(std::ceil(height - 1e-3));
  RETURN_IF_ERROR(CheckSize(new_width, new_height, DecodeOptions{}, "rotated"));
  const double from_x = (image.width() - 1) / 2.0, from_y = (image.height() - 1) / 2.0;
  const double to_x = (new_width - 1) / 2.0, to_y = (new_height - 1) / 2.0;
  const cv::Matx23d matrix(cosine, -sine, to_x - cosine * from_x + sine * from_y,  //
                           sine, cosine, to_y - sine * from_x - cosine * from_y);
  Image out(new_width, new_height, image.format());
  RETURN_IF_ERROR(Contain("rotate", [&] {
    cv::Mat target = View(out);
    cv::warpAffine(View(image), target, matrix, target.size(), Interpolation(image),
                   cv::BORDER_CONSTANT, cv::Scalar::all(0));
  }));
  return out;
}

}  // namespace

absl::StatusOr<Image> Rotate(const Image& image, double degrees) {
  RETURN_IF_ERROR(NotEmpty(image, "rotate"));
  if (!std::isfinite(degrees)) return InvalidArgument("the angle to rotate by must be a number");
  const double turn = std::fmod(std::fmod(degrees, 360) + 360, 360);
  if (turn == 0) return image.Clone();
  if (turn == 90) return ApplyOrientation(image.Clone(), 6);
  if (turn == 180) return ApplyOrientation(image.Clone(), 3);
  if (turn == 270) return ApplyOrientation(image.Clone(), 8);
  return RotateFreely(image, turn);
}

absl::StatusOr<Image> Crop(const Image& image, const CropBox& box) {
  RETURN_IF_ERROR(NotEmpty(image, "crop"));
  if (box.x_min < 0 || box.y_min < 0 || box.x_max > image.width() || box.y_max > image.height() ||
      box.x_min >= box.x_max || box.y_min >= box.y_max) {
    return InvalidArgument(absl::StrCat("cannot crop x ", box.x_min, "..", box.x_max, ", y ",
                                        box.y_min, "..", box.y_max, " out of a picture of ",
                                        image.width(), "x", image.height()));
  }
  Image out(box.x_max - box.x_min, box.y_max - box.y_min, image.format());
  const size_t left =
      static_cast<size_t>(box.x_min) * static_cast<size_t>(BytesPerPixel(image.format()));
  for (int y = 0; y < out.height(); ++y) {
    std::memcpy(out.row(y), image.row(y + box.y_min) + left, out.stride());
  }
  return out;
}

absl::StatusOr<Image> Undistort(const Image& image, const Intrinsics& intrinsics,
                                const Distortion& distortion) {
  RETURN_IF_ERROR(NotEmpty(image, "undistort"));
  if (intrinsics.size != image.size() || !(intrinsics.focal_x > 0) || !(intrinsics.focal_y > 0)) {
    return InvalidArgument(absl::StrCat("the camera's intrinsics are for ", intrinsics.size.width,
                                        "x", intrinsics.size.height, " with focal lengths ",
                                        intrinsics.focal_x, " and ", intrinsics.focal_y,
                                        "; the picture has ", image.width(), "x", image.height()));
  }
  Image out(image.width(), image.height(), image.format());
  RETURN_IF_ERROR(Contain("undistort", [&] {
    cv::Mat map_x(image.height(), image.width(), CV_32FC1);
    cv::Mat map_y(image.height(), image.width(), CV_32FC1);
    FillMaps(intrinsics, distortion, map_x, map_y);
    cv::Mat target = View(out);
    cv::remap(View(image), target, map_x, map_y, Interpolation(image), cv::BORDER_CONSTANT,
              cv::Scalar::all(0));
  }));
  return out;
}

absl::StatusOr<Image> CannyEdges(const Image& image, const EdgeOptions& options) {
  RETURN_IF_ERROR(NotEmpty(image, "find edges in"));
  if (!(options.low_threshold_pct >= 0) || !(options.high_threshold_pct <= 1) ||
      !(options.low_threshold_pct <= options.high_threshold_pct) ||
      !(options.blur_radius_px >= 0) || options.blur_radius_px > 100) {
    return InvalidArgument(absl::StrCat(
        "edges need 0 <= low_threshold_pct <= high_threshold_pct <= 1 and a blur_radius_px of 0 to "
        "100; they are ",
        options.low_threshold_pct, ", ", options.high_threshold_pct, " and ",
        options.blur_radius_px));
  }
  Image out(image.width(), image.height(), PixelFormat::kGray8);
  const RowReader reader(image);
  for (int y = 0; y < image.height(); ++y) reader.Gray(y, out.row(y));
  RETURN_IF_ERROR(Contain("find edges in", [&] {
    cv::Mat gray = View(out);
    if (options.blur_radius_px > 0) {
      cv::GaussianBlur(gray, gray, cv::Size(), options.blur_radius_px);
    }
    cv::Mat dx, dy, dx_real, dy_real, magnitude;
    cv::Sobel(gray, dx, CV_16S, 1, 0);
    cv::Sobel(gray, dy, CV_16S, 0, 1);
    dx.convertTo(dx_real, CV_32F);
    dy.convertTo(dy_real, CV_32F);
    cv::magnitude(dx_real, dy_real, magnitude);
    double steepest = 0;
    cv::minMaxLoc(magnitude, nullptr, &steepest);
    if (steepest == 0) {
      gray.setTo(0);
      return;
    }
    cv::Canny(dx, dy, gray, options.low_threshold_pct * steepest,
              options.high_threshold_pct * steepest, true);
  }));
  return out;
}

}  // namespace bowerbird::image
