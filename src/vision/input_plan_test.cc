// SPDX-License-Identifier: Apache-2.0
//
// What a model sees of a picture, through a finder over a model that repeats its input.
#include "vision/input_plan.h"

#include <gtest/gtest.h>

#include "vision/fake_model.h"

namespace bowerbird::vision {
namespace {

using infer::DType;
using Outputs = FakeModel::Outputs;

infer::TensorInfo PictureInput(DType type = DType::kUint8, infer::Shape shape = {1, 8, 8, 3}) {
  return Info("image", type, std::move(shape));
}

// One solid colour, so that every filter gives the same.
std::shared_ptr<const image::Picture> Solid(int width, int height, uint8_t r, uint8_t g,
                                            uint8_t b) {
  image::Image image(width, height, image::PixelFormat::kRgb8);
  for (size_t i = 0; i < image.bytes().size(); i += 3) {
    image.bytes()[i] = r;
    image.bytes()[i + 1] = g;
    image.bytes()[i + 2] = b;
  }
  return *image::Picture::FromImage(std::move(image), image::kMimePng);
}

std::unique_ptr<ModelFinder> Create(const FakeModel& model,
                                    const ModelFinderOptions& options = {}) {
  auto finder = ModelFinder::Create({}, model, options);
  EXPECT_TRUE(finder.ok()) << finder.status();
  return finder.ok() ? *std::move(finder) : nullptr;
}

// A classifier that says what it saw: its outputs are the first input values of each channel.
FakeModel Mirror(infer::TensorInfo input) {
  infer::ModelMetadata metadata;
  metadata.inputs.push_back(input);
  metadata.outputs.push_back(Info("probability", DType::kFloat32, {1, 3}));
  const bool channels_first = input.shape[1] == 3;
  return FakeModel(metadata, [channels_first](const infer::TensorView& view) {
    const size_t step =
        channels_first ? static_cast<size_t>(view.shape[2] * view.shape[3]) : size_t{1};
    std::vector<float> seen(3);
    for (size_t c = 0; c < 3; ++c) {
      if (view.type == DType::kFloat32) seen[c] = view.As<float>()[c * step];
      if (view.type == DType::kUint8) seen[c] = view.As<uint8_t>()[c * step];
      if (view.type == DType::kInt8) seen[c] = view.As<int8_t>()[c * step];
      seen[c] = seen[c] / 512 + 0.5f;  // into 0..1, so that no softmax applies
    }
    return Outputs{FloatTensor({1, 3}, seen)};
  });
}

void ExpectSeen(const FakeModel& model, const ModelFinderOptions& options, double r, double g,
                double b) {
  const auto finder = Create(model, options);
  const auto classes = finder->Classify({}, *Solid(40, 20, 200, 100, 0));
  ASSERT_TRUE(classes.ok()) << classes.status();
  ASSERT_EQ(classes->size(), 3u);
  const auto seen = [&](size_t c) { return ((*classes)[c].confidence - 0.5) * 512; };
  EXPECT_NEAR(seen(0), r, 1e-3);
  EXPECT_NEAR(seen(1), g, 1e-3);
  EXPECT_NEAR(seen(2), b, 1e-3);
}

TEST(InputPlan, Uint8InputsTakePixelsAsTheyAre) {
  ExpectSeen(Mirror(PictureInput()), {}, 200, 100, 0);
  ModelFinderOptions options;
  options.bgr = true;
  options.mean = {{9, 9, 9}};  // means are for float inputs
  ExpectSeen(Mirror(PictureInput()), options, 0, 100, 200);
}

TEST(InputPlan, Int8InputsTakePixelsLess128) {
  ExpectSeen(Mirror(PictureInput(DType::kInt8)), {}, 72, -28, -128);
}

TEST(InputPlan, FloatInputsAreNormalisedByDefaultMetadataOrConfiguration) {
  auto input = PictureInput(DType::kFloat32);
  ExpectSeen(Mirror(input), {}, 200 / 127.5 - 1, 100 / 127.5 - 1, -1);

  input.normalization = infer::Normalization{{10}, {2}};
  ExpectSeen(Mirror(input), {}, 95, 45, -5);

  ModelFinderOptions options;
  options.mean = {{0.485f, 0.456f, 0.406f}};
  options.std = {{0.229f, 0.224f, 0.225f}};
  ExpectSeen(Mirror(input), options, (200 / 255.0 - 0.485) / 0.229, (100 / 255.0 - 0.456) / 0.224,
             -0.406 / 0.225);

  options.std.reset();  // metadata's, in its own unit
  ExpectSeen(Mirror(input), options, (200 / 255.0 - 0.485) * 127.5, (100 / 255.0 - 0.456) * 127.5,
             -0.406 * 127.5);
}

TEST(InputPlan, WithBgrTheFirstMeanIsBlues) {
  ModelFinderOptions options;
  options.mean = {{0.1f, 0.2f, 0.3f}};
  options.std = {{1, 1, 1}};
  options.bgr = true;
  ExpectSeen(Mirror(PictureInput(DType::kFloat32)), options, -0.1, 100 / 255.0 - 0.2,
             200 / 255.0 - 0.3);
}

TEST(InputPlan, MetadataThatSaysRgbComesBeforeAFamilysHabitAndAfterTheConfiguration) {
  infer::ModelMetadata metadata;
  metadata.inputs.push_back(PictureInput());
  const InputConvention yolox = ConventionOf(Decoder::kYolo, true);
  ASSERT_TRUE(yolox.bgr);
  const auto takes_bgr = [&](const ModelFinderOptions& options) {
    return InputPlan::Make(metadata, options, yolox)->takes_bgr();
  };
  ModelFinderOptions bgr;
  bgr.bgr = true;
  EXPECT_TRUE(takes_bgr({}));
  metadata.inputs[0].is_rgb = true;
  EXPECT_FALSE(takes_bgr({}));
  EXPECT_TRUE(takes_bgr(bgr));
}

TEST(InputPlan, ChannelsFirstInputsAreTransposed) {
  ExpectSeen(Mirror(PictureInput(DType::kUint8, {1, 3, 4, 6})), {}, 200, 100, 0);
}

TEST(InputPlan, UnknownExtentsTakeThePicturesOwn) {
  infer::ModelMetadata metadata;
  metadata.inputs.push_back(PictureInput(DType::kUint8, {1, -1, -1, 3}));
  metadata.outputs.push_back(Info("probability", DType::kFloat32, {1, 2}));
  const FakeModel model(metadata, [](const infer::TensorView& view) {
    return Outputs{FloatTensor({1, 2}, {static_cast<float>(view.shape[1]) / 1000,
                                        static_cast<float>(view.shape[2]) / 1000})};
  });
  const auto classes = Create(model)->Classify({}, *Solid(320, 200, 9, 9, 9));
  ASSERT_TRUE(classes.ok()) << classes.status();
  EXPECT_FLOAT_EQ(static_cast<float>((*classes)[0].confidence), 0.2f);
  EXPECT_FLOAT_EQ(static_cast<float>((*classes)[1].confidence), 0.32f);
}

TEST(InputPlan, OneChannelInputsGetTheBrightness) {
  infer::ModelMetadata metadata;
  metadata.inputs.push_back(PictureInput(DType::kUint8, {1, 4, 4, 1}));
  metadata.outputs.push_back(Info("probability", DType::kFloat32, {1, 1}));
  const FakeModel model(metadata, [](const infer::TensorView& view) {
    EXPECT_EQ(view.bytes.size(), 16u);
    return Outputs{FloatTensor({1, 1}, {static_cast<float>(view.As<uint8_t>()[0]) / 255})};
  });
  const auto classes = Create(model)->Classify({}, *Solid(40, 20, 200, 100, 0));
  ASSERT_TRUE(classes.ok()) << classes.status();
  // BT.601: .299 * 200 + .587 * 100
  EXPECT_NEAR((*classes)[0].confidence * 255, 118.5, 1);
}

TEST(InputPlan, InputsThatAreNoPictureAreRefused) {
  auto outputs = std::make_shared<Outputs>(Outputs{FloatTensor({1, 2}, {0, 1})});
  for (const auto& [type, shape] : {std::pair<DType, infer::Shape>{DType::kFloat32, {1, 15600}},
                                    {DType::kInt32, {1, 8, 8, 3}},
                                    {DType::kUint8, {1, 8, 8, 7}}}) {
    const FakeModel model(Info("input", type, shape), {"scores"}, outputs);
    const auto finder = ModelFinder::Create({}, model, {});
    EXPECT_EQ(finder.status().code(), absl::StatusCode::kFailedPrecondition) << finder.status();
  }
}

}  // namespace
}  // namespace bowerbird::vision
