// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <thread>

#include "machine/transform_fixture.h"

namespace bowerbird::machine {
namespace {

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
  EXPECT_FALSE(OnePicture(**camera)->bytes().empty());
  EXPECT_FALSE(OnePicture(**camera)->bytes().empty());
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
