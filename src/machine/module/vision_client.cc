// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "base/status.h"
#include "machine/module/proto_fields.h"
#include "machine/module/resource_client.h"
#include "service/vision/v1/vision.pb.h"
#include "wire/machine/findings.h"
#include "wire/machine/struct.h"

namespace bowerbird::machine {
namespace {

namespace proto = viam::service::vision::v1;

template <typename Messages>
std::vector<vision::Detection> ReadDetections(const Messages& messages) {
  std::vector<vision::Detection> detections;
  for (const proto::Detection& message : messages) {
    if (auto detection = wire::ReadDetection(message)) detections.push_back(*std::move(detection));
  }
  return detections;
}

template <typename Messages>
std::vector<vision::Classification> ReadClassifications(const Messages& messages) {
  std::vector<vision::Classification> found;
  for (const proto::Classification& message : messages)
    found.push_back(wire::ReadClassification(message));
  return found;
}

template <typename Messages>
std::vector<PointCloudObject> TakeObjects(Messages& messages) {
  std::vector<PointCloudObject> objects;
  for (auto& message : messages) {
    PointCloudObject& object = objects.emplace_back();
    object.pcd = std::move(*message.mutable_point_cloud());
    object.reference_frame = message.geometries().reference_frame();
    if (message.geometries().geometries_size() > 0)
      object.label = message.geometries().geometries(0).label();
  }
  return objects;
}

// The extent of which `pixels` is the share `normalized`; 0 where that tells nothing.
int ExtentOf(int64_t pixels, double normalized) {
  if (pixels <= 0 || !(normalized > 0) || normalized > 1) return 0;
  const double extent = std::round(static_cast<double>(pixels) / normalized);
  return extent < 1e6 ? static_cast<int>(extent) : 0;
}

// The wire does not say how large the picture was; corners in pixels and as shares do.
template <typename Messages>
image::Size SizeOf(const Messages& messages) {
  image::Size size;
  for (const proto::Detection& message : messages) {
    if (size.width == 0) size.width = ExtentOf(message.x_max(), message.x_max_normalized());
    if (size.height == 0) size.height = ExtentOf(message.y_max(), message.y_max_normalized());
  }
  return size.width > 0 && size.height > 0 ? size : image::Size();
}

class VisionClient : public ResourceClient, public Vision {
 public:
  using ResourceClient::ResourceClient;

  absl::StatusOr<Detections> GetDetections(const Context& context, const image::Picture& picture,
                                           const Json& extra) override {
    proto::GetDetectionsRequest request;
    RETURN_IF_ERROR(WritePicture(picture, request));
    RETURN_IF_ERROR(WriteExtra(context, extra, *request.mutable_extra()));
    proto::GetDetectionsResponse response;
    RETURN_IF_ERROR(Call(context, "GetDetections", request, response));
    ASSIGN_OR_RETURN(const image::Header header, picture.header());
    return Detections{ReadDetections(response.detections()), header.size};
  }

  absl::StatusOr<Detections> GetDetectionsFromCamera(const Context& context,
                                                     const std::string& camera_name,
                                                     const Json& extra) override {
    proto::GetDetectionsFromCameraRequest request;
    request.set_camera_name(camera_name);
    RETURN_IF_ERROR(WriteExtra(context, extra, *request.mutable_extra()));
    proto::GetDetectionsFromCameraResponse response;
    RETURN_IF_ERROR(Call(context, "GetDetectionsFromCamera", request, response));
    return Detections{ReadDetections(response.detections()), SizeOf(response.detections())};
  }

  absl::StatusOr<std::vector<vision::Classification>> GetClassifications(
      const Context& context, const image::Picture& picture, int n, const Json& extra) override {
    proto::GetClassificationsRequest request;
    RETURN_IF_ERROR(WritePicture(picture, request));
    request.set_n(n);
    RETURN_IF_ERROR(WriteExtra(context, extra, *request.mutable_extra()));
    proto::GetClassificationsResponse response;
    RETURN_IF_ERROR(Call(context, "GetClassifications", request, response));
    return ReadClassifications(response.classifications());
  }

  absl::StatusOr<std::vector<vision::Classification>> GetClassificationsFromCamera(
      const Context& context, const std::string& camera_name, int n, const Json& extra) override {
    proto::GetClassificationsFromCameraRequest request;
    request.set_camera_name(camera_name);
    request.set_n(n);
    RETURN_IF_ERROR(WriteExtra(context, extra, *request.mutable_extra()));
    proto::GetClassificationsFromCameraResponse response;
    RETURN_IF_ERROR(Call(context, "GetClassificationsFromCamera", request, response));
    return ReadClassifications(response.classifications());
  }

  absl::StatusOr<std::vector<PointCloudObject>> GetObjectPointClouds(const Context& context,
                                                                     const std::string& camera_name,
                                                                     const Json& extra) override {
    proto::GetObjectPointCloudsRequest request;
    request.set_camera_name(camera_name);
    request.set_mime_type("pointcloud/pcd");
    RETURN_IF_ERROR(WriteExtra(context, extra, *request.mutable_extra()));
    proto::GetObjectPointCloudsResponse response;
    RETURN_IF_ERROR(Call(context, "GetObjectPointClouds", request, response));
    return TakeObjects(*response.mutable_objects());
  }

  absl::StatusOr<VisionProperties> GetProperties(const Context& context) override {
    proto::GetPropertiesRequest request;
    proto::GetPropertiesResponse response;
    RETURN_IF_ERROR(Call(context, "GetProperties", request, response));
    return VisionProperties{.classifications = response.classifications_supported(),
                            .detections = response.detections_supported(),
                            .object_point_clouds = response.object_point_clouds_supported(),
                            .default_camera = response.default_camera()};
  }

  absl::StatusOr<CaptureAll> CaptureAllFromCamera(const Context& context,
                                                  const std::string& camera_name,
                                                  const CaptureAllOptions& options,
                                                  const Json& extra) override {
    proto::CaptureAllFromCameraRequest request;
    request.set_camera_name(camera_name);
    request.set_return_image(options.image);
    request.set_return_classifications(options.classifications);
    request.set_return_detections(options.detections);
    request.set_return_object_point_clouds(options.object_point_clouds);
    RETURN_IF_ERROR(WriteExtra(context, extra, *request.mutable_extra()));
    proto::CaptureAllFromCameraResponse response;
    RETURN_IF_ERROR(Call(context, "CaptureAllFromCamera", request, response));
    CaptureAll all;
    all.detections = ReadDetections(response.detections());
    all.classifications = ReadClassifications(response.classifications());
    all.objects = TakeObjects(*response.mutable_objects());
    all.size = SizeOf(response.detections());
    if (!response.image().image().empty()) {
      all.image = TakeImage(*response.mutable_image());
      const auto header = all.image->picture->header();
      if (header.ok()) all.size = header->size;
    }
    ASSIGN_OR_RETURN(all.extra, wire::JsonFromStruct(response.extra()));
    return all;
  }

 private:
  template <typename Request>
  static absl::Status WritePicture(const image::Picture& picture, Request& request) {
    ASSIGN_OR_RETURN(const image::Header header, picture.header());
    request.set_image(picture.bytes());
    request.set_mime_type(picture.mime());
    request.set_width(header.size.width);
    request.set_height(header.size.height);
    return absl::OkStatus();
  }
};

}  // namespace

std::shared_ptr<Resource> MakeVisionClient(ResourceAddress address) {
  return std::make_shared<VisionClient>(std::move(address));
}

}  // namespace bowerbird::machine
