// SPDX-License-Identifier: Apache-2.0
//
// The stages of a `transform` camera's pipeline. Attributes and behaviour: docs/cameras.md.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "image/image.h"
#include "image/picture.h"
#include "machine/attributes.h"
#include "machine/camera_lens.h"
#include "machine/catalog.h"
#include "machine/resource.h"

namespace bowerbird::machine {

// A picture on its way through a pipeline: encoded, decoded, or both. For one call.
class TransformFrame {
 public:
  // Starts with the first picture of `source`; with `wants_depth`, with the first that is a depth
  // map, if there is one. `source` has a picture, and outlives this.
  static absl::StatusOr<TransformFrame> Start(const CameraImages& source, bool wants_depth);

  // The pixels, decoded where they are not there yet.
  absl::StatusOr<std::shared_ptr<const image::Image>> Pixels(const Context& context);
  // The same as kRgb8, to be drawn on.
  absl::StatusOr<image::Image> RgbPixels(const Context& context);
  // The source's own bytes as long as no stage changed them; else JPEG, or vnd.viam.dep for depth.
  absl::StatusOr<std::shared_ptr<const image::Picture>> Encoded(const Context& context);

  // A stage's result. Boxes of annotations are dropped where they no longer fit the picture.
  enum class Boxes { kKeep, kDrop };
  void Replace(image::Image pixels, Boxes boxes);

  const CameraImages& source() const { return *source_; }
  const std::vector<Annotation>& annotations() const { return annotations_; }

 private:
  explicit TransformFrame(const CameraImages& source) : source_(&source) {}

  const CameraImages* source_;
  std::shared_ptr<const image::Picture> picture_;  // null: not encoded
  std::shared_ptr<const image::Image> pixels_;     // null: not decoded
  std::vector<Annotation> annotations_;
};

// Stateless between calls, so thread-safe.
class TransformStage {
 public:
  virtual ~TransformStage() = default;
  virtual absl::Status Apply(const Context& context, TransformFrame& frame) const = 0;
  // The same picture always gives the same result.
  virtual bool IsPure() const { return true; }
  // Works on depth maps only.
  virtual bool WantsDepth() const { return false; }
};

// What a stage may need besides its own attributes.
struct StageSurroundings {
  const ResourceFinder* finder = nullptr;  // null while attributes are only checked
  Lens lens;                               // of the camera
};

using TransformPipeline = std::vector<std::unique_ptr<TransformStage>>;
using StageFactory = absl::StatusOr<std::unique_ptr<TransformStage>> (*)(
    const Attributes& attributes, const StageSurroundings& surroundings);

// The attribute `pipeline`: [{"type", "attributes"}]. INVALID_ARGUMENT: not a list, empty, or with
// a stage of unknown type (the known ones are listed) or with wrong attributes.
absl::StatusOr<TransformPipeline> ReadPipeline(const Attributes& attributes,
                                               const StageSurroundings& surroundings);

// transform_geometry.cc
absl::StatusOr<std::unique_ptr<TransformStage>> MakeIdentity(const Attributes&,
                                                             const StageSurroundings&);
absl::StatusOr<std::unique_ptr<TransformStage>> MakeResize(const Attributes&,
                                                           const StageSurroundings&);
absl::StatusOr<std::unique_ptr<TransformStage>> MakeCrop(const Attributes&,
                                                         const StageSurroundings&);
absl::StatusOr<std::unique_ptr<TransformStage>> MakeRotate(const Attributes&,
                                                           const StageSurroundings&);
absl::StatusOr<std::unique_ptr<TransformStage>> MakeUndistort(const Attributes&,
                                                              const StageSurroundings&);
// transform_depth.cc
absl::StatusOr<std::unique_ptr<TransformStage>> MakeOverlay(const Attributes&,
                                                            const StageSurroundings&);
absl::StatusOr<std::unique_ptr<TransformStage>> MakeDepthEdges(const Attributes&,
                                                               const StageSurroundings&);
absl::StatusOr<std::unique_ptr<TransformStage>> MakeDepthPreprocess(const Attributes&,
                                                                    const StageSurroundings&);
absl::StatusOr<std::unique_ptr<TransformStage>> MakeDepthToPretty(const Attributes&,
                                                                  const StageSurroundings&);
// transform_marks.cc
absl::StatusOr<std::unique_ptr<TransformStage>> MakeDetections(const Attributes&,
                                                               const StageSurroundings&);
absl::StatusOr<std::unique_ptr<TransformStage>> MakeClassifications(const Attributes&,
                                                                    const StageSurroundings&);

}  // namespace bowerbird::machine
