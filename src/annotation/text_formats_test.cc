// SPDX-License-Identifier: Apache-2.0
//
// JSON, tables and lines: damage costs what is damaged, and the report says where.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "annotation/test_dataset.h"

namespace bowerbird::annotation {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

ReadResult ReadCoco(const std::string& json) {
  TestFolder folder;
  folder.WritePicture("a.png", 100, 50);
  folder.WritePicture("images/b.png", 10, 10);
  folder.Write("instances.json", json);
  return ReadAll("coco", {.directory = folder.path()});
}

constexpr const char* kCategories = "\"categories\": [{\"id\": 7, \"name\": \"cat\"}]";
constexpr const char* kImages =
    "\"images\": [{\"id\": 10, \"file_name\": \"a.png\"}, {\"id\": 9, \"file_name\": \"b.png\"}]";

TEST(Coco, ListsMayComeInAnyOrder) {
  const auto result =
      ReadCoco(std::string("\xEF\xBB\xBF{\"annotations\": [{\"id\": 1, \"image_id\": "
                           "10, \"category_id\": 7, \"bbox\": [10, 5, 20, 10]}], ") +
               kCategories + ", \"info\": {\"a\": [[1]]}, " + kImages + "}");
  ASSERT_THAT(result.images, SizeIs(2)) << result.Report();
  EXPECT_EQ(result.images[0].path, "images/b.png");
  EXPECT_EQ(result.images[1].annotations.boxes[0], (Box{"", "cat", 0.1, 0.1, 0.3, 0.3, {}}));
  EXPECT_EQ(result.Report(), "");
}

TEST(Coco, OneDamagedElementCostsThatElement) {
  const auto result =
      ReadCoco(std::string("{") + kImages + ", " + kCategories +
               ", \"annotations\": ["
               "{\"image_id\": 10, \"category_id\": 7, \"bbox\": [0, 0, NaN, 10]},"
               "{\"image_id\": 10, \"category_id\": 7, \"bbox\": [0, 0, 1e999, 10]},"
               "{\"image_id\": 10, \"category_id\": 7, \"bbox\": [0, 0, 10]},"
               "{\"image_id\": 10, \"category_id\": 8, \"bbox\": [0, 0, 10, 10]},"
               "{\"image_id\": 77, \"category_id\": 7, \"bbox\": [0, 0, 10, 10]},"
               "{\"image_id\": 10, \"category_id\": 7, \"bbox\": [0, 0, 0, 10]},"
               "{\"image_id\": 10, \"category_id\": 7, \"bbox\": [0, 0, 10, 10], \"iscrowd\": 1},"
               "{\"category_id\": 7, \"bbox\": [0, 0, 10, 10]},"
               "{\"image_id\": \"10\", \"category_id\": 7, \"bbox\": [0, \"0,0\", 50, 50]}]}");
  ASSERT_THAT(result.images, SizeIs(2));
  ASSERT_EQ(result.boxes(), 1u) << result.Report();
  EXPECT_EQ(result.images[1].annotations.boxes[0], (Box{"", "cat", 0, 0, 0.5, 1, {}}));
  EXPECT_THAT(result.Report(),
              AllOf(HasSubstr("/annotations/0: "), HasSubstr("/annotations/1: "),
                    HasSubstr("/annotations/2: \"bbox\" is not [x, y, width, height]"),
                    HasSubstr("/annotations/3: category id 8 is not in \"categories\""),
                    HasSubstr("1 boxes are of picture id 77"),
                    HasSubstr("/annotations/5: box \"cat\" from (0, 0) to (0, 10) has no area"),
                    HasSubstr("/annotations/6: the box is of a crowd"),
                    HasSubstr("/annotations/7: the box has no \"image_id\"")));
}

TEST(Coco, DocumentsThatAreNotWholeAreRefused) {
  for (const char* json : {"", "{", "[1", "{\"images\": [{\"id\": 1}", "{\"images\" []}", "{1: 2}",
                           "{\"images\": [1 2]}", "{\"a\": }", "{} x", "{\"images\": [{]}]}",
                           "nothing", "{\"images\": [], }", "{\"images\": {}}", "{\"a\": \"\\"}) {
    const auto result = ReadCoco(json);
    EXPECT_THAT(result.images, IsEmpty()) << json;
    ASSERT_THAT(result.problems, Not(IsEmpty())) << json;
    EXPECT_EQ(result.problems.back().kind, Problem::Kind::kFileSkipped) << json;
  }
  EXPECT_THAT(ReadCoco("{\"a\": " + std::string(100'000, '[')).Report(),
              HasSubstr("nested more than 64 deep"));
  EXPECT_THAT(ReadCoco("{\"images\": [\"" + std::string(17 << 20, 'x') + "\"]}").Report(),
              HasSubstr("larger than 16 MiB"));
}

TEST(Coco, AnExportOfNothingIsAnEmptyDataset) {
  const auto result =
      ReadCoco(R"({"images": [], "annotations": [], "categories": [{"id": 1, "name": "cat"}]})");
  EXPECT_THAT(result.images, IsEmpty());
  EXPECT_THAT(result.problems, IsEmpty()) << result.Report();
}

TEST(Coco, ResultsTakePicturesFromTheFileBesideThem) {
  TestFolder folder;
  folder.WritePicture("a.png", 100, 50);
  folder.WritePicture("b.png", 10, 10);
  folder.Write("truth.json", std::string("{") + kImages +
                                 ", \"annotations\": [{\"image_id\": 10, "
                                 "\"category_id\": 7, \"bbox\": [1, 1, 1, 1]}], " +
                                 kCategories + "}");
  folder.Write(
      "results.json",
      "[{\"image_id\": 10, \"category_id\": 7, \"bbox\": [0, 0, 50, 25], \"score\": 0.5}]");
  const auto result = ReadAll("coco", {.directory = folder.path() + "/results.json"});
  ASSERT_THAT(result.images, SizeIs(2)) << result.Report();
  ASSERT_EQ(result.boxes(), 1u);
  EXPECT_EQ(result.images[1].annotations.boxes[0], (Box{"", "cat", 0, 0, 0.5, 0.5, 0.5}));
  const auto both = ReadAll("coco", {.directory = folder.path()});
  EXPECT_EQ(both.boxes(), 1u);
  EXPECT_THAT(both.Report(),
              HasSubstr("results.json: the file is an array: results of a detector"));
}

ReadResult ReadCsv(const std::string& text, const std::string& format = "csv") {
  TestFolder folder;
  folder.WritePicture("a.png", 100, 50);
  folder.WritePicture("b.png", 10, 10);
  folder.Write("rows.csv", text);
  return ReadAll(format, {.directory = folder.path()});
}

TEST(Csv, MarksLineEndsAndSeparatorsOfOtherToolsAreUnderstood) {
  for (const char* text :
       {"\xEF\xBB\xBF"
        "filename,class,xmin,ymin,xmax,ymax\r\na.png,cat,10,5,50,25\r\n",
        "filename;class;xmin;ymin;xmax;ymax\na.png;cat;10,0;5,0;50,0;25,0",
        "File Name\tcell type\tx min\ty min\tx max\ty max\na.png\tcat\t10\t5\t50\t25\n",
        "filename,class,xmin,ymin,xmax,ymax\n\n\"a.png\",\"cat\",\"10,0\",5,50,25\n\n"}) {
    const auto result = ReadCsv(text);
    ASSERT_THAT(result.images, SizeIs(1)) << text << result.Report() << result.status;
    EXPECT_EQ(result.images[0].annotations.boxes,
              (std::vector<Box>{{"", "cat", 0.1, 0.1, 0.5, 0.5, {}}}))
        << text;
  }
}

TEST(Csv, RowsOfOnePictureNeedNotBeTogether) {
  const auto result = ReadCsv(
      "image,label,x1,y1,x2,y2\nb.png,x,0,0,5,5\na.png,y,0,0,5,5\nb.png,z,1,1,5,5\na.png,tag,,,,"
      "\n");
  ASSERT_THAT(result.images, SizeIs(2)) << result.Report();
  EXPECT_THAT(result.images[0].tags, ElementsAre("tag"));
  EXPECT_THAT(result.images[1].annotations.boxes, SizeIs(2));
}

TEST(Csv, TagsInOneColumnAreSplit) {
  const auto result = ReadCsv("filename,tags\na.png,cat;dog | bird\nb.png,\n");
  ASSERT_THAT(result.images, SizeIs(2)) << result.Report();
  EXPECT_THAT(result.images[0].tags, ElementsAre("bird", "cat", "dog"));
}

TEST(Csv, BadRowsAreReportedByLine) {
  const auto result = ReadCsv(
      "filename,class,xmin,ymin,xmax,ymax\n"
      "a.png,K\xE4"
      "fer,1,1,5,5\n"
      "a.png,cat,1,1,5,5,6\n"
      ",cat,1,1,5,5\n"
      "a.png,cat,one,1,5,5\n"
      "c.png,cat,1,1,5,5\n"
      "../a.png,cat,1,1,5,5\n"
      "a.png,\"cat,1,1,5,5\n");
  ASSERT_THAT(result.images, SizeIs(1)) << result.Report();
  EXPECT_THAT(result.images[0].annotations.boxes, IsEmpty());
  EXPECT_THAT(result.Report(),
              AllOf(HasSubstr("rows.csv, line 2: label \"K\\xE4fer\" is not UTF-8"),
                    HasSubstr("rows.csv, line 3: the row has 7 fields"),
                    HasSubstr("rows.csv, line 4: the row names no picture"),
                    HasSubstr("rows.csv, line 5: x_min of \"cat\" is \"one\""),
                    HasSubstr("rows.csv, line 6: picture \"c.png\" is not there"),
                    HasSubstr("rows.csv, line 7: path \"../a.png\" leads out of the folder"),
                    HasSubstr("rows.csv: line 8: a quote is never closed")));
  EXPECT_FALSE(ReadCsv("a,b\n1,2\n").status.ok());
}

TEST(OpenImages, KnowsWhatPeopleConfirmedAndWhatIsAbsent) {
  TestFolder folder;
  folder.WritePicture("a.png", 100, 50);
  folder.Write("class-descriptions-boxable.csv", "/m/01,Cat\n/m/02,Dog\n");
  folder.Write("boxes.csv",
               "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax\n"
               "a,xclick,/m/01,1,\"0,1\",\"0,5\",\"0,2\",\"0,4\"\n"
               "a,,/m/02,0.5,0.1,0.5,0.2,0.4\n");
  folder.Write("labels.csv",
               "ImageID,Source,LabelName,Confidence\na,verification,/m/01,1\n"
               "a,verification,/m/02,0\na,machine-generated,/m/02,0.7\n");
  const auto result = ReadAll("openimages", {.directory = folder.path()});
  ASSERT_THAT(result.images, SizeIs(1)) << result.Report();
  const AnnotatedImage& image = result.images[0];
  EXPECT_EQ(image.annotations.boxes, (std::vector<Box>{{"", "Cat", 0.1, 0.2, 0.5, 0.4, {}},
                                                       {"", "Dog", 0.1, 0.2, 0.5, 0.4, 0.5}}));
  EXPECT_THAT(image.tags, ElementsAre("Cat"));
  EXPECT_EQ(image.annotations.classifications, (std::vector<Classification>{{"", "Dog", 0.7}}));
  EXPECT_THAT(result.Report(),
              HasSubstr("labels.csv, line 3: label \"/m/02\" is stated not to be"));
}

TEST(Yolo, BadLinesAreReportedAndOutlinesTakenAsBoxes) {
  TestFolder folder;
  folder.Write("data.yaml", "nc: 2\nnames: ['cat', \"a, b\"]  # two\n");
  folder.WritePicture("images/train/a.png", 100, 50);
  folder.WritePicture("images/train/b.png", 100, 50);
  folder.Write("labels/train/a.txt",
               "0 0.5 0.5 0.2 0.4\r\n1 .5 .5 1 1 0.75\n2 0.5 0.5 1 1\n0 0.5 0.5\n0 a b c d\n"
               "-1 0.5 0.5 1 1\n0 0.5 0.5 0 0\n1 0.1 0.1 0.3 0.2 0.2 0.4\n");
  folder.Write("labels/train/c.txt", "0 0.5 0.5 0.2 0.4\n");
  const auto result = ReadAll("yolo", {.directory = folder.path()});
  ASSERT_THAT(result.images, SizeIs(2)) << result.Report();
  EXPECT_EQ(result.images[0].split, Split::kTraining);
  ASSERT_THAT(result.images[0].annotations.boxes, SizeIs(3));
  EXPECT_EQ(result.images[0].annotations.boxes[0], (Box{"", "cat", 0.4, 0.3, 0.6, 0.7, {}}));
  EXPECT_EQ(result.images[0].annotations.boxes[1], (Box{"", "a, b", 0, 0, 1, 1, 0.75}));
  EXPECT_EQ(result.images[0].annotations.boxes[2], (Box{"", "a, b", 0.1, 0.1, 0.3, 0.4, {}}));
  EXPECT_EQ(result.images[1].path, "images/train/b.png");
  EXPECT_THAT(result.Report(),
              AllOf(HasSubstr("line 3: class 2 has no name, there are 2 names"),
                    HasSubstr("line 4: the line has 3 fields"), HasSubstr("line 5: field \"a\""),
                    HasSubstr("line 6: class \"-1\" is no whole number"),
                    HasSubstr("line 7: box \"cat\""), HasSubstr("line 8: an outline was taken"),
                    HasSubstr("c.txt: picture \"c\" is not there")));
}

TEST(Yolo, NamesAreReadFromAllUsualFiles) {
  for (const auto& [file, text] :
       {std::pair("data.yaml", "names:\n  0: x\n  1: cat # comment\n"),
        std::pair("data.yaml", "names:\n- x\n- 'cat'\nnc: 2\n"),
        std::pair("data.yaml", "names: [x,\n  cat]\n"), std::pair("obj.names", "x\r\ncat\r\n"),
        std::pair("classes.txt", "x\ncat"), std::pair("labels/classes.txt", "x\ncat\n\n")}) {
    TestFolder folder;
    folder.WritePicture("a.png", 4, 4);
    folder.Write("a.txt", "1 0.5 0.5 1 1\n");
    folder.Write(file, text);
    const auto result = ReadAll("yolo", {.directory = folder.path()});
    ASSERT_THAT(result.images, SizeIs(1)) << text << result.status << result.Report();
    EXPECT_EQ(result.images[0].annotations.boxes.at(0).label, "cat") << text;
  }
  TestFolder folder;
  folder.Write("a.txt", "1 0.5 0.5 1 1\n");
  EXPECT_THAT(std::string(ReadAll("yolo", {.directory = folder.path()}).status.message()),
              HasSubstr("there are no names of classes"));
}

TEST(Yolo, AnEmptyListOfNamesIsAListUnlessAnotherFileHasNames) {
  TestFolder folder;
  folder.WritePicture("a.png", 4, 4);
  folder.Write("a.txt", "0 0.5 0.5 1 1\n");
  folder.Write("data.yaml", "nc: 0\nnames: []\n");
  const auto none = ReadAll("yolo", {.directory = folder.path()});
  ASSERT_THAT(none.images, SizeIs(1)) << none.status;
  EXPECT_THAT(none.Report(), HasSubstr("line 1: class 0 has no name, there are 0 names"));
  folder.Write("classes.txt", "cat\n");
  const auto named = ReadAll("yolo", {.directory = folder.path()});
  ASSERT_THAT(named.images, SizeIs(1)) << named.status;
  EXPECT_EQ(named.images[0].annotations.boxes.at(0).label, "cat");
}

TEST(JsonLines, PathsOfAnotherMachineAreFoundByTheirEnd) {
  TestFolder folder;
  folder.WritePicture("data/x.png", 100, 50);
  folder.Write("dataset.jsonl",
               "{\"image_path\": \"/home/someone/out/data/x.png\", \"classification_annotations\": "
               "[{\"annotation_label\": \"blue_star\"}], \"bounding_box_annotations\": "
               "[{\"annotation_label\": \"blue_star\", \"x_min_normalized\": 0.38, "
               "\"x_max_normalized\": 0.51, \"y_min_normalized\": 0.36, \"y_max_normalized\": "
               "0.53}], \"part_id\": \"p\"}\n\n{\"image_path\": 3}\nnot json\n"
               "{\"image_path\": \"data/x.png\", \"bounding_box_annotations\": [7, "
               "{\"annotation_label\": \"a\", \"x_max_normalized\": null}]}\n");
  const auto result = ReadAll("jsonl", {.directory = folder.path()});
  ASSERT_THAT(result.images, SizeIs(2)) << result.Report();
  EXPECT_EQ(result.images[0].path, "data/x.png");
  EXPECT_THAT(result.images[0].tags, ElementsAre("blue_star"));
  EXPECT_EQ(result.images[0].annotations.boxes,
            (std::vector<Box>{{"", "blue_star", 0.38, 0.36, 0.51, 0.53, {}}}));
  EXPECT_THAT(result.Report(),
              AllOf(HasSubstr("dataset.jsonl, line 3: there is no \"image_path\""),
                    HasSubstr("dataset.jsonl, line 4: \"not json\" is no JSON"),
                    HasSubstr("line 5, /bounding_box_annotations/0: the box is not"),
                    HasSubstr("line 5, /bounding_box_annotations/1: x_max_normalized is not")));
}

TEST(ExportLayout, ReadsWhatProtobufLeavesOut) {
  TestFolder folder;
  folder.WritePicture("data/x.png", 100, 50);
  folder.Write("data/y.json", "{\"other\": 1}");
  folder.Write(
      "metadata/x.json",
      "{\"id\": \"o/l/f\", \"fileName\": \"x.png\", \"captureMetadata\": {\"tags\": [\"t\"]}, "
      "\"annotations\": {\"bboxes\": [{\"id\": \"b\", \"label\": \"cat\", "
      "\"xMaxNormalized\": 0.5, \"yMaxNormalized\": 0.25}]}}");
  folder.Write("metadata/z.json", "{\"fileName\": \"gone.png\"}");
  const auto result = ReadAll("viam", {.directory = folder.path()});
  ASSERT_THAT(result.images, SizeIs(1)) << result.Report();
  EXPECT_EQ(result.images[0].annotations.boxes,
            (std::vector<Box>{{"b", "cat", 0, 0, 0.5, 0.25, {}}}));
  EXPECT_THAT(result.images[0].tags, ElementsAre("t"));
  EXPECT_THAT(result.Report(), HasSubstr("metadata/z.json: picture \"gone.png\" is not there"));
}

TEST(LabelStudio, UploadsRotationAndPredictions) {
  TestFolder folder;
  folder.WritePicture("x.png", 200, 100);
  folder.Write(
      "tasks.json",
      "[{\"id\": 1, \"data\": {\"image\": \"/data/upload/1/0a1b2c3d-x.png\"}, "
      "\"annotations\": [{\"result\": [{\"type\": \"rectanglelabels\", "
      "\"original_width\": 200, \"original_height\": 100, \"value\": {\"x\": 50, \"y\": 20, "
      "\"width\": 10, \"height\": 40, \"rotation\": 90, \"rectanglelabels\": [\"cat\"]}}, "
      "{\"type\": \"choices\", \"value\": {\"choices\": [\"day\"]}}, "
      "{\"type\": \"brushlabels\", \"value\": {}}]}, {\"was_cancelled\": true, "
      "\"result\": [{\"type\": \"choices\", \"value\": {\"choices\": [\"no\"]}}]}], "
      "\"predictions\": [{\"score\": 0.5, \"result\": [{\"type\": \"choices\", \"value\": "
      "{\"choices\": [\"dusk\"]}}]}]}, {\"id\": 2}]");
  const auto result = ReadAll("labelstudio", {.directory = folder.path()});
  ASSERT_THAT(result.images, SizeIs(1)) << result.Report();
  const Box& box = result.images[0].annotations.boxes.at(0);
  // 20x40 pixels turned by a right angle around (100, 20): to the left of it.
  EXPECT_NEAR(box.x_min, 0.3, 1e-9);
  EXPECT_NEAR(box.x_max, 0.5, 1e-9);
  EXPECT_NEAR(box.y_min, 0.2, 1e-9);
  EXPECT_NEAR(box.y_max, 0.4, 1e-9);
  EXPECT_THAT(result.images[0].tags, ElementsAre("day"));
  EXPECT_EQ(result.images[0].annotations.classifications,
            (std::vector<Classification>{{"", "dusk", 0.5}}));
  EXPECT_THAT(result.Report(),
              AllOf(HasSubstr("/0/annotations/0/result/0: a rotated rectangle"),
                    HasSubstr("/0/annotations/0/result/2: a result of type \"brushlabels\""),
                    HasSubstr("/1: the task has no \"data\"")));
}

}  // namespace
}  // namespace bowerbird::annotation
