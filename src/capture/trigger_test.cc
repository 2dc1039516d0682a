// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "capture/capture_fixture.h"
#include "capture/config.h"
#include "capture/control.h"
#include "capture/disk_keeper.h"
#include "capture/trigger_scores.h"
#include "gmock/gmock.h"

namespace bowerbird::capture {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

vision::Detection Box(const std::string& label, double confidence, int x) {
  return {label, 0, confidence, x, 0, x + 10, 10};
}

TEST(TriggerScores, TheLessSureTheHigher) {
  EXPECT_DOUBLE_EQ(LeastConfidence({{}, {{"a", 0, 0.7}, {"b", 1, 0.2}}}), 1 - 0.7);
  EXPECT_DOUBLE_EQ(LeastConfidence({{Box("a", 0.5, 0), Box("a", 0.95, 50)}, {}}), 1);
  EXPECT_DOUBLE_EQ(LeastConfidence({}), 0);
  EXPECT_DOUBLE_EQ(Margin({{}, {{"a", 0, 0.75}, {"b", 1, 0.25}}}), 0.5);
  EXPECT_DOUBLE_EQ(Margin({{Box("a", 0.5, 0), Box("b", 0.5, 1)}, {}}), 1);
  EXPECT_DOUBLE_EQ(Margin({{Box("a", 0.5, 0), Box("b", 0.5, 50)}, {}}), 0);
}

TEST(TriggerScores, ServicesDisagreeByWhatOnlyOneOfThemHas) {
  const Findings cat{{Box("cat", 0.5, 0)}, {}};
  EXPECT_DOUBLE_EQ(Disagreement(cat, cat), 0);
  EXPECT_DOUBLE_EQ(Disagreement(cat, {{Box("dog", 0.5, 0)}, {}}), 1);
  EXPECT_DOUBLE_EQ(Disagreement(cat, {}), 1);
  EXPECT_DOUBLE_EQ(Disagreement({}, {}), 0);
  EXPECT_NEAR(
      Disagreement({{}, {{"a", 0, 0.8}, {"b", 1, 0.2}}}, {{}, {{"a", 0, 0.2}, {"b", 1, 0.8}}}), 0.6,
      1e-9);
}

TEST(TriggerScores, MotionIsTheShareThatChanged) {
  const Thumbnail before(100, 100);
  Thumbnail now = before;
  for (size_t i = 0; i < 25; ++i) now[i] = 200;
  now[50] = 110;  // noise
  EXPECT_DOUBLE_EQ(Motion(before, now), 0.25);
}

TEST(TriggerScores, NoveltyIsTheDistanceToTheNearestThatIsKnown) {
  FeatureMemory memory;
  EXPECT_DOUBLE_EQ(memory.Novelty({1, 0}), 1);
  memory.Add({2, 0});
  EXPECT_NEAR(memory.Novelty({5, 0}), 0, 1e-6);
  EXPECT_NEAR(memory.Novelty({0, 3}), 0.5, 1e-6);
  EXPECT_NEAR(memory.Novelty({-1, 0}), 1, 1e-6);
  for (size_t i = 0; i < 2 * FeatureMemory::kCapacity; ++i) memory.Add({1, 1});
  EXPECT_EQ(memory.size(), FeatureMemory::kCapacity);
}

CaptureMethod Method(const std::string& name, double hz) {
  CaptureMethod method;
  method.resource = {machine::kSensorApi, name};
  method.method = "Readings";
  method.frequency_hz = hz;
  return method;
}

TEST(ControlTest, TheSensorChangesStopsAndAddsCaptures) {
  const nlohmann::json reading = {
      {"on",
       {{{"resource_name", "a"},
         {"method", "Readings"},
         {"capture_frequency_hz", 5},
         {"tags", {"t"}}},
        {{"resource_name", "rdk:component:sensor/b"},
         {"method", "Readings"},
         {"capture_frequency_hz", 0}},
        {{"resource_name", "c"}, {"method", "Readings"}, {"capture_frequency_hz", 2}}}}};
  const auto changed =
      ApplyControl({Method("a", 1), Method("b", 1)}, reading, "on", {{machine::kSensorApi, "c"}});
  ASSERT_TRUE(changed.ok()) << changed.status();
  ASSERT_THAT(*changed, SizeIs(3));
  EXPECT_EQ((*changed)[0].frequency_hz, 5);
  EXPECT_THAT((*changed)[0].tags, ElementsAre("t"));
  EXPECT_TRUE((*changed)[1].disabled);
  EXPECT_EQ((*changed)[2].resource.name, "c");
  EXPECT_FALSE(ApplyControl({}, reading, "other", {}).ok());
}

class DiskKeeperTest : public CaptureTest {};

TEST_F(DiskKeeperTest, EveryNthFileGoesOnlyWhereTheCapturesFillTheDisk) {
  ManagerConfig config;
  config.capture_dir = folder_;
  config.delete_every_nth = 3;
  CaptureWriter writer(files_, WriterOptions());
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(writer.Write(Binary(std::string(1000, 'x'), i + 1)).ok());
  files_.SetFreeSpace({.total = 10'000, .available = 5'000});
  EXPECT_EQ(KeepDiskFree(files_, config)->files, 0);
  files_.SetFreeSpace({.total = 1'000'000, .available = 1'000});
  EXPECT_EQ(KeepDiskFree(files_, config)->files, 0);
  files_.SetFreeSpace({.total = 10'000, .available = 500});
  EXPECT_EQ(KeepDiskFree(files_, config)->files, 3);
  EXPECT_THAT(Files(".capture"), SizeIs(4));
}

}  // namespace
}  // namespace bowerbird::capture
