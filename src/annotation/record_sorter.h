// SPDX-License-Identifier: Apache-2.0
//
// Sorts any number of records by key in bounded memory: what does not fit is written to sorted runs
// on disk, which are merged while reading. Internal to this room.
//
// Records of one key come out in the order in which they were added. Use: Add..., Sort, Next....
// The runs lie in a folder of their own below `scratch`, which is removed at the end.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/file_system.h"

namespace bowerbird::annotation {

class RecordSorter {
 public:
  struct Options {
    std::string scratch{};                 // empty: the system's folder for temporary files
    uint64_t memory = uint64_t{16} << 20;  // bytes, at least 64 KiB
  };
  RecordSorter(FileSystem& files, Options options);
  ~RecordSorter();
  RecordSorter(const RecordSorter&) = delete;
  RecordSorter& operator=(const RecordSorter&) = delete;

  // Each at most 16 MiB.
  absl::Status Add(std::string_view key, std::string_view value);
  absl::Status Sort();
  // False at the end. The views are valid until the next call.
  absl::StatusOr<bool> Next(std::string_view& key, std::string_view& value);

  size_t runs() const { return runs_.size(); }

 private:
  class Run;
  struct Entry {
    uint64_t offset;
    uint32_t key_size, value_size;
  };

  std::string_view KeyOf(const Entry& entry) const;
  absl::Status Spill();
  absl::Status MergeRuns();
  absl::StatusOr<std::string> NextRunPath();
  absl::Status OpenRuns();
  absl::StatusOr<Run*> Least();
  void RemoveRuns();

  FileSystem& files_;
  Options options_;
  std::string directory_;
  uint64_t runs_made_ = 0;
  std::string bytes_;
  std::vector<Entry> entries_;
  size_t next_entry_ = 0;
  std::vector<std::string> runs_;  // in the order of what was added
  std::vector<std::unique_ptr<Run>> readers_;
  Run* given_ = nullptr;  // whose record the caller has
};

}  // namespace bowerbird::annotation
