// SPDX-License-Identifier: Apache-2.0
#include "base/file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/descriptor.h"
#include "base/status.h"

namespace bowerbird {
namespace {

absl::Status LastError(std::string_view call, const std::string& path) {
  return ErrnoStatus(errno, std::string(call) + " " + path);
}

class PosixWritableFile : public WritableFile {
 public:
  PosixWritableFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  ~PosixWritableFile() override {
    if (fd_ >= 0) close(fd_);
  }
  PosixWritableFile(const PosixWritableFile&) = delete;
  PosixWritableFile& operator=(const PosixWritableFile&) = delete;

  absl::Status Append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = write(fd_, bytes.data(), bytes.size());
      if (written < 0) {
        if (errno == EINTR) continue;
        return LastError("write", path_);
      }
      bytes.remove_prefix(static_cast<size_t>(written));
      unsent_ += static_cast<size_t>(written);
    }
    if (unsent_ >= kSentAtOnce) {
      unsent_ = 0;
      // A failure is Sync's to tell.
      (void)sync_file_range(fd_, 0, 0, SYNC_FILE_RANGE_WRITE);
    }
    return absl::OkStatus();
  }

  absl::Status Sync() override {
    // fdatasync syncs the size too, which is all of the metadata that matters here.
    return fdatasync(fd_) == 0 ? absl::OkStatus() : LastError("fdatasync", path_);
  }

  absl::Status Close() override {
    if (fd_ < 0) return absl::OkStatus();
    // The descriptor is gone whatever close says; only EINTR is not about the data.
    const int closed = close(std::exchange(fd_, -1));
    return closed == 0 || errno == EINTR ? absl::OkStatus() : LastError("close", path_);
  }

 private:
  // So much of a large file goes on its way to the disk while the rest is being made.
  static constexpr size_t kSentAtOnce = size_t{8} << 20;

  const std::string path_;
  int fd_;
  size_t unsent_ = 0;
};

