// SPDX-License-Identifier: Apache-2.0
#include "machine/camera_ffmpeg.h"

#include <signal.h>

#include <functional>
#include <set>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "machine/camera_ffmpeg_config.h"
#include "machine/camera_test_machine.h"

namespace bowerbird::machine {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string ArgumentsFrom(const std::string& json) {
  const Json attributes = Json::parse(json);
  const auto words = ReadKeywordArguments(Attributes(attributes, "a"), "k");
  if (!words.ok()) return MessageOf(words.status());
  std::string line;
  for (const auto& word : *words) line += word + "|";
  return line;
}

std::string FiltersFrom(const std::string& json) {
  const Json attributes = Json::parse(json);
  const auto filters = ReadFilters(Attributes(attributes, "a"));
  return filters.ok() ? *filters : MessageOf(filters.status());
}

TEST(FfmpegAttributes, KeywordArgumentsBecomeWords) {
  EXPECT_EQ(ArgumentsFrom(R"({"k": {"rtsp_transport": "udp", "ss": 1.5, "threads": 2}})"),
            "-rtsp_transport|udp|-ss|1.5|-threads|2|");
  EXPECT_EQ(ArgumentsFrom(R"({"k": {"a": "", "b": true, "c": false, "d": null}})"), "-a|-b|-d|");
  EXPECT_EQ(ArgumentsFrom(R"({"k": {"map": ["0:v", "0:a"], "q:v": 3}})"),
            "-map|0:v|-map|0:a|-q:v|3|");
  EXPECT_EQ(ArgumentsFrom("{}"), "");
  EXPECT_THAT(ArgumentsFrom(R"({"k": {"a": {}}})"), HasSubstr("a.k.a: {} is not"));
  EXPECT_THAT(ArgumentsFrom(R"({"k": {"a b": 1}})"), HasSubstr("is no option"));
  EXPECT_THAT(ArgumentsFrom(R"({"k": []})"), HasSubstr("a.k: [] is not an object"));
}

TEST(FfmpegAttributes, FiltersBecomeAChain) {
  EXPECT_EQ(FiltersFrom(R"({"filters": [{"name": "hflip"},
      {"name": "scale", "args": [320, "-1"], "kw_args": {"flags": "area"}}]})"),
            "hflip,scale=320:-1:flags=area");
  EXPECT_EQ(FiltersFrom(R"({"filters": [{"name": "drawtext", "kw_args": {"text": "a:b,c'd"}}]})"),
            R"(drawtext=text=a\\:b\,c\\\'d)");
  EXPECT_THAT(FiltersFrom(R"({"filters": [{"args": []}]})"), HasSubstr("a.filters[0].name"));
  EXPECT_THAT(FiltersFrom(R"({"filters": [{"name": "a,b"}]})"), HasSubstr("a,b"));
  EXPECT_THAT(FiltersFrom(R"({"filters": [{"name": "a", "args": [[]]}]})"), HasSubstr("args"));
  EXPECT_THAT(FiltersFrom(R"({"filters": {}})"), HasSubstr("not a list"));
}

TEST(FfmpegAttributes, FilesLoopAtTheirPaceUnlessToldOtherwise) {
  Json attributes = {{"video_path", "a.mp4"}};
  auto options = ReadFfmpegOptions(Attributes(attributes, "a"));
  EXPECT_TRUE(options->reader.loop && options->reader.realtime);
  attributes = {{"video_path", "a.mp4"},
                {"loop", false},
                {"realtime", false},
                {"output_kw_args", {{"update", 1}, {"format", "image2"}, {"q:v", 2}}}};
  options = ReadFfmpegOptions(Attributes(attributes, "a"));
  EXPECT_FALSE(options->reader.loop || options->reader.realtime);
  EXPECT_THAT(options->reader.output_args, ElementsAre("-q:v", "2"));
  attributes = Json::object();
  EXPECT_THAT(MessageOf(ReadFfmpegOptions(Attributes(attributes, "a")).status()),
              HasSubstr("a.video_path: is missing"));
}

class FfmpegCameraTest : public ::testing::Test {
 protected:
  // Ten pictures, the i-th of gray 20 + 20 i, at 50 a second.
  void SetUp() override {
    if (!FindProgram("ffmpeg").ok()) GTEST_SKIP() << "needs the Debian package ffmpeg";
    ASSERT_TRUE(MakeVideo("color=size=64x48:rate=50:duration=0.2,format=gray,geq=lum=20+20*N",
                          folder_ / "ten.avi"));
  }
  FfmpegCameraOptions Options() {
    FfmpegCameraOptions options;
    options.name = "cam";
    options.reader.input = folder_ / "ten.avi";
    options.reader.loop = options.reader.realtime = true;
    options.first_pause = milliseconds(20);
    options.last_pause = milliseconds(100);
    return options;
  }
  static int Level(Camera& camera) { return Pixels(*OnePicture(camera)).bytes()[0]; }
  static Json Status(Camera& camera) { return camera.GetStatus(Soon()).value(); }
  static void AwaitStatus(Camera& camera, const std::function<bool(const Json&)>& wanted) {
    const auto deadline = std::chrono::steady_clock::now() + seconds(30);
    while (!wanted(Status(camera))) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << Status(camera);
      std::this_thread::sleep_for(milliseconds(5));
    }
  }

  TestFolder folder_{"ffmpeg_camera"};
};

