// SPDX-License-Identifier: Apache-2.0
//
// Answers that others have published for models and pictures anyone can get. They need the folder
// of test data that BOWERBIRD_TEST_DATA names; without it these tests are skipped.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "infer/tflite_model.h"
#include "vision/model_finder.h"

namespace bowerbird::vision {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

struct Box {
  double x = 0, y = 0, width = 0, height = 0;
};

double Overlap(const Detection& found, const Box& box) {
  const double width =
      std::min<double>(found.x_max, box.x + box.width) - std::max<double>(found.x_min, box.x);
  const double height =
      std::min<double>(found.y_max, box.y + box.height) - std::max<double>(found.y_min, box.y);
  if (width <= 0 || height <= 0) return 0;
  const double area = (found.x_max - found.x_min) * static_cast<double>(found.y_max - found.y_min);
  return width * height / (area + box.width * box.height - width * height);
}

class Published : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* root = std::getenv("BOWERBIRD_TEST_DATA");
    if (root == nullptr) GTEST_SKIP() << "BOWERBIRD_TEST_DATA names no folder of test data";
    root_ = root;
  }

  std::unique_ptr<ModelFinder> Load(const std::string& path,
                                    const ModelFinderOptions& options = {}) {
    infer::TfliteOptions model_options;
    model_options.model_path = path[0] == '/' ? path : root_ + "/models/" + path;
    model_options.instances = 1;
    auto model = infer::TfliteModel::Load(model_options);
    EXPECT_TRUE(model.ok()) << model.status();
    if (!model.ok()) return nullptr;
    models_.push_back(*std::move(model));
    auto finder = ModelFinder::Create({}, *models_.back(), options);
    EXPECT_TRUE(finder.ok()) << finder.status();
    return finder.ok() ? *std::move(finder) : nullptr;
  }

  std::shared_ptr<const image::Picture> Photo(const std::string& name) const {
    return image::Picture::FromBytes(ReadFile(root_ + "/photos/" + name));
  }

  std::vector<Detection> Detect(const ModelFinder& finder, const std::string& photo) const {
    auto found = finder.Detect({}, *Photo(photo));
    EXPECT_TRUE(found.ok()) << found.status();
    if (!found.ok()) return {};
    for (const Detection& detection : *found) {
      std::printf("  %s: %s %.6f (%d, %d) to (%d, %d)\n", photo.c_str(), detection.label.c_str(),
                  detection.confidence, detection.x_min, detection.y_min, detection.x_max,
                  detection.y_max);
    }
    return *std::move(found);
  }

  Classification Best(const ModelFinder& finder, const std::string& photo) const {
    auto found = finder.Classify({}, *Photo(photo));
    EXPECT_TRUE(found.ok()) << found.status();
    if (!found.ok()) return {};
    KeepTop(*found, 1);
    std::printf("  %s: %s (%d) %.6f\n", photo.c_str(), found->at(0).label.c_str(),
                found->at(0).class_id, found->at(0).confidence);
    return found->at(0);
  }

  std::string Models() const { return root_ + "/models/"; }

  std::string root_;
  std::vector<std::unique_ptr<infer::Model>> models_;
};

int CountOf(const std::vector<Detection>& detections, const std::string& label) {
  return static_cast<int>(std::count_if(detections.begin(), detections.end(),
                                        [&](const auto& one) { return one.label == label; }));
}

struct Answer {
  const char* label;
  double score;
  Box box;
};
// tflite-support's object_detector_test. Three boxes end below the picture, which is 600 high.
constexpr Answer kCatsAndDogs[] = {{"cat", .644531, {54, 396, 393, 196}},
                                   {"cat", .609375, {602, 157, 394, 447}},
                                   {"cat", .5625, {259, 394, 181, 209}},
                                   {"dog", .5, {387, 197, 281, 409}}};

void ExpectCatsAndDogs(const std::vector<Detection>& found, bool clipped) {
  ASSERT_GE(found.size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    Box box = kCatsAndDogs[i].box;
    if (clipped) box.height = std::min(box.height, 600 - box.y);
    EXPECT_EQ(found[i].label, kCatsAndDogs[i].label);
    EXPECT_NEAR(found[i].confidence, kCatsAndDogs[i].score, 0.05);
    EXPECT_GE(Overlap(found[i], box), 0.9) << "box " << i;
  }
}

TEST_F(Published, CocoSsdOnCatsAndDogsAsItIs) {
  const auto finder = Load("detect/coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite");
  ExpectCatsAndDogs(Detect(*finder, "tflite-support/cats_and_dogs.jpg"), true);
}

TEST_F(Published, CocoSsdOnCatsAndDogsWithTheFilterOfThePublishersTest) {
  ModelFinderOptions options;
  options.filter = image::Filter::kBilinear;
  const auto finder = Load("detect/coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite", options);
  ExpectCatsAndDogs(Detect(*finder, "tflite-support/cats_and_dogs.jpg"), false);
}

