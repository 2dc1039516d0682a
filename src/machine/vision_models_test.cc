// SPDX-License-Identifier: Apache-2.0
//
// The vision models of the catalog, inside a machine.
#include <chrono>
#include <cstring>
#include <memory>

#include "gmock/gmock.h"
#include "infer/testing/model_on_disk.h"
#include "machine/builtins.h"
#include "machine/machine_fixture.h"
#include "vision/fake_model.h"

namespace bowerbird::machine {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

// An MlModel that is no TensorFlow Lite file: such as a module will bring.
class OtherModel : public MlModel {
 public:
  OtherModel()
      : model_(vision::Info("image", infer::DType::kUint8, {1, 4, 4, 3}), {"probability"},
               std::make_shared<const vision::FakeModel::Outputs>(vision::FakeModel::Outputs{
                   vision::FloatTensor({1, 3}, {0.25f, 0.5f, 0.125f})})) {}
  const infer::Model& model() const override { return model_; }
  const std::string& metrics_label() const override { return label_; }

 private:
  vision::FakeModel model_;
  const std::string label_ = "other";
};

class PngCamera : public Camera {
 public:
  absl::StatusOr<CameraImages> GetImages(const Context&, const std::vector<std::string>&,
                                         const Json&) override {
    image::Image image(80, 40, image::PixelFormat::kRgb8);
    std::memset(image.bytes().data(), 0, image.bytes().size());
    for (int y = 10; y < 30; ++y) {
      for (int x = 20; x < 60; ++x) image.row(y)[3 * x] = 255;
    }
    CameraImages images;
    ASSIGN_OR_RETURN(auto picture, image::Picture::FromImage(std::move(image), image::kMimePng));
    images.images.push_back({"", std::move(picture), {}});
    return images;
  }
  absl::StatusOr<CameraProperties> GetProperties(const Context&) override {
    return CameraProperties();
  }
};

template <typename T>
ModelEntry EntryOf(const ModelName& model) {
  ModelEntry entry;
  entry.api = T::kApi;
  entry.model = model;
  entry.build = [](const BuildRequest&) { return std::make_shared<T>(); };
  return entry;
}

class VisionModels : public MachineTest {
 protected:
  VisionModels() {
    AddTfliteModel(catalog_);
    AddModelVision(catalog_);
    AddColorVision(catalog_);
    AddFakeVision(catalog_);
    ModelEntry other = EntryOf<OtherModel>({"acme", "test", "other"});
    other.api = kMlModelApi;
    other.build = [this](const BuildRequest&) -> absl::StatusOr<std::shared_ptr<Resource>> {
      if (control_.broken("other")) return Unavailable("out of order");
      return std::make_shared<OtherModel>();
    };
    catalog_.Add(other);
    ModelEntry camera = EntryOf<PngCamera>({"acme", "test", "png"});
    camera.api = kCameraApi;
    catalog_.Add(camera);
  }

  void ApplyText(const std::string& text) {
    auto config = ParseConfig(text, {"m.json", "", nullptr});
    ASSERT_TRUE(config.ok()) << config.status();
    ApplyConfig(*std::move(config));
  }

  // The state of a vision service "v" of these attributes.
  std::string StateWith(const std::string& model, const std::string& attributes) {
    ApplyText(R"({"services": [{"name": "v", "type": "vision", "model": ")" + model +
              R"(", "attributes": )" + attributes + R"(},
                {"name": "m", "api": "rdk:service:mlmodel", "model": "acme:test:other"}],
              "components": [{"name": "fake_camera", "api": "camera", "model": "acme:test:png"},
                             {"name": "m", "api": "camera", "model": "acme:test:png"}]})");
    return StateOf("v");
  }

  std::shared_ptr<Vision> Service() const {
    auto service = machine_->FindAs<Vision>("v");
    EXPECT_TRUE(service.ok()) << service.status();
    return service.ok() ? *service : nullptr;
  }
};

TEST_F(VisionModels, ModelVisionWorksOnAnyMlModel) {
  // A camera of the model's name confuses nobody.
  ASSERT_EQ(StateWith("mlmodel", R"({"mlmodel_name": "m", "camera_name": "fake_camera"})"),
            "ready");
  const auto found = Service()->GetClassificationsFromCamera({}, "", 1, {});
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_THAT(*found, SizeIs(1));
  EXPECT_EQ(found->at(0).label, "1");
  EXPECT_NEAR(found->at(0).confidence, 0.5, 1e-6);
  EXPECT_THAT(metrics_.Text(), HasSubstr("model=\"other\""));
  ASSERT_EQ(StateWith("rdk:builtin:mlmodel", R"({"mlmodel_name": "rdk:service:mlmodel/m"})"),
            "ready");
}

TEST_F(VisionModels, ModelVisionWaitsForItsModel) {
  control_.Break("other", true);
  EXPECT_EQ(StateWith("mlmodel", R"({"mlmodel_name": "m"})"),
            "dependency rdk:service:mlmodel/m is not ready yet (out of order)");
  control_.Break("other", false);
  EXPECT_TRUE(Soon([&] { return machine_->FindAs<Vision>("v").ok(); }));
  EXPECT_THAT(StateWith("mlmodel", R"({"mlmodel_name": "none"})"),
              HasSubstr("unresolved dependencies not found in machine config or connected remotes: "
                        "rdk:service:mlmodel/none"));
}

