// SPDX-License-Identifier: Apache-2.0
//
// Networks that learn: on small pictures made here, through the exported file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"
#include "tflite/edit.h"
#include "train/detect.h"
#include "train/detector_file.h"
#include "train/fine_tune.h"
#include "train/network_library.h"
#include "train/small_base.h"

namespace bowerbird::train {
namespace {

using ::testing::HasSubstr;

class Training : public ::testing::Test {
 protected:
  void SetUp() override {
    const absl::StatusOr<NetworkEngine*> engine = LoadNetworkEngine();
    if (!engine.ok()) GTEST_SKIP() << MessageOf(engine.status());
    engine_ = *engine;
  }

  static std::vector<ClassSample> ClassSamples(int count, uint64_t seed) {
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

  static std::vector<DetectionSample> DetectionSamples(int count, uint64_t seed) {
    Random random(seed);
    std::vector<DetectionSample> samples;
    for (int i = 0; i < count; ++i) {
      SmallPicture picture = MakeSmallPicture(random);
      samples.push_back({std::move(picture.pixels), {picture.box}});
    }
    return samples;
  }

  static ClassifierGraph SmallClassifier(uint64_t seed = 0) {
    FloatGraph base = SmallBase();
    const std::vector<int32_t> taps{base.main().outputs[0]};
    return AddClassifier(std::move(base), taps, {.labels = 2, .seed = seed}).value();
  }

  static FineTuneOptions SmallFineTune(int steps) {
    FineTuneOptions options;
    options.seed = 3;
    options.batch = 8;
    options.loop = {.steps = steps, .learning_rate = 3e-3, .warm_up = 5};
    return options;
  }

  static DetectorOptions SmallDetect(int steps) {
    DetectorOptions options;
    options.labels = 2;
    options.seed = 3;
    options.first_trained_operator = 0;
    options.loop = {.steps = steps, .learning_rate = 4e-3, .warm_up = 10};
    return options;
  }

  static double ShareRight(const std::string& file, const std::vector<ClassSample>& samples) {
    ExportedModel model(file);
    int right = 0;
    for (const ClassSample& sample : samples) {
      const std::vector<float> scores = model.Run(sample.picture)[0];
      right += (scores[1] > scores[0]) == (sample.targets[1] > sample.targets[0]) ? 1 : 0;
    }
    return static_cast<double>(right) / static_cast<double>(samples.size());
  }

  NetworkEngine* engine_ = nullptr;
};

TEST_F(Training, AFineTunedClassifierTellsUnseenPicturesApartInItsFile) {
  const auto trained =
      FineTune(*engine_, SmallClassifier(), ClassSamples(48, 1), SmallFineTune(60));
  ASSERT_TRUE(trained.ok()) << trained.status();
  EXPECT_EQ(trained->loop.steps_taken, 60);
  for (const bool half : {false, true}) {
    const auto file = WriteClassifierFile(trained->classifier,
                                          {.labels = {"red", "blue"}, .half_precision = half});
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_GE(ShareRight(*file, ClassSamples(40, 2)), 0.95) << "half precision: " << half;
  }
}

TEST_F(Training, LabelsThatDoNotExcludeEachOtherAreLearntFromWhatIsKnown) {
  std::vector<ClassSample> samples = ClassSamples(48, 1);
  for (size_t i = 0; i < samples.size(); i += 2) samples[i].targets[i / 2 % 2] = -1;
  FineTuneOptions options = SmallFineTune(60);
  options.independent = true;
  const auto trained = FineTune(*engine_, SmallClassifier(), samples, options);
  ASSERT_TRUE(trained.ok()) << trained.status();
  const auto file =
      WriteClassifierFile(trained->classifier, {.labels = {"red", "blue"}, .independent = true});
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_GE(ShareRight(*file, ClassSamples(40, 2)), 0.9);
}

TEST_F(Training, TheSameSeedGivesTheSameBytes) {
  std::vector<std::string> files;
  for (const uint64_t seed : {3, 3, 4}) {
    FineTuneOptions options = SmallFineTune(8);
    options.seed = seed;
    const auto trained = FineTune(*engine_, SmallClassifier(), ClassSamples(24, 1), options);
    ASSERT_TRUE(trained.ok()) << trained.status();
    files.push_back(WriteClassifierFile(trained->classifier, {.labels = {"red", "blue"}}).value());
  }
  EXPECT_EQ(files[0], files[1]);
  EXPECT_NE(files[0], files[2]);
}

TEST_F(Training, OperatorsBeforeTheFirstTrainedOneKeepTheirWeights) {
  const ClassifierGraph before = SmallClassifier();
  FineTuneOptions options = SmallFineTune(5);
  options.first_trained_operator = 3;
  const auto trained = FineTune(*engine_, before, ClassSamples(16, 1), options);
  ASSERT_TRUE(trained.ok()) << trained.status();
  const tflite::Graph& old_graph = before.base.graph;
  const tflite::Graph& new_graph = trained->classifier.base.graph;
  for (size_t i = 0; i < 5; ++i) {
    const auto weights = [i](const tflite::Graph& graph) {
      const tflite::Subgraph& main = graph.subgraphs[0];
      const auto tensor = static_cast<size_t>(main.operators[i].inputs[1]);
      const auto bytes = graph.buffers[main.tensors[tensor].buffer].data;
      return std::vector<std::byte>(bytes.begin(), bytes.end());
    };
    EXPECT_EQ(weights(old_graph) == weights(new_graph), i < 3) << "operator " << i;
  }
}

TEST_F(Training, ADetectorOnAClassifierFindsBoxesOfUnseenPicturesInItsFile) {
  const auto trained =
      TrainDetector(*engine_, SmallBase(), DetectionSamples(96, 1), SmallDetect(400));
  ASSERT_TRUE(trained.ok()) << trained.status();
  const auto file = WriteDetectorFile(trained->detector, {.labels = {"red", "blue"}});
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_GE(MeanPrecision(*file, DetectionSamples(40, 2)), 0.7);
}

TEST_F(Training, ADetectorLearnsNewLabelsFromTheOldOnesTheyResemble) {
  const auto first =
      TrainDetector(*engine_, SmallBase(), DetectionSamples(96, 1), SmallDetect(400));
  ASSERT_TRUE(first.ok()) << first.status();
  // The same things under each other's names.
  std::vector<DetectionSample> swapped = DetectionSamples(48, 4);
  for (DetectionSample& sample : swapped) sample.boxes[0].label = 1 - sample.boxes[0].label;
  const auto second = TrainDetector(*engine_, first->detector.base, swapped, SmallDetect(100));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_THAT(second->old_columns, ::testing::ElementsAre(1, 0));
  std::vector<DetectionSample> unseen = DetectionSamples(40, 5);
  for (DetectionSample& sample : unseen) sample.boxes[0].label = 1 - sample.boxes[0].label;
  const auto file = WriteDetectorFile(second->detector, {.labels = {"red", "blue"}});
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_GE(MeanPrecision(*file, unseen), 0.7);
}

TEST_F(Training, AnOperatorThatTheEngineLacksIsNamed) {
  FloatGraph base = SmallBase();
  tflite::Graph& graph = base.graph;
  const int32_t last = graph.subgraphs[0].outputs[0];
  constexpr int32_t kFloor = 8;
  graph.subgraphs[0].outputs = Append(graph, kFloor, {last}, {{"floor", {1, 2, 2, 32}}});
  const auto network = engine_->Create(graph, {});
  EXPECT_EQ(network.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(MessageOf(network.status()), HasSubstr("FLOOR"));
}

TEST_F(Training, BatchesOfTheWrongSizeAreRefused) {
  const ClassifierGraph classifier = SmallClassifier();
  const auto network = engine_->Create(classifier.base.graph, {}).value();
  const std::vector<float> input(kSmallSize * kSmallSize * 3);
  const std::vector<float> targets{1, 0, 1};
  EXPECT_EQ(network->Run(input, 2).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(
      network->Step({.size = 1, .input = input, .class_targets = targets}, 1e-3).status().code(),
      absl::StatusCode::kInvalidArgument);
}

TEST_F(Training, AStepOverNumbersThatAreNotFiniteChangesNothing) {
  const ClassifierGraph classifier = SmallClassifier();
  const auto network = engine_->Create(classifier.base.graph, {}).value();
  std::vector<float> input(kSmallSize * kSmallSize * 3, 0.25F);
  const std::vector<float> targets{1, 0};
  const auto before = network->Run(input, 1).value()[0].values;
  std::vector<float> broken = input;
  broken[7] = std::numeric_limits<float>::quiet_NaN();
  const auto step = network->Step({.size = 1, .input = broken, .class_targets = targets}, 1e-3);
  ASSERT_TRUE(step.ok()) << step.status();
  EXPECT_FALSE(step->applied);
  EXPECT_EQ(network->Run(input, 1).value()[0].values, before);
}

TEST_F(Training, SamplesThatCannotBeLearntFromAreRefused) {
  EXPECT_THAT(MessageOf(TrainDetector(*engine_, SmallBase(), {}, SmallDetect(5)).status()),
              HasSubstr("no box to learn from"));
  std::vector<DetectionSample> samples = DetectionSamples(2, 1);
  samples[1].boxes[0].label = 2;
  EXPECT_THAT(MessageOf(TrainDetector(*engine_, SmallBase(), samples, SmallDetect(5)).status()),
              HasSubstr("label 2 of 2"));
  EXPECT_THAT(MessageOf(FineTune(*engine_, SmallClassifier(), {}, SmallFineTune(5)).status()),
              HasSubstr("no picture"));
}

}  // namespace
}  // namespace bowerbird::train