TEST_F(Published, CocoSsdWithoutMetadataGivesTheSame) {
  ModelFinderOptions options;
  options.label_path = Models() + "detect/labelmap.txt";
  const auto finder = Load("detect/ssd_mobilenet_v1.tflite", options);
  ExpectCatsAndDogs(Detect(*finder, "tflite-support/cats_and_dogs.jpg"), true);
}

TEST_F(Published, MobileNetV1KnowsACheeseburger) {
  const auto finder = Load("classify/mobilenet_v1_0.25_224_quant.tflite");
  const Classification best = Best(*finder, "tflite-support/burger.jpg");
  EXPECT_EQ(best.class_id, 934);
  EXPECT_EQ(best.label, "cheeseburger");
  EXPECT_NEAR(best.confidence, 0.96, 0.05);
}

TEST_F(Published, EveryMobileNetKnowsAnEgyptianCat) {
  for (const char* model :
       {"coral_mobilenet_v2_1.0_224_quant.tflite", "mobilenet_v2_1.0_224_quant.tflite",
        "tf2_mobilenet_v2_1.0_224_ptq.tflite"}) {
    const auto finder = Load(std::string("classify/") + model);
    const Classification best = Best(*finder, "coral/cat.bmp");
    EXPECT_EQ(best.class_id, 286) << model;
    EXPECT_GT(best.confidence, 0.6) << model;
  }
}

TEST_F(Published, YoloxFindsWhatIsThere) {
  for (const char* model : {"yolo/yolox_nano_float16_quantize.tflite",
                            "yolo/yolox_nano_dynamic_range_quantize.tflite"}) {
    ModelFinderOptions options;
    options.label_path = Models() + "yolo/coco_classes.txt";
    options.default_minimum_confidence = 0.4;
    const auto finder = Load(model, options);
    std::printf("  %s\n", finder->Describe().c_str());
    const auto cats_and_dogs = Detect(*finder, "tflite-support/cats_and_dogs.jpg");
    EXPECT_EQ(CountOf(cats_and_dogs, "cat"), 3) << model;
    EXPECT_GE(Overlap(cats_and_dogs[1], {54, 396, 393, 196}), 0.7) << model;
    EXPECT_EQ(CountOf(Detect(*finder, "coral/pets.jpg"), "dog"), 2) << model;
    EXPECT_GE(CountOf(Detect(*finder, "coral/cat_720p.jpg"), "cat"), 1) << model;
  }
}

TEST_F(Published, ABadExportHarmsNothing) {
  // Its output scale clips widths and heights: scores right, boxes useless.
  const auto finder = Load("yolo/yolox_nano_int8_quantize.tflite");
  std::printf("  %s\n", finder->Describe().c_str());
  EXPECT_TRUE(finder->Detect({}, *Photo("coral/pets.jpg")).ok());
}

// The detector of @mediapipe/objectron, which stands in an asset file after its labels.
TEST_F(Published, TheDefaultDetectorsRawHeadsAreDecoded) {
  const std::string packed = ReadFile(BOWERBIRD_SOURCE_DIR
                                      "/deps/node_modules/@mediapipe/objectron/"
                                      "objectron_solution_packed_assets.data");
  if (packed.size() != 9987912) GTEST_SKIP() << "deps/node_modules holds no @mediapipe/objectron";
  const std::string folder = ::testing::TempDir();
  std::ofstream(folder + "/oid.txt", std::ios::binary) << packed.substr(0, 184);
  std::ofstream(folder + "/oid.tflite", std::ios::binary) << packed.substr(184);
  ModelFinderOptions options;
  options.label_path = folder + "/oid.txt";
  options.default_minimum_confidence = 0.33;
  const auto finder = Load(folder + "/oid.tflite", options);
  std::printf("  %s\n", finder->Describe().c_str());
  EXPECT_NE(finder->Describe().find("decoder=ssd"), std::string::npos);

  const auto pets = Detect(*finder, "coral/pets.jpg");
  ASSERT_EQ(CountOf(pets, "Dog"), 2);
  EXPECT_NEAR(pets[0].confidence, 0.81, 0.05);
  EXPECT_NEAR(pets[1].confidence, 0.75, 0.05);
  const auto cat = Detect(*finder, "coral/cat_720p.jpg");
  ASSERT_GE(cat.size(), 1u);
  EXPECT_EQ(cat[0].label, "Cat");
  EXPECT_NEAR(cat[0].confidence, 0.81, 0.05);
  auto both = Detect(*finder, "tflite-support/cats_and_dogs.jpg");
  std::erase_if(both, [](const auto& one) { return one.confidence < 0.6; });
  EXPECT_EQ(CountOf(both, "Dog"), 2);
  EXPECT_EQ(CountOf(both, "Cat"), 2);
  EXPECT_GE(Overlap(cat[0], {.05 * 1280, .12 * 720, .65 * 1280, .88 * 720}), 0.8);
  EXPECT_GE(CountOf(Detect(*finder, "coral/kite_and_cold.jpg"), "Person"), 2);
  EXPECT_TRUE(Detect(*finder, "tflite-support/burger.jpg").empty());
}

}  // namespace
}  // namespace bowerbird::vision