class PosixReadableFile : public ReadableFile {
 public:
  PosixReadableFile(std::string path, Descriptor fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  absl::StatusOr<size_t> ReadAt(uint64_t offset, std::span<char> buffer) const override {
    size_t done = 0;
    while (done < buffer.size()) {
      const ssize_t count = pread(fd_.get(), buffer.data() + done, buffer.size() - done,
                                  static_cast<off_t>(offset + done));
      if (count < 0) {
        if (errno == EINTR) continue;
        return LastError("read", path_);
      }
      if (count == 0) break;
      done += static_cast<size_t>(count);
    }
    return done;
  }

  absl::StatusOr<uint64_t> Size() const override {
    struct stat info {};
    if (fstat(fd_.get(), &info) != 0) return LastError("stat", path_);
    return static_cast<uint64_t>(info.st_size);
  }

 private:
  const std::string path_;
  Descriptor fd_;
};

FileInfo::Kind KindOf(mode_t mode) {
  if (S_ISREG(mode)) return FileInfo::Kind::kFile;
  if (S_ISDIR(mode)) return FileInfo::Kind::kDirectory;
  if (S_ISLNK(mode)) return FileInfo::Kind::kSymlink;
  return FileInfo::Kind::kOther;
}

int OpenFlags(WriteMode mode) {
  switch (mode) {
    case WriteMode::kCreateNew:
      return O_CREAT | O_EXCL;
    case WriteMode::kTruncate:
      return O_CREAT | O_TRUNC;
    case WriteMode::kAppend:
      return O_CREAT | O_APPEND;
  }
  return O_CREAT | O_EXCL;
}

class PosixFileSystem : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<WritableFile>> OpenForWriting(const std::string& path,
                                                               WriteMode mode,
                                                               uint32_t permissions) override {
    const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC | OpenFlags(mode), permissions);
    if (fd < 0) return LastError("open", path);
    return std::make_unique<PosixWritableFile>(path, fd);
  }

  absl::StatusOr<std::unique_ptr<ReadableFile>> OpenForReading(const std::string& path) override {
    Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd.get() < 0) return LastError("open", path);
    return std::make_unique<PosixReadableFile>(path, std::move(fd));
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    return rename(from.c_str(), to.c_str()) == 0 ? absl::OkStatus()
                                                 : LastError("rename to " + to + " from", from);
  }

  absl::Status Remove(const std::string& path) override {
    return unlink(path.c_str()) == 0 ? absl::OkStatus() : LastError("remove", path);
  }

  absl::Status RemoveDirectory(const std::string& path) override {
    return rmdir(path.c_str()) == 0 ? absl::OkStatus() : LastError("remove", path);
  }

  absl::Status Truncate(const std::string& path, uint64_t size) override {
    return truncate(path.c_str(), static_cast<off_t>(size)) == 0 ? absl::OkStatus()
                                                                 : LastError("truncate", path);
  }

  absl::Status MakeDirectories(const std::string& path, uint32_t permissions) override {
    if (mkdir(path.c_str(), permissions) == 0) return absl::OkStatus();
    if (errno == EEXIST) {
      struct stat info {};
      if (stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return absl::OkStatus();
      return ErrnoStatus(ENOTDIR, "make directory " + path);
    }
    const std::string parent = ParentDirectory(path);
    if (errno != ENOENT || parent == path) return LastError("make directory", path);
    RETURN_IF_ERROR(MakeDirectories(parent, permissions));
    // Another thread may have made it in between.
    return mkdir(path.c_str(), permissions) == 0 || errno == EEXIST
               ? absl::OkStatus()
               : LastError("make directory", path);
  }

  absl::Status SyncDirectory(const std::string& path) override {
    const Descriptor fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0) return LastError("open", path);
    return fsync(fd.get()) == 0 ? absl::OkStatus() : LastError("fsync", path);
  }

  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    DIR* const directory = opendir(path.c_str());
    if (directory == nullptr) return LastError("list", path);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = readdir(directory)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    const int error = errno;
    closedir(directory);
    if (error != 0) return ErrnoStatus(error, "list " + path);
    std::sort(names.begin(), names.end());
    return names;
  }

  absl::StatusOr<FileInfo> Stat(const std::string& path) override {
    struct stat info {};
    if (lstat(path.c_str(), &info) != 0) return LastError("stat", path);
    FileInfo result;
    result.kind = KindOf(info.st_mode);
    result.size = static_cast<uint64_t>(info.st_size);
    result.modified = std::chrono::sys_time<std::chrono::nanoseconds>(
        std::chrono::seconds(info.st_mtim.tv_sec) + std::chrono::nanoseconds(info.st_mtim.tv_nsec));
    result.inode = info.st_ino;
    return result;
  }

  absl::StatusOr<DiskSpace> FreeSpace(const std::string& path) override {
    struct statvfs info {};
    if (statvfs(path.c_str(), &info) != 0) return LastError("statvfs", path);
    return DiskSpace{.total = uint64_t{info.f_blocks} * info.f_frsize,
                     .available = uint64_t{info.f_bavail} * info.f_frsize};
  }
};

}  // namespace

std::unique_ptr<FileSystem> MakeFileSystem() { return std::make_unique<PosixFileSystem>(); }

bool Exists(FileSystem& files, const std::string& path) { return files.Stat(path).ok(); }

absl::StatusOr<std::string> ReadFile(FileSystem& files, const std::string& path, uint64_t limit) {
  ASSIGN_OR_RETURN(const auto file, files.OpenForReading(path));
  ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  if (size > limit) {
    return ResourceExhausted("read " + path + ": it has " + std::to_string(size) +
                             " bytes, more than the " + std::to_string(limit) + " allowed");
  }
  std::string bytes(size, '\0');
  ASSIGN_OR_RETURN(const size_t count, file->ReadAt(0, bytes));
  bytes.resize(count);
  return bytes;
}

absl::Status WriteFileDurably(FileSystem& files, const std::string& path, std::string_view bytes,
                              uint32_t permissions) {
  const std::string fresh = path + ".new";
  const auto write = [&]() -> absl::Status {
    ASSIGN_OR_RETURN(const auto file,
                     files.OpenForWriting(fresh, WriteMode::kTruncate, permissions));
    RETURN_IF_ERROR(file->Append(bytes));
    RETURN_IF_ERROR(file->Sync());
    RETURN_IF_ERROR(file->Close());
    return files.Rename(fresh, path);
  };
  if (absl::Status status = write(); !status.ok()) {
    (void)files.Remove(fresh);
    return status;
  }
  return files.SyncDirectory(ParentDirectory(path));
}

std::string ParentDirectory(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(slash == 0 ? "/" : path.substr(0, slash));
}

}  // namespace bowerbird
