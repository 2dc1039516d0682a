// SPDX-License-Identifier: Apache-2.0
#include "app/find_run.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/picture_source.h"
#include "base/status.h"
#include "image/codec.h"

namespace bowerbird::app {
namespace {

namespace fs = std::filesystem;

// A folder of its own for each test.
class FindRunTest : public ::testing::Test {
 protected:
  FindRunTest()
      : folder_(fs::path(::testing::TempDir()) /
                ("find_run_" + std::to_string(getpid()) + "_" +
                 ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::create_directories(folder_);
  }
  ~FindRunTest() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  std::string Write(const std::string& name, const std::string& bytes) const {
    const fs::path path = folder_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
    return path.string();
  }

  // A black picture, as PNG.
  std::string WritePicture(const std::string& name, int width, int height) const {
    image::Image image(width, height, image::PixelFormat::kRgb8);
    std::fill(image.bytes().begin(), image.bytes().end(), uint8_t{0});
    return Write(name, *image::EncodePng(image));
  }

  // Reports the width of each picture as its only result.
  FindRun Widths(std::vector<std::string> files) const {
    FindRun run;
    run.command = "measure";
    run.files = std::move(files);
    run.key = "widths";
    run.find = [](const Context&,
                  const image::Picture& picture) -> absl::StatusOr<nlohmann::ordered_json> {
      ASSIGN_OR_RETURN(const image::Header header, picture.header());
      return nlohmann::ordered_json::array({header.size.width});
    };
    run.mark = [](image::Image& image) { image.row(0)[0] = 255; };
    return run;
  }

  const fs::path folder_;
};

std::vector<nlohmann::json> Lines(const std::string& text) {
  std::vector<nlohmann::json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

TEST_F(FindRunTest, EveryPictureIsALineOfJson) {
  const FindRun run = Widths({WritePicture("a.png", 7, 3)});
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(RunFind(run), 0);
  const auto lines = Lines(::testing::internal::GetCapturedStdout());
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["file"], (folder_ / "a.png").string());
  EXPECT_EQ(lines[0]["frame"], 0);
  EXPECT_EQ(lines[0]["width"], 7);
  EXPECT_EQ(lines[0]["height"], 3);
  EXPECT_EQ(lines[0]["widths"], nlohmann::json::array({7}));
  for (const char* phase : {"decode", "resize", "invoke", "postprocess"}) {
    EXPECT_TRUE(lines[0]["milliseconds"][phase].is_number()) << phase;
  }
}

TEST_F(FindRunTest, AFileThatFailsIsToldAndTheRestGoesOn) {
  const std::string good = WritePicture("good.png", 5, 5);
  const std::string torn = Write(
      "torn.png", image::EncodePng(image::Image(9, 9, image::PixelFormat::kRgb8))->substr(0, 20));
  const FindRun run = Widths({"/nowhere/x.jpg", torn, Write("empty.jpg", ""), good});
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(RunFind(run), 1);
  EXPECT_EQ(Lines(::testing::internal::GetCapturedStdout()).size(), 1u);
  const std::string errors = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(errors.find("bowerbird measure: there is no file '/nowhere/x.jpg'"), std::string::npos)
      << errors;
  EXPECT_NE(errors.find("torn.png"), std::string::npos) << errors;
  EXPECT_NE(errors.find("empty.jpg is empty"), std::string::npos) << errors;
}

TEST_F(FindRunTest, DrawnPicturesOfOneNameDoNotOverwriteEachOther) {
  FindRun run = Widths({WritePicture("one/a.png", 8, 8), WritePicture("two/a.png", 8, 8)});
  run.draw = (folder_ / "drawn" / "here").string();
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(RunFind(run), 0);
  ::testing::internal::GetCapturedStdout();
  EXPECT_TRUE(fs::exists(folder_ / "drawn/here/a.jpg"));
  EXPECT_TRUE(fs::exists(folder_ / "drawn/here/a-2.jpg"));
}

TEST_F(FindRunTest, AFolderStandsForItsPicturesByName) {
  WritePicture("b.png", 2, 2);
  WritePicture("a.PNG", 1, 1);
  WritePicture("deeper/c.png", 3, 3);
  Write("notes.txt", "no picture");
  const auto files = FilesOf(folder_.string());
  ASSERT_TRUE(files.ok()) << files.status();
  ASSERT_EQ(files->size(), 2u);
  EXPECT_EQ(fs::path(files->at(0)).filename(), "a.PNG");
  EXPECT_EQ(fs::path(files->at(1)).filename(), "b.png");
}

TEST_F(FindRunTest, ArgumentsThatAreNoFilesSayWhatIsWanted) {
  const std::string wanted = "give the path of a picture, a video or a folder of pictures";
  for (const std::string& argument :
       {std::string("-"), std::string("/nowhere"), folder_.string()}) {
    const auto files = FilesOf(argument);
    ASSERT_FALSE(files.ok()) << argument;
    EXPECT_NE(MessageOf(files.status()).find(wanted), std::string::npos) << files.status();
  }
}

TEST(Rounded, KeepsSixDecimals) {
  EXPECT_EQ(Rounded(0.12345678), 0.123457);
  EXPECT_EQ(Rounded(1), 1);
}

}  // namespace
}  // namespace bowerbird::app
