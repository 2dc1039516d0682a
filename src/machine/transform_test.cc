// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <functional>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "machine/camera_test_machine.h"
#include "machine/camera_transform.h"

namespace bowerbird::machine {
namespace {

using image::Image;
using image::PixelFormat;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Every pixel different: R = x, G = y, B = 200.
Image Grid(int width, int height) {
  Image grid(width, height, PixelFormat::kRgb8);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      uint8_t* pixel = grid.row(y) + 3 * x;
      pixel[0] = static_cast<uint8_t>(x);
      pixel[1] = static_cast<uint8_t>(y);
      pixel[2] = 200;
    }
  }
  return grid;
}

Image DepthGrid(int width, int height) {
  Image grid(width, height, PixelFormat::kDepth16);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      grid.depth_row(y)[x] = static_cast<uint16_t>(1000 + 100 * y + x);
  return grid;
}

std::pair<int, int> Origin(const Image& grid, int x, int y) {
  return {grid.row(y)[3 * x], grid.row(y)[3 * x + 1]};
}

// Gives what it is told to, and counts.
class FixedCamera final : public Camera {
 public:
  absl::StatusOr<CameraImages> GetImages(const Context&, const std::vector<std::string>&,
                                         const Json& extra) override {
    last_extra = extra;
    if (!status.ok()) return status;
    return images;
  }
  absl::StatusOr<CameraProperties> GetProperties(const Context&) override {
    CameraProperties properties;
    properties.frame_rate = 12.5f;
    return properties;
  }
  void Add(const std::string& source, Image pixels) {
    const auto mime =
        pixels.format() == PixelFormat::kDepth16 ? image::kMimeRawDepth : image::kMimePng;
    images.images.push_back(
        {source, image::Picture::FromImage(std::move(pixels), mime).value(), {}});
  }

  CameraImages images;
  absl::Status status;
  Json last_extra;
};

class FixedVision final : public Vision {
 public:
  absl::StatusOr<Detections> GetDetections(const Context&, const image::Picture& picture,
                                           const Json&) override {
    ++calls;
    mime = picture.mime();
    return detections;
  }
  absl::StatusOr<std::vector<vision::Classification>> GetClassifications(const Context&,
                                                                         const image::Picture&, int,
                                                                         const Json&) override {
    ++calls;
    return classifications;
  }
  absl::StatusOr<Detections> GetDetectionsFromCamera(const Context&, const std::string&,
                                                     const Json&) override {
    return Unimplemented("");
  }
  absl::StatusOr<std::vector<vision::Classification>> GetClassificationsFromCamera(
      const Context&, const std::string&, int, const Json&) override {
    return Unimplemented("");
  }
  absl::StatusOr<std::vector<PointCloudObject>> GetObjectPointClouds(const Context&,
                                                                     const std::string&,
                                                                     const Json&) override {
    return Unimplemented("");
  }
  absl::StatusOr<VisionProperties> GetProperties(const Context&) override {
    return VisionProperties{};
  }
  absl::StatusOr<CaptureAll> CaptureAllFromCamera(const Context&, const std::string&,
                                                  const CaptureAllOptions&, const Json&) override {
    return Unimplemented("");
  }

  Detections detections;
  std::vector<vision::Classification> classifications;
  std::atomic<int> calls = 0;
  std::string mime;
};

class TransformTest : public ::testing::Test {
 protected:
  TransformTest() {
    machine_.Put(kCameraApi, "source", source_);
    machine_.Put(kVisionApi, "eyes", eyes_);
  }

  // The pixels after the pipeline, before they are encoded.
  absl::StatusOr<Image> Run(const std::string& pipeline) {
    const Json attributes = {{"pipeline", Json::parse(pipeline)}};
    StageSurroundings surroundings;
    surroundings.finder = &machine_;
    ASSIGN_OR_RETURN(const auto stages, ReadPipeline(Attributes(attributes, "a"), surroundings));
    ASSIGN_OR_RETURN(auto frame, TransformFrame::Start(source_->images, stages[0]->WantsDepth()));
    for (const auto& stage : stages) RETURN_IF_ERROR(stage->Apply(Soon(), frame));
    ASSIGN_OR_RETURN(const auto pixels, frame.Pixels(Soon()));
    return pixels->Clone();
  }
  Image MustRun(const std::string& pipeline) {
    auto pixels = Run(pipeline);
    EXPECT_TRUE(pixels.ok()) << pixels.status();
    return pixels.ok() ? *std::move(pixels) : Image(1, 1, PixelFormat::kGray8);
  }
  std::string Problem(const std::string& pipeline) { return MessageOf(Run(pipeline).status()); }
  absl::StatusOr<std::shared_ptr<Camera>> Build(const std::string& pipeline) {
    return machine_.BuildCamera("t", "transform",
                                R"({"source": "source", "pipeline": )" + pipeline + "}");
  }

