// SPDX-License-Identifier: Apache-2.0
//
// Real files from public sources, where the environment has them (BOWERBIRD_TEST_DATA).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/status.h"
#include "infer/tflite_model.h"

namespace bowerbird::infer {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class SharedModels : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* root = std::getenv("BOWERBIRD_TEST_DATA");
    if (root == nullptr) GTEST_SKIP() << "BOWERBIRD_TEST_DATA is not set: no model files to read";
    root_ = root;
  }

  std::unique_ptr<TfliteModel> LoadOrDie(const std::string& path) {
    auto model = TfliteModel::Load({.model_path = root_ / path});
    EXPECT_TRUE(model.ok()) << model.status();
    return model.ok() ? *std::move(model) : nullptr;
  }

  fs::path root_;
};

TEST_F(SharedModels, EveryFileRunsOrFailsByName) {
  int loaded = 0;
  int refused = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root_)) {
    if (entry.path().extension() != ".tflite") continue;
    SCOPED_TRACE(entry.path());
    const auto model = TfliteModel::Load({.model_path = entry.path()});
    const std::string name = entry.path().filename();
    if (name.starts_with("audio_preprocessor_")) {
      EXPECT_THAT(MessageOf(model.status()), HasSubstr("SignalWindow"));
      ++refused;
    } else if (name == "person_detect.tflite") {
      EXPECT_THAT(MessageOf(model.status()), HasSubstr("quantised along dimension 3 of 1"));
      ++refused;
    } else {
      ASSERT_TRUE(model.ok()) << model.status();
      const auto lease = (*model)->Acquire(Context());
      ASSERT_TRUE(lease.ok()) << lease.status();
      EXPECT_TRUE((*lease)->Invoke(Context()).ok());
      ++loaded;
    }
  }
  EXPECT_EQ(refused, 3);
  EXPECT_GE(loaded, 23);
}

TEST_F(SharedModels, LabelsAreReadFromTheFile) {
  const auto mobilenet = LoadOrDie("models/classify/mobilenet_v1_0.25_224_quant.tflite");
  ASSERT_THAT(mobilenet->metadata().labels, SizeIs(1001));
  EXPECT_EQ(mobilenet->metadata().labels[0], "background");
  EXPECT_EQ(mobilenet->metadata().labels[934], "cheeseburger");
  const auto flowers = LoadOrDie("models/classify/automl_labeler_model.tflite");
  EXPECT_THAT(flowers->metadata().labels, SizeIs(5));
  EXPECT_EQ(flowers->metadata().type, "tflite_classifier");
}

TEST_F(SharedModels, DetectorIsDescribedByItsMetadata) {
  const auto model = LoadOrDie("models/detect/coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite");
  const ModelMetadata& metadata = model->metadata();
  EXPECT_EQ(metadata.type, "tflite_detector");
  EXPECT_THAT(metadata.labels, SizeIs(90));
  EXPECT_EQ(metadata.inputs[0].name, "image");
  EXPECT_THAT(metadata.inputs[0].shape, ElementsAre(1, 300, 300, 3));
  ASSERT_THAT(metadata.outputs, SizeIs(4));
  EXPECT_THAT(metadata.outputs[0].shape, ElementsAre(1, 10, 4));
  EXPECT_THAT(metadata.outputs[0].box_order, ::testing::Optional(ElementsAre(1, 0, 3, 2)));
  EXPECT_EQ(metadata.outputs[1].associated_files[0].label_type,
            AssociatedFile::LabelType::kTensorValue);
}

TEST_F(SharedModels, NormalisationIsReadFromTheFile) {
  const auto model = LoadOrDie("models/classify/mobilenet_v1_0.25_224_1_metadata_1.tflite");
  ASSERT_TRUE(model->metadata().inputs[0].normalization.has_value());
  EXPECT_THAT(model->metadata().inputs[0].normalization->mean, ElementsAre(127.5F));
  EXPECT_THAT(model->metadata().inputs[0].normalization->std, ElementsAre(127.5F));
}

TEST_F(SharedModels, EveryDelegateGivesTheSameAnswer) {
  const std::string path = root_ / "models/classify/mobilenet_v1_0.25_224_1_metadata_1.tflite";
  const auto fast = *TfliteModel::Load({.model_path = path});
  const auto plain = *TfliteModel::Load({.model_path = path, .allow_delegate = false});
  const auto fast_lease = *fast->Acquire(Context());
  const auto plain_lease = *plain->Acquire(Context());
  const std::span<std::byte> input = fast_lease->Input(0);
  const auto values = std::span(reinterpret_cast<float*>(input.data()), input.size() / 4);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(i % 255) / 127.5F - 1;
  }
  std::memcpy(plain_lease->Input(0).data(), input.data(), input.size());
  ASSERT_TRUE(fast_lease->Invoke(Context()).ok());
  ASSERT_TRUE(plain_lease->Invoke(Context()).ok());
  EXPECT_THAT(
      fast_lease->Output(0).As<float>(),
      ::testing::Pointwise(::testing::FloatNear(1e-5F), plain_lease->Output(0).As<float>()));
}

// 16-bit mono PCM behind a 44-byte header, as fractions.
std::vector<float> ReadWav(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::vector<float> samples;
  for (size_t i = 44; i + 1 < bytes.size(); i += 2) {
    int16_t sample = 0;
    std::memcpy(&sample, bytes.data() + i, sizeof(sample));
    samples.push_back(static_cast<float>(sample) / 32768.0F);
  }
  return samples;
}

TEST_F(SharedModels, YamnetHearsSpeechInEveryFrame) {
  const auto model = LoadOrDie("models/audio/yamnet_audio_classifier_with_metadata.tflite");
  EXPECT_EQ(model->metadata().labels.at(0), "Speech");
  const std::vector<float> samples = ReadWav(root_ / "models/audio/speech.wav");
  constexpr size_t kFrame = 15600;  // 975 ms at 16 kHz
  const auto lease = *model->Acquire(Context());
  int frames = 0;
  for (size_t start = 0; start + kFrame <= samples.size(); start += kFrame, ++frames) {
    const std::vector<float> frame(samples.begin() + static_cast<ptrdiff_t>(start),
                                   samples.begin() + static_cast<ptrdiff_t>(start + kFrame));
    const Shape shape = {static_cast<int64_t>(kFrame)};
    const auto outputs =
        infer::Run(Context(), *model,
                   {{"audio", {DType::kFloat32, shape, std::as_bytes(std::span(frame))}}}, *lease);
    ASSERT_TRUE(outputs.ok()) << outputs.status();
    EXPECT_GT(outputs->begin()->second.As<float>()[0], 0.9F) << "frame " << frames;
  }
  EXPECT_GE(frames, 4);
}

}  // namespace
}  // namespace bowerbird::infer
