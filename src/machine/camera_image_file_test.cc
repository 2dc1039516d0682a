// SPDX-License-Identifier: Apache-2.0
#include "machine/camera_image_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "machine/camera_scenes.h"
#include "machine/camera_test_machine.h"

namespace bowerbird::machine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

image::Image Plain(int width, int height, uint8_t value) {
  image::Image picture(width, height, image::PixelFormat::kRgb8);
  std::fill(picture.bytes().begin(), picture.bytes().end(), value);
  return picture;
}

// Every pixel 1000 mm away, but the first, which is unknown.
image::Image Depth(int width, int height) {
  image::Image depth(width, height, image::PixelFormat::kDepth16);
  for (int y = 0; y < height; ++y) std::fill_n(depth.depth_row(y), width, uint16_t{1000});
  depth.depth_row(0)[0] = 0;
  return depth;
}

class ImageFileCameraTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::shared_ptr<Camera>> Build(const Json& attributes) {
    return machine_.BuildCamera("cam", "image_file", attributes.dump());
  }
  std::shared_ptr<Camera> MustBuild(const Json& attributes) {
    auto camera = Build(attributes);
    EXPECT_TRUE(camera.ok()) << camera.status();
    return *std::move(camera);
  }
  static std::vector<std::string> Sources(Camera& camera, const std::vector<std::string>& filter) {
    const auto images = camera.GetImages(Soon(), filter, Json::object());
    if (!images.ok()) return {MessageOf(images.status())};
    std::vector<std::string> sources;
    for (const auto& image : images->images)
      sources.push_back(image.source_name + " " + image.picture->mime());
    return sources;
  }

  TestMachine machine_;
  TestFolder folder_{"image_file"};
};

TEST_F(ImageFileCameraTest, SendsTheFilesOwnBytes) {
  for (const std::string& bytes :
       {*image::EncodeJpeg(Plain(40, 30, 77), 95), *image::EncodePng(Plain(40, 30, 77))}) {
    folder_.Write("picture", bytes);
    const auto camera = MustBuild({{"color_image_file_path", folder_ / "picture"}});
    EXPECT_EQ(OnePicture(*camera)->bytes(), bytes);
  }
}

TEST_F(ImageFileCameraTest, GivesPreloadedThenColorThenDepthAndFiltersThem) {
  folder_.Write("color.jpg", *image::EncodeJpeg(Plain(8, 6, 1)));
  folder_.Write("depth.png", *image::EncodePng(Depth(8, 6)));
  const auto camera = MustBuild({{"color_image_file_path", folder_ / "color.jpg"},
                                 {"depth_image_file_path", folder_ / "depth.png"},
                                 {"preloaded_image", "dog"}});
  EXPECT_THAT(Sources(*camera, {}),
              ElementsAre("preloaded image/jpeg", "color image/jpeg", "depth image/vnd.viam.dep"));
  EXPECT_THAT(Sources(*camera, {"depth", "preloaded"}),
              ElementsAre("preloaded image/jpeg", "depth image/vnd.viam.dep"));
  EXPECT_THAT(Sources(*camera, {"infrared"}), ElementsAre(HasSubstr("invalid source name")));
  EXPECT_THAT(Sources(*camera, {"color", "color"}),
              ElementsAre(HasSubstr("duplicate source name in filter")));
  EXPECT_THAT(camera->GetProperties(Soon())->mime_types,
              ElementsAre("image/jpeg", "image/png", "image/vnd.viam.dep"));
}

TEST_F(ImageFileCameraTest, AMissingSourceCannotBeAskedFor) {
  folder_.Write("color.jpg", *image::EncodeJpeg(Plain(8, 6, 1)));
  const auto camera = MustBuild({{"color_image_file_path", folder_ / "color.jpg"}});
  EXPECT_THAT(Sources(*camera, {"depth"}), ElementsAre(HasSubstr("this camera has \"color\"")));
}

TEST_F(ImageFileCameraTest, RawDepthPassesThroughAndPngDepthBecomesRaw) {
  const std::string raw = *image::EncodeRawDepth(Depth(5, 4));
  folder_.Write("depth", raw);
  const auto camera = MustBuild({{"depth_image_file_path", folder_ / "depth"}});
  EXPECT_EQ(OnePicture(*camera)->bytes(), raw);
  folder_.Write("depth", *image::EncodePng(Depth(5, 4)));
  EXPECT_EQ(OnePicture(*camera)->bytes(), raw);
}

TEST_F(ImageFileCameraTest, APictureIsNoDepthMap) {
  folder_.Write("color.png", *image::EncodePng(Plain(4, 4, 9)));
  const auto camera = MustBuild({{"depth_image_file_path", folder_ / "color.png"}});
  EXPECT_THAT(Sources(*camera, {}), ElementsAre(HasSubstr("no depth map")));
}

TEST_F(ImageFileCameraTest, IsReadAgainWhenTheFileChangesAndOnlyThen) {
  const std::string path = folder_ / "color.png";
  folder_.Write("color.png", *image::EncodePng(Plain(4, 4, 10)));
  // As if it had been written a while ago.
  timespec past[2];
  clock_gettime(CLOCK_REALTIME, &past[0]);
  past[0].tv_sec -= 60;
  past[1] = past[0];
  ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), past, 0), 0);
  const auto camera = MustBuild({{"color_image_file_path", path}});
  const auto first = OnePicture(*camera);
  EXPECT_EQ(OnePicture(*camera), first);
  folder_.Write("color.png", *image::EncodePng(Plain(4, 4, 200)));
  EXPECT_EQ(Pixels(*OnePicture(*camera)).bytes()[0], 200);
}

