// SPDX-License-Identifier: Apache-2.0
//
// Stages for depth maps: overlay, depth_edges, depth_preprocess, depth_to_pretty.
#include <utility>

#include "base/status.h"
#include "image/transform.h"
#include "machine/transform_stage.h"

namespace bowerbird::machine {
namespace {

using Boxes = TransformFrame::Boxes;

bool IsDepth(const image::Image& pixels) { return pixels.format() == image::PixelFormat::kDepth16; }

absl::StatusOr<std::shared_ptr<const image::Image>> DepthOf(const Context& context,
                                                            TransformFrame& frame,
                                                            std::string_view stage) {
  ASSIGN_OR_RETURN(auto pixels, frame.Pixels(context));
  if (IsDepth(*pixels)) return pixels;
  return InvalidArgument(std::string(stage) +
                         ": the picture is no depth map (image/vnd.viam.dep or 16-bit gray PNG)");
}

// The source's first picture that is a depth map, or the first that is none.
absl::StatusOr<std::shared_ptr<const image::Image>> FromSource(const Context& context,
                                                               const CameraImages& source,
                                                               bool depth) {
  for (const auto& image : source.images) {
    ASSIGN_OR_RETURN(auto pixels, image.picture->Decoded({0, 0}, context.phases));
    if (IsDepth(*pixels) == depth) return pixels;
  }
  return InvalidArgument(std::string("overlay: the source gives no ") +
                         (depth ? "depth map" : "color picture") + " besides: it needs both");
}

class Overlay final : public TransformStage {
 public:
  absl::Status Apply(const Context& context, TransformFrame& frame) const override {
    ASSIGN_OR_RETURN(auto color, frame.Pixels(context));
    std::shared_ptr<const image::Image> depth;
    if (IsDepth(*color)) {
      depth = std::move(color);
      ASSIGN_OR_RETURN(color, FromSource(context, frame.source(), false));
    } else {
      ASSIGN_OR_RETURN(depth, FromSource(context, frame.source(), true));
    }
    ASSIGN_OR_RETURN(auto overlay, image::OverlayDepth(image::ToRgb(*color), *depth));
    frame.Replace(std::move(overlay), Boxes::kKeep);
    return absl::OkStatus();
  }
};

class DepthEdges final : public TransformStage {
 public:
  explicit DepthEdges(const image::EdgeOptions& options) : options_(options) {}
  bool WantsDepth() const override { return true; }

  absl::Status Apply(const Context& context, TransformFrame& frame) const override {
    ASSIGN_OR_RETURN(const auto depth, DepthOf(context, frame, "depth_edges"));
    ASSIGN_OR_RETURN(auto edges, image::CannyEdges(*depth, options_));
    frame.Replace(std::move(edges), Boxes::kKeep);
    return absl::OkStatus();
  }

 private:
  const image::EdgeOptions options_;
};

class DepthPreprocess final : public TransformStage {
 public:
  bool WantsDepth() const override { return true; }

  absl::Status Apply(const Context& context, TransformFrame& frame) const override {
    ASSIGN_OR_RETURN(const auto depth, DepthOf(context, frame, "depth_preprocess"));
    ASSIGN_OR_RETURN(auto filled, image::PreprocessDepth(*depth));
    frame.Replace(std::move(filled), Boxes::kKeep);
    return absl::OkStatus();
  }
};

class DepthToPretty final : public TransformStage {
 public:
  bool WantsDepth() const override { return true; }

  absl::Status Apply(const Context& context, TransformFrame& frame) const override {
    ASSIGN_OR_RETURN(const auto depth, DepthOf(context, frame, "depth_to_pretty"));
    ASSIGN_OR_RETURN(auto pretty, image::DepthToPretty(*depth));
    frame.Replace(std::move(pretty), Boxes::kKeep);
    return absl::OkStatus();
  }
};

}  // namespace

absl::StatusOr<std::unique_ptr<TransformStage>> MakeOverlay(const Attributes& attributes,
                                                            const StageSurroundings&) {
  // Checked for their own sake: depth and colour come aligned from the source.
  RETURN_IF_ERROR(ReadLens(attributes).status());
  return std::make_unique<Overlay>();
}

absl::StatusOr<std::unique_ptr<TransformStage>> MakeDepthEdges(const Attributes& attributes,
                                                               const StageSurroundings&) {
  image::EdgeOptions options;
  ASSIGN_OR_RETURN(options.high_threshold_pct,
                   attributes.Double("high_threshold_pct", options.high_threshold_pct, 0, 1));
  ASSIGN_OR_RETURN(options.low_threshold_pct,
                   attributes.Double("low_threshold_pct", options.low_threshold_pct, 0, 1));
  if (options.low_threshold_pct > options.high_threshold_pct)
    return attributes.Error("low_threshold_pct", "is above high_threshold_pct");
  ASSIGN_OR_RETURN(options.blur_radius_px,
                   attributes.Double("blur_radius_px", options.blur_radius_px, 0, 100));
  return std::make_unique<DepthEdges>(options);
}

absl::StatusOr<std::unique_ptr<TransformStage>> MakeDepthPreprocess(const Attributes&,
                                                                    const StageSurroundings&) {
  return std::make_unique<DepthPreprocess>();
}

absl::StatusOr<std::unique_ptr<TransformStage>> MakeDepthToPretty(const Attributes&,
                                                                  const StageSurroundings&) {
  return std::make_unique<DepthToPretty>();
}

}  // namespace bowerbird::machine