TEST_F(FfmpegCameraTest, TheFirstReadWaitsForTheFirstFrame) {
  FfmpegCamera camera(Options());
  const auto images = camera.GetImages(Soon(), {}, Json::object());
  ASSERT_TRUE(images.ok()) << images.status();
  ASSERT_EQ(images->images.size(), 1u);
  EXPECT_EQ(images->images[0].source_name, "");
  EXPECT_EQ(images->images[0].picture->mime(), "image/jpeg");
  EXPECT_LT(std::chrono::system_clock::now() - images->captured_at, seconds(20));
}

TEST_F(FfmpegCameraTest, ReadersOfOneFrameShareIt) {
  auto options = Options();
  options.reader.input_args = {"-readrate", "0.02"};  // a frame a second
  FfmpegCamera camera(options);
  const auto first = OnePicture(camera);
  EXPECT_EQ(OnePicture(camera), first);
  EXPECT_EQ(first->Decoded().value(), OnePicture(camera)->Decoded().value());
}

TEST_F(FfmpegCameraTest, LoopsForEver) {
  FfmpegCamera camera(Options());
  std::set<int> levels;
  AwaitStatus(camera, [](const Json& status) { return status["frames"] > 35; });
  const auto deadline = std::chrono::steady_clock::now() + seconds(30);
  while (levels.size() < 8 && std::chrono::steady_clock::now() < deadline)
    levels.insert(Level(camera));
  EXPECT_GE(levels.size(), 8u);
  EXPECT_EQ(Status(camera)["restarts"], 0);
  EXPECT_EQ(Status(camera)["state"], "streaming");
}

TEST_F(FfmpegCameraTest, WithoutPaceEachReadGivesTheNextFrame) {
  auto options = Options();
  options.reader.loop = options.reader.realtime = false;
  FfmpegCamera camera(options);
  for (int i = 0; i < 10; ++i) EXPECT_NEAR(Level(camera), 20 + 20 * i, 12) << i;
  const auto end = camera.GetImages(Soon(), {}, Json::object());
  EXPECT_TRUE(absl::IsOutOfRange(end.status())) << end.status();
  EXPECT_THAT(MessageOf(end.status()), HasSubstr("ended after 10 frames"));
  EXPECT_EQ(Status(camera)["state"], "ended");
}

// The child's process id, found as our only child of that name.
pid_t PidOfFfmpeg() {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "stat");
    std::string pid, name, state;
    pid_t parent = 0;
    if (file >> pid >> name >> state >> parent && name == "(ffmpeg)" && parent == getpid() &&
        state != "Z") {
      return std::stoi(pid);
    }
  }
  return -1;
}

TEST_F(FfmpegCameraTest, SurvivesTheDeathOfItsChild) {
  TestMachine machine;
  auto options = Options();
  options.metrics = &machine.metrics();
  FfmpegCamera camera(options);
  ASSERT_FALSE(OnePicture(camera)->bytes().empty());
  for (int kills = 1; kills <= 3; ++kills) {
    const pid_t child = PidOfFfmpeg();
    ASSERT_GT(child, 0);
    ASSERT_EQ(kill(child, SIGKILL), 0);
    AwaitStatus(camera, [&](const Json& status) {
      return status["restarts"] >= kills && status["state"] == "streaming";
    });
    ASSERT_FALSE(OnePicture(camera)->bytes().empty());
  }
  EXPECT_THAT(Status(camera)["last_error"].get<std::string>(), HasSubstr("killed by SIGKILL"));
  EXPECT_THAT(machine.metrics().Text(),
              HasSubstr("bowerbird_camera_restarts_total{camera=\"cam\"} 3"));
}

TEST_F(FfmpegCameraTest, GivesTheLastFrameForAWhileWhenTheInputIsDownThenTheReason) {
  auto options = Options();
  options.max_age_when_down = seconds(1);
  FfmpegCamera camera(options);
  ASSERT_FALSE(OnePicture(camera)->bytes().empty());
  std::filesystem::remove(folder_ / "ten.avi");
  const pid_t child = PidOfFfmpeg();
  ASSERT_GT(child, 0);  // kill(-1) would be meant for every process of this machine
  ASSERT_EQ(kill(child, SIGKILL), 0);
  AwaitStatus(camera, [](const Json& status) { return status["state"] == "down"; });
  EXPECT_FALSE(OnePicture(camera)->bytes().empty());
  std::this_thread::sleep_for(milliseconds(1100));
  const auto status = camera.GetImages(Soon(), {}, Json::object()).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(MessageOf(status), HasSubstr("ten.avi: there is no such file"));
  ASSERT_TRUE(MakeVideo("testsrc=size=64x48:rate=50:duration=1", folder_ / "ten.avi"));
  AwaitStatus(camera, [](const Json& now) { return now["state"] == "streaming"; });
  EXPECT_FALSE(OnePicture(camera)->bytes().empty());
}

