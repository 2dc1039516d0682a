// SPDX-License-Identifier: Apache-2.0
#include "machine/camera_image_file.h"

#include "base/status.h"
#include "machine/camera_scenes.h"
#include "machine/camera_sources.h"
#include "machine/cameras.h"

namespace bowerbird::machine {
namespace {

constexpr std::string_view kPreloaded = "preloaded", kColor = "color", kDepth = "depth";

absl::StatusOr<ImageFileCameraOptions> ReadOptions(const Attributes& attributes) {
  ImageFileCameraOptions options;
  ASSIGN_OR_RETURN(options.color_path, attributes.String("color_image_file_path"));
  ASSIGN_OR_RETURN(options.depth_path, attributes.String("depth_image_file_path"));
  ASSIGN_OR_RETURN(options.point_cloud_path, attributes.String("pointcloud_file_path"));
  std::vector<std::string_view> scenes = SceneNames();
  scenes.push_back("");
  ASSIGN_OR_RETURN(options.preloaded, attributes.Choice("preloaded_image", "", scenes));
  ASSIGN_OR_RETURN(options.lens, ReadLens(attributes));
  if (options.color_path.empty() && options.depth_path.empty() &&
      options.point_cloud_path.empty() && options.preloaded.empty()) {
    return InvalidArgument(attributes.path() +
                           ": give color_image_file_path, depth_image_file_path, "
                           "pointcloud_file_path or preloaded_image");
  }
  return options;
}

}  // namespace

ImageFileCamera::ImageFileCamera(ImageFileCameraOptions options) : options_(std::move(options)) {
  if (!options_.preloaded.empty()) {
    auto scene = image::Picture::FromImage(DrawScene(options_.preloaded), image::kMimeJpeg, 90);
    if (scene.ok()) preloaded_ = *std::move(scene);
  }
  if (!options_.color_path.empty()) color_.emplace(options_.color_path, ColorPicture);
  if (!options_.depth_path.empty()) depth_.emplace(options_.depth_path, DepthPicture);
}

absl::StatusOr<CameraImages> ImageFileCamera::GetImages(
    const Context&, const std::vector<std::string>& filter_source_names, const Json&) {
  std::vector<std::string_view> sources;
  if (preloaded_ != nullptr) sources.push_back(kPreloaded);
  if (color_) sources.push_back(kColor);
  if (depth_) sources.push_back(kDepth);
  if (sources.empty()) {
    return FailedPrecondition("this camera has a point cloud but no pictures: give it " +
                              std::string("color_image_file_path or depth_image_file_path"));
  }
  RETURN_IF_ERROR(CheckSourceFilter(filter_source_names, sources));
  CameraImages images;
  for (const auto source : sources) {
    if (!IsWanted(filter_source_names, source)) continue;
    auto picture = preloaded_;
    if (source == kColor) {
      ASSIGN_OR_RETURN(picture, color_->Read());
    } else if (source == kDepth) {
      ASSIGN_OR_RETURN(picture, depth_->Read());
    }
    images.images.push_back({std::string(source), std::move(picture), {}});
  }
  images.captured_at = std::chrono::system_clock::now();
  return images;
}

absl::StatusOr<CameraProperties> ImageFileCamera::GetProperties(const Context&) {
  CameraProperties properties;
  properties.supports_pcd = SupportsPointClouds();
  properties.intrinsics = options_.lens.intrinsics;
  properties.distortion = options_.lens.distortion;
  if (preloaded_ != nullptr || color_) properties.mime_types.emplace_back(image::kMimeJpeg);
  if (color_) properties.mime_types.emplace_back(image::kMimePng);
  if (depth_) properties.mime_types.emplace_back(image::kMimeRawDepth);
  return properties;
}

bool ImageFileCamera::SupportsPointClouds() const {
  return !options_.point_cloud_path.empty() || (depth_ && options_.lens.intrinsics);
}

absl::StatusOr<std::string> ImageFileCamera::GetPointCloud(const Context& context, const Json&) {
  if (!SupportsPointClouds()) {
    return Unimplemented(
        "this camera gives no point clouds: give it pointcloud_file_path, or depth_image_file_path "
        "and intrinsic_parameters");
  }
  if (options_.point_cloud_path.empty()) return ProjectDepth(context);
  ASSIGN_OR_RETURN(std::string cloud, ReadCameraFile(options_.point_cloud_path));
  RETURN_IF_ERROR(Annotate(image::CheckPcd(cloud), options_.point_cloud_path));
  return cloud;
}

absl::StatusOr<std::string> ImageFileCamera::ProjectDepth(const Context& context) {
  ASSIGN_OR_RETURN(const auto depth_picture, depth_->Read());
  ASSIGN_OR_RETURN(const auto depth, depth_picture->Decoded({0, 0}, context.phases));
  image::Image color;
  if (color_) {
    ASSIGN_OR_RETURN(const auto color_picture, color_->Read());
    ASSIGN_OR_RETURN(const auto decoded, color_picture->Decoded({0, 0}, context.phases));
    color = image::ToRgb(*decoded);
  }
  ASSIGN_OR_RETURN(const auto cloud, image::Project(*depth, color.empty() ? nullptr : &color,
                                                    options_.lens.intrinsics));
  return image::EncodePcd(cloud);
}

void AddImageFileCamera(Catalog& catalog) {
  catalog.Add({kCameraApi,
               {"rdk", "builtin", "image_file"},
               [](const ResourceConfig&,
                  const Attributes& attributes) -> absl::StatusOr<std::vector<std::string>> {
                 RETURN_IF_ERROR(ReadOptions(attributes).status());
                 return std::vector<std::string>{};
               },
               [](const BuildRequest& request) -> absl::StatusOr<std::shared_ptr<Resource>> {
                 ASSIGN_OR_RETURN(auto options, ReadOptions(request.attributes));
                 return std::make_shared<ImageFileCamera>(std::move(options));
               }});
}

}  // namespace bowerbird::machine
