// SPDX-License-Identifier: Apache-2.0
//
// The file system as the rooms that must not lose data see it: few calls, each with an error that
// names the path, and with what durability needs (syncing a file, syncing the folder that a rename
// changed). Tests hand in FaultyFileSystem (base/faulty_file_system.h), which fails by plan.
//
// What must hold: a path is used as it is given; nothing here is relative to anything but the
// working directory. A file's content is durable after WritableFile::Sync; a new, renamed or
// removed name after SyncDirectory of its folder. Errors carry the code of their errno (ENOSPC and
// EDQUOT: RESOURCE_EXHAUSTED; ENOENT: NOT_FOUND; EEXIST: ALREADY_EXISTS).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace bowerbird {

// Not thread-safe. Closes without syncing when it goes.
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  // All of `bytes` at the end, or an error; after an error some of them may have been written.
  virtual absl::Status Append(std::string_view bytes) = 0;
  // Everything appended so far is durable afterwards. After a failed Sync nothing may be assumed of
  // what was appended: the kernel may have dropped it. Write it again to a new file.
  virtual absl::Status Sync() = 0;
  // Errors that the kernel reports only now. Further calls do nothing.
  virtual absl::Status Close() = 0;
};

// Thread-safe.
class ReadableFile {
 public:
  virtual ~ReadableFile() = default;
  // Up to buffer.size() bytes from `offset`; fewer only at the end of the file, 0 beyond it.
  virtual absl::StatusOr<size_t> ReadAt(uint64_t offset, std::span<char> buffer) const = 0;
  virtual absl::StatusOr<uint64_t> Size() const = 0;
};

struct FileInfo {
  enum class Kind { kFile, kDirectory, kSymlink, kOther };
  Kind kind = Kind::kFile;
  uint64_t size = 0;
  std::chrono::sys_time<std::chrono::nanoseconds> modified;
  uint64_t inode = 0;
};

struct DiskSpace {
  uint64_t total = 0;
  uint64_t available = 0;  // to a process without privileges
};

enum class WriteMode {
  kCreateNew,  // ALREADY_EXISTS if there is one
  kTruncate,   // made or emptied
  kAppend,     // made or continued
};

// Thread-safe.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // `permissions` as far as the umask allows, for files that are made.
  virtual absl::StatusOr<std::unique_ptr<WritableFile>> OpenForWriting(
      const std::string& path, WriteMode mode, uint32_t permissions = 0600) = 0;
  virtual absl::StatusOr<std::unique_ptr<ReadableFile>> OpenForReading(const std::string& path) = 0;

  // Replaces `to` if it exists, atomically, within one file system.
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  // A file or a symlink.
  virtual absl::Status Remove(const std::string& path) = 0;
  // An empty directory.
  virtual absl::Status RemoveDirectory(const std::string& path) = 0;
  // Cuts or extends with zeros.
  virtual absl::Status Truncate(const std::string& path, uint64_t size) = 0;

  // With its parents; no error if it is there.
  virtual absl::Status MakeDirectories(const std::string& path, uint32_t permissions = 0700) = 0;
  virtual absl::Status SyncDirectory(const std::string& path) = 0;
  // Names without "." and "..", sorted.
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& path) = 0;

  // Of a symlink itself, not of what it points to.
  virtual absl::StatusOr<FileInfo> Stat(const std::string& path) = 0;
  virtual absl::StatusOr<DiskSpace> FreeSpace(const std::string& path) = 0;
};

// The machine's own.
std::unique_ptr<FileSystem> MakeFileSystem();

// False also where the path cannot be looked at.
bool Exists(FileSystem& files, const std::string& path);

// The whole of a file; RESOURCE_EXHAUSTED if it is larger than `limit`.
absl::StatusOr<std::string> ReadFile(FileSystem& files, const std::string& path,
                                     uint64_t limit = uint64_t{64} << 20);

// All or nothing, and durable: writes PATH.new, syncs it, renames it over `path`, syncs the folder.
absl::Status WriteFileDurably(FileSystem& files, const std::string& path, std::string_view bytes,
                              uint32_t permissions = 0600);

// "a/b" of "a/b/c", "." of "c", "/" of "/c".
std::string ParentDirectory(std::string_view path);

}  // namespace bowerbird