  TestMachine machine_;
  std::shared_ptr<FixedCamera> source_ = std::make_shared<FixedCamera>();
  std::shared_ptr<FixedVision> eyes_ = std::make_shared<FixedVision>();
};

TEST_F(TransformTest, ResizeTakesTheNearestPixel) {
  source_->Add("", Grid(100, 60));
  const Image half =
      MustRun(R"([{"type": "resize", "attributes": {"width_px": 50, "height_px": 30}}])");
  ASSERT_EQ(half.size(), (image::Size{50, 30}));
  for (int y = 0; y < 30; ++y)
    for (int x = 0; x < 50; ++x) {
      const auto [from_x, from_y] = Origin(half, x, y);
      ASSERT_TRUE(from_x / 2 == x && from_y / 2 == y) << x << "," << y;
    }
}

TEST_F(TransformTest, ResizeScalesDepthToo) {
  source_->Add("depth", DepthGrid(10, 6));
  const Image half =
      MustRun(R"([{"type": "resize", "attributes": {"width_px": 5, "height_px": 12}}])");
  ASSERT_EQ(half.format(), PixelFormat::kDepth16);
  EXPECT_EQ(half.depth_row(0)[0], 1001);
  EXPECT_EQ(half.depth_row(11)[4], 1509);
}

TEST_F(TransformTest, CropCutsPixels) {
  source_->Add("", Grid(100, 60));
  const Image part = MustRun(R"([{"type": "crop", "attributes":
      {"x_min_px": 10, "y_min_px": 20, "x_max_px": 40, "y_max_px": 25}}])");
  ASSERT_EQ(part.size(), (image::Size{30, 5}));
  EXPECT_EQ(Origin(part, 0, 0), std::pair(10, 20));
  EXPECT_EQ(Origin(part, 29, 4), std::pair(39, 24));
}

TEST_F(TransformTest, CropCutsShares) {
  source_->Add("", Grid(100, 60));
  const Image part = MustRun(R"([{"type": "crop", "attributes":
      {"x_min_px": 0.25, "y_min_px": 0.5, "x_max_px": 0.75, "y_max_px": 1}}])");
  ASSERT_EQ(part.size(), (image::Size{50, 30}));
  EXPECT_EQ(Origin(part, 0, 0), std::pair(25, 30));
}

TEST_F(TransformTest, CropFromZeroToOneIsThePixelAtTheTopLeft) {
  source_->Add("", Grid(100, 60));
  const Image part = MustRun(R"([{"type": "crop", "attributes":
      {"x_min_px": 0, "y_min_px": 0, "x_max_px": 1, "y_max_px": 1}}])");
  ASSERT_EQ(part.size(), (image::Size{1, 1}));
  EXPECT_EQ(Origin(part, 0, 0), std::pair(0, 0));
}

TEST_F(TransformTest, CropKeepsToThePicture) {
  source_->Add("", Grid(100, 60));
  EXPECT_EQ(MustRun(R"([{"type": "crop", "attributes":
      {"x_min_px": 90, "y_min_px": 50, "x_max_px": 200, "y_max_px": 200}}])")
                .size(),
            (image::Size{10, 10}));
  EXPECT_THAT(Problem(R"([{"type": "crop", "attributes":
      {"x_min_px": 100, "y_min_px": 0, "x_max_px": 120, "y_max_px": 60}}])"),
              HasSubstr("100x60"));
}

TEST_F(TransformTest, CropCanBeDrawnOnly) {
  source_->Add("", Grid(100, 60));
  const Image marked = MustRun(R"([{"type": "crop", "attributes": {"x_min_px": 10, "y_min_px": 20,
      "x_max_px": 40, "y_max_px": 50, "overlay_crop_box": true}}])");
  ASSERT_EQ(marked.size(), (image::Size{100, 60}));
  for (const auto& [x, y] : {std::pair{10, 20}, {39, 20}, {10, 49}, {39, 49}, {25, 20}})
    EXPECT_EQ(Origin(marked, x, y), std::pair(255, 0)) << x << "," << y;
  for (const auto& [x, y] : {std::pair{9, 20}, {40, 30}, {25, 35}, {0, 0}})
    EXPECT_EQ(Origin(marked, x, y), std::pair(x, y));
}

