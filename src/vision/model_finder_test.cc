// SPDX-License-Identifier: Apache-2.0
#include "vision/model_finder.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "vision/fake_model.h"

namespace bowerbird::vision {
namespace {

using infer::DType;
using Outputs = FakeModel::Outputs;

infer::TensorInfo PictureInput(DType type = DType::kUint8, infer::Shape shape = {1, 8, 8, 3}) {
  return Info("image", type, std::move(shape));
}

std::shared_ptr<const image::Picture> Gray(int width, int height, uint8_t level = 100) {
  image::Image image(width, height, image::PixelFormat::kRgb8);
  std::memset(image.bytes().data(), level, image.bytes().size());
  return *image::Picture::FromImage(std::move(image), image::kMimePng);
}

std::shared_ptr<Outputs> TwoBoxes() {
  return std::make_shared<Outputs>(Outputs{
      FloatTensor({1, 2, 4}, {0.1f, 0.2f, 0.5f, 0.6f, 0.0f, 0.0f, 0.5f, 0.5f}),
      FloatTensor({1, 2}, {1, 0}), FloatTensor({1, 2}, {0.9f, 0.4f}), FloatTensor({1}, {2})});
}

FakeModel Detector(std::shared_ptr<Outputs> outputs = TwoBoxes()) {
  return FakeModel(PictureInput(), {"location", "category", "score", "n"}, std::move(outputs));
}

std::unique_ptr<ModelFinder> Create(const FakeModel& model,
                                    const ModelFinderOptions& options = {}) {
  auto finder = ModelFinder::Create({}, model, options);
  EXPECT_TRUE(finder.ok()) << finder.status();
  return finder.ok() ? *std::move(finder) : nullptr;
}

std::vector<Detection> Detect(const ModelFinder& finder, const image::Picture& picture) {
  auto detections = finder.Detect({}, picture);
  EXPECT_TRUE(detections.ok()) << detections.status();
  return detections.ok() ? *std::move(detections) : std::vector<Detection>();
}

TEST(ModelFinder, ADetectorGivesBoxesInModelOrderWithNumbersForLabels) {
  const FakeModel model = Detector();
  const auto finder = Create(model);
  EXPECT_TRUE(finder->detects());
  EXPECT_FALSE(finder->classifies());
  EXPECT_EQ(finder->Describe(),
            "decoder=postprocess location=location category=category score=score count=n");
  const auto detections = Detect(*finder, *Gray(640, 480));
  ASSERT_EQ(detections.size(), 2u);
  EXPECT_EQ(detections[0].label, "1");
  EXPECT_EQ(detections[0].class_id, 1);
  EXPECT_FLOAT_EQ(static_cast<float>(detections[0].confidence), 0.9f);
  EXPECT_EQ(detections[0].x_min, 127);
  EXPECT_EQ(detections[0].y_min, 47);
  EXPECT_EQ(detections[0].x_max, 383);
  EXPECT_EQ(detections[0].y_max, 239);
  const auto classified = finder->Classify({}, *Gray(8, 8));
  EXPECT_EQ(classified.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(classified.status().message(), "does not implement a Classifier");
}

TEST(ModelFinder, MetadataSaysTheBoxOrderUnlessTheConfigurationDoes) {
  FakeModel model = Detector();
  model.mutable_metadata().outputs[0].box_order = std::vector<int>{0, 1, 2, 3};
  EXPECT_EQ(Detect(*Create(model), *Gray(640, 480))[0].x_min, 63);
  ModelFinderOptions options;
  options.box_order = {{1, 0, 3, 2}};
  EXPECT_EQ(Detect(*Create(model, options), *Gray(640, 480))[0].x_min, 127);
}

TEST(ModelFinder, LabelsAndConfidencesFilter) {
  FakeModel model = Detector();
  model.mutable_metadata().labels = {"Cat", "Dog"};
  ModelFinderOptions options;
  options.default_minimum_confidence = 0.5;
  auto detections = Detect(*Create(model, options), *Gray(64, 64));
  ASSERT_EQ(detections.size(), 1u);
  EXPECT_EQ(detections[0].label, "Dog");

  options.label_confidences = {{"CAT", 0.3}};  // replaces the minimum, drops the others
  detections = Detect(*Create(model, options), *Gray(64, 64));
  ASSERT_EQ(detections.size(), 1u);
  EXPECT_EQ(detections[0].label, "Cat");
}

TEST(ModelFinder, AConfidenceEqualToTheMinimumStays) {
  auto outputs = TwoBoxes();
  (*outputs)[2] = FloatTensor({1, 2}, {0.5f, 0.25f});
  const FakeModel model = Detector(outputs);
  ModelFinderOptions options;
  options.default_minimum_confidence = 0.5;
  EXPECT_EQ(Detect(*Create(model, options), *Gray(64, 64)).size(), 1u);
}

TEST(ModelFinder, AClassBeyondTheLabelsIsAnErrorOnlyWhenItIsReported) {
  FakeModel model = Detector();
  model.mutable_metadata().labels = {"Cat"};
  const auto finder = Create(model);
  const auto detections = finder->Detect({}, *Gray(64, 64));
  EXPECT_EQ(detections.status().code(), absl::StatusCode::kUnknown);
  EXPECT_NE(std::string(detections.status().message())
                .find("cannot access label number 1 from label file with 1 labels"),
            std::string::npos);
  ModelFinderOptions options;
  options.default_minimum_confidence = 0.95;
  EXPECT_TRUE(Detect(*Create(model, options), *Gray(64, 64)).empty());
}

TEST(ModelFinder, QuantisedOutputsAreRealNumbers) {
  auto outputs = std::make_shared<Outputs>(
      Outputs{IntegerTensor<uint8_t>(DType::kUint8, {1, 1, 4}, {26, 51, 128, 153}),
              FloatTensor({1, 1}, {0}), IntegerTensor<int8_t>(DType::kInt8, {1, 1}, {64})});
  FakeModel model(PictureInput(), {"location", "category", "score"}, outputs);
  model.mutable_metadata().outputs[0].quantization = {1.0 / 255, 0};
  model.mutable_metadata().outputs[2].quantization = {1.0 / 256, -128};
  const auto detections = Detect(*Create(model), *Gray(256, 256));
  ASSERT_EQ(detections.size(), 1u);
  EXPECT_EQ(detections[0].x_min, 51);
  EXPECT_EQ(detections[0].y_max, 128);
  EXPECT_NEAR(detections[0].confidence, 0.75, 1e-6);
}

TEST(ModelFinder, SuppressionIsAChoiceForModelsThatHaveOne) {
  auto outputs = TwoBoxes();
  (*outputs)[0] = FloatTensor({1, 2, 4}, {0.1f, 0.1f, 0.5f, 0.5f, 0.1f, 0.1f, 0.5f, 0.49f});
  (*outputs)[1] = FloatTensor({1, 2}, {2, 2});
  const FakeModel model = Detector(outputs);
  EXPECT_EQ(Detect(*Create(model), *Gray(64, 64)).size(), 2u);
  ModelFinderOptions options;
  options.nms_iou_threshold = 0.6;
  EXPECT_EQ(Detect(*Create(model, options), *Gray(64, 64)).size(), 1u);
}

TEST(ModelFinder, ClasswiseBoxesAreSuppressedByDefault) {
  auto outputs = std::make_shared<Outputs>(
      Outputs{FloatTensor({1, 2, 4}, {0.1f, 0.1f, 0.5f, 0.5f, 0.1f, 0.1f, 0.5f, 0.49f}),
              FloatTensor({1, 2, 3}, {0.1f, 0.2f, 0.7f, 0.1f, 0.2f, 0.6f})});
  const FakeModel model(PictureInput(), {"boxes", "scores"}, outputs);
  const auto finder = Create(model);
  const auto detections = Detect(*finder, *Gray(64, 64));
  ASSERT_EQ(detections.size(), 1u);
  EXPECT_EQ(detections[0].class_id, 2);
  ModelFinderOptions options;
  options.nms_iou_threshold = 1;
  EXPECT_EQ(Detect(*Create(model, options), *Gray(64, 64)).size(), 2u);
}

TEST(ModelFinder, RawHeadsAreKnownByTheirAnchors) {
  // 16x16 in maps of 1 cell: 3 anchors, then 6 for each of five maps.
  std::vector<float> location(33 * 4), scores(33 * 3, -8.0f);
  for (size_t i = 0; i < location.size(); ++i) location[i] = i % 4 < 2 ? 0.3f : -0.2f;
  for (size_t i = 0; i < 4; ++i) location[32 * 4 + i] = 0;
  scores[32 * 3 + 2] = 3.0f;
  auto outputs = std::make_shared<Outputs>(
      Outputs{FloatTensor({1, 33, 4}, location), FloatTensor({1, 33, 3}, scores)});
  FakeModel model(PictureInput(DType::kUint8, {1, 16, 16, 3}), {"a", "b"}, outputs);
  model.mutable_metadata().labels = {"???", "cup", "pen"};
  ModelFinderOptions options;
  options.default_minimum_confidence = 0.5;
  const auto finder = Create(model, options);
  EXPECT_NE(finder->Describe().find("decoder=ssd location=a score=b anchors=33"), std::string::npos)
      << finder->Describe();
  const auto detections = Detect(*finder, *Gray(101, 101));
  ASSERT_EQ(detections.size(), 1u);
  EXPECT_EQ(detections[0].label, "pen");
  EXPECT_EQ(detections[0].class_id, 2);
  EXPECT_NEAR(detections[0].confidence, 0.9526, 1e-4);
  // The last anchor is centred and sqrt(.95) wide.
  EXPECT_EQ(detections[0].x_min, 1);
  EXPECT_EQ(detections[0].x_max, 98);

  // The same columns without a label for the background.
  model.mutable_metadata().labels = {"cup", "pen"};
  EXPECT_EQ(Detect(*Create(model, options), *Gray(101, 101))[0].class_id, 1);
}

TEST(ModelFinder, YoloIsLetterboxedAndMappedBackExactly) {
  // 64x64: 64 + 16 + 4 cells; one object in the middle half of the input.
  std::vector<float> values(84 * 6);
  const auto at = [&](size_t i, size_t column) -> float& { return values[column * 84 + i]; };
  for (size_t i = 0; i < 84; ++i) {
    const size_t side = i < 64 ? 8 : i < 80 ? 4 : 2;
    const size_t cell = i < 64 ? i : i < 80 ? i - 64 : i - 80;
    at(i, 0) = (static_cast<float>(cell % side) + 0.5f) * 64 / static_cast<float>(side);
    at(i, 1) = (static_cast<float>(cell / side) + 0.5f) * 64 / static_cast<float>(side);
    at(i, 2) = at(i, 3) = 8;
  }
  at(82, 0) = 32;
  at(82, 1) = 32;
  at(82, 2) = 32;
  at(82, 3) = 16;
  at(82, 5) = 0.9f;
  auto outputs = std::make_shared<Outputs>(Outputs{FloatTensor({1, 6, 84}, values)});
  FakeModel model(PictureInput(DType::kFloat32, {1, 64, 64, 3}), {"output0"}, outputs);
  ModelFinderOptions options;
  options.default_minimum_confidence = 0.5;
  const auto finder = Create(model, options);
  EXPECT_FALSE(finder->classifies());
  const auto detections = Detect(*finder, *Gray(640, 320));
  ASSERT_EQ(detections.size(), 1u) << finder->Describe();
  EXPECT_EQ(detections[0].class_id, 1);
  EXPECT_NEAR(detections[0].x_min, 160, 1);
  EXPECT_NEAR(detections[0].x_max, 479, 1);
  EXPECT_NEAR(detections[0].y_min, 80, 1);
  EXPECT_NEAR(detections[0].y_max, 239, 1);
}

TEST(ModelFinder, LogitsOfAQuantisedClassifierAreDequantisedBeforeTheSoftmax) {
  auto outputs = std::make_shared<Outputs>(
      Outputs{IntegerTensor<uint8_t>(DType::kUint8, {1, 3}, {78, 68, 58})});
  FakeModel model(PictureInput(), {"logits"}, outputs);
  model.mutable_metadata().outputs[0].quantization = {0.1, 58};  // 2, 1, 0
  const auto classes = Create(model)->Classify({}, *Gray(8, 8));
  ASSERT_TRUE(classes.ok());
  EXPECT_NEAR((*classes)[0].confidence, 0.6652, 1e-4);
  EXPECT_NEAR((*classes)[2].confidence, 0.0900, 1e-4);
}

TEST(ModelFinder, ALabelListOfAnotherLengthIsNoClassifier) {
  auto outputs = std::make_shared<Outputs>(Outputs{FloatTensor({1, 3}, {0.1f, 0.2f, 0.7f})});
  FakeModel model(PictureInput(), {"scores"}, outputs);
  model.mutable_metadata().labels = {"a", "b"};
  const auto finder = ModelFinder::Create({}, model, {});
  EXPECT_EQ(finder.status().code(), absl::StatusCode::kFailedPrecondition);
  const std::string message(finder.status().message());
  EXPECT_NE(message.find("does not fulfill any method of the vision service"), std::string::npos);
  EXPECT_NE(message.find("length of output (3) expected to be length of label list (2)"),
            std::string::npos)
      << message;
  EXPECT_NE(message.find("scores [1, 3] float32"), std::string::npos) << message;
}

TEST(ModelFinder, ASegmentationIsNeitherDetectorNorClassifier) {
  auto outputs =
      std::make_shared<Outputs>(Outputs{FloatTensor({1, 4, 4, 2}, std::vector<float>(32))});
  const FakeModel model(PictureInput(), {"mask"}, outputs);
  EXPECT_EQ(ModelFinder::Create({}, model, {}).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(ModelFinder, OptionsThatCannotWorkAreRefusedByName) {
  const FakeModel model = Detector();
  const auto message = [&](auto change) {
    ModelFinderOptions options;
    change(options);
    return std::string(ModelFinder::Create({}, model, options).status().message());
  };
  EXPECT_NE(message([](auto& o) {
              o.box_order = {{0, 1, 1, 3}};
            }).find("xmin_ymin_xmax_ymax_order"),
            std::string::npos);
  EXPECT_NE(message([](auto& o) {
              o.std = {{1, 0, 1}};
            }).find("input_image_std_dev"),
            std::string::npos);
  EXPECT_NE(message([](auto& o) { o.nms_iou_threshold = 0; }).find("nms_iou_threshold"),
            std::string::npos);
  EXPECT_NE(message([](auto& o) { o.label_path = "/nowhere/labels.txt"; }).find("/nowhere"),
            std::string::npos);
}

TEST(ModelFinder, LabelPathBeatsPackedLabels) {
  const std::string path = ::testing::TempDir() + "/finder_labels.txt";
  std::ofstream(path) << "first\nsecond\n";
  FakeModel model = Detector();
  model.mutable_metadata().labels = {"Cat", "Dog"};
  model.mutable_metadata().outputs[2].labels_path = "/nowhere/at/all";
  EXPECT_EQ(Detect(*Create(model), *Gray(8, 8))[0].label, "Dog");
  ModelFinderOptions options;
  options.label_path = path;
  EXPECT_EQ(Detect(*Create(model, options), *Gray(8, 8))[0].label, "second");
  model.mutable_metadata().outputs[2].labels_path = path;
  EXPECT_EQ(Detect(*Create(model), *Gray(8, 8))[0].label, "second");
}

TEST(ModelFinder, PhasesAreTimedAndACancelledCallDoesNothing) {
  const FakeModel model = Detector();
  const auto finder = Create(model);
  PhaseTimes phases;
  Context context;
  context.phases = &phases;
  ASSERT_TRUE(finder->Detect(context, *Gray(300, 300)).ok());
  EXPECT_GT(phases.Get(Phase::kResize).count(), 0);
  EXPECT_GT(phases.Get(Phase::kPostprocess).count(), 0);
  context.cancelled = [] { return true; };
  EXPECT_EQ(finder->Detect(context, *Gray(8, 8)).status().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace bowerbird::vision
