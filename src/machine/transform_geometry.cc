// SPDX-License-Identifier: Apache-2.0
//
// Stages that move pixels: identity, resize, crop, rotate, undistort.
#include <algorithm>
#include <utility>

#include "base/status.h"
#include "image/draw.h"
#include "image/resize.h"
#include "image/transform.h"
#include "machine/transform_stage.h"

namespace bowerbird::machine {
namespace {

using Boxes = TransformFrame::Boxes;

constexpr int kMaxSide = 10'000;

class Identity final : public TransformStage {
 public:
  absl::Status Apply(const Context&, TransformFrame&) const override { return absl::OkStatus(); }
};

// Nearest neighbour, as the reference machine does it.
class Resize final : public TransformStage {
 public:
  explicit Resize(image::Size size) : size_(size) {}

  absl::Status Apply(const Context& context, TransformFrame& frame) const override {
    ASSIGN_OR_RETURN(const auto pixels, frame.Pixels(context));
    frame.Replace(pixels->format() == image::PixelFormat::kDepth16
                      ? ResizeDepth(*pixels)
                      : image::Resize(*pixels, size_, image::Filter::kNearest),
                  Boxes::kKeep);
    return absl::OkStatus();
  }

 private:
  image::Image ResizeDepth(const image::Image& depth) const {
    image::Image resized(size_.width, size_.height, image::PixelFormat::kDepth16);
    // The pixel in which the centre of the new one lies.
    const auto nearest = [](int to, int to_extent, int from_extent) {
      return static_cast<int>((2 * int64_t{to} + 1) * from_extent / (2 * int64_t{to_extent}));
    };
    for (int y = 0; y < size_.height; ++y) {
      const uint16_t* from = depth.depth_row(nearest(y, size_.height, depth.height()));
      uint16_t* to = resized.depth_row(y);
      for (int x = 0; x < size_.width; ++x) to[x] = from[nearest(x, size_.width, depth.width())];
    }
    return resized;
  }

  const image::Size size_;
};

struct CropArea {
  double x_min = 0, y_min = 0, x_max = 0, y_max = 0;
};

class Crop final : public TransformStage {
 public:
  Crop(CropArea area, bool draw_only) : area_(area), draw_only_(draw_only) {}

  absl::Status Apply(const Context& context, TransformFrame& frame) const override {
    ASSIGN_OR_RETURN(const auto pixels, frame.Pixels(context));
    ASSIGN_OR_RETURN(const image::CropBox box, BoxIn(pixels->size()));
    if (draw_only_) {
      image::Image marked = image::ToRgb(*pixels);
      image::DrawBox(marked, {box.x_min, box.y_min, box.x_max - 1, box.y_max - 1}, {255, 0, 0});
      frame.Replace(std::move(marked), Boxes::kKeep);
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(auto cropped, image::Crop(*pixels, box));
    frame.Replace(std::move(cropped), Boxes::kDrop);
    return absl::OkStatus();
  }

 private:
  absl::StatusOr<image::CropBox> BoxIn(image::Size size) const {
    // One of the maxima above 1: pixels; else shares of the picture. 0, 0, 1, 1 is the one pixel at
    // the top left, as on the reference machine.
    const bool one_pixel =
        area_.x_min == 0 && area_.y_min == 0 && area_.x_max == 1 && area_.y_max == 1;
    const bool shares = area_.x_max <= 1 && area_.y_max <= 1 && !one_pixel;
    const auto at = [&](double value, int extent) {
      return static_cast<int>(std::min<double>(shares ? value * extent : value, extent));
    };
    const image::CropBox box{at(area_.x_min, size.width), at(area_.y_min, size.height),
                             at(area_.x_max, size.width), at(area_.y_max, size.height)};
    if (box.x_min < box.x_max && box.y_min < box.y_max) return box;
    return InvalidArgument("crop: nothing of the picture of " + std::to_string(size.width) + "x" +
                           std::to_string(size.height) + " pixels lies in the box");
  }

  const CropArea area_;
  const bool draw_only_;
};

class Rotate final : public TransformStage {
 public:
  explicit Rotate(double degrees) : degrees_(degrees) {}

