// SPDX-License-Identifier: Apache-2.0
#include "machine/vision_service.h"

#include <atomic>
#include <map>

#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bowerbird::machine {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::shared_ptr<const image::Picture> RedPicture(int width, int height, uint8_t red) {
  image::Image image(width, height, image::PixelFormat::kRgb8);
  for (size_t i = 0; i < image.bytes().size(); ++i) image.bytes()[i] = i % 3 == 0 ? red : 0;
  auto picture = image::Picture::FromImage(std::move(image), image::kMimePng);
  EXPECT_TRUE(picture.ok()) << picture.status();
  return *picture;
}

// Gives what the test put there.
class StillCamera : public Camera {
 public:
  absl::StatusOr<CameraImages> GetImages(const Context& context, const std::vector<std::string>&,
                                         const Json& extra) override {
    ++calls;
    last_extra = extra;
    from_data_management = context.from_data_management;
    if (!status.ok()) return status;
    return images;
  }
  absl::StatusOr<CameraProperties> GetProperties(const Context&) override {
    return CameraProperties();
  }

  CameraImages images;
  absl::Status status;
  int calls = 0;
  Json last_extra;
  bool from_data_management = false;
};

class CameraFinder : public ResourceFinder {
 public:
  absl::StatusOr<std::shared_ptr<Resource>> Find(const ResourceName& name) const override {
    const auto found = cameras.find(name.name);
    if (name.api != kCameraApi || found == cameras.end())
      return NotFound("no node found with api " + name.api.ToString() + " and name " + name.name);
    return found->second;
  }
  std::map<std::string, std::shared_ptr<Resource>> cameras;
};

// Detects one box as wide as the first pixel is red; classifies as three fixed classes.
class RedFinder : public vision::Finder {
 public:
  RedFinder(bool detects, bool classifies) : detects_(detects), classifies_(classifies) {}
  bool detects() const override { return detects_; }
  bool classifies() const override { return classifies_; }

  absl::StatusOr<std::vector<vision::Detection>> Detect(
      const Context& context, const image::Picture& picture) const override {
    if (!detects_) return Unimplemented("does not implement a Detector");
    ASSIGN_OR_RETURN(const auto image, picture.Decoded({}, context.phases));
    if (context.phases != nullptr)
      context.phases->Add(Phase::kInvoke, std::chrono::milliseconds(3));
    vision::Detection detection;
    detection.label = "red";
    detection.confidence = 0.5;
    detection.x_max = image->row(0)[0];
    return std::vector{detection};
  }
  absl::StatusOr<std::vector<vision::Classification>> Classify(
      const Context&, const image::Picture&) const override {
    if (!classifies_) return Unimplemented("does not implement a Classifier");
    return std::vector<vision::Classification>{{"low", 0, 0.1}, {"high", 1, 0.7}, {"mid", 2, 0.2}};
  }

 private:
  const bool detects_, classifies_;
};

class VisionServiceTest : public testing::Test {
 protected:
  VisionServiceTest() {
    camera_->images.images = {{"color", RedPicture(40, 30, 17), {}},
                              {"other", RedPicture(40, 30, 99), {}}};
    cameras_.cameras["cam"] = camera_;
  }

  VisionService Service(bool detects, bool classifies, const std::string& default_camera = "") {
    VisionService::Options options;
    options.metrics_label = "model";
    options.default_camera = default_camera;
    options.cameras = &cameras_;
    options.metrics = &metrics_;
    return VisionService(std::make_unique<RedFinder>(detects, classifies), options);
  }

  std::shared_ptr<StillCamera> camera_ = std::make_shared<StillCamera>();
  CameraFinder cameras_;
  Metrics metrics_;
  const Json none_ = Json::object();
};

TEST_F(VisionServiceTest, BytesAndCameraGiveTheSameAnswer) {
  auto service = Service(true, true);
  const auto from_camera = service.GetDetectionsFromCamera({}, "cam", none_);
  ASSERT_TRUE(from_camera.ok()) << from_camera.status();
  const auto sent =
      image::Picture::FromBytes(std::string(camera_->images.images[0].picture->bytes()));
  const auto from_bytes = service.GetDetections({}, *sent, none_);
  ASSERT_TRUE(from_bytes.ok()) << from_bytes.status();
  EXPECT_EQ(from_camera->detections.at(0).x_max, 17);  // the first image, not the second
  EXPECT_EQ(from_bytes->detections.at(0).x_max, 17);
  EXPECT_EQ(from_camera->size, (image::Size{40, 30}));
  EXPECT_EQ(from_bytes->size, (image::Size{40, 30}));
}

TEST_F(VisionServiceTest, TheDefaultCameraStandsInForAnEmptyName) {
  auto service = Service(true, true, "cam");
  EXPECT_TRUE(service.GetDetectionsFromCamera({}, "", none_).ok());
  EXPECT_EQ(camera_->calls, 1);
  EXPECT_EQ(service.GetProperties({})->default_camera, "cam");
}

