// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"
#include "component/camera/v1/camera.pb.h"
#include "machine/module/proto_fields.h"
#include "machine/module/resource_client.h"
#include "wire/machine/media.h"
#include "wire/machine/time.h"

namespace bowerbird::machine {
namespace {

namespace proto = viam::component::camera::v1;

std::optional<image::Distortion> ReadDistortion(const proto::DistortionParameters& message) {
  if (message.parameters_size() < 5) return std::nullopt;
  const auto& p = message.parameters();
  return image::Distortion{p[0], p[1], p[2], p[3], p[4]};
}

class CameraClient : public ResourceClient, public Camera {
 public:
  using ResourceClient::ResourceClient;

  absl::StatusOr<CameraImages> GetImages(const Context& context,
                                         const std::vector<std::string>& filter_source_names,
                                         const Json& extra) override {
    proto::GetImagesRequest request;
    for (const std::string& name : filter_source_names) request.add_filter_source_names(name);
    RETURN_IF_ERROR(WriteExtra(context, extra, *request.mutable_extra()));
    proto::GetImagesResponse response;
    RETURN_IF_ERROR(Call(context, "GetImages", request, response));
    CameraImages images;
    for (proto::Image& image : *response.mutable_images())
      images.images.push_back(TakeImage(image));
    const auto time = wire::FromTimestamp(response.response_metadata().captured_at());
    images.captured_at = response.response_metadata().has_captured_at() && time.ok()
                             ? *time
                             : std::chrono::system_clock::now();
    return images;
  }

  absl::StatusOr<CameraProperties> GetProperties(const Context& context) override {
    proto::GetPropertiesRequest request;
    proto::GetPropertiesResponse response;
    RETURN_IF_ERROR(Call(context, "GetProperties", request, response));
    CameraProperties properties;
    properties.supports_pcd = response.supports_pcd();
    if (response.has_intrinsic_parameters())
      properties.intrinsics = wire::ReadIntrinsics(response.intrinsic_parameters());
    if (response.has_distortion_parameters())
      properties.distortion = ReadDistortion(response.distortion_parameters());
    properties.mime_types.assign(response.mime_types().begin(), response.mime_types().end());
    if (response.has_frame_rate()) properties.frame_rate = response.frame_rate();
    return properties;
  }

  absl::StatusOr<std::string> GetPointCloud(const Context& context, const Json& extra) override {
    proto::GetPointCloudRequest request;
    request.set_mime_type("pointcloud/pcd");
    RETURN_IF_ERROR(WriteExtra(context, extra, *request.mutable_extra()));
    proto::GetPointCloudResponse response;
    RETURN_IF_ERROR(Call(context, "GetPointCloud", request, response));
    return std::move(*response.mutable_point_cloud());
  }
};

}  // namespace

std::shared_ptr<Resource> MakeCameraClient(ResourceAddress address) {
  return std::make_shared<CameraClient>(std::move(address));
}

}  // namespace bowerbird::machine
