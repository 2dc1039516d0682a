// SPDX-License-Identifier: Apache-2.0
#include "vision/color_finder.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/status.h"
#include "image/codec.h"
#include "vision/connected_boxes.h"
#include "vision/hue.h"

namespace bowerbird::vision {
namespace {

absl::Status CheckShare(const char* name, double value) {
  if (value >= 0 && value <= 1) return absl::OkStatus();
  return InvalidArgument(std::string(name) + " is " + std::to_string(value) +
                         "; it must lie in 0..1");
}

absl::Status CheckOptions(const ColorFinderOptions& options) {
  if (!(options.hue_tolerance > 0 && options.hue_tolerance <= 1)) {
    return InvalidArgument(
        "hue_tolerance_pct is " + std::to_string(options.hue_tolerance) +
        "; it must lie above 0 and not above 1, as a share of the colour circle");
  }
  if (options.segment_size_px < 0) {
    return InvalidArgument("segment_size_px is " + std::to_string(options.segment_size_px) +
                           "; it must not be negative");
  }
  RETURN_IF_ERROR(CheckShare("saturation_cutoff_pct", options.saturation_cutoff));
  return CheckShare("value_cutoff_pct", options.value_cutoff);
}

absl::Status CheckColor(const ColorFinderOptions& options, const Hsv& color) {
  const std::string color_is = "detect_color " + options.detect_color + " has a ";
  if (color.saturation == 0) {
    return InvalidArgument(color_is +
                           "saturation of 0: black, white and gray have no hue to look for");
  }
  if (color.saturation < options.saturation_cutoff) {
    return InvalidArgument(color_is + "saturation of " + std::to_string(color.saturation) +
                           ", below saturation_cutoff_pct " +
                           std::to_string(options.saturation_cutoff) + ": it would never be found");
  }
  if (color.value < options.value_cutoff) {
    return InvalidArgument(color_is + "value of " + std::to_string(color.value) +
                           ", below value_cutoff_pct " + std::to_string(options.value_cutoff) +
                           ": it would never be found");
  }
  return absl::OkStatus();
}

int64_t AreaOf(const PixelBox& box) {
  return int64_t{box.x_max - box.x_min} * (box.y_max - box.y_min);
}

class HueFinder final : public ColorFinder {
 public:
  HueFinder(ColorFinderOptions options, const Hsv& color)
      : options_(std::move(options)),
        label_(options_.label.empty() ? std::string(HueName(color.hue)) : options_.label),
        arc_(color.hue, options_.hue_tolerance) {}

  bool detects() const override { return true; }
  bool classifies() const override { return false; }

  absl::StatusOr<std::vector<Detection>> Detect(const Context& context,
                                                const image::Picture& picture) const override {
    RETURN_IF_ERROR(context.Check());
    ASSIGN_OR_RETURN(const std::shared_ptr<const image::Image> image,
                     picture.Decoded({0, 0}, context.phases));
    const PhaseTimer timer(context.phases, Phase::kPostprocess);
    const image::Image* rgb = image.get();
    image::Image converted;
    if (rgb->format() != image::PixelFormat::kRgb8) {
      converted = image::ToRgb(*image);
      rgb = &converted;
    }
    return Largest(ConnectedBoxes(MaskOf(*rgb), rgb->size()));
  }

  absl::StatusOr<std::vector<Classification>> Classify(const Context&,
                                                       const image::Picture&) const override {
    return Unimplemented("does not implement a Classifier");
  }

 private:
  std::vector<uint8_t> MaskOf(const image::Image& rgb) const {
    const std::span<const uint8_t> bytes = rgb.bytes();
    std::vector<uint8_t> mask(bytes.size() / 3);
    for (size_t i = 0; i < mask.size(); ++i) {
      const Hsv hsv = ToHsv(bytes[i * 3], bytes[i * 3 + 1], bytes[i * 3 + 2]);
      mask[i] = hsv.saturation >= options_.saturation_cutoff &&
                hsv.value >= options_.value_cutoff && arc_.Contains(hsv.hue);
    }
    return mask;
  }

  std::vector<Detection> Largest(std::vector<PixelBox> boxes) const {
    std::erase_if(boxes,
                  [&](const PixelBox& box) { return AreaOf(box) < options_.segment_size_px; });
    std::stable_sort(boxes.begin(), boxes.end(),
                     [](const PixelBox& a, const PixelBox& b) { return AreaOf(a) > AreaOf(b); });
    std::vector<Detection> detections;
    detections.reserve(boxes.size());
    for (const PixelBox& box : boxes) {
      detections.push_back({label_, -1, 1.0, box.x_min, box.y_min, box.x_max, box.y_max});
    }
    return detections;
  }

  const ColorFinderOptions options_;
  const std::string label_;
  const HueArc arc_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ColorFinder>> ColorFinder::Create(
    const ColorFinderOptions& options) {
  const std::optional<Rgb> color = ParseColor(options.detect_color);
  if (!color.has_value()) {
    return InvalidArgument("detect_color is '" + options.detect_color +
                           "'; it must be a colour as #RRGGBB, such as #C9131F");
  }
  RETURN_IF_ERROR(CheckOptions(options));
  const Hsv hsv = ToHsv(color->red, color->green, color->blue);
  RETURN_IF_ERROR(CheckColor(options, hsv));
  return std::make_unique<HueFinder>(options, hsv);
}

}  // namespace bowerbird::vision
