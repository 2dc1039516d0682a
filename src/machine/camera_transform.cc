// SPDX-License-Identifier: Apache-2.0
#include "machine/camera_transform.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "machine/camera_sources.h"
#include "machine/cameras.h"

namespace bowerbird::machine {
namespace {

bool SamePictures(const CameraImages& a, const CameraImages& b) {
  return std::equal(a.images.begin(), a.images.end(), b.images.begin(), b.images.end(),
                    [](const NamedImage& left, const NamedImage& right) {
                      return left.picture == right.picture;
                    });
}

}  // namespace

TransformCamera::TransformCamera(std::string source_name, std::shared_ptr<Camera> source,
                                 TransformPipeline pipeline, const Lens& lens)
    : source_name_(std::move(source_name)),
      source_(std::move(source)),
      pipeline_(std::move(pipeline)),
      lens_(lens),
      pure_(std::all_of(pipeline_.begin(), pipeline_.end(),
                        [](const auto& stage) { return stage->IsPure(); })) {}

absl::StatusOr<CameraImages> TransformCamera::GetImages(
    const Context& context, const std::vector<std::string>& filter_source_names,
    const Json& extra) {
  RETURN_IF_ERROR(CheckSourceFilter(filter_source_names, {""}));
  auto source = source_->GetImages(context, {}, extra);
  if (!source.ok()) return Annotate(source.status(), "could not get image from " + source_name_);
  if (source->images.empty()) return Unknown("no images returned from camera " + source_name_);
  if (!pure_) return Transform(context, *source);

  const auto captured_at = source->captured_at;
  MutexLock lock(mutex_);
  if (last_result_.images.empty() || !SamePictures(*source, last_source_)) {
    ASSIGN_OR_RETURN(last_result_, Transform(context, *source));
    last_source_ = *std::move(source);
  }
  CameraImages result = last_result_;
  result.captured_at = captured_at;
  return result;
}

absl::StatusOr<CameraImages> TransformCamera::Transform(const Context& context,
                                                        const CameraImages& source) const {
  ASSIGN_OR_RETURN(auto frame, TransformFrame::Start(source, pipeline_[0]->WantsDepth()));
  for (const auto& stage : pipeline_) {
    RETURN_IF_ERROR(context.Check());
    RETURN_IF_ERROR(stage->Apply(context, frame));
  }
  ASSIGN_OR_RETURN(auto picture, frame.Encoded(context));
  CameraImages result;
  result.images.push_back({"", std::move(picture), frame.annotations()});
  result.captured_at = source.captured_at;
  return result;
}

absl::StatusOr<CameraProperties> TransformCamera::GetProperties(const Context& context) {
  CameraProperties properties;
  properties.intrinsics = lens_.intrinsics;
  properties.distortion = lens_.distortion;
  properties.mime_types = {std::string(image::kMimeJpeg)};
  if (const auto source = source_->GetProperties(context); source.ok())
    properties.frame_rate = source->frame_rate;
  return properties;
}

void AddTransformCamera(Catalog& catalog) {
  catalog.Add({kCameraApi,
               {"rdk", "builtin", "transform"},
               [](const ResourceConfig&,
                  const Attributes& attributes) -> absl::StatusOr<std::vector<std::string>> {
                 ASSIGN_OR_RETURN(const auto source, attributes.RequiredString("source"));
                 StageSurroundings surroundings;
                 ASSIGN_OR_RETURN(surroundings.lens, ReadLens(attributes));
                 RETURN_IF_ERROR(ReadPipeline(attributes, surroundings).status());
                 return std::vector{FullName(kCameraApi, source)};
               },
               [](const BuildRequest& request) -> absl::StatusOr<std::shared_ptr<Resource>> {
                 ASSIGN_OR_RETURN(const auto name, request.attributes.RequiredString("source"));
                 ASSIGN_OR_RETURN(auto source, request.Dependency<Camera>(name));
                 StageSurroundings surroundings;
                 surroundings.finder = request.environment.finder;
                 ASSIGN_OR_RETURN(surroundings.lens, ReadLens(request.attributes));
                 ASSIGN_OR_RETURN(auto pipeline, ReadPipeline(request.attributes, surroundings));
                 return std::make_shared<TransformCamera>(name, std::move(source),
                                                          std::move(pipeline), surroundings.lens);
               }});
}

}  // namespace bowerbird::machine
