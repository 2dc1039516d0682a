// SPDX-License-Identifier: Apache-2.0
//
// Files that nobody vouches for: each is refused or taken in part, with a report that says where.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "annotation/test_dataset.h"

namespace bowerbird::annotation {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string Voc(const std::string& file, int width, int height, const std::string& objects) {
  return "<annotation><filename>" + file + "</filename><size><width>" + std::to_string(width) +
         "</width><height>" + std::to_string(height) + "</height></size>" + objects +
         "</annotation>";
}

std::string Object(const std::string& label, const std::string& x0, const std::string& y0,
                   const std::string& x1, const std::string& y1) {
  return "<object>\n<name>" + label + "</name><bndbox><xmin>" + x0 + "</xmin><ymin>" + y0 +
         "</ymin><xmax>" + x1 + "</xmax><ymax>" + y1 + "</ymax></bndbox></object>";
}

TEST(BadXml, EntitiesAreRefusedBeforeTheyGrow) {
  TestFolder folder;
  folder.WritePicture("a.png", 10, 10);
  folder.Write("a.xml",
               "<?xml version=\"1.0\"?>\n<!DOCTYPE a [<!ENTITY x \"xxxxxxxxxx\">\n"
               "<!ENTITY y \"&x;&x;&x;&x;&x;&x;&x;&x;\">]>\n<annotation><filename>&y;</filename>"
               "</annotation>");
  folder.Write("b.xml",
               "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><annotation><filename>&x;"
               "</filename></annotation>");
  const auto result = ReadAll("voc", {.directory = folder.path()});
  EXPECT_THAT(result.images, IsEmpty());
  ASSERT_THAT(result.problems, SizeIs(2));
  EXPECT_THAT(TextOf(result.problems[0]), HasSubstr("a.xml: line 2: the document declares entit"));
  EXPECT_THAT(TextOf(result.problems[1]), HasSubstr("b.xml: line 1: the document declares entit"));
}

TEST(BadXml, DepthLengthAndDamageAreBounded) {
  TestFolder folder;
  std::string deep = "<annotation>";
  for (int i = 0; i < 1000; ++i) deep += "<a>";
  folder.Write("deep.xml", deep);
  folder.Write("long.xml", "<annotation><a b=\"" + std::string(3 << 20, 'x') + "\"/></annotation>");
  folder.Write("text.xml", "<annotation><filename>" + std::string(1 << 20, 'x') + "</filename>");
  folder.Write("torn.xml", "<annotation><filename>a.png</filename>");
  folder.Write("other.xml", "<svg/>");
  folder.Write("empty.xml", "");
  const auto result = ReadAll("voc", {.directory = folder.path()});
  EXPECT_THAT(result.images, IsEmpty());
  EXPECT_THAT(result.Report(),
              AllOf(HasSubstr("deep.xml: line 1: elements are nested more than 64 deep"),
                    HasSubstr("long.xml: line 1: a tag is larger than 1 MiB"),
                    HasSubstr("text.xml: line 1: an element has more than 64 KiB of text"),
                    HasSubstr("torn.xml: line 1: no element found"),
                    HasSubstr("other.xml: line 1: the document begins with <svg>"),
                    HasSubstr("empty.xml: line 1: no element found")));
}

TEST(BadBoxes, AreReportedWithTheirLine) {
  TestFolder folder;
  folder.WritePicture("a.png", 100, 50);
  folder.Write(
      "a.xml",
      Voc("a.png", 100, 50,
          Object("nan", "nan", "1", "2", "3") + Object("inf", "1", "1", "inf", "3") +
              Object("huge", "1", "1", "1e999", "3") + Object("point", "5", "5", "5", "9") +
              Object("out", "120", "5", "130", "9") + Object("over", "-10", "5", "50", "60") +
              Object("comma", "1,5", "2,5", "10,5", "20") +
              Object("edge", "0", "0", "100.01", "50") + Object("a\tb", "1", "1", "2", "2") +
              Object("", "1", "1", "2", "2") + "<object>\n<name>none</name></object>"));
  const auto result = ReadAll("voc", {.directory = folder.path()});
  ASSERT_THAT(result.images, SizeIs(1));
  const auto& boxes = result.images[0].annotations.boxes;
  ASSERT_THAT(boxes, SizeIs(3)) << result.Report();
  EXPECT_EQ(boxes[0], (Box{"", "over", 0, 0.1, 0.5, 1, {}}));
  EXPECT_EQ(boxes[1], (Box{"", "comma", 0.015, 0.05, 0.105, 0.4, {}}));
  EXPECT_EQ(boxes[2], (Box{"", "edge", 0, 0, 1, 1, {}}));
  EXPECT_THAT(
      result.Report(),
      AllOf(HasSubstr("a.xml, line 1: xmin of \"nan\" is \"nan\": give a finite number"),
            HasSubstr("line 2: xmax of \"inf\""), HasSubstr("line 3: xmax of \"huge\""),
            HasSubstr("line 4: box \"point\" from (5, 5) to (5, 9) has no area"),
            HasSubstr("line 5: box \"out\" from (120, 5) to (130, 9) lies outside the picture of "
                      "100x50 pixels"),
            HasSubstr("annotation changed: a.xml, line 6: box \"over\" from (-10, 5) to (50, 60) "
                      "reaches over the edge"),
            HasSubstr("a\\x09b\" has a control character"), HasSubstr("the label is empty"),
            HasSubstr("object \"none\" has no <bndbox>")));
}

TEST(BadPaths, NothingLeadsOutOfTheFolder) {
  TestFolder outside, folder;
  outside.WritePicture("secret.png", 10, 10);
  folder.Write("up.xml", Voc("../secret.png", 10, 10, ""));
  folder.Write("root.xml", Voc(outside.path() + "/secret.png", 10, 10, ""));
  folder.Write("link.xml", Voc("link.png", 10, 10, ""));
  folder.Write("inner.xml", Voc("linked/secret.png", 10, 10, ""));
  std::filesystem::create_symlink(outside.path() + "/secret.png", folder.path() + "/link.png");
  std::filesystem::create_directory_symlink(outside.path(), folder.path() + "/linked");
  const auto result = ReadAll("voc", {.directory = folder.path()});
  EXPECT_THAT(result.images, IsEmpty());
  EXPECT_THAT(result.Report(),
              AllOf(HasSubstr("up.xml: path \"../secret.png\" leads out of the folder"),
                    HasSubstr("root.xml: "), HasSubstr("link.xml: "), HasSubstr("inner.xml: "),
                    HasSubstr("\"link.png\" is a link that leads out of the folder"),
                    HasSubstr("\"linked\" is a link that leads out of the folder")));
  const auto pictures = ReadAll("folders", {.directory = folder.path()});
  EXPECT_THAT(pictures.images, IsEmpty());
  EXPECT_THAT(pictures.Report(), HasSubstr("link.png\" is a link that leads out of the folder"));
}

TEST(Paths, LinksInsideTheFolderAreFollowed) {
  TestFolder folder;
  folder.WritePicture("real/a.png", 10, 10);
  std::filesystem::create_directory(folder.path() + "/cat");
  std::filesystem::create_symlink("../real/a.png", folder.path() + "/cat/b.png");
  const auto result = ReadAll("folders", {.directory = folder.path()});
  ASSERT_THAT(result.images, SizeIs(2)) << result.Report();
  EXPECT_EQ(result.images[0].path, "cat/b.png");
}

TEST(Pictures, OfTheSameNameBelongToTheAnnotationsBesideThem) {
  TestFolder folder;
  for (const auto& [name, width] : {std::pair("a", 10), std::pair("b", 20)}) {
    const std::string where(name);
    folder.WritePicture(where + "/x.png", width, 10);
    folder.Write(where + "/x.xml", Voc("x.png", width, 10, Object(name, "0", "0", "5", "5")));
  }
  folder.WritePicture("images/c/x.png", 30, 10);
  folder.Write("annotations/c/x.xml", Voc("x.png", 30, 10, Object("c", "0", "0", "5", "5")));
  const auto result = ReadAll("voc", {.directory = folder.path()});
  ASSERT_THAT(result.images, SizeIs(3)) << result.Report();
  EXPECT_EQ(result.images[0].path, "a/x.png");
  EXPECT_EQ(result.images[1].path, "images/c/x.png");
  EXPECT_EQ(result.images[1].annotations.boxes[0].label, "c");
  EXPECT_EQ(result.images[2].path, "b/x.png");
  EXPECT_EQ(result.images[2].width, 20);
}

// A JPEG of 30x20 stored pixels that wants to be turned.
std::string TurnedJpeg(char orientation) {
  image::Image picture(30, 20, image::PixelFormat::kGray8);
  for (uint8_t& pixel : picture.bytes()) pixel = 90;
  const std::string plain = image::EncodeJpeg(picture).value();
  std::string exif(
      "\xFF\xE1\x00\x22"
      "Exif\0\0MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0",
      29);
  exif += orientation;
  exif += std::string("\0\0\0\0\0\0", 6);
  exif[3] = static_cast<char>(exif.size() - 2);
  return plain.substr(0, 2) + exif + plain.substr(2);
}

// By the stated size: where turning does not change it, boxes are of the picture as a person sees
// it.
TEST(Pictures, BoxesOfStoredPixelsAreTurnedWithThePicture) {
  for (const auto& [orientation, expected] :
       {std::pair('\1', Box{"", "x", 0.1, 0.1, 0.5, 0.3, {}}),
        std::pair('\3', Box{"", "x", 0.1, 0.1, 0.5, 0.3, {}}),
        std::pair('\6', Box{"", "x", 0.7, 0.1, 0.9, 0.5, {}}),
        std::pair('\10', Box{"", "x", 0.1, 0.5, 0.3, 0.9, {}})}) {
    TestFolder folder;
    folder.Write("a.jpg", TurnedJpeg(orientation));
    folder.Write("a.xml", Voc("a.jpg", 30, 20, Object("x", "3", "2", "15", "6")));
    const auto result = ReadAll("voc", {.directory = folder.path()});
    ASSERT_THAT(result.images, SizeIs(1)) << result.Report();
    EXPECT_EQ(result.images[0].width, orientation > 4 ? 20 : 30);
    ASSERT_THAT(result.images[0].annotations.boxes, SizeIs(1));
    const Box& box = result.images[0].annotations.boxes[0];
    EXPECT_NEAR(box.x_min, expected.x_min, 1e-12);
    EXPECT_NEAR(box.y_min, expected.y_min, 1e-12);
    EXPECT_NEAR(box.x_max, expected.x_max, 1e-12);
    EXPECT_NEAR(box.y_max, expected.y_max, 1e-12);
  }
}

TEST(Pictures, AnnotationsOfAnotherShapeAreRefusedAndOfAnotherSizeScaled) {
  TestFolder folder;
  folder.WritePicture("a.png", 100, 50);
  folder.WritePicture("b.png", 100, 50);
  folder.Write("a.xml", Voc("a.png", 200, 100, Object("x", "20", "20", "100", "40")));
  folder.Write("b.xml", Voc("b.png", 300, 300, Object("x", "20", "20", "100", "40")));
  folder.Write("c.xml", Voc("c.png", 300, 300, ""));
  const auto result = ReadAll("voc", {.directory = folder.path()});
  ASSERT_THAT(result.images, SizeIs(1));
  EXPECT_EQ(result.images[0].annotations.boxes[0], (Box{"", "x", 0.1, 0.2, 0.5, 0.4, {}}));
  EXPECT_THAT(
      result.Report(),
      AllOf(HasSubstr("b.xml: the annotations are of a picture of 300x300 pixels, \"b.png\" "
                      "has 100x50"),
            HasSubstr("c.xml: picture \"c.png\" is not there")));
}

TEST(Reports, AreTextWhateverFilesAreCalled) {
  TestFolder folder;
  folder.Write(
      "K\xE4"
      "fer.xml",
      "<annotation>");
  folder.WritePicture("cat/\xE4.png", 4, 4);
  const auto xml = ReadAll("voc", {.directory = folder.path()});
  EXPECT_THAT(xml.Report(), HasSubstr("K\\xE4"
                                      "fer.xml: line 1: no element found"));
  const auto pictures = ReadAll("folders", {.directory = folder.path()});
  EXPECT_THAT(pictures.images, IsEmpty());
  EXPECT_THAT(pictures.Report(), HasSubstr("\\xE4.png\" is not UTF-8: rename it"));
}

TEST(Detection, SaysWhyAndRefusesWhatItDoesNotKnow) {
  TestFolder folder;
  folder.Write("notes.md", "nothing");
  const auto files = MakeFileSystem();
  const auto none = DetectFormat(*files, folder.path());
  EXPECT_EQ(none.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(none.status().message()), HasSubstr("viam, jsonl, yolo, cvat"));
  EXPECT_FALSE(DetectFormat(*files, folder.path() + "/no").ok());
  EXPECT_FALSE(FindFormat("tfrecord").ok());
  folder.WritePicture("cat/a.png", 4, 4);
  EXPECT_EQ(DetectFormat(*files, folder.path())->format->name, "folders");
  folder.Write("labels.csv", "filename,class\ncat/a.png,cat\n");
  EXPECT_EQ(DetectFormat(*files, folder.path())->explanation,
            "csv: labels.csv is a table with columns for the picture and its label");
  folder.Write("a.xml", "<annotation></annotation>");
  EXPECT_THAT(DetectFormat(*files, folder.path())->explanation,
              AllOf(HasSubstr("voc: a.xml is XML"), HasSubstr("It could also be csv: labels.csv")));
}

}  // namespace
}  // namespace bowerbird::annotation