TEST_F(VisionServiceTest, TellsWhyThereIsNoPicture) {
  auto service = Service(true, true);
  const auto message = [&](const std::string& camera) {
    return MessageOf(service.GetDetectionsFromCamera({}, camera, none_).status());
  };
  EXPECT_EQ(message(""), "no camera name provided and no default camera found");
  EXPECT_EQ(message("none"),
            "could not find camera \"none\": no node found with api rdk:component:camera and name "
            "none");
  camera_->images.images.clear();
  EXPECT_EQ(message("cam"), "no images returned from camera cam");
  camera_->status = FailedPrecondition("no capture from filter module");
  const auto filtered = service.GetDetectionsFromCamera({}, "cam", none_).status();
  EXPECT_EQ(MessageOf(filtered), "could not get image from cam: no capture from filter module");
  // Data capture looks at this code and drops the reading.
  EXPECT_EQ(filtered.code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(VisionServiceTest, APictureThatCannotBeReadIsToldWithItsCamera) {
  auto service = Service(true, true, "cam");
  camera_->images.images = {{"", image::Picture::FromBytes("no picture"), {}}};
  const auto detected = service.GetDetectionsFromCamera({}, "", none_).status();
  EXPECT_EQ(detected.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(detected), HasSubstr("picture of camera \"cam\": "));
  const auto all = service.CaptureAllFromCamera({}, "cam", {true, false, true, false}, none_);
  EXPECT_THAT(MessageOf(all.status()), HasSubstr("picture of camera \"cam\": "));
  // Nobody looks into a picture that is only passed on.
  const auto passed = service.CaptureAllFromCamera({}, "cam", {true, false, false, false}, none_);
  ASSERT_TRUE(passed.ok()) << passed.status();
  EXPECT_EQ(passed->image->picture->bytes(), "no picture");
}

TEST_F(VisionServiceTest, ExtraAndTheCallersFlagReachTheCamera) {
  auto service = Service(true, true);
  Context context;
  context.from_data_management = true;
  ASSERT_TRUE(service.GetClassificationsFromCamera(context, "cam", 0, {{"a", 1}}).ok());
  EXPECT_EQ(camera_->last_extra, (Json{{"a", 1}}));
  EXPECT_TRUE(camera_->from_data_management);
}

TEST_F(VisionServiceTest, ClassificationsAreInModelOrderOrTheBestFirst) {
  auto service = Service(false, true);
  const auto label = [](const char* text) { return Field(&vision::Classification::label, text); };
  const auto& picture = *camera_->images.images[0].picture;
  EXPECT_THAT(*service.GetClassifications({}, picture, 0, none_),
              ElementsAre(label("low"), label("high"), label("mid")));
  EXPECT_THAT(*service.GetClassifications({}, picture, -1, none_), SizeIs(3));
  EXPECT_THAT(*service.GetClassifications({}, picture, 2, none_),
              ElementsAre(label("high"), label("mid")));
  EXPECT_THAT(*service.GetClassificationsFromCamera({}, "cam", 9, none_),
              ElementsAre(label("high"), label("mid"), label("low")));
}

TEST_F(VisionServiceTest, WhatItCannotDoIsUnimplemented) {
  auto detector = Service(true, false);
  const auto classified = detector.GetClassificationsFromCamera({}, "cam", 1, none_).status();
  EXPECT_EQ(classified.code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(MessageOf(classified),
            "could not get classifications from image: does not implement a Classifier");
  auto classifier = Service(false, true);
  EXPECT_EQ(classifier.GetDetectionsFromCamera({}, "cam", none_).status().code(),
            absl::StatusCode::kUnimplemented);
  EXPECT_EQ(detector.GetObjectPointClouds({}, "cam", none_).status().code(),
            absl::StatusCode::kUnimplemented);
  EXPECT_TRUE(detector.GetProperties({})->detections);
  EXPECT_FALSE(detector.GetProperties({})->classifications);
  EXPECT_FALSE(detector.GetProperties({})->object_point_clouds);
}

TEST_F(VisionServiceTest, CaptureAllTakesOneFrameForEverything) {
  auto service = Service(true, true);
  const auto all = service.CaptureAllFromCamera({}, "cam", {true, true, true, true}, none_);
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(camera_->calls, 1);
  ASSERT_TRUE(all->image.has_value());
  EXPECT_EQ(all->image->picture, camera_->images.images[0].picture);
  EXPECT_EQ(all->image->source_name, "cam");
  EXPECT_EQ(all->size, (image::Size{40, 30}));
  EXPECT_EQ(all->detections.at(0).x_max, 17);
  EXPECT_THAT(all->classifications, SizeIs(3));
  EXPECT_THAT(all->objects, IsEmpty());
  const Json& milliseconds = all->extra.at("milliseconds");
  EXPECT_GE(milliseconds.at("invoke").get<double>(), 3.0);
  for (const char* phase : {"decode", "resize", "queue", "postprocess"})
    EXPECT_TRUE(milliseconds.contains(phase)) << phase;
}

TEST_F(VisionServiceTest, CaptureAllLeavesOutWhatIsNotAskedForOrNotThere) {
  auto detector = Service(true, false);
  const auto all = detector.CaptureAllFromCamera({}, "cam", {false, true, true, true}, none_);
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_FALSE(all->image.has_value());
  EXPECT_THAT(all->classifications, IsEmpty());
  EXPECT_THAT(all->detections, SizeIs(1));
  const auto image_only =
      detector.CaptureAllFromCamera({}, "cam", {true, false, false, false}, none_);
  ASSERT_TRUE(image_only.ok());
  EXPECT_THAT(image_only->detections, IsEmpty());
}

TEST_F(VisionServiceTest, PhasesAreCountedAndAddedToTheCallers) {
  auto service = Service(true, true);
  PhaseTimes phases;
  Context context;
  context.phases = &phases;
  ASSERT_TRUE(service.GetDetectionsFromCamera(context, "cam", none_).ok());
  ASSERT_TRUE(service.GetDetectionsFromCamera(context, "cam", none_).ok());
  EXPECT_EQ(phases.Get(Phase::kInvoke), std::chrono::milliseconds(6));
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("bowerbird_phase_seconds_count{model=\"model\",phase=\"invoke\"} 2"));
}

}  // namespace
}  // namespace bowerbird::machine
