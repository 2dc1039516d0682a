// SPDX-License-Identifier: Apache-2.0
#include "video/frame_reader.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "image/codec.h"

namespace bowerbird::video {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Videos are made by ffmpeg itself, once a program run.
class FrameReaderTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!FindProgram("ffmpeg").ok()) return;
    folder_ = new std::filesystem::path(std::filesystem::temp_directory_path() /
                                        ("bowerbird_frames_" + std::to_string(getpid())));
    std::filesystem::create_directories(*folder_);
    // Ten pictures, the i-th of gray 20 + 20 i.
    Make("color=size=64x48:rate=10:duration=1,format=gray,geq=lum=20+20*N", "ten.avi",
         {"-c:v", "mjpeg", "-q:v", "2"});
    Make("testsrc=size=320x240:rate=10:duration=1", "h264.mp4", {"-c:v", "libx264"});
  }
  static void TearDownTestSuite() {
    if (folder_ != nullptr) std::filesystem::remove_all(*folder_);
    delete folder_;
    folder_ = nullptr;
  }
  void SetUp() override {
    if (folder_ == nullptr) GTEST_SKIP() << "needs the Debian package ffmpeg";
  }

  static void Make(const std::string& source, const std::string& name,
                   std::vector<std::string> arguments) {
    Subprocess::Options options;
    options.argv = {"ffmpeg", "-nostdin", "-loglevel", "error", "-y", "-f", "lavfi", "-i", source};
    options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
    options.argv.push_back(Path(name));
    auto child = Subprocess::Start(options);
    ASSERT_TRUE(child.ok()) << child.status();
    ASSERT_TRUE((*child)->Wait()->ok()) << (*child)->Stderr();
  }
  static std::string Path(const std::string& name) { return (*folder_ / name).string(); }

  static FrameReaderOptions Options(const std::string& name) {
    FrameReaderOptions options;
    options.input = Path(name);
    return options;
  }
  static std::unique_ptr<FrameReader> MustOpen(const FrameReaderOptions& options) {
    auto reader = FrameReader::Open(options);
    EXPECT_TRUE(reader.ok()) << reader.status();
    return *std::move(reader);
  }
  static Context Soon() { return Context().WithTimeout(seconds(30)); }
  static image::Image Decode(const Frame& frame) {
    auto decoded =
        image::Decode({reinterpret_cast<const uint8_t*>(frame.jpeg.data()), frame.jpeg.size()});
    EXPECT_TRUE(decoded.ok()) << decoded.status();
    return decoded.ok() ? *std::move(decoded) : image::Image(1, 1, image::PixelFormat::kGray8);
  }
  static int Level(const Frame& frame) { return Decode(frame).bytes()[0]; }

  static std::filesystem::path* folder_;
};

std::filesystem::path* FrameReaderTest::folder_ = nullptr;

TEST_F(FrameReaderTest, GivesEveryFrameOnceInOrderThenTheEnd) {
  const auto reader = ReadFrames(Path("ten.avi"));
  ASSERT_TRUE(reader.ok()) << reader.status();
  for (int i = 0; i < 10; ++i) {
    const auto frame = (*reader)->Next(Soon());
    ASSERT_TRUE(frame.ok() && *frame) << frame.status();
    EXPECT_EQ((*frame)->index, i);
    EXPECT_NEAR(Level(**frame), 20 + 20 * i, 12);
  }
  for (int i = 0; i < 2; ++i) {
    const auto end = (*reader)->Next(Soon());
    ASSERT_TRUE(end.ok()) << end.status();
    EXPECT_FALSE(end->has_value());
  }
  EXPECT_EQ((*reader)->frames(), 10);
}

TEST_F(FrameReaderTest, LoopsWithoutEnd) {
  auto options = Options("ten.avi");
  options.loop = true;
  const auto reader = MustOpen(options);
  for (int i = 0; i < 35; ++i) {
    const auto frame = reader->Next(Soon());
    ASSERT_TRUE(frame.ok() && *frame) << i << frame.status();
    EXPECT_NEAR(Level(**frame), 20 + 20 * (i % 10), 12) << i;
  }
}

TEST_F(FrameReaderTest, RealtimeKeepsTheFilesPace) {
  auto options = Options("ten.avi");
  options.realtime = true;
  const auto reader = MustOpen(options);
  ASSERT_TRUE(reader->Next(Soon()).ok());
  const auto start = Clock::now();
  for (int i = 1; i < 10; ++i) ASSERT_TRUE(reader->Next(Soon()).ok());
  EXPECT_GE(Clock::now() - start, milliseconds(600));  // 0.9 s of video
}

TEST_F(FrameReaderTest, ScalesAndDropsFrames) {
  auto options = Options("h264.mp4");
  options.size = {160, 0};
  options.max_fps = 5;
  const auto reader = MustOpen(options);
  int frames = 0;
  while (true) {
    const auto frame = reader->Next(Soon());
    ASSERT_TRUE(frame.ok()) << frame.status();
    if (!*frame) break;
    ++frames;
    EXPECT_EQ(Decode(**frame).size(), (image::Size{160, 120}));
  }
  EXPECT_EQ(frames, 5);
}

