// SPDX-License-Identifier: Apache-2.0
#include "serve/camera_rpc.h"

#include <set>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/utf8.h"
#include "component/camera/v1/camera.pb.h"
#include "image/codec.h"
#include "wire/machine/findings.h"
#include "wire/machine/media.h"
#include "wire/machine/time.h"

namespace bowerbird::serve {

namespace proto = viam::component::camera::v1;
using machine::Json;

namespace {

absl::StatusOr<std::vector<std::string>> ReadFilter(const proto::GetImagesRequest& request) {
  std::set<std::string> seen;
  for (const std::string& name : request.filter_source_names())
    if (!seen.insert(name).second)
      return InvalidArgument("duplicate source name in filter: \"" + name + "\"");
  return std::vector<std::string>(request.filter_source_names().begin(),
                                  request.filter_source_names().end());
}

void WriteImage(const machine::NamedImage& image, proto::Image& out) {
  out.set_source_name(Utf8(image.source_name));
  out.set_image(image.picture->bytes());
  out.set_mime_type(Utf8(image.picture->mime()));
  for (const machine::Annotation& annotation : image.annotations)
    wire::AddAnnotation(annotation.label, annotation.confidence, annotation.box,
                        *out.mutable_annotations());
}

}  // namespace

CameraRpc::CameraRpc(Admission& admission, const machine::ResourceFinder& finder)
    : ResourceRpc("viam.component.camera.v1.CameraService", admission, finder,
                  machine::kCameraApi) {
  Unary<proto::GetImagesRequest, proto::GetImagesResponse>(
      "GetImages", [this](Call& call, const auto& request, auto& response) {
        return GetImages(call, request, response);
      });
  Unary<proto::GetPointCloudRequest, proto::GetPointCloudResponse>(
      "GetPointCloud",
      [this](Call& call, const proto::GetPointCloudRequest& request,
             proto::GetPointCloudResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const auto camera, Find<machine::Camera>(request.name()));
        ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
        ASSIGN_OR_RETURN(*response.mutable_point_cloud(),
                         camera->GetPointCloud(call.context(), extra));
        response.set_mime_type(std::string(image::kMimePcd));
        return absl::OkStatus();
      });
  Unary<proto::GetPropertiesRequest, proto::GetPropertiesResponse>(
      "GetProperties", [this](Call& call, const auto& request, auto& response) {
        return GetProperties(call, request, response);
      });
  AddDoCommand();
  AddGetStatus();
  AddGetGeometries();
  AddOlderCalls();
}

absl::Status CameraRpc::GetImages(Call& call, const proto::GetImagesRequest& request,
                                  proto::GetImagesResponse& response) const {
  ASSIGN_OR_RETURN(const auto camera, Find<machine::Camera>(request.name()));
  ASSIGN_OR_RETURN(const auto filter, ReadFilter(request));
  ASSIGN_OR_RETURN(const Json extra, ReadExtra(request.extra(), call.context()));
  ASSIGN_OR_RETURN(const machine::CameraImages images,
                   camera->GetImages(call.context(), filter, extra));
  for (const machine::NamedImage& image : images.images) WriteImage(image, *response.add_images());
  *response.mutable_response_metadata()->mutable_captured_at() =
      wire::ToTimestamp(images.captured_at);
  return absl::OkStatus();
}

absl::Status CameraRpc::GetProperties(Call& call, const proto::GetPropertiesRequest& request,
                                      proto::GetPropertiesResponse& response) const {
  ASSIGN_OR_RETURN(const auto camera, Find<machine::Camera>(request.name()));
  ASSIGN_OR_RETURN(const machine::CameraProperties properties,
                   camera->GetProperties(call.context()));
  response.set_supports_pcd(properties.supports_pcd);
  // Absent means "not calibrated"; zeros would be taken for a calibration.
  if (properties.intrinsics.has_value())
    wire::WriteIntrinsics(*properties.intrinsics, *response.mutable_intrinsic_parameters());
  if (properties.distortion.has_value())
    wire::WriteDistortion(*properties.distortion, *response.mutable_distortion_parameters());
  for (const std::string& mime : properties.mime_types) response.add_mime_types(Utf8(mime));
  if (properties.frame_rate.has_value() && *properties.frame_rate > 0)
    response.set_frame_rate(*properties.frame_rate);
  return absl::OkStatus();
}

void CameraRpc::AddOlderCalls() {
  Unary<proto::GetImageRequest, proto::GetImageResponse>(
      "GetImage",
      [this](Call& call, const proto::GetImageRequest& request,
             proto::GetImageResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(Encoded image, FirstImage(call.context(), request.name(), request.extra(),
                                                   request.mime_type()));
        response.set_mime_type(std::move(image.mime));
        response.set_image(std::move(image.bytes));
        return absl::OkStatus();
      });
  Unary<proto::RenderFrameRequest, google::api::HttpBody>(
      "RenderFrame",
      [this](Call& call, const proto::RenderFrameRequest& request,
             google::api::HttpBody& response) -> absl::Status {
        // What a browser can show in any case.
        const std::string_view mime =
            request.mime_type().empty() ? image::kMimeJpeg : std::string_view(request.mime_type());
        ASSIGN_OR_RETURN(Encoded image,
                         FirstImage(call.context(), request.name(), request.extra(), mime));
        response.set_content_type(std::move(image.mime));
        response.set_data(std::move(image.bytes));
        return absl::OkStatus();
      });
}

absl::StatusOr<CameraRpc::Encoded> CameraRpc::FirstImage(Context& context, const std::string& name,
                                                         const google::protobuf::Struct& extra,
                                                         std::string_view mime) const {
  ASSIGN_OR_RETURN(const auto camera, Find<machine::Camera>(name));
  ASSIGN_OR_RETURN(const Json json, ReadExtra(extra, context));
  ASSIGN_OR_RETURN(const machine::CameraImages images, camera->GetImages(context, {}, json));
  if (images.images.empty()) return NotFound("no images returned from camera " + name);
  const image::Picture& picture = *images.images.front().picture;
  const std::string_view wanted = wire::WithoutLazy(mime);
  Encoded encoded;
  encoded.mime = Utf8(wanted.empty() ? std::string_view(picture.mime()) : wanted);
  ASSIGN_OR_RETURN(encoded.bytes, picture.EncodedAs(wanted, context.phases));
  return encoded;
}

}  // namespace bowerbird::serve
