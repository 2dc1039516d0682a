// SPDX-License-Identifier: Apache-2.0
#include "annotation/record_sorter.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <limits>
#include <span>
#include <system_error>

#include "annotation/folder.h"
#include "base/status.h"

namespace bowerbird::annotation {
namespace {

constexpr size_t kMaxRuns = 32;  // that are open at once
constexpr size_t kMaxRecordBytes = size_t{16} << 20;
constexpr uint64_t kLeastMemory = uint64_t{64} << 10;
constexpr size_t kWriteBytes = size_t{256} << 10;
constexpr size_t kReadBytes = size_t{64} << 10;

std::string Head(std::string_view key, std::string_view value) {
  const std::array<uint32_t, 2> sizes{static_cast<uint32_t>(key.size()),
                                      static_cast<uint32_t>(value.size())};
  std::string head(sizeof(sizes), '\0');
  std::memcpy(head.data(), sizes.data(), sizeof(sizes));
  return head;
}

// Appends records to a run in large pieces.
class RunWriter {
 public:
  explicit RunWriter(std::unique_ptr<WritableFile> file) : file_(std::move(file)) {}
  absl::Status Add(std::string_view key, std::string_view value) {
    buffer_ += Head(key, value);
    buffer_ += key;
    buffer_ += value;
    return buffer_.size() < kWriteBytes ? absl::OkStatus() : Flush();
  }
  absl::Status Finish() {
    RETURN_IF_ERROR(Flush());
    return file_->Close();
  }

 private:
  absl::Status Flush() {
    absl::Status appended = file_->Append(buffer_);
    buffer_.clear();
    return appended;
  }
  std::unique_ptr<WritableFile> file_;
  std::string buffer_;
};

}  // namespace

// Reads one run from front to end; holds the record where it is.
class RecordSorter::Run {
 public:
  explicit Run(std::unique_ptr<ReadableFile> file) : file_(std::move(file)) {}

  // To the next record; `done` at the end.
  absl::Status Advance() {
    std::array<uint32_t, 2> sizes{};
    ASSIGN_OR_RETURN(const bool more, Need(sizeof(sizes)));
    if (!more) {
      done = true;
      return absl::OkStatus();
    }
    std::memcpy(sizes.data(), buffer_.data() + begin_, sizeof(sizes));
    begin_ += sizeof(sizes);
    const size_t size = size_t{sizes[0]} + sizes[1];
    if (size > 2 * kMaxRecordBytes)
      return absl::DataLossError("a file of sorted records is damaged");
    ASSIGN_OR_RETURN(const bool whole, Need(size));
    if (!whole) return absl::DataLossError("a file of sorted records is cut off");
    key = std::string_view(buffer_).substr(begin_, sizes[0]);
    value = std::string_view(buffer_).substr(begin_ + sizes[0], sizes[1]);
    begin_ += size;
    return absl::OkStatus();
  }

  std::string_view key, value;
  bool done = false;

 private:
  // Whether so many bytes are there, after begin_.
  absl::StatusOr<bool> Need(size_t bytes) {
    while (buffer_.size() - begin_ < bytes) {
      buffer_.erase(0, begin_);
      begin_ = 0;
      const size_t had = buffer_.size();
      buffer_.resize(std::max(had + kReadBytes, bytes));
      ASSIGN_OR_RETURN(const size_t got, file_->ReadAt(offset_, std::span(buffer_.data() + had,
                                                                          buffer_.size() - had)));
      offset_ += got;
      buffer_.resize(had + got);
      if (got == 0) return false;
    }
    return true;
  }

