// SPDX-License-Identifier: Apache-2.0
#include "base/faulty_file_system.h"

#include <algorithm>
#include <utility>

#include "base/status.h"

namespace bowerbird {

class FaultyWritableFile : public WritableFile {
 public:
  FaultyWritableFile(FaultyFileSystem& files, std::string path, std::unique_ptr<WritableFile> real)
      : files_(files), path_(std::move(path)), real_(std::move(real)) {}

  absl::Status Append(std::string_view bytes) override {
    size_t torn = 0;
    absl::Status fault = files_.Meet(FileOperation::kAppend, path_, &torn);
    if (!fault.ok()) bytes = bytes.substr(0, torn);
    RETURN_IF_ERROR(real_->Append(bytes));
    files_.Grew(path_, bytes.size());
    return fault;
  }

  absl::Status Sync() override {
    RETURN_IF_ERROR(files_.Meet(FileOperation::kSync, path_));
    RETURN_IF_ERROR(real_->Sync());
    files_.Synced(path_);
    return absl::OkStatus();
  }

  absl::Status Close() override {
    const absl::Status fault = files_.Meet(FileOperation::kClose, path_);
    const absl::Status closed = real_->Close();
    return fault.ok() ? closed : fault;
  }

 private:
  FaultyFileSystem& files_;
  const std::string path_;
  const std::unique_ptr<WritableFile> real_;
};

class FaultyReadableFile : public ReadableFile {
 public:
  FaultyReadableFile(FaultyFileSystem& files, std::string path, std::unique_ptr<ReadableFile> real)
      : files_(files), path_(std::move(path)), real_(std::move(real)) {}

  absl::StatusOr<size_t> ReadAt(uint64_t offset, std::span<char> buffer) const override {
    RETURN_IF_ERROR(files_.Meet(FileOperation::kRead, path_));
    return real_->ReadAt(offset, buffer);
  }

  absl::StatusOr<uint64_t> Size() const override { return real_->Size(); }