TEST_F(TransformTest, RotateTurnsByHalfUnlessToldOtherwise) {
  source_->Add("", Grid(100, 60));
  const Image half = MustRun(R"([{"type": "rotate"}])");
  ASSERT_EQ(half.size(), (image::Size{100, 60}));
  EXPECT_EQ(Origin(half, 0, 0), std::pair(99, 59));
  for (const char* key : {"angle_degs", "angle_deg"}) {
    const Image right =
        MustRun(R"([{"type": "rotate", "attributes": {")" + std::string(key) + R"(": 90}}])");
    ASSERT_EQ(right.size(), (image::Size{60, 100}));
    EXPECT_EQ(Origin(right, 59, 0), std::pair(0, 0));  // clockwise
    EXPECT_EQ(Origin(right, 0, 0), std::pair(0, 59));
  }
  EXPECT_EQ(MustRun(R"([{"type": "rotate", "attributes": {"angle_degs": 0}}])").size(),
            (image::Size{100, 60}));
}

TEST_F(TransformTest, StagesWorkInOrder) {
  source_->Add("", Grid(100, 60));
  const Image result = MustRun(R"([
      {"type": "identity"}, {"type": ""},
      {"type": "crop", "attributes": {"x_min_px": 10, "y_min_px": 0, "x_max_px": 50, "y_max_px": 60}},
      {"type": "rotate", "attributes": {"angle_degs": 90}},
      {"type": "crop", "attributes": {"x_min_px": 0, "y_min_px": 0, "x_max_px": 2, "y_max_px": 1}}])");
  ASSERT_EQ(result.size(), (image::Size{2, 1}));
  EXPECT_EQ(Origin(result, 0, 0), std::pair(10, 59));
  EXPECT_EQ(Origin(result, 1, 0), std::pair(10, 58));
}

TEST_F(TransformTest, UndistortWithoutDistortionChangesNothing) {
  source_->Add("", Grid(100, 60));
  const std::string lens = R"("intrinsic_parameters": {"width_px": 100, "height_px": 60, "fx": 80,
      "fy": 80, "ppx": 50, "ppy": 30}, "distortion_parameters": {"rk1": 0})";
  const Image same = MustRun(R"([{"type": "undistort", "attributes": {)" + lens + "}}]");
  EXPECT_EQ(Origin(same, 50, 30), std::pair(50, 30));
  EXPECT_EQ(Origin(same, 10, 50), std::pair(10, 50));
  EXPECT_THAT(Problem(R"([{"type": "undistort"}])"), HasSubstr("intrinsic_parameters"));
  source_->images.images.clear();
  source_->Add("", Grid(50, 60));
  EXPECT_FALSE(Run(R"([{"type": "undistort", "attributes": {)" + lens + "}}]").ok());
}

TEST_F(TransformTest, DepthStagesTakeTheSourcesDepthMap) {
  source_->Add("color", Grid(40, 30));
  source_->Add("depth", DepthGrid(40, 30));
  EXPECT_EQ(MustRun(R"([{"type": "depth_to_pretty"}])").format(), PixelFormat::kRgb8);
  EXPECT_EQ(MustRun(R"([{"type": "depth_preprocess"}])").format(), PixelFormat::kDepth16);
  EXPECT_EQ(MustRun(R"([{"type": "depth_preprocess"}, {"type": "depth_edges"}])").format(),
            PixelFormat::kGray8);
  EXPECT_THAT(Problem(R"([{"type": "identity"}, {"type": "depth_edges"}])"),
              HasSubstr("no depth map"));
  EXPECT_THAT(Problem(R"([{"type": "depth_edges", "attributes":
      {"high_threshold_pct": 0.2, "low_threshold_pct": 0.3}}])"),
              HasSubstr("low_threshold_pct"));
}

TEST_F(TransformTest, DepthStagesNeedADepthMap) {
  source_->Add("color", Grid(40, 30));
  EXPECT_THAT(Problem(R"([{"type": "depth_to_pretty"}])"), HasSubstr("gives none"));
}

TEST_F(TransformTest, OverlayNeedsColorAndDepth) {
  source_->Add("color", Grid(40, 30));
  EXPECT_THAT(Problem(R"([{"type": "overlay"}])"), HasSubstr("no depth map"));
  source_->Add("depth", DepthGrid(40, 30));
  const Image overlay = MustRun(R"([{"type": "overlay"}])");
  EXPECT_EQ(overlay.size(), (image::Size{40, 30}));
  EXPECT_EQ(overlay.format(), PixelFormat::kRgb8);
}

