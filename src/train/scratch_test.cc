// SPDX-License-Identifier: Apache-2.0
//
// Networks of random weights: how they are built, what normalising them over the batch must not
// change, and that they learn.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/status.h"
#include "train/detect.h"
#include "train/detector_file.h"
#include "train/fine_tune.h"
#include "train/network_library.h"
#include "train/scratch_graph.h"
#include "train/small_base.h"

namespace bowerbird::train {
namespace {

std::vector<ClassSample> Samples(int count, uint64_t seed) {
  Random random(seed);
  std::vector<ClassSample> samples;
  for (int i = 0; i < count; ++i) {
    SmallPicture picture = MakeSmallPicture(random);
    ClassSample& sample = samples.emplace_back();
    sample.targets = {picture.box.label == 0 ? 1.0F : 0.0F, picture.box.label == 1 ? 1.0F : 0.0F};
    sample.picture = std::move(picture.pixels);
  }
  return samples;
}

std::vector<DetectionSample> Boxes(int count, uint64_t seed) {
  Random random(seed);
  std::vector<DetectionSample> samples;
  for (int i = 0; i < count; ++i) {
    SmallPicture picture = MakeSmallPicture(random);
    samples.push_back({std::move(picture.pixels), {picture.box}});
  }
  return samples;
}

ClassifierGraph Classifier(uint64_t seed = 0) {
  FloatGraph base = BuildScratchGraph({.side = kSmallSize, .depth = 8, .seed = seed});
  const std::vector<int32_t> taps = base.main().outputs;
  return AddClassifier(std::move(base), taps, {.labels = 2, .seed = seed}).value();
}

double LargestDifference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - b[i]));
  return largest;
}

// A batch of small pictures for a network that is stepped by hand.
struct SmallBatch {
  explicit SmallBatch(int count) : size(count) {
    Random random(5);
    input.resize(static_cast<size_t>(count) * kSmallSize * kSmallSize * 3);
    for (float& value : input) value = static_cast<float>(random.Uniform(-1, 1));
    for (int i = 0; i < count; ++i) {
      targets.push_back(i % 2 == 0 ? 1.0F : 0.0F);
      targets.push_back(i % 2 == 0 ? 0.0F : 1.0F);
    }
  }
  Batch Get() const { return {.size = size, .input = input, .class_targets = targets}; }

  int size;
  std::vector<float> input, targets;
};

class Scratch : public ::testing::Test {
 protected:
  void SetUp() override {
    const absl::StatusOr<NetworkEngine*> engine = LoadNetworkEngine();
    if (!engine.ok()) GTEST_SKIP() << MessageOf(engine.status());
    engine_ = *engine;
  }

  std::unique_ptr<Network> Normalized(const tflite::Graph& graph) {
    return engine_->Create(graph, {.normalized = ConvolutionsToNormalize(graph)}).value();
  }

  static std::vector<float> Logits(Network& network, const SmallBatch& batch) {
    return network.Run(batch.input, batch.size).value()[0].values;
  }

  NetworkEngine* engine_ = nullptr;
};

TEST(ScratchGraph, SmallPicturesAreHalvedUntilTheirMapIsSmall) {
  for (const int side : {28, 32, 48, 64, 96, 105, 192}) {
    const FloatGraph base = BuildScratchGraph({.side = side, .depth = 8});
    const tflite::Tensor& map = base.main().tensors[static_cast<size_t>(base.main().outputs[0])];
    EXPECT_LE(map.shape[1], 7) << side;
    EXPECT_GE(map.shape[1], 4) << side;
    EXPECT_EQ(base.input_size(), (image::Size{side, side}));
  }
}

TEST(ScratchGraph, TheSameSeedGivesTheSameWeights) {
  const auto weights = [](uint64_t seed) {
    const FloatGraph base = BuildScratchGraph({.side = 32, .depth = 8, .seed = seed});
    const auto tensor = static_cast<size_t>(base.main().operators[0].inputs[1]);
    const auto bytes = base.graph.buffers[base.main().tensors[tensor].buffer].data;
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  };
  EXPECT_EQ(weights(3), weights(3));
  EXPECT_NE(weights(3), weights(4));
}

TEST(ScratchGraph, HeadsOfADetectorAreNotNormalized) {
  FloatGraph base = BuildScratchGraph({.side = 64, .depth = 8, .halvings = 5});
  const auto detector = AddDetector(std::move(base), 2, 1);
  ASSERT_TRUE(detector.ok()) << detector.status();
  const tflite::Graph& graph = detector->base.graph;
  const std::vector<bool> normalized = ConvolutionsToNormalize(graph);
  size_t heads = 0;
  for (size_t i = 0; i < normalized.size(); ++i) {
    const tflite::Operator& op = graph.subgraphs[0].operators[i];
    if (graph.operator_codes[op.code].Name() != "CONV_2D") continue;
    const bool is_head = op.options.Int("fused_activation_function") == 0 && !normalized[i];
    heads += is_head ? 1 : 0;
  }
  EXPECT_EQ(heads, 12U);  // boxes and scores of six maps
  EXPECT_TRUE(normalized[0]);
}