  std::unique_ptr<ReadableFile> file_;
  std::string buffer_;
  size_t begin_ = 0;
  uint64_t offset_ = 0;
};

RecordSorter::RecordSorter(FileSystem& files, Options options)
    : files_(files), options_(std::move(options)) {
  options_.memory = std::max(options_.memory, kLeastMemory);
}

RecordSorter::~RecordSorter() { RemoveRuns(); }

void RecordSorter::RemoveRuns() {
  readers_.clear();
  // What cannot be removed stays behind in the scratch folder; there is nobody to tell.
  for (const std::string& path : runs_) files_.Remove(path).IgnoreError();
  runs_.clear();
  if (!directory_.empty()) files_.RemoveDirectory(directory_).IgnoreError();
}

std::string_view RecordSorter::KeyOf(const Entry& entry) const {
  return std::string_view(bytes_).substr(entry.offset, entry.key_size);
}

absl::Status RecordSorter::Add(std::string_view key, std::string_view value) {
  if (key.size() > kMaxRecordBytes || value.size() > kMaxRecordBytes) {
    return ResourceExhausted("a record is larger than 16 MiB");
  }
  const size_t held = bytes_.size() + entries_.size() * sizeof(Entry);
  const size_t more = key.size() + value.size() + sizeof(Entry);
  if (!entries_.empty() && held + more > options_.memory) RETURN_IF_ERROR(Spill());
  if (bytes_.capacity() < bytes_.size() + key.size() + value.size()) {
    // Not by doubling: the last doubling would hold twice the memory that was allowed.
    bytes_.reserve(std::max(bytes_.size() + key.size() + value.size(),
                            std::min<size_t>(bytes_.capacity() * 2, options_.memory)));
  }
  entries_.push_back(
      {bytes_.size(), static_cast<uint32_t>(key.size()), static_cast<uint32_t>(value.size())});
  bytes_ += key;
  bytes_ += value;
  return absl::OkStatus();
}

absl::StatusOr<std::string> RecordSorter::NextRunPath() {
  if (directory_.empty()) {
    static std::atomic<uint64_t> sorters{0};
    std::error_code error;
    std::string scratch = options_.scratch;
    if (scratch.empty()) scratch = std::filesystem::temp_directory_path(error).string();
    if (error) return ErrnoStatus(error.value(), "the folder for temporary files");
    directory_ = JoinPath(
        scratch, "bowerbird-sort-" + std::to_string(getpid()) + "-" + std::to_string(++sorters));
    RETURN_IF_ERROR(files_.MakeDirectories(directory_));
  }
  return JoinPath(directory_, std::to_string(runs_made_++));
}

absl::Status RecordSorter::Spill() {
  std::stable_sort(entries_.begin(), entries_.end(),
                   [&](const Entry& a, const Entry& b) { return KeyOf(a) < KeyOf(b); });
  ASSIGN_OR_RETURN(const std::string path, NextRunPath());
  ASSIGN_OR_RETURN(auto file, files_.OpenForWriting(path, WriteMode::kTruncate));
  runs_.push_back(path);
  RunWriter writer(std::move(file));
  for (const Entry& entry : entries_) {
    RETURN_IF_ERROR(writer.Add(KeyOf(entry), std::string_view(bytes_).substr(
                                                 entry.offset + entry.key_size, entry.value_size)));
  }
  RETURN_IF_ERROR(writer.Finish());
  entries_.clear();
  bytes_.clear();
  return runs_.size() < kMaxRuns ? absl::OkStatus() : MergeRuns();
}

absl::Status RecordSorter::OpenRuns() {
  readers_.clear();
  for (const std::string& path : runs_) {
    ASSIGN_OR_RETURN(auto file, files_.OpenForReading(path));
    readers_.push_back(std::make_unique<Run>(std::move(file)));
    RETURN_IF_ERROR(readers_.back()->Advance());
  }
  given_ = nullptr;
  return absl::OkStatus();
}

// The run with the least key, the earliest of equal ones; nullptr at the end of all.
absl::StatusOr<RecordSorter::Run*> RecordSorter::Least() {
  if (given_ != nullptr) RETURN_IF_ERROR(given_->Advance());
  given_ = nullptr;
  for (const auto& reader : readers_) {
    if (!reader->done && (given_ == nullptr || reader->key < given_->key)) given_ = reader.get();
  }
  return given_;
}

// All runs become one.
absl::Status RecordSorter::MergeRuns() {
  RETURN_IF_ERROR(OpenRuns());
  ASSIGN_OR_RETURN(const std::string path, NextRunPath());
  ASSIGN_OR_RETURN(auto file, files_.OpenForWriting(path, WriteMode::kTruncate));
  RunWriter writer(std::move(file));
  const std::vector<std::string> merged = runs_;
  runs_.push_back(path);
  while (true) {
    ASSIGN_OR_RETURN(const Run* least, Least());
    if (least == nullptr) break;
    RETURN_IF_ERROR(writer.Add(least->key, least->value));
  }
  RETURN_IF_ERROR(writer.Finish());
  readers_.clear();
  given_ = nullptr;
  for (const std::string& old : merged) RETURN_IF_ERROR(files_.Remove(old));
  runs_ = {path};
  return absl::OkStatus();
}

absl::Status RecordSorter::Sort() {
  if (runs_.empty()) {
    std::stable_sort(entries_.begin(), entries_.end(),
                     [&](const Entry& a, const Entry& b) { return KeyOf(a) < KeyOf(b); });
    return absl::OkStatus();
  }
  if (!entries_.empty()) RETURN_IF_ERROR(Spill());
  bytes_ = std::string();
  entries_ = std::vector<Entry>();
  return OpenRuns();
}

absl::StatusOr<bool> RecordSorter::Next(std::string_view& key, std::string_view& value) {
  if (runs_.empty()) {
    if (next_entry_ == entries_.size()) return false;
    const Entry& entry = entries_[next_entry_++];
    key = KeyOf(entry);
    value = std::string_view(bytes_).substr(entry.offset + entry.key_size, entry.value_size);
    return true;
  }
  ASSIGN_OR_RETURN(const Run* least, Least());
  if (least == nullptr) return false;
  key = least->key;
  value = least->value;
  return true;
}

}  // namespace bowerbird::annotation
