// SPDX-License-Identifier: Apache-2.0
#include "machine/module/module_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/status.h"

namespace bowerbird::machine {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// An entry as an archive has it, whatever it says.
struct Entry {
  std::string name;
  std::string bytes = {};
  unsigned int type = AE_IFREG;
  std::string target = {};  // of a link
  bool hard = false;
  unsigned int mode = 0644;
};

class ModuleArchive : public ::testing::Test {
 protected:
  ModuleArchive() { fs::create_directories(folder_); }
  ~ModuleArchive() override { fs::remove_all(folder_); }

  absl::Status Unpack(const std::vector<Entry>& entries, const UnpackLimits& limits = {}) {
    const std::string path = folder_ + "/a.tar.gz";
    archive* writer = archive_write_new();
    archive_write_add_filter_gzip(writer);
    archive_write_set_format_pax_restricted(writer);
    EXPECT_EQ(archive_write_open_filename(writer, path.c_str()), ARCHIVE_OK);
    for (const Entry& entry : entries) {
      archive_entry* header = archive_entry_new();
      archive_entry_set_pathname(header, entry.name.c_str());
      if (entry.hard) {
        archive_entry_set_hardlink(header, entry.target.c_str());
      } else {
        archive_entry_set_filetype(header, entry.type);
        if (entry.type == AE_IFLNK) archive_entry_set_symlink(header, entry.target.c_str());
      }
      archive_entry_set_perm(header, entry.mode);
      archive_entry_set_size(header, static_cast<la_int64_t>(entry.bytes.size()));
      EXPECT_EQ(archive_write_header(writer, header), ARCHIVE_OK) << archive_error_string(writer);
      archive_write_data(writer, entry.bytes.data(), entry.bytes.size());
      archive_entry_free(header);
    }
    archive_write_close(writer);
    archive_write_free(writer);
    return UnpackArchive(path, out_, limits);
  }
  std::string Read(const std::string& name) const {
    std::ifstream file(out_ + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // Nothing is left of an archive that was refused, neither inside nor beside.
  void ExpectNothing() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_))
      names.push_back(entry.path().filename().string());
    EXPECT_THAT(names, ::testing::UnorderedElementsAre("a.tar.gz"));
  }

  const std::string folder_ =
      ::testing::TempDir() + "bowerbird_archive_" + std::to_string(getpid());
  const std::string out_ = folder_ + "/out";
};