// Changes within one tick of the file system's clock bear the same time.
TEST_F(ImageFileCameraTest, AChangeRightAfterAReadIsSeen) {
  const auto camera = MustBuild({{"color_image_file_path", folder_ / "color.png"}});
  for (int i = 0; i < 50; ++i) {
    const auto value = static_cast<uint8_t>(100 + i);
    folder_.Write("color.png", *image::EncodePng(Plain(4, 4, value)));
    ASSERT_EQ(Pixels(*OnePicture(*camera)).bytes()[0], value);
  }
}

TEST_F(ImageFileCameraTest, AFileThatCannotBeReadIsNamed) {
  const auto missing = MustBuild({{"color_image_file_path", folder_ / "no.jpg"}});
  EXPECT_THAT(Sources(*missing, {}), ElementsAre(HasSubstr("no.jpg: No such file")));
  folder_.Write("text.jpg", "hello");
  const auto text = MustBuild({{"color_image_file_path", folder_ / "text.jpg"}});
  EXPECT_THAT(Sources(*text, {}), ElementsAre(HasSubstr("text.jpg: ")));
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  const auto pipe = MustBuild({{"color_image_file_path", folder_ / "pipe"}});
  EXPECT_THAT(Sources(*pipe, {}), ElementsAre(HasSubstr("not a regular file")));
  const auto folder = MustBuild({{"color_image_file_path", folder_ / "."}});
  EXPECT_THAT(Sources(*folder, {}), ElementsAre(HasSubstr("not a regular file")));
}

TEST_F(ImageFileCameraTest, AHugeFileIsRefusedUnread) {
  folder_.Write("huge.jpg", "x");
  std::filesystem::resize_file(folder_ / "huge.jpg", kMaxCameraFile + 1);
  const auto camera = MustBuild({{"color_image_file_path", folder_ / "huge.jpg"}});
  EXPECT_THAT(Sources(*camera, {}), ElementsAre(HasSubstr("at most")));
}

TEST_F(ImageFileCameraTest, PassesAPointCloudFileOn) {
  const std::string cloud = image::EncodePcd({{{1, 2, 3, 4, 5, 6}}, true});
  folder_.Write("cloud.pcd", cloud);
  const auto camera = MustBuild({{"pointcloud_file_path", folder_ / "cloud.pcd"}});
  EXPECT_TRUE(camera->GetProperties(Soon())->supports_pcd);
  EXPECT_EQ(*camera->GetPointCloud(Soon(), Json::object()), cloud);
  EXPECT_THAT(Sources(*camera, {}), ElementsAre(HasSubstr("no pictures")));
  folder_.Write("cloud.pcd", cloud.substr(0, cloud.size() - 1));
  EXPECT_THAT(MessageOf(camera->GetPointCloud(Soon(), Json::object()).status()),
              HasSubstr("cloud.pcd"));
}

TEST_F(ImageFileCameraTest, ProjectsDepthThroughTheLens) {
  folder_.Write("color.png", *image::EncodePng(Plain(8, 6, 50)));
  folder_.Write("depth.png", *image::EncodePng(Depth(8, 6)));
  const Json lens = {{"width_px", 8}, {"height_px", 6}, {"fx", 10},
                     {"fy", 10},      {"ppx", 4},       {"ppy", 3}};
  const auto camera = MustBuild({{"color_image_file_path", folder_ / "color.png"},
                                 {"depth_image_file_path", folder_ / "depth.png"},
                                 {"intrinsic_parameters", lens}});
  EXPECT_TRUE(camera->GetProperties(Soon())->supports_pcd);
  const auto cloud = camera->GetPointCloud(Soon(), Json::object());
  ASSERT_TRUE(cloud.ok()) << cloud.status();
  EXPECT_THAT(*cloud, HasSubstr("POINTS 47\n"));  // all but the unknown one
  EXPECT_THAT(*cloud, HasSubstr("rgb"));
  const auto plain = MustBuild({{"depth_image_file_path", folder_ / "depth.png"}});
  EXPECT_FALSE(plain->GetProperties(Soon())->supports_pcd);
  EXPECT_TRUE(absl::IsUnimplemented(plain->GetPointCloud(Soon(), Json::object()).status()));
}

TEST_F(ImageFileCameraTest, DrawsAllPreloadedScenesDifferently) {
  std::set<std::string> pictures;
  for (const auto name : SceneNames()) {
    const auto camera = MustBuild({{"preloaded_image", std::string(name)}});
    const auto picture = OnePicture(*camera);
    EXPECT_EQ(Pixels(*picture).size(), (image::Size{640, 480}));
    pictures.insert(picture->bytes());
  }
  EXPECT_EQ(pictures.size(), 3u);
}

TEST_F(ImageFileCameraTest, AttributesAreChecked) {
  EXPECT_THAT(MessageOf(Build(Json::object()).status()), HasSubstr("color_image_file_path"));
  EXPECT_THAT(MessageOf(Build({{"preloaded_image", "cat"}}).status()), HasSubstr("\"pizza\""));
}

}  // namespace
}  // namespace bowerbird::machine
