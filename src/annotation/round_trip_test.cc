// SPDX-License-Identifier: Apache-2.0
//
// Random datasets through every format: what a format says it holds comes back with the same hash.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "annotation/test_dataset.h"
#include "base/status.h"

namespace bowerbird::annotation {
namespace {

constexpr std::array<const char*, 12> kLabels{"cat",   "dog",        "a b",    "Käfer",
                                              "x,y;z", "\"quoted\"", "<&'>",   "#1: [a, 'b']",
                                              "0",     "name: yes",  "日本語", "back\\slash"};

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  std::vector<AnnotatedImage> Dataset(const Capabilities& holds, size_t count) {
    std::vector<AnnotatedImage> images;
    for (size_t i = 0; i < count; ++i) images.push_back(Image(holds, i));
    return images;
  }

 private:
  size_t Below(size_t limit) { return random_() % limit; }
  double Fraction() { return static_cast<double>(random_() >> 11) * 0x1p-53; }
  std::string Label() { return kLabels[Below(kLabels.size())]; }
  std::optional<double> Confidence(bool allowed) {
    if (!allowed || Below(2) == 0) return std::nullopt;
    return Fraction();
  }

  AnnotatedImage Image(const Capabilities& holds, size_t number) {
    AnnotatedImage image;
    // Names that meet each other where folders or extensions are dropped.
    image.path = std::array{"", "left/", "left/deep er/"}[number % 3] + std::string("p") +
                 std::to_string(number / 4) + std::array{"", "_1"}[number % 2] +
                 (number % 4 < 2 ? ".png" : ".x.png");
    image.width = static_cast<int>(1 + Below(300));
    image.height = static_cast<int>(1 + Below(300));
    for (size_t i = holds.boxes ? Below(5) : 0; i > 0; --i) {
      Box box{.label = Label(), .confidence = Confidence(holds.box_confidence)};
      if (holds.box_ids) box.id = "id" + std::to_string(random_());
      const auto corners = [&](double& low, double& high) {
        // Anywhere, and at the edges.
        low = Fraction() * 0.8;
        high = low + 0.01 + Fraction() * (0.99 - low);
        if (Below(3) == 0) low = 0;
        if (Below(3) == 0) high = 1;
      };
      corners(box.x_min, box.x_max);
      corners(box.y_min, box.y_max);
      image.annotations.boxes.push_back(box);
    }
    std::set<std::string> tags;
    for (size_t i = holds.tags ? Below(4) : 0; i > 0; --i) tags.insert(Label());
    if (holds.single_tag && Below(2) == 0) tags = {Label()};
    image.tags.assign(tags.begin(), tags.end());
    for (size_t i = holds.classifications ? Below(3) : 0; i > 0; --i) {
      const bool plain = holds.plain_classifications && Below(2) == 0;
      image.annotations.classifications.push_back(
          {.id = "",
           .label = Label(),
           .confidence = plain ? std::nullopt : std::optional(Fraction())});
    }
    if (holds.splits && Below(3) > 0) image.split = static_cast<Split>(Below(3));
    return image;
  }

