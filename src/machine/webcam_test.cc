// SPDX-License-Identifier: Apache-2.0
#include <functional>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "machine/camera_test_machine.h"
#include "machine/camera_webcam.h"
#include "machine/discovery_webcam.h"
#include "machine/webcam_simulation.h"

namespace bowerbird::machine {
namespace {

using image::Image;
using image::PixelFormat;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kPath[] = "/dev/video0";

Image Noise(int width, int height) {
  Image picture(width, height, PixelFormat::kRgb8);
  uint32_t state = 1;
  for (auto& byte : picture.bytes())
    byte = static_cast<uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  return picture;
}

std::string Jpeg(int width, int height) { return *image::EncodeJpeg(Noise(width, height)); }

SimulatedDevice TwoFormats() {
  SimulatedDevice device;
  device.formats = {{V4L2_PIX_FMT_YUYV, {{640, 480}, {320, 240}}, {30}},
                    {V4L2_PIX_FMT_MJPEG, {{640, 480}, {1280, 720}, {1920, 1080}}, {15, 30}},
                    {V4L2_PIX_FMT_H264, {{1920, 1080}}, {30}}};
  return device;
}

class WebcamTest : public ::testing::Test {
 protected:
  WebcamOptions Options() {
    WebcamOptions options;
    options.name = "cam";
    options.driver = driver_;
    options.reconnect_pause = milliseconds(10);
    options.wish.fps = 30;
    return options;
  }
  std::shared_ptr<WebcamCamera> MustCreate(const WebcamOptions& options) {
    auto camera = WebcamCamera::Create(options);
    EXPECT_TRUE(camera.ok()) << camera.status();
    return *std::move(camera);
  }
  static Json Status(Camera& camera) { return camera.GetStatus(Soon()).value(); }
  static void Await(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::sleep_for(milliseconds(2));
    }
  }
  static void AwaitFrames(Camera& camera, int frames) {
    Await([&] { return Status(camera)["frames"] == frames; });
  }
  static std::string Problem(Camera& camera) {
    return MessageOf(camera.GetImages(Soon(), {}, Json()).status());
  }