TEST_F(TransformTest, DetectionsAreDrawnAboveTheThresholdAndOfValidLabels) {
  source_->Add("", Grid(200, 150));
  eyes_->detections.size = {200, 150};
  eyes_->detections.detections = {{"Person", 0, 0.9, 20, 40, 60, 100},
                                  {"person", 0, 0.4, 70, 40, 80, 100},
                                  {"car", 1, 0.9, 100, 40, 140, 100}};
  const Image marked = MustRun(R"([{"type": "detections", "attributes": {"detector_name": "eyes",
      "confidence_threshold": 0.5, "valid_labels": ["PERSON"]}}])");
  EXPECT_EQ(Origin(marked, 20, 99), std::pair(255, 0));
  EXPECT_EQ(Origin(marked, 60, 100), std::pair(255, 0));
  EXPECT_EQ(Origin(marked, 40, 80), std::pair(40, 80));    // inside the box
  EXPECT_EQ(Origin(marked, 70, 80), std::pair(70, 80));    // below the threshold
  EXPECT_EQ(Origin(marked, 100, 80), std::pair(100, 80));  // another label
  EXPECT_EQ(eyes_->mime, "image/png");  // the source's own bytes, nothing encoded again
}

TEST_F(TransformTest, ADetectorSeesWhatEarlierStagesMade) {
  source_->Add("", Grid(200, 150));
  MustRun(
      R"([{"type": "rotate"}, {"type": "detections", "attributes": {"detector_name": "eyes"}}])");
  EXPECT_EQ(eyes_->mime, "image/jpeg");
}

TEST_F(TransformTest, ABoxOutsideThePictureIsAnError) {
  source_->Add("", Grid(20, 20));
  eyes_->detections.detections = {{"x", 0, 1, 0, 0, 21, 10}};
  EXPECT_THAT(Problem(R"([{"type": "detections", "attributes": {"detector_name": "eyes"}}])"),
              HasSubstr("does not fit"));
}

TEST_F(TransformTest, ClassificationsAreWrittenBestFirst) {
  source_->Add("", Grid(200, 150));
  eyes_->classifications = {{"a", 0, 0.2}, {"b", 1, 0.7}, {"VIAM_UNKNOWN", 2, 0.9}};
  const std::string start =
      R"([{"type": "classifications", "attributes": {"classifier_name": "eyes")";
  const Image unknown = MustRun(start + "}}]");  // only the best: not known, so not written
  const auto grid = Grid(200, 150);
  EXPECT_TRUE(std::equal(unknown.bytes().begin(), unknown.bytes().end(), grid.bytes().begin()));
  const Image written =
      MustRun(start + R"(, "max_classifications": 3, "confidence_threshold": 0.5}}])");
  const auto changed_in = [&](int from, int to) {
    return !std::equal(written.row(from), written.row(to), grid.row(from));
  };
  EXPECT_TRUE(changed_in(30, 55));   // b
  EXPECT_FALSE(changed_in(60, 90));  // a is below the threshold
}

TEST_F(TransformTest, AServiceIsLookedUpAtEachPicture) {
  source_->Add("", Grid(40, 30));
  const auto camera =
      Build(R"([{"type": "detections", "attributes": {"detector_name": "later"}}])");
  ASSERT_TRUE(camera.ok()) << camera.status();
  const auto status = (*camera)->GetImages(Soon(), {}, Json::object()).status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(MessageOf(status), HasSubstr("later"));
  machine_.Put(kVisionApi, "later", eyes_);
  EXPECT_NE(OnePicture(**camera), nullptr);
  EXPECT_NE(OnePicture(**camera), nullptr);
  EXPECT_EQ(eyes_->calls, 2);  // what a service sees in a picture may change
}

TEST_F(TransformTest, GivesOneUnnamedJpegOfTheSourcesTime) {
  source_->Add("left", Grid(40, 30));
  source_->Add("right", Grid(20, 10));
  source_->images.captured_at = std::chrono::system_clock::time_point(std::chrono::seconds(77));
  const auto camera = Build(R"([{"type": "rotate"}])").value();
  const auto images = camera->GetImages(Soon(), {""}, Json{{"a", 1}});
  ASSERT_TRUE(images.ok()) << images.status();
  ASSERT_EQ(images->images.size(), 1u);
  EXPECT_EQ(images->images[0].source_name, "");
  EXPECT_EQ(images->images[0].picture->mime(), "image/jpeg");
  EXPECT_EQ(Pixels(*images->images[0].picture).size(), (image::Size{40, 30}));
  EXPECT_EQ(images->captured_at.time_since_epoch(), std::chrono::seconds(77));
  EXPECT_EQ(source_->last_extra, (Json{{"a", 1}}));
  EXPECT_THAT(MessageOf(camera->GetImages(Soon(), {"left"}, Json()).status()),
              HasSubstr("invalid source name"));
  EXPECT_EQ(camera->GetProperties(Soon())->frame_rate, 12.5f);
}

