// SPDX-License-Identifier: Apache-2.0
#include "capture/capture_writer.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "base/log.h"
#include "base/status.h"

namespace bowerbird::capture {
namespace {

// One segment of a path: what could leave the folder or end a name is replaced.
std::string Segment(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == ':' || c == '/' || c == '\0'; }, '_');
  if (text.empty() || text == "." || text == "..") text += "_";
  return text;
}

}  // namespace

std::string FolderOf(const std::string& capture_dir, const CaptureHeader& header) {
  return capture_dir + "/" + Segment(header.component_type) + "/" + Segment(header.component_name) +
         "/" + Segment(header.method_name);
}

std::string FileStamp(Time time) {
  const auto micros = std::chrono::floor<std::chrono::microseconds>(time.time_since_epoch());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(micros);
  const std::time_t clock = seconds.count();
  std::tm local{};
  localtime_r(&clock, &local);
  char date[40];
  std::strftime(date, sizeof date, "%Y-%m-%dT%H_%M_%S", &local);
  const std::string digits = std::to_string((micros - seconds).count());
  std::string stamp = std::string(date) + "." + std::string(6 - digits.size(), '0') + digits;
  if (local.tm_gmtoff == 0) return stamp + "Z";
  const long minutes = std::labs(local.tm_gmtoff) / 60;
  const auto two = [](long n) {
    std::string text(n < 10 ? 1 : 0, '0');
    return text += std::to_string(n);
  };
  return stamp + (local.tm_gmtoff < 0 ? "-" : "+") + two(minutes / 60) + "_" + two(minutes % 60);
}

// A file between its first byte and its final name.
struct CaptureWriter::Open {
  std::unique_ptr<WritableFile> file;
  std::string folder, stamp;
  uint64_t size = 0;  // of whole records and the header
  int records = 0;

  std::string OpenPath() const { return folder + "/" + stamp + std::string(kOpenSuffix); }
  std::string ClosedPath() const { return folder + "/" + stamp + std::string(kClosedSuffix); }
};

CaptureWriter::CaptureWriter(FileSystem& files, Options options)
    : files_(files), options_(std::move(options)) {}

CaptureWriter::~CaptureWriter() {
  auto status = Close();
  if (status.ok()) status = Commit();
  if (!status.ok()) LogError("capture", "closing a capture file: " + MessageOf(status));
}

absl::Status CaptureWriter::Write(const Captured& captured) {
  ASSIGN_OR_RETURN(const std::string header, EncodeHeader(captured.header));
  ASSIGN_OR_RETURN(const std::string head, EncodeRecordHead(captured.header.kind, captured.record));
  if (captured.header.kind == DataKind::kTabular) return WriteTabular(captured, header, head);
  auto status = WriteBinary(captured, header, head);
  // What a failed sync leaves behind is not known; a second file says what the medium is good for.
  if (status.code() == absl::StatusCode::kUnknown || absl::IsInternal(status) ||
      absl::IsDataLoss(status))
    status = WriteBinary(captured, header, head);
  return status;
}

absl::Status CaptureWriter::WriteBinary(const Captured& captured, const std::string& header,
                                        const std::string& head) {
  ASSIGN_OR_RETURN(Open open, Create(FolderOf(options_.capture_dir, captured.header)));
  auto status = open.file->Append(header);
  if (status.ok()) status = open.file->Append(head);
  if (status.ok()) status = open.file->Append(captured.record.payload());
  if (status.ok()) status = Finish(open);
  if (!status.ok()) Abandon(open);
  return status;
}

absl::Status CaptureWriter::WriteTabular(const Captured& captured, const std::string& header,
                                         const std::string& head) {
  if (tabular_ != nullptr &&
      (tabular_->size > options_.max_file_size || tabular_header_ != captured.header))
    RETURN_IF_ERROR(Close());
  if (tabular_ == nullptr) {
    ASSIGN_OR_RETURN(Open open, Create(FolderOf(options_.capture_dir, captured.header)));
    if (auto status = open.file->Append(header); !status.ok()) {
      Abandon(open);
      return status;
    }
    open.size = header.size();
    tabular_ = std::make_unique<Open>(std::move(open));
    tabular_header_ = captured.header;
  }
  auto status = tabular_->file->Append(head);
  if (status.ok()) {
    tabular_->size += head.size();
    ++tabular_->records;
    return status;
  }
  // Part of the record may have reached the file: cut it off and let the whole ones be synced.
  const auto closed = Close();
  if (!closed.ok()) LogError("capture", MessageOf(closed));
  return status;
}

absl::StatusOr<CaptureWriter::Open> CaptureWriter::Create(const std::string& folder) {
  RETURN_IF_ERROR(files_.MakeDirectories(folder, 0700));
  Open open;
  open.folder = folder;
  // Never earlier than the name before: order by name is order of writing, whatever the clock does.
  Time time = std::max(options_.now(), last_stamp_ + std::chrono::microseconds(1));
  for (;; time += std::chrono::microseconds(1)) {
    open.stamp = FileStamp(time);
    if (Exists(files_, open.ClosedPath())) continue;
    auto file = files_.OpenForWriting(open.OpenPath(), WriteMode::kCreateNew, 0600);
    if (absl::IsAlreadyExists(file.status())) continue;
    if (!file.ok()) return file.status();
    open.file = *std::move(file);
    last_stamp_ = time;
    MarkDirty(folder);
    return open;
  }
}

absl::Status CaptureWriter::Finish(Open& open) {
  RETURN_IF_ERROR(open.file->Sync());
  RETURN_IF_ERROR(open.file->Close());
  RETURN_IF_ERROR(files_.Rename(open.OpenPath(), open.ClosedPath()));
  MarkDirty(open.folder);
  return absl::OkStatus();
}

void CaptureWriter::Abandon(Open& open) {
  if (open.file != nullptr) static_cast<void>(open.file->Close());
  const auto removed = files_.Remove(open.OpenPath());
  if (!removed.ok() && !absl::IsNotFound(removed))
    LogError("capture", "a file that could not be written is left behind: " + MessageOf(removed));
}

absl::Status CaptureWriter::Close() {
  if (tabular_ == nullptr) return absl::OkStatus();
  const std::unique_ptr<Open> open = std::move(tabular_);
  if (open->records == 0) {
    Abandon(*open);
    return absl::OkStatus();
  }
  const auto info = files_.Stat(open->OpenPath());
  if (info.ok() && info->size > open->size)
    RETURN_IF_ERROR(files_.Truncate(open->OpenPath(), open->size));
  return Finish(*open);
}

void CaptureWriter::MarkDirty(const std::string& folder) {
  if (std::find(dirty_.begin(), dirty_.end(), folder) == dirty_.end()) dirty_.push_back(folder);
}

absl::Status CaptureWriter::Commit() {
  for (const std::string& folder : std::exchange(dirty_, {}))
    RETURN_IF_ERROR(files_.SyncDirectory(folder));
  return absl::OkStatus();
}

}  // namespace bowerbird::capture