  absl::Status Apply(const Context& context, TransformFrame& frame) const override {
    ASSIGN_OR_RETURN(const auto pixels, frame.Pixels(context));
    ASSIGN_OR_RETURN(auto rotated, image::Rotate(*pixels, degrees_));
    frame.Replace(std::move(rotated), Boxes::kDrop);
    return absl::OkStatus();
  }

 private:
  const double degrees_;
};

class Undistort final : public TransformStage {
 public:
  Undistort(const image::Intrinsics& intrinsics, const image::Distortion& distortion)
      : intrinsics_(intrinsics), distortion_(distortion) {}

  absl::Status Apply(const Context& context, TransformFrame& frame) const override {
    ASSIGN_OR_RETURN(const auto pixels, frame.Pixels(context));
    ASSIGN_OR_RETURN(auto straight, image::Undistort(*pixels, intrinsics_, distortion_));
    frame.Replace(std::move(straight), Boxes::kDrop);
    return absl::OkStatus();
  }

 private:
  const image::Intrinsics intrinsics_;
  const image::Distortion distortion_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<TransformStage>> MakeIdentity(const Attributes&,
                                                             const StageSurroundings&) {
  return std::make_unique<Identity>();
}

absl::StatusOr<std::unique_ptr<TransformStage>> MakeResize(const Attributes& attributes,
                                                           const StageSurroundings&) {
  const auto side = [&](std::string_view key) -> absl::StatusOr<int> {
    if (!attributes.Has(key)) return attributes.Error(key, "is missing: give the pixels");
    ASSIGN_OR_RETURN(const int64_t pixels, attributes.Int(key, 0, 1, kMaxSide));
    return static_cast<int>(pixels);
  };
  image::Size size;
  ASSIGN_OR_RETURN(size.width, side("width_px"));
  ASSIGN_OR_RETURN(size.height, side("height_px"));
  return std::make_unique<Resize>(size);
}

absl::StatusOr<std::unique_ptr<TransformStage>> MakeCrop(const Attributes& attributes,
                                                         const StageSurroundings&) {
  const auto edge = [&](std::string_view key) { return attributes.Double(key, 0, 0, 1e6); };
  CropArea area;
  ASSIGN_OR_RETURN(area.x_min, edge("x_min_px"));
  ASSIGN_OR_RETURN(area.y_min, edge("y_min_px"));
  ASSIGN_OR_RETURN(area.x_max, edge("x_max_px"));
  ASSIGN_OR_RETURN(area.y_max, edge("y_max_px"));
  if (area.x_min >= area.x_max) return attributes.Error("x_max_px", "is not above x_min_px");
  if (area.y_min >= area.y_max) return attributes.Error("y_max_px", "is not above y_min_px");
  ASSIGN_OR_RETURN(const bool draw_only, attributes.Bool("overlay_crop_box", false));
  return std::make_unique<Crop>(area, draw_only);
}

absl::StatusOr<std::unique_ptr<TransformStage>> MakeRotate(const Attributes& attributes,
                                                           const StageSurroundings&) {
  // Both spellings are in use.
  ASSIGN_OR_RETURN(const double usual, attributes.Double("angle_deg", 180, -1e6, 1e6));
  ASSIGN_OR_RETURN(const double degrees, attributes.Double("angle_degs", usual, -1e6, 1e6));
  return std::make_unique<Rotate>(degrees);
}

absl::StatusOr<std::unique_ptr<TransformStage>> MakeUndistort(
    const Attributes& attributes, const StageSurroundings& surroundings) {
  ASSIGN_OR_RETURN(Lens lens, ReadLens(attributes));
  if (!lens.intrinsics) lens.intrinsics = surroundings.lens.intrinsics;
  if (!lens.distortion) lens.distortion = surroundings.lens.distortion;
  if (!lens.intrinsics)
    return attributes.Error("intrinsic_parameters", "is missing: give it here or to the camera");
  if (!lens.distortion)
    return attributes.Error("distortion_parameters", "is missing: give it here or to the camera");
  return std::make_unique<Undistort>(*lens.intrinsics, *lens.distortion);
}

}  // namespace bowerbird::machine
