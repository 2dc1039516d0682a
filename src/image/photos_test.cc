// SPDX-License-Identifier: Apache-2.0
//
// Real pictures from public sources, where BOWERBIRD_TEST_DATA says they are.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "image/codec.h"
#include "image/test_pictures.h"

namespace bowerbird::image {
namespace {

namespace fs = std::filesystem;

class PhotosTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* root = std::getenv("BOWERBIRD_TEST_DATA");
    if (root == nullptr) GTEST_SKIP() << "BOWERBIRD_TEST_DATA is not set: no photos to decode";
    root_ = root;
  }

  static std::string Read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  static bool IsPicture(const fs::path& path) {
    static const std::set<std::string> kEndings = {".jpg", ".jpeg", ".JPG", ".png", ".bmp"};
    return kEndings.contains(path.extension().string());
  }

  // Decodes every picture below `folder`; counts them.
  int DecodeAll(const fs::path& folder) {
    int count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(root_ / folder)) {
      if (!entry.is_regular_file() || !IsPicture(entry.path())) continue;
      const std::string bytes = Read(entry.path());
      const auto header = ReadHeader(testing::Bytes(bytes));
      EXPECT_TRUE(header.ok()) << entry.path() << ": " << header.status();
      const auto image = Decode(testing::Bytes(bytes));
      EXPECT_TRUE(image.ok()) << entry.path() << ": " << image.status();
      if (!header.ok() || !image.ok()) continue;
      EXPECT_EQ(image->size(), header->size) << entry.path();
      EXPECT_EQ(image->format(), header->format) << entry.path();
      gray_ += header->format == PixelFormat::kGray8;
      alpha_ += header->format == PixelFormat::kRgba8;
      sideways_ += header->orientation == 6;
      ++count;
    }
    return count;
  }

  fs::path root_;
  int gray_ = 0, alpha_ = 0, sideways_ = 0;
};

TEST_F(PhotosTest, PhotosDecodeInEveryFormat) { EXPECT_GE(DecodeAll("photos"), 10); }

TEST_F(PhotosTest, FlowersDecodeAndOneHasAlpha) {
  EXPECT_EQ(DecodeAll("datasets/classify-flowers-200"), 202);
  EXPECT_EQ(alpha_, 1);
}

TEST_F(PhotosTest, RaccoonsDecodeAndThreeAreGray) {
  EXPECT_EQ(DecodeAll("datasets/detect-raccoon"), 200);
  EXPECT_EQ(gray_, 3);
}

TEST_F(PhotosTest, BloodCellsAndVocPicturesDecode) {
  EXPECT_EQ(DecodeAll("datasets/detect-bccd"), 364);
  EXPECT_GE(DecodeAll("datasets/multilabel-voc100-multiformat"), 100);
}

TEST_F(PhotosTest, SignDigitsDecodeAndThreeLieOnTheirSide) {
  EXPECT_EQ(DecodeAll("datasets/classify-sign-digits"), 2062);
  EXPECT_EQ(sideways_, 3);
}

}  // namespace
}  // namespace bowerbird::image
