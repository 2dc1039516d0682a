// SPDX-License-Identifier: Apache-2.0
//
// The vision service over any Finder: pictures from callers or from cameras, answers, metrics.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "machine/catalog.h"
#include "machine/resource.h"
#include "vision/finder.h"

namespace bowerbird::machine {

class VisionService : public Vision {
 public:
  struct Options {
    std::string metrics_label;   // phases of every call are counted under it
    std::string default_camera;  // may be empty; looked up at each call
    const ResourceFinder* cameras = nullptr;
    Metrics* metrics = nullptr;
    std::shared_ptr<Resource> model;  // what the finder runs on, kept alive with it; may be null
  };

  VisionService(std::unique_ptr<const vision::Finder> finder, Options options);

  // On a model: a version that the service cannot work with leaves it on the one before.
  bool OutlivesFailure() const override { return options_.model != nullptr; }

  absl::StatusOr<Detections> GetDetections(const Context& context, const image::Picture& picture,
                                           const Json& extra) override;
  absl::StatusOr<Detections> GetDetectionsFromCamera(const Context& context,
                                                     const std::string& camera_name,
                                                     const Json& extra) override;
  absl::StatusOr<std::vector<vision::Classification>> GetClassifications(
      const Context& context, const image::Picture& picture, int n, const Json& extra) override;
  absl::StatusOr<std::vector<vision::Classification>> GetClassificationsFromCamera(
      const Context& context, const std::string& camera_name, int n, const Json& extra) override;
  absl::StatusOr<std::vector<PointCloudObject>> GetObjectPointClouds(const Context& context,
                                                                     const std::string& camera_name,
                                                                     const Json& extra) override;
  absl::StatusOr<VisionProperties> GetProperties(const Context& context) override;
  absl::StatusOr<CaptureAll> CaptureAllFromCamera(const Context& context,
                                                  const std::string& camera_name,
                                                  const CaptureAllOptions& options,
                                                  const Json& extra) override;

 private:
  class Timed;

  // The camera that is meant: the default one if none is named.
  const std::string& NameOf(const std::string& camera_name) const {
    return camera_name.empty() ? options_.default_camera : camera_name;
  }
  // The first image of that camera.
  absl::StatusOr<NamedImage> Take(const Context& context, const std::string& camera_name,
                                  const Json& extra) const;
  absl::StatusOr<Detections> Detect(const Context& context, const image::Picture& picture) const;
  absl::StatusOr<std::vector<vision::Classification>> Classify(const Context& context,
                                                               const image::Picture& picture,
                                                               int n) const;

  const Options options_;
  const std::unique_ptr<const vision::Finder> finder_;  // goes before the model it runs on
};

}  // namespace bowerbird::machine
