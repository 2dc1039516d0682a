// SPDX-License-Identifier: Apache-2.0
//
// Model `transform`: another camera's picture, sent through a pipeline. One picture, source name
// "", taken at the time at which the source took it (the reference machine says "now").
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "machine/transform_stage.h"

namespace bowerbird::machine {

class TransformCamera final : public Camera {
 public:
  // `source_name` is for messages.
  TransformCamera(std::string source_name, std::shared_ptr<Camera> source,
                  TransformPipeline pipeline, const Lens& lens);

  absl::StatusOr<CameraImages> GetImages(const Context& context,
                                         const std::vector<std::string>& filter_source_names,
                                         const Json& extra) override;
  absl::StatusOr<CameraProperties> GetProperties(const Context& context) override;

 private:
  absl::StatusOr<CameraImages> Transform(const Context& context, const CameraImages& source) const;

  const std::string source_name_;
  const std::shared_ptr<Camera> source_;  // shared with the graph
  const TransformPipeline pipeline_;
  const Lens lens_;
  const bool pure_;

  // A pure pipeline works once on each picture of the source, however many read it: the others wait
  // for the first.
  Mutex mutex_;
  CameraImages last_source_ ABSL_GUARDED_BY(mutex_);
  CameraImages last_result_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace bowerbird::machine
