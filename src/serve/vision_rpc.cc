// SPDX-License-Identifier: Apache-2.0
#include "serve/vision_rpc.h"

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/utf8.h"
#include "image/point_cloud.h"
#include "service/vision/v1/vision.pb.h"
#include "wire/machine/findings.h"
#include "wire/machine/media.h"
#include "wire/machine/point_cloud.h"
#include "wire/machine/struct.h"

namespace bowerbird::serve {

namespace proto = viam::service::vision::v1;
using machine::Json;
using machine::Vision;

namespace {

// The picture of a request. Its pixels are checked when they are decoded.
absl::StatusOr<std::shared_ptr<const image::Picture>> ReadPicture(const std::string& bytes,
                                                                  const std::string& mime) {
  if (bytes.empty())
    return InvalidArgument("the request has no image: put an encoded picture into `image`");
  return image::Picture::FromBytes(bytes, wire::WithoutLazy(mime));
}

template <typename Response>
void WriteDetections(const machine::Detections& found, Response& response) {
  for (const auto& detection : found.detections)
    wire::WriteDetection(detection, found.size, *response.add_detections());
}

template <typename Response>
void WriteClassifications(const std::vector<vision::Classification>& found, Response& response) {
  for (const auto& classification : found)
    wire::WriteClassification(classification, *response.add_classifications());
}

template <typename Response>
void WriteObjects(const std::vector<machine::PointCloudObject>& found, Response& response) {
  for (const auto& object : found)
    wire::WritePointCloudObject(object.pcd, object.label, object.reference_frame,
                                *response.add_objects());
}

}  // namespace

VisionRpc::VisionRpc(Admission& admission, const machine::ResourceFinder& finder)
    : ResourceRpc("viam.service.vision.v1.VisionService", admission, finder, machine::kVisionApi) {
  AddDetections();
  AddClassifications();
  AddObjectPointClouds();
  AddGetProperties();
  Unary<proto::CaptureAllFromCameraRequest, proto::CaptureAllFromCameraResponse>(
      "CaptureAllFromCamera", [this](Call& call, const auto& request, auto& response) {
        return CaptureAll(call, request, response);
      });
  AddDoCommand();
  AddGetStatus();
}

void VisionRpc::AddDetections() {
  Unary<proto::GetDetectionsRequest, proto::GetDetectionsResponse>(
      "GetDetections",
      [this](Call& call, const proto::GetDetectionsRequest& request,
             proto::GetDetectionsResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto service, Find<Vision>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        ASSIGN_OR_RETURN(const auto picture, ReadPicture(request.image(), request.mime_type()));
        ASSIGN_OR_RETURN(const auto found, service->GetDetections(call.context(), *picture, extra));
        WriteDetections(found, response);
        return absl::OkStatus();
      });
  Unary<proto::GetDetectionsFromCameraRequest, proto::GetDetectionsFromCameraResponse>(
      "GetDetectionsFromCamera",
      [this](Call& call, const proto::GetDetectionsFromCameraRequest& request,
             proto::GetDetectionsFromCameraResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto service, Find<Vision>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        ASSIGN_OR_RETURN(const auto found, service->GetDetectionsFromCamera(
                                               call.context(), request.camera_name(), extra));
        WriteDetections(found, response);
        return absl::OkStatus();
      });
}

void VisionRpc::AddClassifications() {
  Unary<proto::GetClassificationsRequest, proto::GetClassificationsResponse>(
      "GetClassifications",
      [this](Call& call, const proto::GetClassificationsRequest& request,
             proto::GetClassificationsResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto service, Find<Vision>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        ASSIGN_OR_RETURN(const auto picture, ReadPicture(request.image(), request.mime_type()));
        ASSIGN_OR_RETURN(const auto found,
                         service->GetClassifications(call.context(), *picture, request.n(), extra));
        WriteClassifications(found, response);
        return absl::OkStatus();
      });
  Unary<proto::GetClassificationsFromCameraRequest, proto::GetClassificationsFromCameraResponse>(
      "GetClassificationsFromCamera",
      [this](Call& call, const proto::GetClassificationsFromCameraRequest& request,
             proto::GetClassificationsFromCameraResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto service, Find<Vision>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        ASSIGN_OR_RETURN(const auto found,
                         service->GetClassificationsFromCamera(
                             call.context(), request.camera_name(), request.n(), extra));
        WriteClassifications(found, response);
        return absl::OkStatus();
      });
}

void VisionRpc::AddObjectPointClouds() {
  Unary<proto::GetObjectPointCloudsRequest, proto::GetObjectPointCloudsResponse>(
      "GetObjectPointClouds",
      [this](Call& call, const proto::GetObjectPointCloudsRequest& request,
             proto::GetObjectPointCloudsResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto service, Find<Vision>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        ASSIGN_OR_RETURN(const auto found, service->GetObjectPointClouds(
                                               call.context(), request.camera_name(), extra));
        response.set_mime_type(std::string(image::kMimePcd));
        WriteObjects(found, response);
        return absl::OkStatus();
      });
}

void VisionRpc::AddGetProperties() {
  Unary<proto::GetPropertiesRequest, proto::GetPropertiesResponse>(
      "GetProperties",
      [this](Call& call, const proto::GetPropertiesRequest& request,
             proto::GetPropertiesResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto service, Find<Vision>(request.name()));
        ASSIGN_OR_RETURN(const auto properties, service->GetProperties(call.context()));
        response.set_classifications_supported(properties.classifications);
        response.set_detections_supported(properties.detections);
        response.set_object_point_clouds_supported(properties.object_point_clouds);
        if (!properties.default_camera.empty())
          response.set_default_camera(Utf8(properties.default_camera));
        return absl::OkStatus();
      });
}

absl::Status VisionRpc::CaptureAll(Call& call, const proto::CaptureAllFromCameraRequest& request,
                                   proto::CaptureAllFromCameraResponse& response) const {
  ASSIGN_OR_RETURN(const auto service, Find<Vision>(request.name()));
  ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
  const machine::CaptureAllOptions options{
      .image = request.return_image(),
      .classifications = request.return_classifications(),
      .detections = request.return_detections(),
      .object_point_clouds = request.return_object_point_clouds()};
  ASSIGN_OR_RETURN(
      const machine::CaptureAll captured,
      service->CaptureAllFromCamera(call.context(), request.camera_name(), options, extra));
  // The message is there even if no picture was asked for: clients read it unasked.
  auto& image = *response.mutable_image();
  if (request.return_image() && captured.image.has_value()) {
    image.set_source_name(request.camera_name());
    image.set_image(captured.image->picture->bytes());
    image.set_mime_type(Utf8(captured.image->picture->mime()));
  }
  WriteDetections({captured.detections, captured.size}, response);
  WriteClassifications(captured.classifications, response);
  WriteObjects(captured.objects, response);
  const Json& notes = captured.extra;
  return wire::JsonToStruct(notes.is_null() ? Json::object() : notes, *response.mutable_extra());
}

}  // namespace bowerbird::serve
