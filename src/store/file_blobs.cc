// SPDX-License-Identifier: Apache-2.0
#include "store/file_blobs.h"

#include <atomic>
#include <utility>

#include "base/mutex.h"
#include "base/status.h"
#include "store/scratch.h"

namespace bowerbird::store {
namespace {

constexpr size_t kHashDigits = 64;

bool IsHash(std::string_view text) {
  return text.size() == kHashDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

class FileReader : public BlobReader {
 public:
  FileReader(std::unique_ptr<ReadableFile> file, uint64_t size)
      : file_(std::move(file)), size_(size) {}
  uint64_t size() const override { return size_; }
  absl::StatusOr<size_t> ReadAt(uint64_t offset, std::span<char> buffer) override {
    return file_->ReadAt(offset, buffer);
  }

 private:
  const std::unique_ptr<ReadableFile> file_;
  const uint64_t size_;
};

class FileBlobs : public Blobs {
 public:
  FileBlobs(FileSystem& files, std::string location, std::string scratch)
      : files_(files), location_(std::move(location)), scratch_(std::move(scratch)) {}

  absl::Status MakeFolders() {
    RETURN_IF_ERROR(EmptyScratch(files_, scratch_));
    // All of them at once: a rename then needs no folder to be made and synced first.
    for (int first = 0; first < 256; ++first) {
      const unsigned char byte = static_cast<unsigned char>(first);
      RETURN_IF_ERROR(files_.MakeDirectories(location_ + "/" + HexOf(std::span(&byte, 1)), 0700));
    }
    RETURN_IF_ERROR(files_.SyncDirectory(location_));
    return files_.SyncDirectory(ParentDirectory(location_));
  }

  absl::StatusOr<std::unique_ptr<BlobWriter>> Create() override;
  absl::StatusOr<std::unique_ptr<BlobReader>> Open(const std::string& hash) override {
    RETURN_IF_ERROR(Check(hash));
    ASSIGN_OR_RETURN(auto file, files_.OpenForReading(PathOf(hash)));
    ASSIGN_OR_RETURN(const uint64_t size, file->Size());
    return std::make_unique<FileReader>(std::move(file), size);
  }

  absl::StatusOr<BlobInfo> Stat(const std::string& hash) override {
    RETURN_IF_ERROR(Check(hash));
    ASSIGN_OR_RETURN(const FileInfo info, files_.Stat(PathOf(hash)));
    return BlobInfo{.hash = hash, .size = info.size, .modified = info.modified};
  }

  absl::StatusOr<bool> RemoveIfOlder(const std::string& hash, std::chrono::seconds age) override {
    // A commit of the same content gives the file a new time before anyone refers to it.
    const MutexLock lock(names_);
    const auto info = Stat(hash);
    if (absl::IsNotFound(info.status())) return false;
    RETURN_IF_ERROR(info.status());
    if (info->modified + age > std::chrono::system_clock::now()) return false;
    RETURN_IF_ERROR(files_.Remove(PathOf(hash)));
    return true;
  }

  absl::Status ForEach(const std::function<absl::Status(const BlobInfo&)>& visit) override {
    ASSIGN_OR_RETURN(const auto folders, files_.List(location_));
    for (const std::string& folder : folders) {
      if (folder.size() != 2) continue;
      ASSIGN_OR_RETURN(const auto names, files_.List(location_ + "/" + folder));
      for (const std::string& name : names) {
        if (!IsHash(name)) continue;
        const auto info = Stat(name);
        if (absl::IsNotFound(info.status())) continue;  // removed meanwhile
        RETURN_IF_ERROR(info.status());
        RETURN_IF_ERROR(visit(*info));
      }
    }
    return absl::OkStatus();
  }

  // Gives the scratch file its name, durably.
  absl::Status Place(const std::string& from, const std::string& hash);
  FileSystem& files() { return files_; }

 private:
  static absl::Status Check(const std::string& hash) {
    return IsHash(hash) ? absl::OkStatus() : NotFound("no blob is called " + hash);
  }
  std::string FolderOf(const std::string& hash) const {
    return location_ + "/" + hash.substr(0, 2);
  }
  std::string PathOf(const std::string& hash) const { return FolderOf(hash) + "/" + hash; }

  FileSystem& files_;
  const std::string location_, scratch_;
  std::atomic<uint64_t> next_{0};
  Mutex names_;  // held while a name under location_ comes or goes
};

class FileWriter : public BlobWriter {
 public:
  FileWriter(FileBlobs& blobs, std::string path)
      : blobs_(blobs), scratch_(blobs.files(), std::move(path)) {}
  absl::Status Open() { return scratch_.Open(); }
  absl::Status Append(std::string_view bytes) override { return scratch_.Append(bytes); }
  uint64_t size() const override { return scratch_.size(); }
  const std::string& Hash() override { return scratch_.Hash(); }
  absl::StatusOr<BlobInfo> Commit() override {
    RETURN_IF_ERROR(scratch_.Finish(/*sync=*/true));
    RETURN_IF_ERROR(blobs_.Place(scratch_.path(), scratch_.Hash()));
    scratch_.Release();
    return BlobInfo{.hash = scratch_.Hash(),
                    .size = scratch_.size(),
                    .modified = std::chrono::system_clock::now()};
  }

 private:
  FileBlobs& blobs_;
  ScratchFile scratch_;
};

absl::StatusOr<std::unique_ptr<BlobWriter>> FileBlobs::Create() {
  auto writer = std::make_unique<FileWriter>(*this, scratch_ + "/" + std::to_string(next_++));
  RETURN_IF_ERROR(writer->Open());
  return writer;
}

absl::Status FileBlobs::Place(const std::string& from, const std::string& hash) {
  {
    const MutexLock lock(names_);
    RETURN_IF_ERROR(files_.Rename(from, PathOf(hash)));
  }
  return files_.SyncDirectory(FolderOf(hash));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Blobs>> OpenFileBlobs(const BlobsOptions& options) {
  auto blobs = std::make_unique<FileBlobs>(*options.files, options.location, options.scratch);
  RETURN_IF_ERROR(blobs->MakeFolders());
  return blobs;
}

absl::StatusOr<std::string> ReadBlob(Blobs& blobs, const std::string& hash, uint64_t limit) {
  ASSIGN_OR_RETURN(const auto reader, blobs.Open(hash));
  if (reader->size() > limit) {
    return ResourceExhausted("blob " + hash + " has " + std::to_string(reader->size()) +
                             " bytes, more than the " + std::to_string(limit) + " allowed here");
  }
  std::string bytes(reader->size(), '\0');
  ASSIGN_OR_RETURN(const size_t count, reader->ReadAt(0, bytes));
  bytes.resize(count);
  return bytes;
}

}  // namespace bowerbird::store