TEST_F(ModuleArchive, FilesFoldersAndLinksThatStayInsideAreTaken) {
  const absl::Status status = Unpack({{"./bin/", "", AE_IFDIR, "", false, 0755},
                                      {"./bin/run.sh", "#!/bin/sh\n", AE_IFREG, "", false, 0755},
                                      {"run", "", AE_IFLNK, "bin/run.sh"},
                                      {"deep/er/up", "", AE_IFLNK, "../../bin"},
                                      {"same", "", AE_IFREG, "bin/run.sh", true},
                                      {"secret", "s", AE_IFREG, "", false, 04755}});
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(Read("run"), "#!/bin/sh\n");
  EXPECT_EQ(Read("deep/er/up/run.sh"), "#!/bin/sh\n");
  EXPECT_EQ(Read("same"), "#!/bin/sh\n");
  EXPECT_EQ(access((out_ + "/run").c_str(), X_OK), 0);
  struct stat info {};
  ASSERT_EQ(stat((out_ + "/secret").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0755U) << "no program runs as its owner because of an archive";
}

TEST_F(ModuleArchive, AFolderThatIsThereStaysAsItIs) {
  ASSERT_TRUE(Unpack({{"a", "one"}}).ok());
  ASSERT_TRUE(Unpack({{"a", "two"}}).ok());
  EXPECT_EQ(Read("a"), "one");
}

TEST_F(ModuleArchive, NothingGetsOutOfTheFolder) {
  const std::vector<std::pair<Entry, std::string>> refused = {
      {{"/etc/evil", "x"}, "absolute"},
      {{"../evil", "x"}, "leads out"},
      {{"a/../../evil", "x"}, "leads out"},
      {{"l", "", AE_IFLNK, "/etc/passwd"}, "absolute"},
      {{"l", "", AE_IFLNK, "../x"}, "leads out"},
      {{"a/l", "", AE_IFLNK, "../../x"}, "leads out"},
      {{"l", "", AE_IFREG, "/etc/passwd", true}, "absolute"},
      {{"l", "", AE_IFREG, "../x", true}, "leads out"},
      {{"l", "", AE_IFREG, "not there", true}, "no file of the archive"},
      {{"f", "", AE_IFIFO}, "neither a file"},
      {{"d", "", AE_IFCHR}, "neither a file"},
  };
  for (const auto& [entry, message] : refused) {
    const absl::Status status = Unpack({{"first", "x"}, entry});
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << entry.name;
    EXPECT_THAT(MessageOf(status), HasSubstr(message));
    EXPECT_THAT(MessageOf(status), HasSubstr(entry.name));
    ExpectNothing();
  }
}

TEST_F(ModuleArchive, LinksDoNotLeadOutThroughEachOther) {
  EXPECT_FALSE(Unpack({{"a/up", "", AE_IFLNK, ".."}, {"out", "", AE_IFLNK, "a/up/../x"}}).ok());
  ExpectNothing();
  EXPECT_FALSE(Unpack({{"a", "", AE_IFLNK, "b"}, {"b", "", AE_IFLNK, "a"}}).ok()) << "a loop";
  ExpectNothing();
  EXPECT_FALSE(Unpack({{"a", "", AE_IFLNK, "."}, {"a/x", "through the link"}}).ok());
  ExpectNothing();
}

TEST_F(ModuleArchive, AnEntryStandsOnce) {
  EXPECT_THAT(MessageOf(Unpack({{"a", "1"}, {"./a", "2"}})), HasSubstr("stands twice"));
  EXPECT_FALSE(Unpack({{"a", "1"}, {"a/b", "2"}}).ok());
  EXPECT_FALSE(Unpack({{"a", "1"}, {"a", "", AE_IFDIR}}).ok());
  EXPECT_FALSE(Unpack({{"a", "", AE_IFDIR}, {"a", "1"}}).ok());
  ExpectNothing();
}

TEST_F(ModuleArchive, TooManyAndTooLargeFilesAreRefused) {
  EXPECT_EQ(Unpack({{"a", "1"}, {"b", "2"}, {"c", "3"}}, {.max_entries = 2}).code(),
            absl::StatusCode::kResourceExhausted);
  ExpectNothing();
  // A bomb: small as it comes, large as it is.
  EXPECT_EQ(Unpack({{"a", std::string(4 << 20, '\0')}}, {.max_bytes = 1 << 20}).code(),
            absl::StatusCode::kResourceExhausted);
  ExpectNothing();
}

TEST_F(ModuleArchive, WhatIsNoArchiveOrHalfOfOneIsRefused) {
  const std::string path = folder_ + "/a.tar.gz";
  std::ofstream(path) << "this is text";
  EXPECT_THAT(MessageOf(UnpackArchive(path, out_)), HasSubstr("no readable tar.gz"));
  std::string noise;
  for (unsigned i = 0, x = 1; i < 200'000; ++i)
    noise += static_cast<char>((x = x * 69069 + 1) >> 24);
  ASSERT_TRUE(Unpack({{"a", noise}}).ok());
  fs::remove_all(out_);
  fs::resize_file(path, fs::file_size(path) / 2);
  EXPECT_FALSE(UnpackArchive(path, out_).ok());
  ExpectNothing();
}

TEST_F(ModuleArchive, HashesAFileAsSha256sumDoes) {
  std::ofstream(folder_ + "/f") << "abc";
  EXPECT_EQ(HashOfFile(folder_ + "/f").value_or(""),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(HashOfFile(folder_ + "/none").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace bowerbird::machine
