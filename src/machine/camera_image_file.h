// SPDX-License-Identifier: Apache-2.0
//
// Model `image_file`: pictures, depth maps and point clouds out of files, read again when they
// change. A JPEG or PNG file is sent as it is, where the reference machine decodes it and encodes
// it again: clients get the file's own quality and its EXIF data, and nothing is decoded in vain.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "machine/camera_file.h"
#include "machine/camera_lens.h"
#include "machine/resource.h"

namespace bowerbird::machine {

struct ImageFileCameraOptions {
  std::string color_path, depth_path, point_cloud_path;  // "" = none
  std::string preloaded;  // a scene's name, see camera_scenes.h; "" = none
  Lens lens;
};

class ImageFileCamera final : public Camera {
 public:
  explicit ImageFileCamera(ImageFileCameraOptions options);

  // In the order preloaded, color, depth.
  absl::StatusOr<CameraImages> GetImages(const Context& context,
                                         const std::vector<std::string>& filter_source_names,
                                         const Json& extra) override;
  absl::StatusOr<CameraProperties> GetProperties(const Context& context) override;
  // The point cloud file as it is, or the depth map seen through the lens, in the colours of the
  // color file.
  absl::StatusOr<std::string> GetPointCloud(const Context& context, const Json& extra) override;

 private:
  bool SupportsPointClouds() const;
  absl::StatusOr<std::string> ProjectDepth(const Context& context);

  const ImageFileCameraOptions options_;
  std::shared_ptr<const image::Picture> preloaded_;  // null = none
  std::optional<CameraFile> color_, depth_;
};

}  // namespace bowerbird::machine
