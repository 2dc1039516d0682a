// SPDX-License-Identifier: Apache-2.0
#include "store/file_blobs.h"

#include <atomic>
#include <map>
#include <utility>

#include "base/mutex.h"
#include "base/sha256.h"
#include "base/status.h"
#include "store/scratch.h"

namespace bowerbird::store {
namespace {

constexpr size_t kHashDigits = 64;
// Content up to here is kept in memory until it is whole, and then written under its name at once:
// without a scratch file there is neither a rename nor a second journal commit of the file system.
constexpr size_t kMostKeptBytes = size_t{256} << 10;

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

  // Writes a file that is not there yet under its name, durably. ALREADY_EXISTS: one is there, or
  // is being written; whether it is whole and durable is not known.
  absl::Status WriteNew(const std::string& hash, std::string_view bytes);
  // Gives the scratch file, which is durable, its name, durably. What had the name goes.
  absl::Status Place(const std::string& from, const std::string& hash);
  std::string NextScratch() { return scratch_ + "/" + std::to_string(next_++); }
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
  Mutex names_;  // held while a name under location_ is taken over or goes
  // Names that WriteNew is filling, each with the number of the call. What fails removes its file,
  // unless Place gave the name to a durable one meanwhile.
  std::map<std::string, uint64_t> filling_ ABSL_GUARDED_BY(names_);
  uint64_t next_filling_ ABSL_GUARDED_BY(names_) = 0;
};

class FileWriter : public BlobWriter {
 public:
  explicit FileWriter(FileBlobs& blobs) : blobs_(blobs) {}

  absl::Status Append(std::string_view bytes) override {
    if (!hash_.empty()) return Internal("append to a blob that is finished");
    if (scratch_ == nullptr && kept_.size() + bytes.size() <= kMostKeptBytes) {
      kept_ += bytes;
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(MoveToScratch());
    return scratch_->Append(bytes);
  }

  uint64_t size() const override { return scratch_ != nullptr ? scratch_->size() : kept_.size(); }

  const std::string& Hash() override {
    if (scratch_ != nullptr) return scratch_->Hash();
    if (hash_.empty()) hash_ = Sha256Hex(std::as_bytes(std::span(kept_)));
    return hash_;
  }

  absl::StatusOr<BlobInfo> Commit() override {
    const BlobInfo info{
        .hash = Hash(), .size = size(), .modified = std::chrono::system_clock::now()};
    if (scratch_ == nullptr) {
      const absl::Status written = blobs_.WriteNew(info.hash, kept_);
      if (written.ok()) return info;
      if (!absl::IsAlreadyExists(written)) return written;
      RETURN_IF_ERROR(MoveToScratch());
    }
    RETURN_IF_ERROR(scratch_->Finish(/*sync=*/true));
    RETURN_IF_ERROR(blobs_.Place(scratch_->path(), info.hash));
    scratch_->Release();
    return info;
  }

 private:
  absl::Status MoveToScratch() {
    if (scratch_ != nullptr) return absl::OkStatus();
    auto scratch = std::make_unique<ScratchFile>(blobs_.files(), blobs_.NextScratch());
    RETURN_IF_ERROR(scratch->Open());
    scratch_ = std::move(scratch);
    RETURN_IF_ERROR(scratch_->Append(kept_));
    kept_ = std::string();
    return absl::OkStatus();
  }

  FileBlobs& blobs_;
  std::string kept_;  // all of it, until there is a scratch file
  std::string hash_;
  std::unique_ptr<ScratchFile> scratch_;
};

absl::StatusOr<std::unique_ptr<BlobWriter>> FileBlobs::Create() {
  return std::make_unique<FileWriter>(*this);
}

absl::Status FileBlobs::WriteNew(const std::string& hash, std::string_view bytes) {
  uint64_t filling = 0;
  {
    const MutexLock lock(names_);
    filling = next_filling_++;
    if (!filling_.try_emplace(hash, filling).second) {
      return absl::AlreadyExistsError("the same content is being written");
    }
  }
  bool made = false;
  const auto write = [&]() -> absl::Status {
    ASSIGN_OR_RETURN(const auto file, files_.OpenForWriting(PathOf(hash), WriteMode::kCreateNew));
    made = true;
    RETURN_IF_ERROR(file->Append(bytes));
    RETURN_IF_ERROR(file->Sync());
    RETURN_IF_ERROR(file->Close());
    return files_.SyncDirectory(FolderOf(hash));
  };
  absl::Status written = write();
  const MutexLock lock(names_);
  const auto own = filling_.find(hash);
  if (own == filling_.end() || own->second != filling) return written;
  filling_.erase(own);
  if (!written.ok() && made) (void)files_.Remove(PathOf(hash));
  return written;
}

absl::Status FileBlobs::Place(const std::string& from, const std::string& hash) {
  {
    const MutexLock lock(names_);
    RETURN_IF_ERROR(files_.Rename(from, PathOf(hash)));
    filling_.erase(hash);
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
