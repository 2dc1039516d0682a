// SPDX-License-Identifier: Apache-2.0
#include "tflite/zip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/status.h"
#include "tflite/testing/model_file.h"

namespace bowerbird::tflite {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::span<const std::byte> Bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

const std::vector<testing::PackedFile> kFiles = {
    {.name = "labels.txt", .contents = "cat\ndog\n", .deflate = true},
    {.name = "plain.txt", .contents = "as it is", .deflate = false},
    {.name = "empty.txt", .contents = "", .deflate = false}};

TEST(Zip, ReadsStoredAndDeflatedFiles) {
  const std::string archive = testing::ZipArchive(kFiles);
  const auto entries = ReadZipDirectory(Bytes(archive));
  ASSERT_TRUE(entries.ok()) << entries.status();
  ASSERT_THAT(*entries, SizeIs(3));
  for (size_t i = 0; i < kFiles.size(); ++i) {
    EXPECT_EQ((*entries)[i].name, kFiles[i].name);
    const auto text = ReadZipEntry(Bytes(archive), (*entries)[i], 100);
    ASSERT_TRUE(text.ok()) << text.status();
    EXPECT_EQ(*text, kFiles[i].contents);
  }
}

TEST(Zip, StandsBehindOtherDataWhicheverWayOffsetsAreCounted) {
  const std::string model(1000, 'm');
  for (const size_t base : {size_t{0}, model.size()}) {
    const std::string file = model + testing::ZipArchive(kFiles, base);
    const auto entries = ReadZipDirectory(Bytes(file));
    ASSERT_TRUE(entries.ok()) << entries.status();
    EXPECT_EQ(*ReadZipEntry(Bytes(file), entries->at(0), 100), "cat\ndog\n");
  }
}

TEST(Zip, IsAbsentFromAFileThatHasNone) {
  EXPECT_THAT(*ReadZipDirectory({}), IsEmpty());
  EXPECT_THAT(*ReadZipDirectory(Bytes(std::string(100'000, 'x'))), IsEmpty());
}

TEST(Zip, RefusesMoreThanTheCallerAllows) {
  const std::string archive =
      testing::ZipArchive({{.name = "bomb", .contents = std::string(1 << 20, '0')}});
  EXPECT_LT(archive.size(), 5000U);
  const auto entries = ReadZipDirectory(Bytes(archive));
  const auto text = ReadZipEntry(Bytes(archive), entries->at(0), 1000);
  EXPECT_EQ(text.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(MessageOf(text.status()), HasSubstr("'bomb'"));
}

TEST(Zip, RefusesAnEntryThatInflatesToAnotherSize) {
  const std::string archive =
      testing::ZipArchive({{.name = "bomb", .contents = std::string(1 << 20, '0')}});
  ZipEntry entry = ReadZipDirectory(Bytes(archive))->at(0);
  entry.size = 100;
  EXPECT_THAT(MessageOf(ReadZipEntry(Bytes(archive), entry, 1000).status()),
              HasSubstr("does not inflate"));
}

TEST(Zip, RefusesAWrongChecksum) {
  std::string archive = testing::ZipArchive({kFiles[1]});
  archive[archive.find("as it is")] = 'A';
  const ZipEntry entry = ReadZipDirectory(Bytes(archive))->at(0);
  EXPECT_THAT(MessageOf(ReadZipEntry(Bytes(archive), entry, 100).status()), HasSubstr("checksum"));
}

TEST(Zip, SurvivesEveryPrefixAndEverySuffix) {
  const std::string archive = testing::ZipArchive(kFiles);
  for (size_t size = 0; size < archive.size(); ++size) {
    for (const std::string& part : {archive.substr(0, size), archive.substr(size)}) {
      const auto entries = ReadZipDirectory(Bytes(part));
      if (!entries.ok()) continue;
      for (const ZipEntry& entry : *entries) {
        ReadZipEntry(Bytes(part), entry, 100).status().IgnoreError();
      }
    }
  }
}

TEST(Zip, SurvivesRandomDamage) {
  std::mt19937 random(2);
  const std::string good = testing::ZipArchive(kFiles);
  for (int round = 0; round < 20'000; ++round) {
    std::string archive = good;
    for (int i = 0; i < 3; ++i) archive[random() % archive.size()] = static_cast<char>(random());
    const auto entries = ReadZipDirectory(Bytes(archive));
    if (!entries.ok()) continue;
    for (const ZipEntry& entry : *entries) {
      const auto text = ReadZipEntry(Bytes(archive), entry, 100);
      EXPECT_TRUE(!text.ok() || text->size() <= 100U);
    }
  }
}

}  // namespace
}  // namespace bowerbird::tflite
