// SPDX-License-Identifier: Apache-2.0
#include "serve/vision_rpc.h"

#include <cstring>

#include "gmock/gmock.h"
#include "serve/rpc_test_server.h"
#include "service/vision/v1/vision.pb.h"

namespace bowerbird::serve {
namespace {

namespace proto = viam::service::vision::v1;
using machine::Json;
using testing::HasSubstr;

const std::string kService = "viam.service.vision.v1.VisionService/";

// Finds one cat in the left half of any picture, and notes what it was asked.
class CatFinder : public machine::Vision {
 public:
  absl::StatusOr<machine::Detections> GetDetections(const Context& context,
                                                    const image::Picture& picture,
                                                    const Json& extra) override {
    last_extra = extra;
    ASSIGN_OR_RETURN(const auto pixels, picture.Decoded({0, 0}, context.phases));
    return Cat(pixels->size());
  }
  absl::StatusOr<machine::Detections> GetDetectionsFromCamera(const Context&,
                                                              const std::string& camera,
                                                              const Json&) override {
    last_camera = camera;
    if (camera == "broken") return Unknown("could not get image from broken");
    return Cat({640, 480});
  }
  absl::StatusOr<std::vector<vision::Classification>> GetClassifications(const Context&,
                                                                         const image::Picture&,
                                                                         int n,
                                                                         const Json&) override {
    return Classes(n);
  }
  absl::StatusOr<std::vector<vision::Classification>> GetClassificationsFromCamera(
      const Context&, const std::string& camera, int n, const Json&) override {
    last_camera = camera;
    return Classes(n);
  }
  absl::StatusOr<std::vector<machine::PointCloudObject>> GetObjectPointClouds(
      const Context&, const std::string& camera, const Json&) override {
    return std::vector<machine::PointCloudObject>{{"a cloud", "cat", camera}};
  }
  absl::StatusOr<machine::VisionProperties> GetProperties(const Context&) override {
    return properties;
  }
  absl::StatusOr<machine::CaptureAll> CaptureAllFromCamera(
      const Context&, const std::string& camera, const machine::CaptureAllOptions& options,
      const Json&) override {
    last_camera = camera;
    last_options = options;
    machine::CaptureAll all;
    all.size = {640, 480};
    all.image = machine::NamedImage{
        "the camera's own name", image::Picture::FromBytes("\xFF\xD8\xFFpixels"), {}};
    if (options.detections) all.detections = Cat(all.size).detections;
    if (options.classifications) all.classifications = Classes(0);
    all.extra = notes;
    return all;
  }

  static machine::Detections Cat(image::Size size) {
    vision::Detection cat;
    cat.label = "cat";
    cat.confidence = 0.75;
    cat.x_max = size.width / 2;
    cat.y_max = size.height - 1;
    return {{cat}, size};
  }
  static std::vector<vision::Classification> Classes(int n) {
    std::vector<vision::Classification> classes = {{"dog", 0, 0.25}, {"cat", 1, 0.75}};
    vision::KeepTop(classes, n);
    return classes;
  }

  machine::VisionProperties properties;
  Json notes;
  Json last_extra;
  std::string last_camera;
  machine::CaptureAllOptions last_options;
};

std::string Png() {
  image::Image pixels(40, 20, image::PixelFormat::kRgb8);
  std::memset(pixels.bytes().data(), 7, pixels.bytes().size());
  auto picture = image::Picture::FromImage(std::move(pixels), image::kMimePng);
  EXPECT_TRUE(picture.ok()) << picture.status();
  return (*picture)->bytes();
}

class VisionRpcTest : public RpcTest {
 protected:
  VisionRpcTest() {
    Serve(std::make_unique<VisionRpc>(gate_, finder_));
    picture_.set_name("v");
    picture_.set_image(Png());
    picture_.set_mime_type("image/png");
  }
  grpc::Status Detect() { return Call(kService + "GetDetections", picture_, detections_); }