  std::mt19937_64 random_;
};

// Where each picture went, relative to the folder.
absl::StatusOr<std::vector<std::string>> Write(const Format& format, const TestFolder& folder,
                                               const std::vector<AnnotatedImage>& images,
                                               std::vector<Problem>* problems = nullptr) {
  const auto files = MakeFileSystem();
  ASSIGN_OR_RETURN(auto writer, CreateWriter(format, *files, {.directory = folder.path()}));
  std::vector<std::string> places;
  for (const auto& image : images) {
    ASSIGN_OR_RETURN(std::string place, writer->Add(image));
    folder.WritePicture(place, image.width, image.height);
    places.push_back(std::move(place));
  }
  RETURN_IF_ERROR(writer->Finish());
  if (problems != nullptr) *problems = writer->TakeProblems();
  return places;
}

class RoundTrip : public testing::TestWithParam<const Format*> {};

TEST_P(RoundTrip, LosesNothingThatTheFormatHolds) {
  const Format& format = *GetParam();
  for (const uint64_t seed : {1u, 2u, 3u}) {
    SCOPED_TRACE(seed);
    const auto images = Generator(seed).Dataset(format.holds, 60);
    TestFolder folder;
    std::vector<Problem> lost;
    const auto places = Write(format, folder, images, &lost);
    ASSERT_TRUE(places.ok()) << places.status();
    EXPECT_TRUE(lost.empty()) << TextOf(lost.at(0));
    for (const std::string& file : folder.Files()) EXPECT_FALSE(file.ends_with(".part")) << file;

    const auto result = ReadAll(std::string(format.name), {.directory = folder.path()});
    ASSERT_TRUE(result.status.ok()) << result.status;
    EXPECT_EQ(result.Report(), "");
    ASSERT_EQ(result.images.size(), images.size());
    std::map<std::string, const AnnotatedImage*> by_path;
    for (const auto& image : result.images) by_path[image.path] = &image;
    for (size_t i = 0; i < images.size(); ++i) {
      ASSERT_TRUE(by_path.contains((*places)[i])) << (*places)[i];
      const AnnotatedImage& back = *by_path[(*places)[i]];
      EXPECT_EQ(
          CanonicalText(back.annotations, back.tags, back.width, back.height),
          CanonicalText(images[i].annotations, images[i].tags, images[i].width, images[i].height));
      EXPECT_EQ(back.width, images[i].width);
      EXPECT_EQ(back.height, images[i].height);
      EXPECT_EQ(back.split, images[i].split) << (*places)[i];
      if (!format.holds.box_ids) continue;
      for (size_t box = 0; box < images[i].annotations.boxes.size(); ++box) {
        EXPECT_EQ(back.annotations.boxes[box].id, images[i].annotations.boxes[box].id);
      }
    }
  }
}

TEST_P(RoundTrip, ADatasetOfWhichNothingIsSaidComesBack) {
  const Format& format = *GetParam();
  const std::vector<AnnotatedImage> images{{.path = "a.png", .width = 40, .height = 24},
                                           {.path = "b.png", .width = 24, .height = 40}};
  TestFolder folder;
  const auto places = Write(format, folder, images);
  ASSERT_TRUE(places.ok()) << places.status();
  const auto result = ReadAll(std::string(format.name), {.directory = folder.path()});
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(result.Report(), "");
  ASSERT_EQ(result.images.size(), images.size());
  for (const AnnotatedImage& image : result.images) {
    EXPECT_TRUE(image.annotations.boxes.empty() && image.tags.empty()) << image.path;
  }
}

TEST_P(RoundTrip, ReportsWhatTheFormatCannotHold) {
  const Format& format = *GetParam();
  const Capabilities everything{.boxes = true,
                                .box_confidence = true,
                                .tags = true,
                                .classifications = true,
                                .plain_classifications = true,
                                .splits = true};
  const auto images = Generator(9).Dataset(everything, 40);
  TestFolder folder;
  std::vector<Problem> lost;
  ASSERT_TRUE(Write(format, folder, images, &lost).ok());
  const bool holds_all = format.holds.boxes && format.holds.box_confidence && format.holds.tags &&
                         format.holds.classifications && format.holds.plain_classifications &&
                         format.holds.splits;
  EXPECT_EQ(lost.empty(), holds_all);
  std::string text;
  for (const auto& problem : lost) text += TextOf(problem) + "\n";
  for (const auto& [held, what] : {std::pair(format.holds.boxes, "boxes"),
                                   std::pair(format.holds.splits, "sides of the split"),
                                   std::pair(format.holds.classifications, "classifications")}) {
    EXPECT_EQ(text.find(std::string("cannot hold ") + what + ":") == std::string::npos, held)
        << what;
  }
}

TEST_P(RoundTrip, WritingAgainGivesTheSameBytes) {
  const Format& format = *GetParam();
  const auto images = Generator(4).Dataset(format.holds, 20);
  TestFolder first, second;
  ASSERT_TRUE(Write(format, first, images).ok());
  ASSERT_TRUE(Write(format, second, images).ok());
  ASSERT_TRUE(Write(format, second, images).ok());
  ASSERT_EQ(first.Files(), second.Files());
  for (const std::string& file : first.Files()) EXPECT_EQ(first.Read(file), second.Read(file));
}

TEST_P(RoundTrip, ReadingGivesTheSameEventsInTheSameOrderAndCanBeResumed) {
  const Format& format = *GetParam();
  const auto images = Generator(5).Dataset(format.holds, 20);
  TestFolder folder;
  ASSERT_TRUE(Write(format, folder, images).ok());
  const auto all = ReadAll(std::string(format.name), {.directory = folder.path()});
  const auto files = MakeFileSystem();
  const auto reader = OpenReader(format, *files, {.directory = folder.path()});
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(SkipEvents(**reader, 7).value(), 7u);
  for (size_t i = 7; i < all.images.size(); ++i) {
    const auto event = (*reader)->Next();
    ASSERT_TRUE(event.ok() && event->has_value());
    EXPECT_EQ(std::get<AnnotatedImage>(**event), all.images[i]);
  }
  EXPECT_EQ(SkipEvents(**reader, 1).value(), 0u);
}

TEST_P(RoundTrip, AnInterruptedExportLooksLikeNone) {
  const Format& format = *GetParam();
  const auto files = MakeFileSystem();
  TestFolder folder;
  {
    const auto writer = CreateWriter(format, *files, {.directory = folder.path()});
    ASSERT_TRUE(writer.ok());
    for (const auto& image : Generator(6).Dataset(format.holds, 5)) {
      ASSERT_TRUE((*writer)->Add(image).ok());
    }
  }
  // What a picture's own file may be there; no list of pictures is.
  for (const std::string& file : folder.Files()) {
    EXPECT_FALSE(file.ends_with(".part")) << file;
    EXPECT_TRUE(file.starts_with("labels/") || file.starts_with("Annotations/") ||
                file.starts_with("metadata/"))
        << file;
  }
}

TEST_P(RoundTrip, RefusesPicturesThatLeadOut) {
  const Format& format = *GetParam();
  const auto files = MakeFileSystem();
  TestFolder folder;
  const auto writer = CreateWriter(format, *files, {.directory = folder.path()});
  for (const char* path :
       {"/etc/passwd", "../x.png", "a/../../x.png", "C:\\x.png", "", "a\nb.png", "K\xE4.png"}) {
    EXPECT_EQ((*writer)->Add({.path = path, .width = 9, .height = 9}).status().code(),
              absl::StatusCode::kInvalidArgument)
        << path;
  }
  AnnotatedImage bad{.path = "a.png", .width = 9, .height = 9};
  bad.annotations.boxes.push_back({.label = "x", .x_min = 0.5, .x_max = 0.5, .y_max = 1});
  EXPECT_FALSE((*writer)->Add(bad).ok());
}

std::vector<const Format*> All() {
  std::vector<const Format*> all;
  for (const Format& format : Formats()) all.push_back(&format);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Formats, RoundTrip, testing::ValuesIn(All()),
                         [](const auto& one) { return std::string(one.param->name); });

}  // namespace
}  // namespace bowerbird::annotation
