// SPDX-License-Identifier: Apache-2.0
#include "app/bench_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/model_json.h"

namespace bowerbird::app {
namespace {

using infer::DType;
using infer::Tensor;
using nlohmann::ordered_json;
using ::testing::ElementsAre;

Tensor FloatTensor(const std::vector<float>& values) {
  Tensor tensor{DType::kFloat32, {static_cast<int64_t>(values.size())}, {}};
  const auto bytes = std::as_bytes(std::span(values));
  tensor.bytes.assign(bytes.begin(), bytes.end());
  return tensor;
}

ordered_json TopsOf(const std::vector<Tensor>& outputs) {
  ordered_json json;
  AddTops(outputs, json);
  return json;
}

std::vector<std::string> KeysOf(const ordered_json& json) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  return keys;
}

VariantResult ResultOf(const std::string& name, std::vector<double> p50_ms,
                       std::vector<float> output) {
  VariantResult result{.name = name, .rounds = {}, .error = {}};
  for (const double p50 : p50_ms) {
    ordered_json round = TopsOf({FloatTensor(output)});
    round["p50_ms"] = p50;
    round["p99_ms"] = p50 * 2;
    round["peak_rss_mb"] = 10.0;
    round["load_ms"] = 1.0;
    result.rounds.push_back(round);
  }
  return result;
}

TEST(SpreadOf, IsTheMedianAndTheDistanceOfTheExtremes) {
  EXPECT_EQ(SpreadOf({3, 1, 2}).median, 2);
  EXPECT_EQ(SpreadOf({4, 1, 2, 3}).median, 2.5);
  EXPECT_EQ(SpreadOf({9, 10, 11}).percent, 20);
  EXPECT_EQ(SpreadOf({}).median, 0);
}

TEST(BenchJson, HasTheKeysThatScriptsRelyOn) {
  BenchOptions options;
  options.model = "m.tflite";
  const std::vector<float> output = {0.1F, 0.9F};
  const std::vector<VariantResult> alone = {ResultOf("ours", {3, 1, 2}, output)};
  EXPECT_THAT(KeysOf(BenchJson(options, alone)), ElementsAre("model", "prepared", "ours"));
  options.compare = true;
  const std::vector<VariantResult> all = {ResultOf("ours", {3, 1, 2}, output),
                                          ResultOf("plain", {8, 9, 7}, output),
                                          ResultOf("plain_xnnpack", {2, 2, 2}, output)};
  const ordered_json json = BenchJson(options, all);
  EXPECT_THAT(KeysOf(json), ElementsAre("model", "prepared", "ours", "plain", "plain_xnnpack",
                                        "top_result_agrees"));
  EXPECT_THAT(KeysOf(json["plain"]), ElementsAre("p50_ms", "p99_ms", "peak_rss_mb", "load_ms",
                                                 "p50_spread_percent", "p50_over_ours"));
  EXPECT_EQ(json["model"], "m.tflite");
  EXPECT_EQ(json["prepared"], false);
  EXPECT_EQ(json["ours"]["p50_ms"], 2);
  EXPECT_EQ(json["plain"]["p99_ms"], 16);
  EXPECT_EQ(json["plain"]["p50_over_ours"], 3.5);  // of 8/3, 9/1 and 7/2
  EXPECT_EQ(json["top_result_agrees"], true);
}

TEST(BenchJson, SaysWhetherAnotherFormWasRun) {
  VariantResult ours = ResultOf("ours", {3, 1, 2}, {0.1F, 0.9F});
  for (ordered_json& round : ours.rounds) round["report"] = {{"prepared", true}};
  EXPECT_EQ(BenchJson({}, {ours})["prepared"], true);
}

TEST(BenchJson, SaysSoWhenTheRuntimeCannotRunItPlainly) {
  BenchOptions options;
  options.compare = true;
  const std::vector<VariantResult> results = {
      ResultOf("ours", {1}, {1, 2}), {.name = "plain_xnnpack", .rounds = {}, .error = "refused"}};
  EXPECT_TRUE(BenchJson(options, results)["plain_xnnpack"].is_null());
}

TEST(TopsAgree, AllowsTiesButNotAnotherAnswer) {
  const ordered_json answer = TopsOf({FloatTensor({0.1F, 0.900F, 0.895F, 0.2F})});
  EXPECT_TRUE(*TopsAgree(answer, answer));
  EXPECT_TRUE(*TopsAgree(answer, TopsOf({FloatTensor({0.1F, 0.890F, 0.896F, 0.2F})})));
  EXPECT_FALSE(*TopsAgree(answer, TopsOf({FloatTensor({0.1F, 0.5F, 0.4F, 0.9F})})));
  EXPECT_FALSE(*TopsAgree(answer, TopsOf({})));
  EXPECT_FALSE(*TopsAgree(answer, TopsOf({FloatTensor({})})));
}

// Two detections, of which the second is no more than a guess.
ordered_json DetectionsOf(float score, float x_max, float guessed_class) {
  infer::Tensor boxes = FloatTensor({0.1F, 0.1F, 0.5F, x_max, 0, 0, 1, 1});
  infer::Tensor classes = FloatTensor({16, guessed_class});
  infer::Tensor scores = FloatTensor({score, 0.2F});
  infer::Tensor count = FloatTensor({2});
  boxes.shape = {1, 2, 4};
  classes.shape = scores.shape = {1, 2};
  count.shape = {1};
  return TopsOf({boxes, classes, scores, count});
}

TEST(TopsAgree, ComparesDetectionsByWhatAUserWouldSee) {
  const ordered_json answer = DetectionsOf(0.7F, 0.5F, 3);
  EXPECT_TRUE(*TopsAgree(answer, DetectionsOf(0.66F, 0.52F, 9)));
  EXPECT_FALSE(*TopsAgree(answer, DetectionsOf(0.4F, 0.5F, 3))) << "far less sure";
  EXPECT_FALSE(*TopsAgree(answer, DetectionsOf(0.7F, 0.2F, 3))) << "another place";
}

TEST(TopsAgree, ComparesLowScoresToo) {
  const ordered_json answer = DetectionsOf(0.4F, 0.5F, 3);
  EXPECT_TRUE(*TopsAgree(answer, DetectionsOf(0.35F, 0.52F, 9)));
  EXPECT_FALSE(*TopsAgree(answer, DetectionsOf(0.3F, 0.5F, 3))) << "far less sure";
  EXPECT_FALSE(*TopsAgree(answer, DetectionsOf(0.4F, 0.2F, 3))) << "another place";
  EXPECT_FALSE(*TopsAgree(DetectionsOf(0.1F, 0.9F, 9), answer)) << "only the other has it";
}

TEST(TopsAgree, IsUnknownWhereAllThatIsDetectedCouldFallOffTheList) {
  EXPECT_EQ(TopsAgree(DetectionsOf(0.21F, 0.5F, 3), DetectionsOf(0.21F, 0.9F, 9)), std::nullopt);
}

TEST(BenchJson, SaysNullWhereNothingCanBeCompared) {
  BenchOptions options;
  options.compare = true;
  std::vector<VariantResult> results = {ResultOf("ours", {1}, {1, 2}),
                                        ResultOf("plain", {1}, {1, 2})};
  EXPECT_EQ(BenchJson(options, results)["top_result_agrees"], true);
  for (VariantResult& result : results) result.rounds[0].update(DetectionsOf(0.21F, 0.5F, 3));
  EXPECT_TRUE(BenchJson(options, results)["top_result_agrees"].is_null());
}

TEST(AddTops, SurvivesWhatIsNoNumber) {
  const ordered_json json =
      TopsOf({FloatTensor({std::nanf(""), 1, std::numeric_limits<float>::infinity()})});
  EXPECT_EQ(json["top"][0][0][0], 1);
}

}  // namespace
}  // namespace bowerbird::app
