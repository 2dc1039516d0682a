// SPDX-License-Identifier: Apache-2.0
//
// A file system that fails by plan, for tests of what must survive failures: a full disk, errors of
// the medium, writes that are torn, syncs that fail, and the loss of power.
//
//   FaultyFileSystem files(MakeFileSystem());
//   files.Add({.operation = FileOperation::kAppend, .path = "/blobs/", .after = 2, .error = ENOSPC,
//              .torn_bytes = 100});
//
// Thread-safe. Files that it opened must not outlive it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "base/mutex.h"

namespace bowerbird {

enum class FileOperation {
  kOpenForWriting,
  kOpenForReading,
  kAppend,
  kSync,
  kClose,
  kRead,
  kRename,
  kRemove,  // of files and of directories
  kTruncate,
  kMakeDirectories,
  kSyncDirectory,
  kList,
  kStat,
};

struct FileFault {
  FileOperation operation = FileOperation::kAppend;
  std::string path{};     // only where the path contains this; "" = everywhere
  int after = 0;          // so many matching calls succeed first
  int times = 1;          // so many fail then; -1 = all
  int error = 0;          // the errno that is reported
  size_t torn_bytes = 0;  // of a failing Append reach the file all the same
};

class FaultyFileSystem : public FileSystem {
 public:
  explicit FaultyFileSystem(std::unique_ptr<FileSystem> real);

  void Add(FileFault fault);
  void ClearFaults();
  // What FreeSpace reports from now on.
  void SetFreeSpace(DiskSpace space);
  // Calls so far, failed ones included.
  int Count(FileOperation operation) const;

  // What a power cut leaves: files that were opened for writing are cut to what was synced last,
  // and renames and new names whose folder was not synced since are undone (a file that the rename
  // replaced comes back empty). Files must be closed or never used again.
  absl::Status LosePower();

  absl::StatusOr<std::unique_ptr<WritableFile>> OpenForWriting(const std::string& path,
                                                               WriteMode mode,
                                                               uint32_t permissions) override;
  absl::StatusOr<std::unique_ptr<ReadableFile>> OpenForReading(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Remove(const std::string& path) override;
  absl::Status RemoveDirectory(const std::string& path) override;
  absl::Status Truncate(const std::string& path, uint64_t size) override;
  absl::Status MakeDirectories(const std::string& path, uint32_t permissions) override;
  absl::Status SyncDirectory(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override;
  absl::StatusOr<FileInfo> Stat(const std::string& path) override;
  absl::StatusOr<DiskSpace> FreeSpace(const std::string& path) override;

 private:
  friend class FaultyWritableFile;
  friend class FaultyReadableFile;

  // The fault that this call meets, or OK.
  absl::Status Meet(FileOperation operation, const std::string& path, size_t* torn_bytes = nullptr);
  void Grew(const std::string& path, uint64_t bytes);
  void Synced(const std::string& path);

  struct Written {
    uint64_t size = 0;
    uint64_t synced = 0;
    bool name_is_durable = false;
  };

  const std::unique_ptr<FileSystem> real_;
  mutable Mutex mutex_;
  std::vector<FileFault> faults_ ABSL_GUARDED_BY(mutex_);
  std::map<FileOperation, int> counts_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<DiskSpace> space_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Written> written_ ABSL_GUARDED_BY(mutex_);
  // From, to; in the order in which they happened.
  std::vector<std::pair<std::string, std::string>> renames_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace bowerbird