TEST_F(VisionModels, ModelVisionNamesFaultyAttributes) {
  const auto state = [&](const std::string& more) {
    return StateWith("mlmodel", R"({"mlmodel_name": "m", )" + more + "}");
  };
  const std::string at = "m.json: services[0].attributes.";
  EXPECT_THAT(StateWith("mlmodel", "{}"), HasSubstr(at + "mlmodel_name: is missing"));
  EXPECT_EQ(state(R"("label_path": "/none.txt")"),
            at + "label_path: \"/none.txt\" failed to read file: there is none of this name");
  EXPECT_EQ(state(R"("input_image_mean_value": [1, 2])"),
            at + "input_image_mean_value: [1,2] has fewer than 3 numbers");
  EXPECT_THAT(state(R"("input_image_std_dev": [1, 0, 1])"),
              HasSubstr(at + "input_image_std_dev: [1,0,1] holds a 0"));
  EXPECT_THAT(state(R"("xmin_ymin_xmax_ymax_order": [0, 1, 1, 3])"),
              HasSubstr("does not hold each of 0, 1, 2 and 3 once"));
  EXPECT_THAT(state(R"("default_minimum_confidence": 40)"),
              HasSubstr("40 is not a number from 0 to 1"));
  EXPECT_THAT(
      state(R"("resize": "crop")"),
      HasSubstr("\"crop\" is not one of \"stretch\", \"letterbox\", \"letterbox_top_left\""));
  EXPECT_THAT(state(R"("resize_filter": 3)"),
              HasSubstr("is not one of \"triangle\", \"bilinear\""));
  EXPECT_THAT(state(R"("decoder": "magic")"), HasSubstr("is not one of \"auto\", \"postprocess\""));
  EXPECT_THAT(state(R"("nms_iou_threshold": 2)"), HasSubstr("2 is not a number from 0 to 1"));
  EXPECT_THAT(state(R"("remap_output_names": {"a": 1})"),
              HasSubstr(at + "remap_output_names.a: 1 is not a string"));
  EXPECT_THAT(state(R"("label_confidences": {"a": "x"})"),
              HasSubstr(at + "label_confidences.a: \"x\" is not a number"));
  EXPECT_THAT(state(R"("input_image_bgr": "yes")"), HasSubstr("\"yes\" is not true or false"));
}

TEST_F(VisionModels, ModelVisionAppliesItsAttributes) {
  ASSERT_EQ(StateWith("mlmodel", R"({"mlmodel_name": "m", "label_confidences": {"1": 0.3, "0": 0.3},
      "input_image_bgr": true, "input_image_mean_value": [0, 0, 0, 9],
      "input_image_std_dev": [1, 1, 1], "resize": "letterbox", "resize_filter": "bilinear"})"),
            "ready");
  const auto found = Service()->GetClassificationsFromCamera({}, "fake_camera", 0, {});
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_THAT(*found, SizeIs(1));
  EXPECT_EQ(found->at(0).class_id, 1);
}

TEST_F(VisionModels, ColorVisionFindsThePatch) {
  ASSERT_EQ(StateWith("color_detector", R"({"detect_color": "#FF0000", "hue_tolerance_pct": 0.05,
      "segment_size_px": 100, "camera_name": "fake_camera", "label": "patch"})"),
            "ready");
  const auto found = Service()->GetDetectionsFromCamera({}, "", {});
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_THAT(found->detections, SizeIs(1));
  const vision::Detection& box = found->detections[0];
  EXPECT_EQ(box.label, "patch");
  EXPECT_EQ(std::vector<int>({box.x_min, box.y_min, box.x_max, box.y_max}),
            std::vector<int>({20, 10, 59, 29}));
}

TEST_F(VisionModels, ColorVisionNamesFaultyAttributes) {
  EXPECT_THAT(StateWith("color_detector", R"({"hue_tolerance_pct": 0.1})"),
              HasSubstr("services[0].attributes.detect_color: is missing"));
  EXPECT_THAT(StateWith("color_detector", R"({"detect_color": "#FF0000"})"),
              HasSubstr("services[0].attributes.hue_tolerance_pct: is missing"));
  EXPECT_THAT(StateWith("color_detector", R"({"detect_color": "red", "hue_tolerance_pct": 0.1})"),
              HasSubstr("m.json: services[0].attributes: "));
  EXPECT_THAT(StateWith("color_detector", R"({"detect_color": "#FF0000", "hue_tolerance_pct": 7})"),
              HasSubstr("hue_tolerance_pct: 7 is not a number from 0 to 1"));
}

TEST_F(VisionModels, FakeVisionAnswersAsTheReferenceDoes) {
  ASSERT_EQ(StateWith("fake", "{}"), "ready");
  const auto all = Service()->CaptureAllFromCamera({}, "", {true, true, true, true}, {});
  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_THAT(all->detections, SizeIs(1));
  const vision::Detection& box = all->detections[0];
  EXPECT_EQ(box.label, "a_detection");
  EXPECT_EQ(box.confidence, 0.92);
  EXPECT_EQ(std::vector<int>({box.x_min, box.y_min, box.x_max, box.y_max}),
            std::vector<int>({20, 10, 60, 30}));
  ASSERT_THAT(all->classifications, SizeIs(1));
  EXPECT_EQ(all->classifications[0].label, "a_classification");
  EXPECT_EQ(all->classifications[0].confidence, 0.85);
  EXPECT_EQ(Service()->GetProperties({})->default_camera, "fake_camera");
}

}  // namespace
}  // namespace bowerbird::machine