 private:
  FaultyFileSystem& files_;
  const std::string path_;
  const std::unique_ptr<ReadableFile> real_;
};

FaultyFileSystem::FaultyFileSystem(std::unique_ptr<FileSystem> real) : real_(std::move(real)) {}

void FaultyFileSystem::Add(FileFault fault) {
  const MutexLock lock(mutex_);
  faults_.push_back(std::move(fault));
}

void FaultyFileSystem::ClearFaults() {
  const MutexLock lock(mutex_);
  faults_.clear();
}

void FaultyFileSystem::SetFreeSpace(DiskSpace space) {
  const MutexLock lock(mutex_);
  space_ = std::make_unique<DiskSpace>(space);
}

int FaultyFileSystem::Count(FileOperation operation) const {
  const MutexLock lock(mutex_);
  const auto found = counts_.find(operation);
  return found == counts_.end() ? 0 : found->second;
}

absl::Status FaultyFileSystem::Meet(FileOperation operation, const std::string& path,
                                    size_t* torn_bytes) {
  const MutexLock lock(mutex_);
  ++counts_[operation];
  for (FileFault& fault : faults_) {
    if (fault.operation != operation || path.find(fault.path) == std::string::npos) continue;
    if (fault.after > 0) {
      --fault.after;
      continue;
    }
    if (fault.times == 0) continue;
    if (fault.times > 0) --fault.times;
    if (torn_bytes != nullptr) *torn_bytes = fault.torn_bytes;
    return ErrnoStatus(fault.error, "planned fault at " + path);
  }
  return absl::OkStatus();
}

void FaultyFileSystem::Grew(const std::string& path, uint64_t bytes) {
  const MutexLock lock(mutex_);
  written_[path].size += bytes;
}

void FaultyFileSystem::Synced(const std::string& path) {
  const MutexLock lock(mutex_);
  written_[path].synced = written_[path].size;
}

absl::Status FaultyFileSystem::LosePower() {
  const MutexLock lock(mutex_);
  for (auto rename = renames_.rbegin(); rename != renames_.rend(); ++rename) {
    const auto& [from, to] = *rename;
    if (!Exists(*real_, to)) continue;
    RETURN_IF_ERROR(real_->Rename(to, from));
    if (const auto node = written_.extract(to); !node.empty()) written_[from] = node.mapped();
  }
  renames_.clear();
  for (const auto& [path, written] : written_) {
    if (!Exists(*real_, path)) continue;
    if (written.synced == 0 && !written.name_is_durable) {
      RETURN_IF_ERROR(real_->Remove(path));
    } else {
      RETURN_IF_ERROR(real_->Truncate(path, written.synced));
    }
  }
  written_.clear();
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<WritableFile>> FaultyFileSystem::OpenForWriting(
    const std::string& path, WriteMode mode, uint32_t permissions) {
  RETURN_IF_ERROR(Meet(FileOperation::kOpenForWriting, path));
  const auto before = real_->Stat(path);
  ASSIGN_OR_RETURN(auto real, real_->OpenForWriting(path, mode, permissions));
  {
    const MutexLock lock(mutex_);
    const uint64_t size = before.ok() && mode == WriteMode::kAppend ? before->size : 0;
    auto& written = written_[path];
    // What was there before this object saw the file counts as durable.
    if (written.size != size) written.synced = size;
    written.size = size;
    if (before.ok()) written.name_is_durable = true;
  }
  return std::make_unique<FaultyWritableFile>(*this, path, std::move(real));
}

absl::StatusOr<std::unique_ptr<ReadableFile>> FaultyFileSystem::OpenForReading(
    const std::string& path) {
  RETURN_IF_ERROR(Meet(FileOperation::kOpenForReading, path));
  ASSIGN_OR_RETURN(auto real, real_->OpenForReading(path));
  return std::make_unique<FaultyReadableFile>(*this, path, std::move(real));
}

absl::Status FaultyFileSystem::Rename(const std::string& from, const std::string& to) {
  RETURN_IF_ERROR(Meet(FileOperation::kRename, from));
  RETURN_IF_ERROR(real_->Rename(from, to));
  const MutexLock lock(mutex_);
  if (auto node = written_.extract(from); !node.empty()) written_[to] = node.mapped();
  renames_.emplace_back(from, to);
  return absl::OkStatus();
}

absl::Status FaultyFileSystem::Remove(const std::string& path) {
  RETURN_IF_ERROR(Meet(FileOperation::kRemove, path));
  RETURN_IF_ERROR(real_->Remove(path));
  const MutexLock lock(mutex_);
  written_.erase(path);
  return absl::OkStatus();
}

absl::Status FaultyFileSystem::RemoveDirectory(const std::string& path) {
  RETURN_IF_ERROR(Meet(FileOperation::kRemove, path));
  return real_->RemoveDirectory(path);
}

absl::Status FaultyFileSystem::Truncate(const std::string& path, uint64_t size) {
  RETURN_IF_ERROR(Meet(FileOperation::kTruncate, path));
  RETURN_IF_ERROR(real_->Truncate(path, size));
  const MutexLock lock(mutex_);
  if (const auto found = written_.find(path); found != written_.end()) {
    found->second.size = size;
    found->second.synced = std::min(found->second.synced, size);
  }
  return absl::OkStatus();
}

absl::Status FaultyFileSystem::MakeDirectories(const std::string& path, uint32_t permissions) {
  RETURN_IF_ERROR(Meet(FileOperation::kMakeDirectories, path));
  return real_->MakeDirectories(path, permissions);
}

absl::Status FaultyFileSystem::SyncDirectory(const std::string& path) {
  RETURN_IF_ERROR(Meet(FileOperation::kSyncDirectory, path));
  RETURN_IF_ERROR(real_->SyncDirectory(path));
  const MutexLock lock(mutex_);
  std::erase_if(renames_, [&](const auto& one) { return ParentDirectory(one.second) == path; });
  for (auto& [name, written] : written_) {
    if (ParentDirectory(name) == path) written.name_is_durable = true;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> FaultyFileSystem::List(const std::string& path) {
  RETURN_IF_ERROR(Meet(FileOperation::kList, path));
  return real_->List(path);
}

absl::StatusOr<FileInfo> FaultyFileSystem::Stat(const std::string& path) {
  RETURN_IF_ERROR(Meet(FileOperation::kStat, path));
  return real_->Stat(path);
}

absl::StatusOr<DiskSpace> FaultyFileSystem::FreeSpace(const std::string& path) {
  {
    const MutexLock lock(mutex_);
    if (space_ != nullptr) return *space_;
  }
  return real_->FreeSpace(path);
}

}  // namespace bowerbird
