// SPDX-License-Identifier: Apache-2.0
//
// A vision service cannot tell a remote model from a local one: the same file, in this process and
// behind KServe's protocol, finds the same things. Needs real files (BOWERBIRD_TEST_DATA).
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "gmock/gmock.h"
#include "image/picture.h"
#include "infer/remote/remote_model.h"
#include "infer/tflite_model.h"
#include "serve/kserve_test_model.h"
#include "vision/model_finder.h"

namespace bowerbird::serve {
namespace {

class TfliteResource : public machine::MlModel {
 public:
  explicit TfliteResource(std::unique_ptr<infer::Model> model) : model_(std::move(model)) {}
  const infer::Model& model() const override { return *model_; }
  const std::string& metrics_label() const override { return label_; }

 private:
  const std::unique_ptr<infer::Model> model_;
  const std::string label_ = "ssd";
};

std::vector<std::string> Found(const infer::Model& model, const image::Picture& picture) {
  vision::ModelFinderOptions options;
  options.default_minimum_confidence = 0.4;
  const auto finder = vision::ModelFinder::Create({}, model, options);
  EXPECT_TRUE(finder.ok()) << finder.status();
  if (!finder.ok()) return {};
  const auto detections = (*finder)->Detect({}, picture);
  EXPECT_TRUE(detections.ok()) << detections.status();
  std::vector<std::string> found;
  for (const vision::Detection& one : detections.value_or(std::vector<vision::Detection>())) {
    found.push_back(one.label + " " + std::to_string(one.confidence) + " " +
                    std::to_string(one.x_min) + " " + std::to_string(one.y_min) + " " +
                    std::to_string(one.x_max) + " " + std::to_string(one.y_max));
  }
  return found;
}

class KServeVision : public test::KServeServerTest {};

TEST_F(KServeVision, ARemoteModelFindsWhatTheLocalOneFinds) {
  const char* root = std::getenv("BOWERBIRD_TEST_DATA");
  if (root == nullptr) GTEST_SKIP() << "BOWERBIRD_TEST_DATA is not set: no model to run";
  const std::filesystem::path data = root;
  const std::filesystem::path file =
      data / "models/detect/coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is not there";
  infer::TfliteOptions load;
  load.model_path = file.string();
  load.instances = 1;
  auto model = infer::TfliteModel::Load(load);
  ASSERT_TRUE(model.ok()) << model.status();
  const auto local = finder_.Add("ssd", std::make_shared<TfliteResource>(*std::move(model)));
  Start();
  std::ifstream stream(data / "photos/tflite-support/cats_and_dogs.jpg", std::ios::binary);
  const auto picture =
      image::Picture::FromBytes(std::string(std::istreambuf_iterator<char>(stream), {}));

  // Labels are no part of the protocol: the config names a file.
  const std::vector<std::string> expected = Found(local->model(), *picture);
  EXPECT_GE(expected.size(), 3u) << "three cats and a dog";
  for (const std::string scheme : {"grpc", "http"}) {
    infer::remote::RemoteOptions options;
    options.endpoint =
        *infer::remote::Endpoint::Parse(scheme + "://127.0.0.1:" + std::to_string(server_->port()));
    options.model = "ssd";
    options.labels = local->model().metadata().labels;
    const auto remote = infer::remote::RemoteModel::Connect({}, options);
    ASSERT_TRUE(remote.ok()) << remote.status();
    EXPECT_EQ(Found(**remote, *picture), expected) << scheme;
  }
}

}  // namespace
}  // namespace bowerbird::serve
