// SPDX-License-Identifier: Apache-2.0
#include "serve/camera_rpc.h"

#include <cstring>

#include "component/camera/v1/camera.pb.h"
#include "gmock/gmock.h"
#include "image/codec.h"
#include "serve/rpc_test_server.h"

namespace bowerbird::serve {
namespace {

namespace proto = viam::component::camera::v1;
using machine::Json;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kService = "viam.component.camera.v1.CameraService/";

std::shared_ptr<const image::Picture> GrayPicture(std::string_view mime) {
  image::Image pixels(8, 6, image::PixelFormat::kRgb8);
  std::memset(pixels.bytes().data(), 128, pixels.bytes().size());
  auto picture = image::Picture::FromImage(std::move(pixels), mime);
  EXPECT_TRUE(picture.ok()) << picture.status();
  return *picture;
}

class TwoSensors : public machine::Camera {
 public:
  absl::StatusOr<machine::CameraImages> GetImages(const Context& context,
                                                  const std::vector<std::string>& filter,
                                                  const Json& extra) override {
    last_filter = filter;
    last_extra = extra;
    if (context.from_data_management)
      return FailedPrecondition("no capture from filter module: nothing new");
    machine::CameraImages images;
    images.captured_at = std::chrono::system_clock::time_point(std::chrono::seconds(1767323045));
    if (empty) return images;
    images.images.push_back({"color", GrayPicture(image::kMimePng), {}});
    images.images.push_back({"side", GrayPicture(image::kMimeJpeg), {}});
    images.images[1].annotations = {{"cat", 0.5, vision::NormalizedBox{0.1, 0.2, 0.3, 0.4}},
                                    {"night", std::nullopt, {}}};
    return images;
  }
  absl::StatusOr<machine::CameraProperties> GetProperties(const Context&) override {
    return properties;
  }

  bool empty = false;
  machine::CameraProperties properties;
  std::vector<std::string> last_filter;
  Json last_extra;
};

class CameraRpcTest : public RpcTest {
 protected:
  CameraRpcTest() { Serve(std::make_unique<CameraRpc>(gate_, finder_)); }

  template <typename Request>
  static Request Named(const std::string& name) {
    Request request;
    request.set_name(name);
    return request;
  }

