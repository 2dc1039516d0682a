// SPDX-License-Identifier: Apache-2.0
//
// Which stored item each picture of an exported folder is: DIR/.bowerbird-export, one JSON array a
// line, [binary_data_id, path, width, height]. It is what makes an export resumable.
//
// A line is written only after what it says is durable; pictures are synced in batches, all of the
// file system at once, because a sync for each of many small files takes longer than the files.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "base/file_system.h"

namespace bowerbird::app {

// Not thread-safe. Keeps about 200 bytes for each picture that an earlier run left.
class ExportJournal {
 public:
  struct Picture {
    std::string path;  // relative to the folder
    int width = 0, height = 0;
  };

  static absl::StatusOr<std::unique_ptr<ExportJournal>> Open(FileSystem& files,
                                                             const std::string& directory);

  // What an earlier run left of this item, if no other item has its place since.
  const Picture* Find(const std::string& id) const;

  // The picture lies at its path, not synced yet.
  absl::Status Add(const std::string& id, const Picture& picture, uint64_t bytes);
  // Everything added is durable.
  absl::Status Sync();

 private:
  ExportJournal(FileSystem& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}
  absl::Status Load(const std::string& path);
  void ReadLine(std::string_view line);
  void Know(const std::string& id, Picture picture);

  FileSystem& files_;
  const std::string directory_;
  std::unique_ptr<WritableFile> file_;
  std::unordered_map<size_t, Picture> pictures_;  // by hash of the id
  std::unordered_map<size_t, size_t> owners_;     // hash of the id, by hash of the path
  std::string waiting_;                           // lines of what is not synced
  uint64_t waiting_count_ = 0, waiting_bytes_ = 0;
};

}  // namespace bowerbird::app