TEST_F(FrameReaderTest, TurnsPicturesAsTheFileAsks) {
  Subprocess::Options options;
  options.argv = {"ffmpeg",    "-nostdin",        "-loglevel", "error", "-y",
                  "-i",        Path("h264.mp4"),  "-c",        "copy",  "-metadata:s:v:0",
                  "rotate=90", Path("turned.mp4")};
  ASSERT_TRUE((*Subprocess::Start(options))->Wait()->ok());
  const auto frame = MustOpen(Options("turned.mp4"))->Next(Soon());
  ASSERT_TRUE(frame.ok() && *frame);
  EXPECT_EQ(Decode(**frame).size(), (image::Size{240, 320}));
}

TEST_F(FrameReaderTest, AMissingFileIsNamed) {
  const auto reader = ReadFrames("/no/such/video.mp4");
  EXPECT_TRUE(absl::IsNotFound(reader.status()));
  EXPECT_THAT(MessageOf(reader.status()), HasSubstr("/no/such/video.mp4"));
  EXPECT_THAT(MessageOf(ReadFrames("/usr").status()), HasSubstr("folder"));
  EXPECT_TRUE(absl::IsInvalidArgument(ReadFrames("").status()));
}

TEST_F(FrameReaderTest, AMissingFfmpegSaysWhatToInstall) {
  auto options = Options("ten.avi");
  options.ffmpeg = "/no/such/ffmpeg";
  const auto status = FrameReader::Open(options).status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(MessageOf(status), HasSubstr("install the Debian package ffmpeg"));
}

TEST_F(FrameReaderTest, WhatIsNoVideoIsReportedInFfmpegsWords) {
  std::ofstream(Path("text.mp4")) << "this is no video at all\n";
  const auto reader = MustOpen(Options("text.mp4"));
  for (int i = 0; i < 2; ++i) {
    const auto frame = reader->Next(Soon());
    EXPECT_TRUE(absl::IsInvalidArgument(frame.status()));
    EXPECT_THAT(MessageOf(frame.status()), HasSubstr("text.mp4"));
    EXPECT_THAT(MessageOf(frame.status()), HasSubstr("Invalid data"));
  }
}

TEST_F(FrameReaderTest, AFileWithoutPicturesIsReported) {
  Make("anullsrc=duration=1", "silence.wav", {});
  const auto frame = MustOpen(Options("silence.wav"))->Next(Soon());
  EXPECT_TRUE(absl::IsInvalidArgument(frame.status())) << frame.status();
}

TEST_F(FrameReaderTest, PasswordsStayOutOfMessages) {
  FrameReaderOptions options;
  options.input = "http://user:s3cret@127.0.0.1:9/video";  // the discard port: nobody listens
  const auto frame = MustOpen(options)->Next(Soon());
  EXPECT_THAT(MessageOf(frame.status()), HasSubstr("127.0.0.1:9"));
  EXPECT_THAT(MessageOf(frame.status()), Not(HasSubstr("s3cret")));
}

TEST_F(FrameReaderTest, AKilledChildIsDataLoss) {
  // A script in ffmpeg's place: one picture, then it kills itself.
  const auto picture = ReadFrames(Path("ten.avi")).value()->Next(Soon());
  ASSERT_TRUE(picture.ok() && *picture);
  std::ofstream(Path("one.jpg"), std::ios::binary) << (*picture)->jpeg;
  std::ofstream(Path("fake_ffmpeg"))
      << "#!/bin/sh\ncat '" << Path("one.jpg") << "'\nkill -KILL $$\n";
  std::filesystem::permissions(Path("fake_ffmpeg"), std::filesystem::perms::owner_all);
  auto options = Options("ten.avi");
  options.ffmpeg = Path("fake_ffmpeg");
  const auto reader = MustOpen(options);
  ASSERT_TRUE(reader->Next(Soon()).value().has_value());
  const auto status = reader->Next(Soon()).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(MessageOf(status), HasSubstr("stopped after frame 1: killed by SIGKILL"));
}

TEST_F(FrameReaderTest, TheContextEndsAWaitAndTheReaderGoesOn) {
  auto options = Options("ten.avi");
  options.realtime = true;
  const auto reader = MustOpen(options);
  ASSERT_TRUE(reader->Next(Soon()).ok());
  EXPECT_TRUE(
      absl::IsDeadlineExceeded(reader->Next(Context().WithTimeout(milliseconds(10))).status()));
  Context cancelled;
  cancelled.cancelled = [] { return true; };
  EXPECT_TRUE(absl::IsCancelled(reader->Next(cancelled).status()));
  EXPECT_EQ(reader->Next(Soon()).value()->index, 1);
}

TEST_F(FrameReaderTest, StopEndsAWait) {
  auto options = Options("ten.avi");
  options.realtime = true;
  options.loop = true;
  const auto reader = MustOpen(options);
  std::thread stopper([&] {
    std::this_thread::sleep_for(milliseconds(150));
    reader->Stop();
  });
  absl::Status status;
  while (status.ok()) status = reader->Next(Soon()).status();
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  stopper.join();
}

}  // namespace
}  // namespace bowerbird::video
