// SPDX-License-Identifier: Apache-2.0
//
// `inspect` on real files from public sources, where the environment has them
// (BOWERBIRD_TEST_DATA). Nothing is run here: what runs is the business of the rooms below.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "app/inspect_command.h"

namespace bowerbird::app {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using ::testing::HasSubstr;

struct Expected {
  std::string task;
  int labels = 0;
  std::set<std::string> findings;  // ids that must be there
  bool runs = true;
};

// By file name; what is known of these files from their makers.
const std::map<std::string, Expected>& WellKnown() {
  static const std::map<std::string, Expected> kFiles = {
      {"mobilenet_v1_0.25_224_quant.tflite",
       {"classifier", 1001, {"hidden-relu6", "uint8-activations"}}},
      {"mobilenet_v2_1.0_224_quant.tflite", {"classifier", 0, {"no-metadata", "no-labels"}}},
      {"tf2_mobilenet_v2_1.0_224_ptq.tflite", {"classifier", 1001, {}}},
      {"automl_labeler_model.tflite", {"classifier", 5, {"uint8-activations"}}},
      {"coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite", {"detector", 90, {"hidden-relu6"}}},
      {"ssd_mobilenet_v1.tflite", {"detector", 0, {"no-metadata", "box-order-unknown"}}},
      {"yolox_nano_float16_quantize.tflite",
       {"detector", 0, {"fp16-weights", "input-bgr", "input-channels-first"}}},
      {"yolox_nano_dynamic_range_quantize.tflite", {"detector", 0, {"dynamic-range-weights"}}},
      {"yolox_nano_int8_quantize.tflite", {"detector", 0, {"box-tensor-saturated"}}},
      {"face_detection_front.tflite", {"detector", 0, {"input-scaling-unknown"}}},
      {"deeplabv3.tflite", {"segmentation", 21, {}}},
      {"yamnet_audio_classifier_with_metadata.tflite", {"audio", 521, {}}},
      {"micro_speech_quantized.tflite", {"audio", 0, {}}},
      {"audio_preprocessor_float.tflite", {"audio", 0, {"custom-operator"}, false}},
      {"audio_preprocessor_int8.tflite", {"audio", 0, {"custom-operator"}, false}},
      {"text_classification.tflite", {"text", 0, {}}},
      {"person_detect.tflite", {"classifier", 0, {"cannot-run"}, false}},
      {"hello_world_float.tflite", {"unknown", 0, {"dynamic-shape"}}},
      {"iris.tflite", {"classifier", 0, {"dynamic-shape"}}}};
  return kFiles;
}

std::set<std::string> IdsOf(const ordered_json& report) {
  std::set<std::string> ids;
  for (const ordered_json& finding : report["findings"]) {
    ids.insert(finding["id"].get<std::string>());
    for (const char* key : {"severity", "what", "which", "remedy"}) {
      EXPECT_FALSE(finding[key].get<std::string>().empty()) << finding;
    }
  }
  return ids;
}

class InspectShared : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* root = std::getenv("BOWERBIRD_TEST_DATA");
    if (root == nullptr) GTEST_SKIP() << "BOWERBIRD_TEST_DATA is not set: no model files to read";
    root_ = root;
  }

  fs::path root_;
};

TEST_F(InspectShared, EveryFileIsDescribedOrRefusedWithAReason) {
  int seen = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root_)) {
    if (entry.path().extension() != ".tflite") continue;
    SCOPED_TRACE(entry.path());
    ++seen;
    const auto report = InspectModel({.model = entry.path(), .measure = false});
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_FALSE((*report)["task_reason"].get<std::string>().empty());
    EXPECT_FALSE((*report)["graph"]["operators"].empty());
    EXPECT_TRUE((*report)["measured"].is_null());
    EXPECT_EQ((*report)["runtime"].contains("refusal"), !(*report)["runtime"]["runs"].get<bool>());
    EXPECT_THAT(InspectText(*report), HasSubstr((*report)["task"].get<std::string>()));
    const std::set<std::string> ids = IdsOf(*report);
    const auto known = WellKnown().find(entry.path().filename());
    if (known == WellKnown().end()) continue;
    EXPECT_EQ((*report)["task"], known->second.task);
    EXPECT_EQ((*report)["labels"]["count"], known->second.labels);
    EXPECT_EQ((*report)["runtime"]["runs"], known->second.runs);
    for (const std::string& id : known->second.findings) EXPECT_TRUE(ids.contains(id)) << id;
  }
  EXPECT_GE(seen, 26);
}

TEST_F(InspectShared, BoxesAreSaturatedInOneFileOnly) {
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root_)) {
    if (entry.path().extension() != ".tflite") continue;
    SCOPED_TRACE(entry.path());
    const auto report = InspectModel({.model = entry.path(), .measure = false});
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(IdsOf(*report).contains("box-tensor-saturated"),
              entry.path().filename() == "yolox_nano_int8_quantize.tflite");
  }
}

TEST_F(InspectShared, CountsWhatIsKnownOfMobileNet) {
  const auto report =
      InspectModel({.model = root_ / "models/classify/mobilenet_v1_0.25_224_1_default_1.tflite",
                    .measure = false});
  ASSERT_TRUE(report.ok()) << report.status();
  // 0.47 million parameters and 41 million multiply-adds, as its authors publish them.
  EXPECT_NEAR((*report)["graph"]["parameters"].get<double>(), 0.47e6, 0.01e6);
  EXPECT_NEAR((*report)["graph"]["multiply_adds"].get<double>(), 41e6, 0.5e6);
}

TEST(Inspect, AFileThatIsNoModelIsAnError) {
  const fs::path path = fs::path(::testing::TempDir()) / "no_model.tflite";
  std::ofstream(path) << "this is no model at all, whatever its name says";
  EXPECT_FALSE(InspectModel({.model = path, .measure = false}).ok());
  EXPECT_FALSE(InspectModel({.model = path.string() + ".gone", .measure = false}).ok());
  fs::remove(path);
}

}  // namespace
}  // namespace bowerbird::app
