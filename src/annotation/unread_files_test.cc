// SPDX-License-Identifier: Apache-2.0
#include "annotation/unread_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "annotation/test_dataset.h"

namespace bowerbird::annotation {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kCoco[] =
    R"({"images":[{"id":1,"file_name":"a.png","width":10,"height":10}],"categories":[{"id":1,)"
    R"("name":"cat"}],"annotations":[{"id":1,"image_id":1,"category_id":1,"bbox":[1,1,5,5]}]})";

UnreadFiles Find(const TestFolder& folder) {
  const auto files = MakeFileSystem();
  const auto detection = DetectFormat(*files, folder.path());
  EXPECT_TRUE(detection.ok()) << detection.status();
  auto found = FindUnreadFiles(*files, folder.path(), *detection->format);
  EXPECT_TRUE(found.ok()) << found.status();
  return *std::move(found);
}

struct Damage {
  const char* name;
  const char* text;
};

class DamagedAnnotations : public testing::TestWithParam<Damage> {};

TEST_P(DamagedAnnotations, BesidePicturesAreNamed) {
  TestFolder folder;
  folder.WritePicture("a.png", 10, 10);
  folder.Write(GetParam().name, GetParam().text);
  const UnreadFiles found = Find(folder);
  ASSERT_THAT(found.damaged, SizeIs(1));
  EXPECT_EQ(found.damaged[0].file, GetParam().name);
  EXPECT_FALSE(found.damaged[0].what.empty());
  EXPECT_THAT(found.unused, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Files, DamagedAnnotations,
    testing::Values(Damage{"instances.json", R"({"info": {"year": 2017}, "licenses": [{"id")"},
                    Damage{"instances.json", R"({"images": [{"id": 1, "fi)"},
                    Damage{"annotations/x.json", ""}, Damage{"tasks.json", R"([{"id": 1, "da)"},
                    Damage{"metadata/a.png.json", R"({"captureMeta)"},
                    Damage{"dataset.jsonl", R"({"image_pa)"}, Damage{"a.xml", "<annota"},
                    Damage{"annotations.xml", "<?xml version='1.0'"}, Damage{"labels.csv", ""},
                    Damage{"a.txt", "0 0.5 0.5 0.1 0.1\n1 0.2"}));

TEST(UnreadFiles, WhatIsNotReadInAFolderOfPicturesIsNamedWithWhatToDo) {
  TestFolder folder;
  folder.WritePicture("cat/a.png", 10, 10);
  for (const char* name : {"cat/.hidden.png", "cat/noending", "cat/b.jfif", ".cache/x.png"}) {
    folder.Write(name, folder.Read("cat/a.png"));
  }
  folder.Write("cat/._a.png", "resource fork");
  folder.Write("cat/c.gif", "GIF89a................");
  folder.Write("cat/d.webp", std::string("RIFF\x10\0\0\0WEBPVP8 ....", 20));
  folder.Write("cat/data.bin", "BMP: all\n");
  folder.Write("cat/notes.md", "BM");
  folder.Write("cat/empty", "");
  const auto result = ReadAll("folders", {.directory = folder.path()});
  ASSERT_THAT(result.images, SizeIs(1));
  std::map<std::string, std::pair<Problem::Kind, std::string>> said;
  for (const Problem& problem : result.problems) said[problem.file] = {problem.kind, problem.what};
  EXPECT_THAT(said, SizeIs(8)) << result.Report();
  using Kind = Problem::Kind;
  EXPECT_EQ(said["cat/.hidden.png"].first, Kind::kFileSkipped);
  EXPECT_THAT(said["cat/noending"].second, HasSubstr("a PNG by its content"));
  EXPECT_THAT(said["cat/b.jfif"].second, HasSubstr(".png"));
  EXPECT_THAT(said["cat/c.gif"].second, HasSubstr("GIF"));
  EXPECT_THAT(said["cat/d.webp"].second, HasSubstr("convert it to JPEG or PNG"));
  EXPECT_EQ(said["cat/d.webp"].first, Kind::kFileSkipped);
  EXPECT_EQ(said["cat/notes.md"].first, Kind::kFileNotUsed);
  EXPECT_EQ(said["cat/empty"].first, Kind::kFileNotUsed);
}

TEST(UnreadFiles, OrdinaryFilesBesidePicturesAreNoAnnotations) {
  TestFolder folder;
  folder.WritePicture("a.png", 10, 10);
  folder.Write("README.txt", "Pictures of the yard, taken in May.\n");
  folder.Write("requirements.txt", "numpy==1.2\n");
  folder.Write("LICENSE", "as is");
  folder.Write("sizes.txt", "1 2 3\n");
  const UnreadFiles found = Find(folder);
  EXPECT_THAT(found.damaged, IsEmpty());
  EXPECT_THAT(found.unused, IsEmpty());
}

TEST(UnreadFiles, WholeFilesOfNoKnownFormatAreNamedAndNoDamage) {
  TestFolder folder;
  folder.WritePicture("a.png", 10, 10);
  folder.Write("package.json", R"({"name": "x"})");
  folder.Write("notes.csv", "when,what\n");
  folder.Write("drawing.xml", "<svg/>");
  const UnreadFiles found = Find(folder);
  EXPECT_THAT(found.damaged, IsEmpty());
  ASSERT_THAT(found.unused, SizeIs(3));
  EXPECT_EQ(found.unused[1].file, "notes.csv");
  EXPECT_EQ(found.unused[1].kind, Problem::Kind::kFileNotUsed);
}

TEST(UnreadFiles, OfTwoFormatsTheOneThatIsNotReadIsNamedOnceForAFolder) {
  TestFolder folder;
  folder.WritePicture("a.png", 10, 10);
  folder.Write("instances.json", kCoco);
  for (const char* name : {"x/a.xml", "x/b.xml", "x/c.xml"}) {
    folder.Write(name, "<annotation><filename>a.png</filename></annotation>");
  }
  const UnreadFiles found = Find(folder);
  EXPECT_THAT(found.damaged, IsEmpty());
  ASSERT_THAT(found.unused, SizeIs(1));
  const bool coco_was_taken = found.unused[0].file.starts_with("x/");
  EXPECT_THAT(TextOf(found.unused[0]),
              HasSubstr(coco_was_taken ? "--format voc reads it (and 2 more" : "--format coco"));
}

TEST(UnreadFiles, WhatTheFormatReadsIsNotNamed) {
  TestFolder folder;
  folder.WritePicture("a.png", 10, 10);
  folder.Write("instances.json", kCoco);
  const UnreadFiles found = Find(folder);
  EXPECT_THAT(found.damaged, IsEmpty());
  EXPECT_THAT(found.unused, IsEmpty());
}

}  // namespace
}  // namespace bowerbird::annotation