TEST_F(Scratch, NormalizingChangesNothingBeforeTheFirstStep) {
  const ClassifierGraph classifier = Classifier();
  const SmallBatch batch(4);
  const auto plain = engine_->Create(classifier.base.graph, {}).value();
  const auto normalized = Normalized(classifier.base.graph);
  EXPECT_LE(LargestDifference(Logits(*plain, batch), Logits(*normalized, batch)), 1e-5);
}

TEST_F(Scratch, WhatIsExportedComputesWhatTheNetworkDoes) {
  const ClassifierGraph classifier = Classifier();
  const SmallBatch batch(8);
  const auto network = Normalized(classifier.base.graph);
  for (int step = 0; step < 10; ++step)
    ASSERT_TRUE(network->Step(batch.Get(), 1e-3).value().applied);
  tflite::Graph learnt = classifier.base.graph;
  ASSERT_TRUE(network->Export(learnt, WeightSet::kCurrent).ok());
  const auto plain = engine_->Create(learnt, {}).value();
  EXPECT_LE(LargestDifference(Logits(*plain, batch), Logits(*network, batch)), 1e-4);
  // Taken back, the network begins where that was.
  ASSERT_TRUE(network->Load(learnt).ok());
  EXPECT_LE(LargestDifference(Logits(*plain, batch), Logits(*network, batch)), 1e-4);
}

TEST_F(Scratch, ABatchOfNumbersThatAreNotFiniteLeavesNoTrace) {
  const ClassifierGraph classifier = Classifier();
  SmallBatch batch(4);
  const auto network = Normalized(classifier.base.graph);
  ASSERT_TRUE(network->Step(batch.Get(), 1e-3).value().applied);
  const std::vector<float> before = Logits(*network, batch);
  SmallBatch broken = batch;
  broken.input[11] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(network->Step(broken.Get(), 1e-3).value().applied);
  EXPECT_EQ(Logits(*network, batch), before);
}

TEST_F(Scratch, AClassifierLearnsAndItsFileTellsUnseenPicturesApart) {
  FineTuneOptions options;
  options.seed = 3;
  options.normalize = true;
  options.loop = {.steps = 60, .learning_rate = 3e-3, .warm_up = 5};
  const auto trained = FineTune(*engine_, Classifier(), Samples(64, 1), options);
  ASSERT_TRUE(trained.ok()) << trained.status();
  const auto file =
      WriteClassifierFile(trained->classifier, {.labels = {"red", "blue"}, .half_precision = true});
  ASSERT_TRUE(file.ok()) << file.status();
  ExportedModel model(*file);
  int right = 0;
  for (const ClassSample& sample : Samples(40, 2)) {
    const std::vector<float> scores = model.Run(sample.picture)[0];
    right += (scores[1] > scores[0]) == (sample.targets[1] > sample.targets[0]) ? 1 : 0;
  }
  EXPECT_GE(right, 38);
}

TEST_F(Scratch, ADetectorLearnsFromRandomWeights) {
  DetectorOptions options;
  options.labels = 2;
  options.seed = 3;
  options.normalize = true;
  options.first_trained_operator = 0;
  options.loop = {.steps = 250, .learning_rate = 3e-3, .warm_up = 10};
  const FloatGraph base = BuildScratchGraph({.side = kSmallSize, .depth = 8, .halvings = 5});
  const auto trained = TrainDetector(*engine_, base, Boxes(96, 1), options);
  ASSERT_TRUE(trained.ok()) << trained.status();
  const auto file = WriteDetectorFile(trained->detector, {.labels = {"red", "blue"}});
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_GE(MeanPrecision(*file, Boxes(40, 2)), 0.35);
}

TEST_F(Scratch, WhatCannotBeNormalizedIsNamed) {
  const ClassifierGraph classifier = Classifier();
  std::vector<bool> normalized(classifier.base.main().operators.size());
  normalized[classifier.head_operator] = true;
  const auto network = engine_->Create(classifier.base.graph, {.normalized = normalized});
  EXPECT_EQ(network.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(MessageOf(network.status()), ::testing::HasSubstr("FULLY_CONNECTED"));
}

}  // namespace
}  // namespace bowerbird::train