  std::shared_ptr<CatFinder> finder_service_ = finder_.Add("v", std::make_shared<CatFinder>());
  proto::GetDetectionsRequest picture_;
  proto::GetDetectionsResponse detections_;
};

TEST_F(VisionRpcTest, DetectionsOfAPictureHavePixelsAndShares) {
  const auto status = Detect();
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(detections_.detections_size(), 1);
  const auto& cat = detections_.detections(0);
  EXPECT_EQ(cat.class_name(), "cat");
  EXPECT_EQ(cat.confidence(), 0.75);
  EXPECT_EQ(cat.x_max(), 20);
  EXPECT_EQ(cat.y_max(), 19);
  EXPECT_DOUBLE_EQ(cat.x_max_normalized(), 0.5);
  EXPECT_TRUE(cat.has_x_min());
}

TEST_F(VisionRpcTest, TheTypeOfAPictureMayBeLeftOutOrLazy) {
  for (const char* mime : {"", "image/png+lazy"}) {
    picture_.set_mime_type(mime);
    const auto status = Detect();
    EXPECT_TRUE(status.ok()) << mime << ": " << status.error_message();
  }
}

TEST_F(VisionRpcTest, PicturesThatAreNoneAreRefused) {
  picture_.set_mime_type("image/vnd.viam.dep");  // says so, is not
  EXPECT_EQ(Detect().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  picture_.set_mime_type("");
  picture_.set_image("no picture at all");
  EXPECT_EQ(Detect().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  picture_.clear_image();
  const auto status = Detect();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("no image"));
}

TEST_F(VisionRpcTest, ExtraReachesTheService) {
  (*picture_.mutable_extra()->mutable_fields())["k"].set_number_value(1);
  ASSERT_TRUE(Detect().ok());
  EXPECT_EQ(finder_service_->last_extra, Json({{"k", 1}}));
}

TEST_F(VisionRpcTest, TheServiceTimesItsPhasesOnTheClockOfTheCall) {
  ASSERT_TRUE(Detect().ok());
  EXPECT_GT(gate_.last_phases.Get(Phase::kDecode).count(), 0);
}

TEST_F(VisionRpcTest, AServiceThatIsNotThereIsNotFound) {
  picture_.set_name("made-up");
  const auto status = Detect();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "no node found with api rdk:service:vision and name made-up");
}

TEST_F(VisionRpcTest, DetectionsFromACameraNameTheCameraInTheirErrors) {
  proto::GetDetectionsFromCameraRequest request;
  request.set_name("v");
  request.set_camera_name("front");
  proto::GetDetectionsFromCameraResponse response;
  ASSERT_TRUE(Call(kService + "GetDetectionsFromCamera", request, response).ok());
  EXPECT_EQ(finder_service_->last_camera, "front");
  EXPECT_EQ(response.detections(0).x_max(), 320);
  request.set_camera_name("broken");
  const auto status = Call(kService + "GetDetectionsFromCamera", request, response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNKNOWN);
  EXPECT_EQ(status.error_message(), "could not get image from broken");
}

TEST_F(VisionRpcTest, ClassificationsAreTheBestNOrAllAsTheyCome) {
  proto::GetClassificationsRequest request;
  request.set_name("v");
  request.set_image(Png());
  proto::GetClassificationsResponse response;
  ASSERT_TRUE(Call(kService + "GetClassifications", request, response).ok());
  ASSERT_EQ(response.classifications_size(), 2);
  EXPECT_EQ(response.classifications(0).class_name(), "dog");
  request.set_n(1);
  ASSERT_TRUE(Call(kService + "GetClassifications", request, response).ok());
  ASSERT_EQ(response.classifications_size(), 1);
  EXPECT_EQ(response.classifications(0).class_name(), "cat");

  proto::GetClassificationsFromCameraRequest from_camera;
  from_camera.set_name("v");
  from_camera.set_camera_name("front");
  from_camera.set_n(1);
  proto::GetClassificationsFromCameraResponse answer;
  ASSERT_TRUE(Call(kService + "GetClassificationsFromCamera", from_camera, answer).ok());
  EXPECT_EQ(answer.classifications(0).confidence(), 0.75);
}

TEST_F(VisionRpcTest, ObjectsComeAsPcdInTheCamerasFrame) {
  proto::GetObjectPointCloudsRequest request;
  request.set_name("v");
  request.set_camera_name("front");
  proto::GetObjectPointCloudsResponse response;
  ASSERT_TRUE(Call(kService + "GetObjectPointClouds", request, response).ok());
  EXPECT_EQ(response.mime_type(), "pointcloud/pcd");
  ASSERT_EQ(response.objects_size(), 1);
  EXPECT_EQ(response.objects(0).point_cloud(), "a cloud");
  EXPECT_EQ(response.objects(0).geometries().reference_frame(), "front");
}

TEST_F(VisionRpcTest, PropertiesNameTheDefaultCameraWhereThereIsOne) {
  proto::GetPropertiesRequest request;
  request.set_name("v");
  proto::GetPropertiesResponse response;
  finder_service_->properties = {false, true, false, ""};
  ASSERT_TRUE(Call(kService + "GetProperties", request, response).ok());
  EXPECT_TRUE(response.detections_supported());
  EXPECT_FALSE(response.classifications_supported());
  EXPECT_FALSE(response.has_default_camera());
  finder_service_->properties.default_camera = "front";
  ASSERT_TRUE(Call(kService + "GetProperties", request, response).ok());
  EXPECT_EQ(response.default_camera(), "front");
}

TEST_F(VisionRpcTest, CaptureAllGivesWhatWasAskedFor) {
  finder_service_->notes = {{"milliseconds", {{"invoke", 3.5}}}};
  proto::CaptureAllFromCameraRequest request;
  request.set_name("v");
  request.set_camera_name("front");
  request.set_return_image(true);
  request.set_return_detections(true);
  request.set_return_classifications(true);
  proto::CaptureAllFromCameraResponse response;
  const auto status = Call(kService + "CaptureAllFromCamera", request, response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.image().source_name(), "front");
  EXPECT_EQ(response.image().mime_type(), "image/jpeg");
  EXPECT_EQ(response.image().image(), "\xFF\xD8\xFFpixels");
  ASSERT_EQ(response.detections_size(), 1);
  EXPECT_DOUBLE_EQ(response.detections(0).x_max_normalized(), 0.5);
  EXPECT_EQ(response.classifications_size(), 2);
  const auto& times = response.extra().fields().at("milliseconds").struct_value();
  EXPECT_EQ(times.fields().at("invoke").number_value(), 3.5);
  EXPECT_FALSE(finder_service_->last_options.object_point_clouds);
}

TEST_F(VisionRpcTest, CaptureAllWithoutAnythingStillHasItsMessages) {
  proto::CaptureAllFromCameraRequest request;
  request.set_name("v");
  proto::CaptureAllFromCameraResponse response;
  ASSERT_TRUE(Call(kService + "CaptureAllFromCamera", request, response).ok());
  EXPECT_TRUE(response.has_image());
  EXPECT_EQ(response.image().image(), "");
  EXPECT_TRUE(response.has_extra());
  EXPECT_EQ(response.detections_size(), 0);
  EXPECT_EQ(response.classifications_size(), 0);
}

}  // namespace
}  // namespace bowerbird::serve
