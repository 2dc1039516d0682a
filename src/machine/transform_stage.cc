// SPDX-License-Identifier: Apache-2.0
#include "machine/transform_stage.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/status.h"

namespace bowerbird::machine {
namespace {

constexpr std::array<std::pair<std::string_view, StageFactory>, 11> kStages = {{
    {"identity", MakeIdentity},
    {"resize", MakeResize},
    {"crop", MakeCrop},
    {"rotate", MakeRotate},
    {"detections", MakeDetections},
    {"classifications", MakeClassifications},
    {"overlay", MakeOverlay},
    {"undistort", MakeUndistort},
    {"depth_edges", MakeDepthEdges},
    {"depth_preprocess", MakeDepthPreprocess},
    {"depth_to_pretty", MakeDepthToPretty},
}};

absl::StatusOr<std::unique_ptr<TransformStage>> ReadStage(const Attributes& entry,
                                                          const StageSurroundings& surroundings) {
  if (!entry.json().is_object()) return InvalidArgument(entry.path() + ": is not an object");
  std::vector<std::string_view> types = {""};  // passes pictures through, as "identity" does
  for (const auto& [name, factory] : kStages) types.push_back(name);
  if (!entry.Has("type")) return entry.Error("type", "is missing");
  ASSIGN_OR_RETURN(const std::string type, entry.Choice("type", "", types));
  ASSIGN_OR_RETURN(const Attributes attributes, entry.Object("attributes"));
  const auto found = std::find_if(kStages.begin(), kStages.end(),
                                  [&](const auto& stage) { return stage.first == type; });
  return (found == kStages.end() ? MakeIdentity : found->second)(attributes, surroundings);
}

bool IsDepth(const image::Picture& picture) {
  const auto header = picture.header();
  return header.ok() && header->format == image::PixelFormat::kDepth16;
}

}  // namespace

absl::StatusOr<TransformPipeline> ReadPipeline(const Attributes& attributes,
                                               const StageSurroundings& surroundings) {
  if (!attributes.Has("pipeline")) return attributes.Error("pipeline", "is missing: give a list");
  const Json& entries = attributes.json()["pipeline"];
  if (!entries.is_array() || entries.empty())
    return attributes.Error("pipeline", "is not a list of at least one {type, attributes}");
  TransformPipeline pipeline;
  for (size_t i = 0; i < entries.size(); ++i) {
    const Attributes entry(entries[i], attributes.PathOf("pipeline[" + std::to_string(i) + "]"));
    ASSIGN_OR_RETURN(auto stage, ReadStage(entry, surroundings));
    pipeline.push_back(std::move(stage));
  }
  return pipeline;
}

absl::StatusOr<TransformFrame> TransformFrame::Start(const CameraImages& source, bool wants_depth) {
  const NamedImage* first = &source.images[0];
  if (wants_depth) {
    const auto depth = std::find_if(source.images.begin(), source.images.end(),
                                    [](const auto& image) { return IsDepth(*image.picture); });
    if (depth == source.images.end()) {
      return InvalidArgument(
          "the pipeline begins with a stage for depth maps, but the source gives none");
    }
    first = &*depth;
  }
  TransformFrame frame(source);
  frame.picture_ = first->picture;
  frame.annotations_ = first->annotations;
  return frame;
}

absl::StatusOr<std::shared_ptr<const image::Image>> TransformFrame::Pixels(const Context& context) {
  if (pixels_ == nullptr) {
    ASSIGN_OR_RETURN(pixels_, picture_->Decoded({0, 0}, context.phases));
  }
  return pixels_;
}

absl::StatusOr<image::Image> TransformFrame::RgbPixels(const Context& context) {
  ASSIGN_OR_RETURN(const auto pixels, Pixels(context));
  return image::ToRgb(*pixels);
}

absl::StatusOr<std::shared_ptr<const image::Picture>> TransformFrame::Encoded(
    const Context& context) {
  if (picture_ == nullptr) {
    const auto mime =
        pixels_->format() == image::PixelFormat::kDepth16 ? image::kMimeRawDepth : image::kMimeJpeg;
    ASSIGN_OR_RETURN(picture_,
                     image::Picture::FromImage(pixels_->Clone(), mime, 75, context.phases));
  }
  return picture_;
}

void TransformFrame::Replace(image::Image pixels, Boxes boxes) {
  pixels_ = std::make_shared<const image::Image>(std::move(pixels));
  picture_ = nullptr;
  if (boxes == Boxes::kDrop)
    std::erase_if(annotations_, [](const auto& annotation) { return annotation.box.has_value(); });
}

}  // namespace bowerbird::machine
