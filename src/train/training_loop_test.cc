// SPDX-License-Identifier: Apache-2.0
#include "train/training_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <functional>
#include <limits>

#include "base/status.h"

namespace bowerbird::train {
namespace {

using ::testing::HasSubstr;

// A "network" whose only weight is the number of steps it has taken, kept in the description.
class CountingNetwork : public Network {
 public:
  absl::StatusOr<std::vector<Activations>> Run(std::span<const float>, int, WeightSet) override {
    return std::vector<Activations>();
  }
  absl::StatusOr<StepResult> Step(const Batch&, double learning_rate) override {
    rates.push_back(learning_rate);
    if (on_step) on_step(rates.size());
    if (learning_rate > largest_stable_rate)
      return StepResult{.loss = std::numeric_limits<double>::quiet_NaN(), .applied = false};
    ++weight;
    return StepResult{.loss = 1};
  }
  absl::Status Export(tflite::Graph& graph, WeightSet) const override {
    graph.description = std::to_string(weight);
    return absl::OkStatus();
  }
  absl::Status Load(const tflite::Graph& graph) override {
    weight = graph.description.empty() ? 0 : std::stoi(graph.description);
    ++loads;
    return absl::OkStatus();
  }

  int weight = 0;
  int loads = 0;
  double largest_stable_rate = 1;
  std::vector<double> rates;
  std::function<void(size_t)> on_step;
};

void Work(double seconds) {
  const std::clock_t end = std::clock() + static_cast<std::clock_t>(seconds * CLOCKS_PER_SEC);
  while (std::clock() < end) {
  }
}

absl::StatusOr<LoopResult> Train(CountingNetwork& network, const LoopOptions& options) {
  return RunTrainingLoop(
      network, {}, [](int) -> absl::StatusOr<Batch> { return Batch{.size = 1}; }, options);
}

TEST(TrainingLoop, TheRateRisesAndThenFallsToAHundredth) {
  CountingNetwork network;
  const auto result = Train(network, {.steps = 110, .learning_rate = 0.1, .warm_up = 10});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->steps_taken, 110);
  EXPECT_EQ(result->graph.description, "110");
  EXPECT_NEAR(network.rates[0], 0.01, 1e-9);
  EXPECT_NEAR(network.rates[9], 0.1, 1e-9);
  EXPECT_NEAR(network.rates[60], 0.0505, 1e-3);
  EXPECT_NEAR(network.rates[109], 0.001, 1e-4);
}

TEST(TrainingLoop, TheGraphThatScoresBestIsTheResult) {
  CountingNetwork network;
  const auto result = Train(
      network, {.steps = 50, .validate_every = 10, .validate = [](const tflite::Graph& graph) {
                  return absl::StatusOr<double>(graph.description == "30" ? 0.9 : 0.5);
                }});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->graph.description, "30");
  EXPECT_EQ(result->score, 0.9);
}

TEST(TrainingLoop, ItStopsWhenScoresStopRising) {
  CountingNetwork network;
  const auto result =
      Train(network, {.steps = 500,
                      .validate_every = 10,
                      .validate = [](const tflite::Graph&) { return absl::StatusOr<double>(0.5); },
                      .patience = 3});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->steps_taken, 40);
  EXPECT_EQ(result->graph.description, "10");
}

TEST(TrainingLoop, ATokenEndsItWithWhatItHas) {
  CountingNetwork network;
  std::stop_source source;
  const auto result =
      Train(network, {.steps = 100, .stop = source.get_token(), .progress = [&](const auto& now) {
                        if (now.step == 7) source.request_stop();
                      }});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(result->stopped);
  EXPECT_EQ(result->graph.description, "7");
}

TEST(TrainingLoop, NumbersThatAreNotFiniteHalveTheRateAndTakeOlderWeights) {
  CountingNetwork network;
  network.largest_stable_rate = 0.03;
  const auto result = Train(network, {.steps = 60, .learning_rate = 0.1, .warm_up = 20});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->times_backed_off, 2);
  EXPECT_EQ(network.loads, 2);
}

TEST(TrainingLoop, NumbersThatNeverAreFiniteAreAnErrorThatNamesTheStep) {
  CountingNetwork network;
  network.largest_stable_rate = 0;
  const auto result = Train(network, {.steps = 60});
  EXPECT_EQ(result.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(result.status()), HasSubstr("step 6"));
}

TEST(TrainingLoop, ABudgetBecomesANumberOfSteps) {
  CountingNetwork network;
  const auto result = Train(network, {.budget_seconds = 1e-9, .least_steps = 12});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->steps, 12);
  EXPECT_EQ(Train(network, {}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(TrainingLoop, TheStepsOfTheWarmUpSayHowManyTheBudgetHasTimeFor) {
  CountingNetwork slowing, again;
  slowing.on_step = [](size_t step) { Work(step <= 6 ? 0.001 : 0.005); };
  const auto result = Train(slowing, {.budget_seconds = 0.3, .warm_up = 20});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_GE(result->steps, 20);
  EXPECT_LT(result->steps, 120) << "as many as the first five promise are 300";
  ASSERT_TRUE(Train(again, {.steps = result->steps, .warm_up = 20}).ok());
  EXPECT_EQ(again.rates, slowing.rates);
}

}  // namespace
}  // namespace bowerbird::train