TEST_F(FfmpegCameraTest, WhatIsNoVideoFailsReadsWithoutDelay) {
  folder_.Write("text.avi", "no video");
  auto options = Options();
  options.reader.input = folder_ / "text.avi";
  FfmpegCamera camera(options);
  const auto status = camera.GetImages(Soon(), {}, Json::object()).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(MessageOf(status), HasSubstr("text.avi"));
  EXPECT_EQ(Status(camera)["frames"], 0);
}

TEST_F(FfmpegCameraTest, AWaitingReadEndsWithItsContext) {
  auto options = Options();
  options.reader.ffmpeg = folder_ / "silent";
  folder_.Write("silent", "#!/bin/sh\nexec sleep 1000\n");
  std::filesystem::permissions(folder_ / "silent", std::filesystem::perms::owner_all);
  FfmpegCamera camera(options);
  EXPECT_TRUE(absl::IsDeadlineExceeded(
      camera.GetImages(Context().WithTimeout(milliseconds(30)), {}, Json::object()).status()));
  Context cancelled;
  const auto start = std::chrono::steady_clock::now();
  cancelled.cancelled = [&] { return std::chrono::steady_clock::now() > start + milliseconds(30); };
  EXPECT_TRUE(absl::IsCancelled(camera.GetImages(cancelled, {}, Json::object()).status()));
}

TEST_F(FfmpegCameraTest, ALiveInputThatGivesNothingIsStartedAgain) {
  auto options = Options();
  options.reader.input = "udp://127.0.0.1:9";
  options.reader.ffmpeg = folder_ / "silent";
  folder_.Write("silent", "#!/bin/sh\nexec sleep 1000\n");
  std::filesystem::permissions(folder_ / "silent", std::filesystem::perms::owner_all);
  options.stall_limit = milliseconds(50);
  FfmpegCamera camera(options);
  AwaitStatus(camera, [](const Json& status) { return status["restarts"] >= 2; });
  EXPECT_THAT(Status(camera)["last_error"].get<std::string>(), HasSubstr("no frame for"));
}

TEST_F(FfmpegCameraTest, WhatCannotWorkAtAllIsAnErrorOfTheBuild) {
  TestMachine machine;
  const auto missing = machine.BuildCamera("cam", "ffmpeg", R"({"video_path": "/no/such.mp4"})");
  EXPECT_TRUE(absl::IsNotFound(missing.status()));
  EXPECT_THAT(MessageOf(missing.status()), HasSubstr("/no/such.mp4"));
}

TEST_F(FfmpegCameraTest, AppliesFiltersAndOutputOptions) {
  TestMachine machine;
  const Json attributes = {
      {"video_path", folder_ / "ten.avi"},
      {"filters", {{{"name", "scale"}, {"args", {32}}, {"kw_args", {{"h", 16}}}}}},
      {"output_kw_args", {{"q:v", 4}}}};
  const auto camera = machine.BuildCamera("cam", "ffmpeg", attributes.dump());
  ASSERT_TRUE(camera.ok()) << camera.status();
  EXPECT_EQ(Pixels(*OnePicture(**camera)).size(), (image::Size{32, 16}));
  EXPECT_GT((*camera)->GetProperties(Soon())->mime_types.size(), 0u);
}

// The comma and the quotes go through both of ffmpeg's readings.
TEST_F(FfmpegCameraTest, FilterArgumentsReachTheirFilterUnchanged) {
  TestMachine machine;
  const Json attributes = {
      {"video_path", folder_ / "ten.avi"},
      {"loop", false},
      {"realtime", false},
      {"filters",
       {{{"name", "select"}, {"args", {"not(mod(n,2))"}}},
        {{"name", "metadata"},
         {"kw_args", {{"mode", "add"}, {"key", "k"}, {"value", "a:b'[,];\\"}}}}}}};
  const auto camera = machine.BuildCamera("cam", "ffmpeg", attributes.dump());
  ASSERT_TRUE(camera.ok()) << camera.status();
  for (int i = 0; i < 10; i += 2) EXPECT_NEAR(Level(**camera), 20 + 20 * i, 12) << i;
  EXPECT_TRUE(absl::IsOutOfRange((*camera)->GetImages(Soon(), {}, Json::object()).status()));
}

TEST_F(FfmpegCameraTest, IsMadeAndEndedManyTimesWithoutDelay) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) FfmpegCamera camera(Options());
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(10));
  EXPECT_EQ(PidOfFfmpeg(), -1);
}

}  // namespace
}  // namespace bowerbird::machine
