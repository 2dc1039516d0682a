// SPDX-License-Identifier: Apache-2.0
#include "annotation/record_sorter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <random>

#include "annotation/test_dataset.h"
#include "base/faulty_file_system.h"

namespace bowerbird::annotation {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST(RecordSorter, MergesRunsLikeAStableSort) {
  TestFolder folder;
  const auto files = MakeFileSystem();
  std::mt19937 random(1);
  std::vector<std::pair<std::string, std::string>> expected;
  {
    RecordSorter sorter(*files, {.scratch = folder.path(), .memory = 1});
    for (int i = 0; i < 60'000; ++i) {
      const std::string key = std::to_string(random() % 5000);
      const std::string value = std::to_string(i) + std::string(random() % 60, 'v');
      ASSERT_TRUE(sorter.Add(key, value).ok());
      expected.emplace_back(key, value);
    }
    ASSERT_TRUE(sorter.Sort().ok());
    EXPECT_GT(sorter.runs(), 1u);
    std::stable_sort(expected.begin(), expected.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::string_view key, value;
    for (const auto& [wanted_key, wanted_value] : expected) {
      ASSERT_EQ(sorter.Next(key, value).value(), true);
      ASSERT_EQ(key, wanted_key);
      ASSERT_EQ(value, wanted_value);
    }
    EXPECT_EQ(sorter.Next(key, value).value(), false);
    EXPECT_FALSE(folder.Files().empty());
  }
  EXPECT_THAT(std::filesystem::is_empty(folder.path()), true);
}

TEST(RecordSorter, KeepsWhatFitsInMemory) {
  TestFolder folder;
  const auto files = MakeFileSystem();
  RecordSorter sorter(*files, {.scratch = folder.path()});
  ASSERT_TRUE(sorter.Add("b", "1").ok() && sorter.Add("a", "").ok() && sorter.Add("b", "2").ok());
  ASSERT_TRUE(sorter.Sort().ok());
  std::string_view key, value;
  std::string all;
  while (sorter.Next(key, value).value()) all.append(key).append(value).append(" ");
  EXPECT_EQ(all, "a b1 b2 ");
  EXPECT_THAT(folder.Files(), IsEmpty());
}

TEST(RecordSorter, AFullDiskIsAnErrorAndLeavesNothing) {
  TestFolder folder;
  FaultyFileSystem files(MakeFileSystem());
  files.Add({.operation = FileOperation::kAppend, .after = 3, .times = -1, .error = ENOSPC});
  {
    RecordSorter sorter(files, {.scratch = folder.path(), .memory = 1});
    absl::Status status;
    for (int i = 0; i < 100'000 && status.ok(); ++i)
      status = sorter.Add(std::to_string(i), "value");
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  }
  EXPECT_THAT(std::filesystem::is_empty(folder.path()), true);
}

constexpr const char* kPicture =
    "{\"images\": [{\"id\": 1, \"file_name\": \"a.png\", \"width\": 9, "
    "\"height\": 9}], \"annotations\": [], \"categories\": []}";

TEST(Faults, AnUnreadableFileIsReportedAndTheOthersAreRead) {
  TestFolder folder;
  folder.WritePicture("a.png", 9, 9);
  folder.Write("bad.json", kPicture);
  folder.Write("good.json", kPicture);
  FaultyFileSystem files(MakeFileSystem());
  files.Add({.operation = FileOperation::kRead, .path = "bad.json", .times = -1, .error = EIO});
  const auto reader = OpenReader(**FindFormat("coco"), files, {.directory = folder.path()});
  ASSERT_TRUE(reader.ok());
  size_t images = 0;
  std::string report;
  while (true) {
    const auto event = (*reader)->Next();
    ASSERT_TRUE(event.ok()) << event.status();
    if (!event->has_value()) break;
    if (const auto* problem = std::get_if<Problem>(&**event)) {
      report += TextOf(*problem) + "\n";
    } else {
      ++images;
    }
  }
  EXPECT_EQ(images, 1u);
  EXPECT_THAT(report, testing::AllOf(HasSubstr("bad.json"), HasSubstr("Input/output error")));
}

TEST(Faults, NoExportHasItsNameUntilItIsWholeAndDurable) {
  for (const Format& format : Formats()) {
    for (const FileOperation operation :
         {FileOperation::kOpenForWriting, FileOperation::kAppend, FileOperation::kSync,
          FileOperation::kRename, FileOperation::kSyncDirectory}) {
      TestFolder folder;
      FaultyFileSystem files(MakeFileSystem());
      files.Add({.operation = operation, .times = -1, .error = ENOSPC, .torn_bytes = 5});
      absl::Status status;
      {
        auto writer = CreateWriter(format, files, {.directory = folder.path() + "/out"});
        status = writer.status();
        if (writer.ok()) {
          AnnotatedImage image{.path = "a.png", .width = 9, .height = 9};
          image.annotations.boxes.push_back({.label = "x", .x_max = 1, .y_max = 1});
          status = (*writer)->Add(image).status();
          if (status.ok()) status = (*writer)->Finish();
        }
      }
      if (files.Count(operation) == 0) continue;  // a folder of pictures has no file of its own
      EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << format.name;
      for (const std::string& file : folder.Files()) {
        EXPECT_FALSE(file.ends_with(".part")) << format.name << " left " << file;
      }
      if (operation == FileOperation::kSyncDirectory) continue;  // it is whole by then
      for (const char* list : {"data.yaml", "annotations.csv", "annotations.xml", "tasks.json",
                               "dataset.jsonl", "annotations/instances.json", "images.csv"}) {
        EXPECT_FALSE(folder.Has(std::string("out/") + list)) << format.name;
      }
    }
  }
}

TEST(CocoScale, BoxesOfManyPicturesAreBroughtTogetherInLittleMemory) {
  TestFolder folder;
  const auto files = MakeFileSystem();
  {
    const auto writer = CreateWriter(**FindFormat("coco"), *files, {.directory = folder.path()});
    ASSERT_TRUE(writer.ok());
    std::mt19937 random(7);
    for (int i = 0; i < 3000; ++i) {
      AnnotatedImage image{.path = std::to_string(i) + ".jpg", .width = 640, .height = 480};
      for (int box = 0; box < 10; ++box) {
        const double x = static_cast<double>(random() % 300) / 640;
        image.annotations.boxes.push_back(
            {.label = std::to_string(random() % 20), .x_min = x, .x_max = x + 0.1, .y_max = 0.5});
      }
      ASSERT_TRUE((*writer)->Add(image).ok());
    }
    ASSERT_TRUE((*writer)->Finish().ok());
  }
  const auto large = ReadAll("coco", {.directory = folder.path(), .pictures_must_exist = false});
  const auto small = ReadAll("coco", {.directory = folder.path(),
                                      .scratch = folder.path(),
                                      .sort_memory = 1,
                                      .pictures_must_exist = false});
  EXPECT_EQ(large.images.size(), 3000u) << large.Report();
  EXPECT_EQ(large.boxes(), 30'000u);
  EXPECT_EQ(large.images, small.images);
}

}  // namespace
}  // namespace bowerbird::annotation
