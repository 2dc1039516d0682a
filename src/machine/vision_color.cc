// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "base/status.h"
#include "machine/builtins.h"
#include "machine/vision_service.h"
#include "vision/color_finder.h"

namespace bowerbird::machine {
namespace {

// As many as the largest picture has.
constexpr int64_t kMostPixels = 64'000'000;

absl::StatusOr<std::unique_ptr<vision::ColorFinder>> MakeFinder(const Attributes& attributes) {
  vision::ColorFinderOptions options;
  ASSIGN_OR_RETURN(options.detect_color, attributes.RequiredString("detect_color"));
  if (!attributes.Has("hue_tolerance_pct"))
    return attributes.Error("hue_tolerance_pct", "is missing: give a number above 0, at most 1");
  ASSIGN_OR_RETURN(options.hue_tolerance, attributes.Double("hue_tolerance_pct", 0, 0, 1));
  ASSIGN_OR_RETURN(const int64_t segment,
                   attributes.Int("segment_size_px", options.segment_size_px, 0, kMostPixels));
  options.segment_size_px = static_cast<int>(segment);
  ASSIGN_OR_RETURN(options.saturation_cutoff,
                   attributes.Double("saturation_cutoff_pct", options.saturation_cutoff, 0, 1));
  ASSIGN_OR_RETURN(options.value_cutoff,
                   attributes.Double("value_cutoff_pct", options.value_cutoff, 0, 1));
  ASSIGN_OR_RETURN(options.label, attributes.String("label"));
  auto finder = vision::ColorFinder::Create(options);
  if (!finder.ok()) return Annotate(finder.status(), attributes.path());
  return finder;
}

absl::StatusOr<std::vector<std::string>> Validate(const ResourceConfig&,
                                                  const Attributes& attributes) {
  RETURN_IF_ERROR(MakeFinder(attributes).status());
  RETURN_IF_ERROR(attributes.String("camera_name").status());
  return std::vector<std::string>();
}

absl::StatusOr<std::shared_ptr<Resource>> Build(const BuildRequest& request) {
  ASSIGN_OR_RETURN(auto finder, MakeFinder(request.attributes));
  VisionService::Options options;
  options.metrics_label = request.config.name.name;
  ASSIGN_OR_RETURN(options.default_camera, request.attributes.String("camera_name"));
  options.cameras = request.environment.finder;
  options.metrics = request.environment.metrics;
  return std::make_shared<VisionService>(std::move(finder), std::move(options));
}

}  // namespace

void AddColorVision(Catalog& catalog) {
  ModelEntry entry;
  entry.api = kVisionApi;
  entry.model = {"rdk", "builtin", "color_detector"};
  entry.validate = Validate;
  entry.build = Build;
  catalog.Add(std::move(entry));
}

}  // namespace bowerbird::machine