  std::shared_ptr<SimulatedDriver> driver_ = std::make_shared<SimulatedDriver>();
};

TEST_F(WebcamTest, GivesTheLatestFrameUnderItsOwnName) {
  driver_->Plug(kPath, TwoFormats());
  const auto camera = MustCreate(Options());
  EXPECT_EQ(Problem(*camera), "no frames available to read");
  const std::string first = Jpeg(640, 480), second = Jpeg(640, 480) + "x";
  driver_->Deliver(kPath, first);
  AwaitFrames(*camera, 1);
  const auto images = camera->GetImages(Soon(), {"cam"}, Json());
  ASSERT_TRUE(images.ok()) << images.status();
  EXPECT_EQ(images->images[0].source_name, "cam");
  EXPECT_EQ(images->images[0].picture->mime(), "image/jpeg");
  EXPECT_EQ(images->images[0].picture->bytes(), first);
  EXPECT_EQ(OnePicture(*camera), images->images[0].picture);     // made once
  for (int i = 0; i < 10; ++i) driver_->Deliver(kPath, second);  // more than there are buffers
  AwaitFrames(*camera, 11);
  EXPECT_EQ(OnePicture(*camera)->bytes(), second);
}

TEST_F(WebcamTest, ChoosesSizeRateAndTheCheapestFormat) {
  driver_->Plug(kPath, TwoFormats());
  auto options = Options();
  {
    const auto camera = MustCreate(options);
    const auto device = driver_->Look(kPath);
    EXPECT_EQ(device.pix.pixelformat, static_cast<uint32_t>(V4L2_PIX_FMT_MJPEG));
    EXPECT_EQ(device.pix.width, 640u);
    EXPECT_EQ(device.rate, 30);
    EXPECT_EQ(camera->GetProperties(Soon())->frame_rate, 30.0f);
    EXPECT_THAT(camera->GetProperties(Soon())->mime_types,
                ElementsAre("image/jpeg", "image/png", "image/vnd.viam.rgba"));
  }
  options.wish.size = {1900, 1000};
  { EXPECT_EQ(Status(*MustCreate(options))["width_px"], 1920); }
  options.wish = {};
  options.wish.fourcc = V4L2_PIX_FMT_YUYV;
  options.wish.size = {300, 200};
  const Json status = Status(*MustCreate(options));
  EXPECT_EQ(status["format"], "YUY2");
  EXPECT_EQ(status["width_px"], 320);
}

TEST_F(WebcamTest, SizesInStepsOfferTheUsualOnes) {
  SimulatedDevice device;
  device.formats = {{V4L2_PIX_FMT_YUYV, {{160, 128}, {1280, 960}}, {}, true}};
  driver_->Plug(kPath, device);
  const auto found = FindVideoDevices(*driver_);
  ASSERT_EQ(found.size(), 1u);
  std::vector<int> widths;
  for (const auto& mode : found[0].modes) widths.push_back(mode.size.width);
  EXPECT_THAT(widths, ElementsAre(320, 640, 1280));  // 600 is no step
}

TEST_F(WebcamTest, DamagedFramesAreDropped) {
  driver_->Plug(kPath, TwoFormats());
  const auto camera = MustCreate(Options());
  driver_->Deliver(kPath, Jpeg(8, 8), V4L2_BUF_FLAG_ERROR);
  driver_->Deliver(kPath, "");
  driver_->Deliver(kPath, "no picture");
  Await([&] { return Status(*camera)["damaged_frames"] == 3; });
  EXPECT_EQ(Problem(*camera), "no frames available to read");
}

TEST_F(WebcamTest, SaysThatItIsDisconnectedAndComesBackByItself) {
  driver_->Plug(kPath, TwoFormats());
  const auto camera = MustCreate(Options());
  driver_->Deliver(kPath, Jpeg(640, 480));
  AwaitFrames(*camera, 1);
  driver_->Unplug(kPath);
  Await([&] { return Status(*camera)["connected"] == false; });
  EXPECT_EQ(Problem(*camera), "webcam is disconnected; please try again in a few moments");
  driver_->Plug("/dev/video7", TwoFormats());  // it need not get its number again
  Await([&] { return Status(*camera)["connected"] == true; });
  EXPECT_EQ(Status(*camera)["device"], "/dev/video7");
  EXPECT_EQ(Problem(*camera), "no frames available to read");
  driver_->Deliver("/dev/video7", Jpeg(640, 480));
  AwaitFrames(*camera, 2);
  EXPECT_FALSE(OnePicture(*camera)->bytes().empty());
}

TEST_F(WebcamTest, ADeviceThatGivesNothingIsOpenedAgain) {
  driver_->Plug(kPath, TwoFormats());
  auto options = Options();
  options.stall_limit = milliseconds(20);
  const auto camera = MustCreate(options);
  Await([&] { return !Status(*camera)["last_error"].get<std::string>().empty(); });
  EXPECT_THAT(Status(*camera)["last_error"].get<std::string>(), HasSubstr("gives no frames"));
}

TEST_F(WebcamTest, FindsDevicesByNameBelowDev) {
  driver_->Plug("/dev/v4l/by-id/usb-cam", TwoFormats());
  auto options = Options();
  options.wish.path = "usb-cam";
  EXPECT_EQ(Status(*MustCreate(options))["device"], "/dev/v4l/by-id/usb-cam");
  options.wish.path = "usb-other";
  EXPECT_THAT(MessageOf(WebcamCamera::Create(options).status()), HasSubstr("usb-other"));
}

TEST_F(WebcamTest, WhyItCannotStartIsTold) {
  auto options = Options();
  const auto problem = [&] { return MessageOf(WebcamCamera::Create(options).status()); };
  EXPECT_THAT(problem(), HasSubstr("no webcam found"));
  auto device = TwoFormats();
  device.busy = true;
  driver_->Plug(kPath, device);
  EXPECT_THAT(problem(), HasSubstr("in use by another program"));
  device = TwoFormats();
  device.forced_fourcc = V4L2_PIX_FMT_H264;
  driver_->Plug(kPath, device);
  EXPECT_THAT(problem(), HasSubstr("insists on the format H264"));
  device = TwoFormats();
  device.capabilities = V4L2_CAP_META_CAPTURE;
  driver_->Plug(kPath, device);
  options.wish.path = kPath;
  EXPECT_THAT(problem(), HasSubstr("does not capture video"));
  driver_->Plug(kPath, TwoFormats());
  options.wish.fourcc = V4L2_PIX_FMT_NV12;
  EXPECT_THAT(problem(), HasSubstr("does not offer the format NV12; it offers YUY2, MJPEG"));
}

TEST_F(WebcamTest, ItsNameIsItsOnlySource) {
  driver_->Plug(kPath, TwoFormats());
  const auto camera = MustCreate(Options());
  EXPECT_THAT(MessageOf(camera->GetImages(Soon(), {"color"}, Json()).status()),
              HasSubstr("invalid source name"));
  EXPECT_THAT(MessageOf(camera->GetImages(Soon(), {"cam", "cam"}, Json()).status()),
              HasSubstr("duplicate source name in filter"));
}

TEST_F(WebcamTest, AttributesAreChecked) {
  TestMachine machine;
  const auto message = [&](const std::string& attributes) {
    return MessageOf(machine.BuildCamera("cam", "webcam", attributes).status());
  };
  EXPECT_THAT(message(R"({"format": "H265"})"),
              HasSubstr("attributes.format: \"H265\" is no format"));
  EXPECT_THAT(message(R"({"width_px": -1})"), HasSubstr("width_px: -1"));
  EXPECT_THAT(message(R"({"video_path": "/no/such/device", "format": "mjpg"})"),
              HasSubstr("/no/such/device: No such file"));
}

// ---- frames ----

RawFrame Frame(uint32_t fourcc, int width, int height, std::string bytes, size_t stride = 0) {
  RawFrame frame;
  frame.fourcc = fourcc;
  frame.size = {width, height};
  frame.stride = stride;
  frame.bytes = std::move(bytes);
  return frame;
}

// A picture of one colour in every format gives that colour.
TEST(WebcamFrame, AllFormatsGiveTheSameColor) {
  // BT.601, limited range: red is Y 81, U 90, V 240; full range: 76, 85, 255.
  for (const bool full : {false, true}) {
    const char y = static_cast<char>(full ? 76 : 81), u = static_cast<char>(full ? 85 : 90),
               v = static_cast<char>(full ? 255 : 240);
    const auto pairs = [](char a, char b, char c, char d, int count) {
      std::string bytes;
      for (int i = 0; i < count; ++i) bytes += {a, b, c, d};
      return bytes;
    };
    const std::string luma(16 * 16, y);
    const std::string planes = luma + std::string(64, u) + std::string(64, v);
    std::string uv, vu;
    for (int i = 0; i < 64; ++i) {
      uv += {u, v};
      vu += {v, u};
    }
    for (RawFrame frame :
         {Frame(V4L2_PIX_FMT_YUYV, 16, 16, pairs(y, u, y, v, 128)),
          Frame(V4L2_PIX_FMT_UYVY, 16, 16, pairs(u, y, v, y, 128)),
          Frame(V4L2_PIX_FMT_NV12, 16, 16, luma + uv), Frame(V4L2_PIX_FMT_NV21, 16, 16, luma + vu),
          Frame(V4L2_PIX_FMT_YUV420, 16, 16, planes)}) {
      frame.full_range = full;
      const auto picture = PictureOf(frame);
      ASSERT_TRUE(picture.ok()) << picture.status();
      const Image pixels = Pixels(**picture);
      for (const int x : {0, 15}) {
        const uint8_t* pixel = pixels.row(x) + 3 * x;
        EXPECT_NEAR(pixel[0], 255, 5) << FormatName(frame.fourcc);
        EXPECT_NEAR(pixel[1], 0, 5) << FormatName(frame.fourcc);
        EXPECT_NEAR(pixel[2], 0, 5) << FormatName(frame.fourcc);
      }
    }
  }
}

TEST(WebcamFrame, PackedColorsAndGray) {
  std::string rgb, bgr;
  for (int i = 0; i < 64; ++i) {
    rgb += {'\x00', '\x00', '\xff'};
    bgr += {'\xff', '\x00', '\x00'};
  }
  for (const auto& frame :
       {Frame(V4L2_PIX_FMT_RGB24, 8, 8, rgb), Frame(V4L2_PIX_FMT_BGR24, 8, 8, bgr)}) {
    const Image pixels = Pixels(**PictureOf(frame));
    EXPECT_NEAR(pixels.bytes()[0], 0, 4);
    EXPECT_NEAR(pixels.bytes()[2], 255, 4);
  }
  const Image gray = Pixels(**PictureOf(Frame(V4L2_PIX_FMT_GREY, 8, 8, std::string(64, '\x64'))));
  EXPECT_EQ(gray.format(), PixelFormat::kGray8);
  EXPECT_NEAR(gray.bytes()[0], 100, 1);
}

TEST(WebcamFrame, RowsMayBePaddedAndSizesOdd) {
  // 3 x 3, rows of 4 padded to 8: left half white, padding black.
  std::string bytes;
  for (int row = 0; row < 3; ++row) bytes += std::string(4, '\xeb') + std::string(4, '\x10');
  for (int row = 0; row < 2; ++row) bytes += std::string(8, '\x80');
  const Image pixels = Pixels(**PictureOf(Frame(V4L2_PIX_FMT_NV12, 3, 3, bytes, 8)));
  EXPECT_EQ(pixels.size(), (image::Size{3, 3}));
  for (const uint8_t byte : pixels.bytes()) EXPECT_GE(byte, 250);
}

TEST(WebcamFrame, TooFewBytesAreRefused) {
  for (const auto& format : VideoFormats()) {
    for (const size_t bytes : {size_t{0}, size_t{2}, size_t{63}}) {
      const auto frame = Frame(format.fourcc, 8, 8, std::string(bytes, 'x'));
      EXPECT_FALSE(PictureOf(frame).ok()) << format.name << " " << bytes;
      EXPECT_FALSE(CheckFrame(frame).ok()) << format.name << " " << bytes;
    }
  }
  EXPECT_FALSE(PictureOf(Frame(V4L2_PIX_FMT_GREY, 0, 8, "")).ok());
  EXPECT_FALSE(PictureOf(Frame(V4L2_PIX_FMT_GREY, 1 << 30, 1 << 30, "")).ok());
  EXPECT_FALSE(PictureOf(Frame(V4L2_PIX_FMT_H264, 8, 8, std::string(999, 'x'))).ok());
}

// Our encoder writes the standard tables: without them, and with them put back, a picture is the
// same.
TEST(WebcamFrame, MissingHuffmanTablesAreFilledIn) {
  const std::string whole = Jpeg(64, 48);
  std::string bare = whole;
  size_t at = 2, removed = 0;
  while (static_cast<uint8_t>(bare[at + 1]) != 0xda) {
    const size_t length = 2 + (static_cast<size_t>(static_cast<uint8_t>(bare[at + 2])) << 8 |
                               static_cast<uint8_t>(bare[at + 3]));
    if (static_cast<uint8_t>(bare[at + 1]) == 0xc4) {
      bare.erase(at, length);
      ++removed;
    } else {
      at += length;
    }
  }
  ASSERT_GT(removed, 0u);
  const std::string filled = WithHuffmanTables(bare);
  EXPECT_EQ(filled.size(), bare.size() + 420);
  EXPECT_EQ(WithHuffmanTables(whole), whole);
  const Image expected = Pixels(*image::Picture::FromBytes(whole));
  const Image got = Pixels(*image::Picture::FromBytes(filled));
  ASSERT_EQ(got.size(), expected.size());
  EXPECT_TRUE(std::equal(got.bytes().begin(), got.bytes().end(), expected.bytes().begin()));
  for (size_t size = 0; size < bare.size(); ++size) WithHuffmanTables(bare.substr(0, size));
}

// ---- discovery ----

TEST(WebcamDiscovery, GivesAReadyConfigForEachSizeOfEachDevice) {
  auto driver = std::make_shared<SimulatedDriver>();
  WebcamDiscovery discovery(driver);
  EXPECT_THAT(*discovery.DiscoverResources(Soon(), Json()), IsEmpty());
  driver->Plug(kPath, TwoFormats());
  SimulatedDevice metadata = TwoFormats();
  metadata.capabilities = V4L2_CAP_META_CAPTURE;
  driver->Plug("/dev/video1", metadata);
  const auto found = discovery.DiscoverResources(Soon(), Json());
  ASSERT_TRUE(found.ok()) << found.status();
  std::vector<std::string> lines;
  for (const auto& resource : *found) {
    EXPECT_TRUE(CheckResourceName(resource.name.name).ok()) << resource.name.name;
    lines.push_back(resource.name.name + " " + resource.attributes["format"].get<std::string>());
  }
  EXPECT_THAT(
      lines,
      ElementsAre("Simulated-Cam-one-0-1920x1080 MJPEG", "Simulated-Cam-one-0-1280x720 MJPEG",
                  "Simulated-Cam-one-0-640x480 MJPEG", "Simulated-Cam-one-0-320x240 YUY2"));
  EXPECT_EQ((*found)[0].attributes["video_path"], "/stable/dev/video0");
  EXPECT_EQ((*found)[0].attributes["frame_rate"], 30);
  EXPECT_EQ((*found)[0].model.ToString(), "rdk:builtin:webcam");
}

TEST(WebcamDiscovery, IsBuiltFromAConfigAndLooksAtThisMachine) {
  TestMachine machine;
  const auto built = machine.Build(kDiscoveryApi, "finder", "webcam", "{}");
  ASSERT_TRUE(built.ok()) << built.status();
  const auto discovery = std::dynamic_pointer_cast<Discovery>(*built);
  const auto found = discovery->DiscoverResources(Soon(), Json());
  ASSERT_TRUE(found.ok());
  for (const auto& resource : *found) EXPECT_TRUE(CheckResourceName(resource.name.name).ok());
}

}  // namespace
}  // namespace bowerbird::machine
