// SPDX-License-Identifier: Apache-2.0
#include "app/data_export_journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <span>
#include <utility>

#include "base/descriptor.h"
#include "base/status.h"
#include "nlohmann/json.hpp"

namespace bowerbird::app {
namespace {

using Json = nlohmann::json;

constexpr char kName[] = "/.bowerbird-export";
constexpr uint64_t kLongestLine = uint64_t{1} << 20;
constexpr size_t kPiece = size_t{256} << 10;
// What has to be fetched again after a crash, at most.
constexpr uint64_t kBatchPictures = 2000;
constexpr uint64_t kBatchBytes = uint64_t{256} << 20;

size_t HashOf(const std::string& text) { return std::hash<std::string>()(text); }

// The files' content and names; the kernel writes them in one go.
absl::Status SyncFileSystemOf(const std::string& directory) {
  const Descriptor folder(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() >= 0 && ::syncfs(folder.get()) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, "sync " + directory);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ExportJournal>> ExportJournal::Open(FileSystem& files,
                                                                   const std::string& directory) {
  std::unique_ptr<ExportJournal> journal(new ExportJournal(files, directory));
  const std::string path = directory + kName;
  const absl::Status loaded = journal->Load(path);
  if (!loaded.ok() && !absl::IsNotFound(loaded)) return loaded;
  ASSIGN_OR_RETURN(journal->file_, files.OpenForWriting(path, WriteMode::kAppend, 0644));
  // Ends a torn line, so that the next one is whole.
  if (loaded.ok()) RETURN_IF_ERROR(journal->file_->Append("\n"));
  return journal;
}

absl::Status ExportJournal::Load(const std::string& path) {
  ASSIGN_OR_RETURN(const auto file, files_.OpenForReading(path));
  std::string piece(kPiece, '\0'), text;
  for (uint64_t offset = 0;;) {
    ASSIGN_OR_RETURN(const size_t count, file->ReadAt(offset, std::span(piece)));
    if (count == 0) break;
    offset += count;
    text.append(piece, 0, count);
    size_t begin = 0;
    for (size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
      ReadLine(std::string_view(text).substr(begin, end - begin));
    }
    text.erase(0, begin);
    if (text.size() > kLongestLine) {
      return absl::DataLossError(
          ToAbsl(path + " is damaged: remove it; the pictures are fetched again"));
    }
  }
  ReadLine(text);
  return absl::OkStatus();
}

// The last line may be torn.
void ExportJournal::ReadLine(std::string_view text) {
  const Json line = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (line.is_array() && line.size() == 4 && line[0].is_string() && line[1].is_string() &&
      line[2].is_number_integer() && line[3].is_number_integer()) {
    Know(line[0].get<std::string>(),
         {line[1].get<std::string>(), line[2].get<int>(), line[3].get<int>()});
  }
}

void ExportJournal::Know(const std::string& id, Picture picture) {
  owners_[HashOf(picture.path)] = HashOf(id);
  pictures_[HashOf(id)] = std::move(picture);
}

const ExportJournal::Picture* ExportJournal::Find(const std::string& id) const {
  const auto found = pictures_.find(HashOf(id));
  if (found == pictures_.end()) return nullptr;
  const auto owner = owners_.find(HashOf(found->second.path));
  return owner != owners_.end() && owner->second == HashOf(id) ? &found->second : nullptr;
}

absl::Status ExportJournal::Add(const std::string& id, const Picture& picture, uint64_t bytes) {
  // What lay there before is gone; a folder that is exported to for the first time has nothing.
  if (!owners_.empty()) owners_.erase(HashOf(picture.path));
  waiting_ += Json::array({id, picture.path, picture.width, picture.height})
                  .dump(-1, ' ', false, Json::error_handler_t::replace) +
              "\n";
  ++waiting_count_;
  waiting_bytes_ += bytes;
  return waiting_count_ < kBatchPictures && waiting_bytes_ < kBatchBytes ? absl::OkStatus()
                                                                         : Sync();
}

absl::Status ExportJournal::Sync() {
  if (waiting_.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(SyncFileSystemOf(directory_));
  RETURN_IF_ERROR(file_->Append(waiting_));
  waiting_.clear();
  waiting_count_ = waiting_bytes_ = 0;
  return file_->Sync();
}

}  // namespace bowerbird::app