  std::shared_ptr<TwoSensors> camera_ = finder_.Add("cam", std::make_shared<TwoSensors>());
};

TEST_F(CameraRpcTest, ImagesCarryTheirOwnBytesSourceTypeAndTime) {
  auto request = Named<proto::GetImagesRequest>("cam");
  request.add_filter_source_names("side");
  request.add_filter_source_names("color");
  proto::GetImagesResponse response;
  const auto status = Call(kService + "GetImages", request, response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_THAT(camera_->last_filter, ElementsAre("side", "color"));
  ASSERT_EQ(response.images_size(), 2);
  EXPECT_EQ(response.images(0).source_name(), "color");
  EXPECT_EQ(response.images(0).mime_type(), "image/png");
  EXPECT_EQ(response.images(0).image(), GrayPicture(image::kMimePng)->bytes());
  EXPECT_FALSE(response.images(0).has_annotations());
  EXPECT_EQ(response.response_metadata().captured_at().seconds(), 1767323045);
}

TEST_F(CameraRpcTest, AnnotationsOfTheCameraTravelWithTheImage) {
  proto::GetImagesResponse response;
  ASSERT_TRUE(Call(kService + "GetImages", Named<proto::GetImagesRequest>("cam"), response).ok());
  const auto& annotations = response.images(1).annotations();
  ASSERT_EQ(annotations.bboxes_size(), 1);
  EXPECT_EQ(annotations.bboxes(0).label(), "cat");
  EXPECT_EQ(annotations.bboxes(0).y_max_normalized(), 0.4);
  ASSERT_EQ(annotations.classifications_size(), 1);
  EXPECT_EQ(annotations.classifications(0).label(), "night");
}

TEST_F(CameraRpcTest, ANameTwiceInTheFilterIsRefused) {
  auto request = Named<proto::GetImagesRequest>("cam");
  request.add_filter_source_names("color");
  request.add_filter_source_names("color");
  proto::GetImagesResponse response;
  const auto status = Call(kService + "GetImages", request, response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("duplicate source name in filter"));
}

TEST_F(CameraRpcTest, NothingToCaptureIsFailedPreconditionWithThePhraseOfTheConvention) {
  auto request = Named<proto::GetImagesRequest>("cam");
  (*request.mutable_extra()->mutable_fields())["fromDataManagement"].set_bool_value(true);
  proto::GetImagesResponse response;
  const auto status = Call(kService + "GetImages", request, response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("no capture from filter module"));
}

TEST_F(CameraRpcTest, PropertiesSayNothingAboutWhatIsNotKnown) {
  camera_->properties.mime_types = {"image/jpeg"};
  proto::GetPropertiesResponse response;
  ASSERT_TRUE(
      Call(kService + "GetProperties", Named<proto::GetPropertiesRequest>("cam"), response).ok());
  EXPECT_FALSE(response.supports_pcd());
  EXPECT_FALSE(response.has_intrinsic_parameters());
  EXPECT_FALSE(response.has_distortion_parameters());
  EXPECT_FALSE(response.has_frame_rate());
  EXPECT_THAT(response.mime_types(), ElementsAre("image/jpeg"));
}

TEST_F(CameraRpcTest, PropertiesCarryTheCalibrationAndRate) {
  camera_->properties = {
      true, image::Intrinsics{{640, 480}, 1, 2, 3, 4}, image::Distortion{5, 6, 7, 8, 9}, {}, 30.0f};
  proto::GetPropertiesResponse response;
  ASSERT_TRUE(
      Call(kService + "GetProperties", Named<proto::GetPropertiesRequest>("cam"), response).ok());
  EXPECT_TRUE(response.supports_pcd());
  EXPECT_EQ(response.intrinsic_parameters().width_px(), 640u);
  EXPECT_EQ(response.intrinsic_parameters().center_y_px(), 4);
  EXPECT_EQ(response.distortion_parameters().model(), "brown_conrady");
  EXPECT_THAT(response.distortion_parameters().parameters(), ElementsAre(5, 6, 7, 8, 9));
  EXPECT_EQ(response.frame_rate(), 30);
}

TEST_F(CameraRpcTest, PointCloudsAreUnimplementedWhereTheCameraHasNone) {
  proto::GetPointCloudResponse response;
  const auto status =
      Call(kService + "GetPointCloud", Named<proto::GetPointCloudRequest>("cam"), response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

class Lidar : public TwoSensors {
 public:
  absl::StatusOr<std::string> GetPointCloud(const Context&, const Json&) override {
    return std::string("VERSION .7");
  }
};

TEST_F(CameraRpcTest, PointCloudsArePassedOnAsPcd) {
  finder_.resources[{machine::kCameraApi, "lidar"}] = std::make_shared<Lidar>();
  auto request = Named<proto::GetPointCloudRequest>("lidar");
  request.set_mime_type("anything");
  proto::GetPointCloudResponse response;
  ASSERT_TRUE(Call(kService + "GetPointCloud", request, response).ok());
  EXPECT_EQ(response.mime_type(), "pointcloud/pcd");
  EXPECT_EQ(response.point_cloud(), "VERSION .7");
}

TEST_F(CameraRpcTest, GetImageOfOlderClientsGivesTheFirstImageInTheTypeAskedFor) {
  auto request = Named<proto::GetImageRequest>("cam");
  for (const auto& [asked, given] : {std::pair("", "image/png"),
                                     {"image/jpeg", "image/jpeg"},
                                     {"image/jpeg+lazy", "image/jpeg"},
                                     {"image/vnd.viam.rgba", "image/vnd.viam.rgba"}}) {
    request.set_mime_type(asked);
    proto::GetImageResponse response;
    const auto status = Call(kService + "GetImage", request, response);
    ASSERT_TRUE(status.ok()) << asked << status.error_message();
    EXPECT_EQ(response.mime_type(), given);
    const auto bytes = std::span(reinterpret_cast<const uint8_t*>(response.image().data()),
                                 response.image().size());
    EXPECT_EQ(image::SniffMime(bytes), given);
  }
}

TEST_F(CameraRpcTest, GetImageRefusesTypesThatCannotBeMade) {
  auto request = Named<proto::GetImageRequest>("cam");
  request.set_mime_type("image/webp");
  proto::GetImageResponse response;
  EXPECT_EQ(Call(kService + "GetImage", request, response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(CameraRpcTest, GetImageOfACameraWithoutImagesIsAnError) {
  camera_->empty = true;
  proto::GetImageResponse response;
  const auto status = Call(kService + "GetImage", Named<proto::GetImageRequest>("cam"), response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "no images returned from camera cam");
}

TEST_F(CameraRpcTest, RenderFrameGivesJpegUnlessAskedOtherwise) {
  google::api::HttpBody response;
  ASSERT_TRUE(
      Call(kService + "RenderFrame", Named<proto::RenderFrameRequest>("cam"), response).ok());
  EXPECT_EQ(response.content_type(), "image/jpeg");
  EXPECT_EQ(response.data().substr(0, 2), "\xFF\xD8");
  auto request = Named<proto::RenderFrameRequest>("cam");
  request.set_mime_type("image/png");
  ASSERT_TRUE(Call(kService + "RenderFrame", request, response).ok());
  EXPECT_EQ(response.content_type(), "image/png");
}

}  // namespace
}  // namespace bowerbird::serve
