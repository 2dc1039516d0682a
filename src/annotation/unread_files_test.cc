// SPDX-License-Identifier: Apache-2.0
#include "annotation/unread_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