TEST_F(TransformTest, AnUntouchedPictureIsPassedOnAsItIs) {
  source_->Add("", Grid(40, 30));
  const auto camera = Build(R"([{"type": "identity"}])").value();
  EXPECT_EQ(OnePicture(*camera), source_->images.images[0].picture);
}

TEST_F(TransformTest, OnePictureIsTransformedOnceForAllReaders) {
  source_->Add("", Grid(400, 300));
  const auto camera = Build(R"([{"type": "rotate"}])").value();
  std::vector<std::shared_ptr<const image::Picture>> pictures(8);
  std::vector<std::thread> readers;
  for (auto& picture : pictures) readers.emplace_back([&] { picture = OnePicture(*camera); });
  for (auto& reader : readers) reader.join();
  for (const auto& picture : pictures) EXPECT_EQ(picture, pictures[0]);
  source_->images.images.clear();
  source_->Add("", Grid(400, 300));
  EXPECT_NE(OnePicture(*camera), pictures[0]);
}

TEST_F(TransformTest, AnnotationsPassUnlessTheirBoxesNoLongerFit) {
  source_->Add("", Grid(40, 30));
  source_->images.images[0].annotations = {{"night", 0.5, std::nullopt},
                                           {"dog", 0.9, vision::NormalizedBox{0, 0, 0.5, 0.5}}};
  const auto labels = [&](const std::string& pipeline) {
    std::vector<std::string> names;
    const auto images = Build(pipeline).value()->GetImages(Soon(), {}, Json());
    for (const auto& annotation : images->images[0].annotations) names.push_back(annotation.label);
    return names;
  };
  EXPECT_THAT(labels(R"([{"type": "identity"}])"), ElementsAre("night", "dog"));
  EXPECT_THAT(labels(R"([{"type": "resize", "attributes": {"width_px": 10, "height_px": 10}}])"),
              ElementsAre("night", "dog"));
  EXPECT_THAT(labels(R"([{"type": "rotate"}])"), ElementsAre("night"));
}

TEST_F(TransformTest, ErrorsOfTheSourceKeepTheirCode) {
  const auto camera = Build(R"([{"type": "rotate"}])").value();
  EXPECT_THAT(MessageOf(camera->GetImages(Soon(), {}, Json()).status()),
              HasSubstr("no images returned from camera source"));
  source_->status = FailedPrecondition("no capture from filter module");
  const auto status = camera->GetImages(Soon(), {}, Json()).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(MessageOf(status), HasSubstr("no capture from filter module"));
}

TEST_F(TransformTest, AttributesAreChecked) {
  const auto message = [&](const std::string& pipeline) {
    return MessageOf(Build(pipeline).status());
  };
  EXPECT_THAT(message(R"([{"type": "identity"}, {"type": "sharpen"}])"),
              HasSubstr("components[0].attributes.pipeline[1].type: \"sharpen\" is not one of"));
  EXPECT_THAT(message(R"([{"type": "segmentations"}])"), HasSubstr("\"depth_to_pretty\""));
  EXPECT_THAT(message("[]"), HasSubstr("at least one"));
  EXPECT_THAT(message("{}"), HasSubstr("is not a list"));
  EXPECT_THAT(message("[3]"), HasSubstr("pipeline[0]: is not an object"));
  EXPECT_THAT(message("[{}]"), HasSubstr("pipeline[0].type: is missing"));
  EXPECT_THAT(message(R"([{"type": "resize", "attributes": {"width_px": 10}}])"),
              HasSubstr("pipeline[0].attributes.height_px: is missing"));
  EXPECT_THAT(message(R"([{"type": "resize", "attributes": {"width_px": 0, "height_px": 1}}])"),
              HasSubstr("width_px: 0 is not"));
  EXPECT_THAT(message(R"([{"type": "crop", "attributes": {"x_min_px": 5, "x_max_px": 5}}])"),
              HasSubstr("x_max_px: 5 is not above"));
  EXPECT_THAT(message(R"([{"type": "detections"}])"), HasSubstr("detector_name: is missing"));
  EXPECT_THAT(message(R"([{"type": "classifications", "attributes": {"classifier_name": "eyes",
      "confidence_threshold": 2}}])"),
              HasSubstr("confidence_threshold: 2"));
  EXPECT_THAT(
      MessageOf(machine_.BuildCamera("t", "transform", R"({"pipeline": [{"type": ""}]})").status()),
      HasSubstr("source: is missing"));
}

}  // namespace
}  // namespace bowerbird::machine
