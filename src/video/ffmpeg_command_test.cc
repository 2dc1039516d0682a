// SPDX-License-Identifier: Apache-2.0
#include "video/ffmpeg_command.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bowerbird::video {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

FrameReaderOptions Input(const std::string& input) {
  FrameReaderOptions options;
  options.input = input;
  return options;
}

std::string Command(const FrameReaderOptions& options) {
  std::string line;
  for (const auto& word : FfmpegCommand(options)) line += word + " ";
  return line;
}

TEST(FfmpegCommand, KnowsLiveInputsFromFiles) {
  for (const char* live : {"rtsp://host/stream", "RTSP://host", "udp://239.0.0.1:1234",
                           "/dev/video0", "http://host:8080/video", "rtmp://host/app"}) {
    EXPECT_TRUE(IsLive(Input(live))) << live;
  }
  for (const char* file : {"street.avi", "/data/a.mp4", "file:///data/a.mp4",
                           "https://host/path/Movie.MP4?token=a.b", "a:b.mkv"}) {
    EXPECT_FALSE(IsLive(Input(file))) << file;
  }
}

TEST(FfmpegCommand, LooksForLocalFilesOnly) {
  EXPECT_TRUE(IsLocalFile(Input("street.avi")));
  EXPECT_TRUE(IsLocalFile(Input("/data/no such file.mp4")));
  EXPECT_FALSE(IsLocalFile(Input("rtsp://host/stream")));
  EXPECT_FALSE(IsLocalFile(Input("shot-%04d.jpg")));
  EXPECT_FALSE(IsLocalFile(Input("concat:a.ts|b.ts")));
  auto generated = Input("testsrc");
  generated.input_args = {"-f", "lavfi"};
  EXPECT_FALSE(IsLocalFile(generated));
}

TEST(FfmpegCommand, PacesAndLoopsFilesButNeverLiveInputs) {
  for (const char* input : {"street.avi", "rtsp://host/stream"}) {
    auto options = Input(input);
    options.loop = options.realtime = true;
    const bool live = IsLive(options);
    EXPECT_EQ(Command(options).find(" -re ") == std::string::npos, live) << input;
    EXPECT_EQ(Command(options).find(" -stream_loop -1 ") == std::string::npos, live) << input;
    EXPECT_EQ(Command(options).find(" low_delay ") == std::string::npos, !live) << input;
  }
  EXPECT_THAT(Command(Input("street.avi")), Not(HasSubstr("-re ")));
}

TEST(FfmpegCommand, NetworkInputsCannotOpenFiles) {
  EXPECT_THAT(Command(Input("a.mp4")), HasSubstr("-protocol_whitelist file,"));
  EXPECT_THAT(Command(Input("http://host/list.m3u8")), HasSubstr("-protocol_whitelist http,"));
  EXPECT_THAT(Command(Input("http://host/list.m3u8")), Not(HasSubstr("file")));
  EXPECT_THAT(Command(Input("rtsp://host/")), HasSubstr("-rtsp_transport tcp"));
}

TEST(FfmpegCommand, TheCallersOptionsComeLastAndWin) {
  auto options = Input("rtsp://host/");
  options.input_args = {"-rtsp_transport", "udp"};
  options.output_args = {"-q:v", "9"};
  const std::string line = Command(options);
  EXPECT_LT(line.find("-rtsp_transport tcp"), line.find("-rtsp_transport udp"));
  EXPECT_LT(line.find("-rtsp_transport udp"), line.find("-i rtsp://host/"));
  EXPECT_LT(line.find("-q:v 5"), line.find("-q:v 9"));
  EXPECT_TRUE(line.ends_with("-f image2pipe pipe:1 ")) << line;
}

TEST(FfmpegCommand, AFrameRateOfTheCallersIsNotContradicted) {
  auto options = Input("a.mp4");
  EXPECT_THAT(Command(options), HasSubstr("-fps_mode passthrough"));
  options.output_args = {"-r", "5"};
  EXPECT_THAT(Command(options), Not(HasSubstr("-fps_mode")));
}

TEST(FfmpegCommand, ChainsFilters) {
  auto options = Input("a.mp4");
  EXPECT_THAT(Command(options), Not(HasSubstr("-vf")));
  options.filters = "hflip";
  options.size = {320, 0};
  options.max_fps = 10;
  EXPECT_THAT(Command(options),
              HasSubstr("-vf select=isnan(prev_selected_t)+gte(t-prev_selected_t\\,0.098000),hflip,"
                        "scale=320:-2 "));
  options = Input("a.mp4");
  options.size = {0, 240};
  EXPECT_THAT(Command(options), HasSubstr("-vf scale=-2:240 "));
  options.size = {320, 240};
  EXPECT_THAT(Command(options), HasSubstr("-vf scale=320:240 "));
}

TEST(FfmpegCommand, AColonInAFileNameIsNoProtocol) {
  EXPECT_THAT(Command(Input("/data/12:30.mp4")), HasSubstr("-i /data/12:30.mp4 "));
}

TEST(PrintableInput, LeavesOutNamesAndPasswords) {
  EXPECT_EQ(PrintableInput("rtsp://admin:s3cret@10.0.0.5:554/live"), "rtsp://10.0.0.5:554/live");
  EXPECT_EQ(PrintableInput("rtsp://user:p@ss@host"), "rtsp://host");
  EXPECT_EQ(PrintableInput("http://host/a@b"), "http://host/a@b");
  EXPECT_EQ(PrintableInput("folder/a@b.mp4"), "folder/a@b.mp4");
}

}  // namespace
}  // namespace bowerbird::video
