// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"
#include "machine/builtins.h"
#include "machine/vision_service.h"

namespace bowerbird::machine {
namespace {

// One box over the middle half of any picture, one class: the answers of the reference machine's
// fake.
class FakeFinder : public vision::Finder {
 public:
  bool detects() const override { return true; }
  bool classifies() const override { return true; }

  absl::StatusOr<std::vector<vision::Detection>> Detect(
      const Context&, const image::Picture& picture) const override {
    ASSIGN_OR_RETURN(const image::Header header, picture.header());
    const auto share = [](int extent, double part) { return static_cast<int>(extent * part); };
    vision::Detection detection;
    detection.label = "a_detection";
    detection.class_id = 0;
    detection.confidence = 0.92;
    detection.x_min = share(header.size.width, 0.25);
    detection.y_min = share(header.size.height, 0.25);
    detection.x_max = share(header.size.width, 0.75);
    detection.y_max = share(header.size.height, 0.75);
    return std::vector{detection};
  }

  absl::StatusOr<std::vector<vision::Classification>> Classify(
      const Context&, const image::Picture&) const override {
    return std::vector{vision::Classification{"a_classification", 0, 0.85}};
  }
};

absl::StatusOr<std::shared_ptr<Resource>> Build(const BuildRequest& request) {
  VisionService::Options options;
  options.metrics_label = request.config.name.name;
  ASSIGN_OR_RETURN(options.default_camera, request.attributes.String("camera_name", "fake_camera"));
  options.cameras = request.environment.finder;
  options.metrics = request.environment.metrics;
  return std::make_shared<VisionService>(std::make_unique<FakeFinder>(), std::move(options));
}

}  // namespace

void AddFakeVision(Catalog& catalog) {
  ModelEntry entry;
  entry.api = kVisionApi;
  entry.model = {"rdk", "builtin", "fake"};
  entry.build = Build;
  catalog.Add(std::move(entry));
}

}  // namespace bowerbird::machine
