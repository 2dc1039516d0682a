// SPDX-License-Identifier: Apache-2.0
#include "annotation/output.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <span>

#include "annotation/folder.h"
#include "base/status.h"
#include "base/utf8.h"

namespace bowerbird::annotation {
namespace {

constexpr size_t kBufferBytes = size_t{256} << 10;
constexpr uint32_t kFilePermissions = 0644;
constexpr uint32_t kFolderPermissions = 0755;
constexpr size_t kMaxFolders = 100'000;  // that are remembered as made

}  // namespace

absl::StatusOr<std::unique_ptr<OutputFile>> OutputFile::Create(FileSystem& files,
                                                               std::string path) {
  std::unique_ptr<OutputFile> output(new OutputFile(files, std::move(path)));
  ASSIGN_OR_RETURN(output->file_, files.OpenForWriting(output->PartPath(), WriteMode::kTruncate,
                                                       kFilePermissions));
  return output;
}

OutputFile::~OutputFile() {
  if (file_ == nullptr) return;
  file_.reset();
  files_.Remove(PartPath()).IgnoreError();
}

absl::Status OutputFile::Flush() {
  if (buffer_.empty()) return absl::OkStatus();
  absl::Status appended = file_->Append(buffer_);
  buffer_.clear();
  return appended;
}

absl::Status OutputFile::Append(std::string_view bytes) {
  buffer_ += bytes;
  return buffer_.size() < kBufferBytes ? absl::OkStatus() : Flush();
}

absl::Status OutputFile::Commit() {
  RETURN_IF_ERROR(Flush());
  RETURN_IF_ERROR(file_->Sync());
  RETURN_IF_ERROR(file_->Close());
  RETURN_IF_ERROR(files_.Rename(PartPath(), path_));
  file_.reset();
  return files_.SyncDirectory(ParentDirectory(path_));
}

absl::Status OutputFile::MoveInto(OutputFile& other) {
  RETURN_IF_ERROR(Flush());
  ASSIGN_OR_RETURN(const auto written, files_.OpenForReading(PartPath()));
  std::string piece(kBufferBytes, '\0');
  for (uint64_t offset = 0;;) {
    ASSIGN_OR_RETURN(const size_t got, written->ReadAt(offset, std::span(piece)));
    if (got == 0) break;
    offset += got;
    RETURN_IF_ERROR(other.Append(std::string_view(piece).substr(0, got)));
  }
  file_.reset();
  return files_.Remove(PartPath());
}

FormatWriter::FormatWriter(FileSystem& files, const WriterOptions& options,
                           const Capabilities& holds)
    : files_(files), options_(options), holds_(holds) {}

absl::StatusOr<std::string> FormatWriter::Check(const AnnotatedImage& image) const {
  ASSIGN_OR_RETURN(std::string path, SafePath(image.path));
  if (!IsUtf8(path) || std::any_of(path.begin(), path.end(),
                                   [](char c) { return static_cast<unsigned char>(c) < 0x20; })) {
    return InvalidArgument("the name of picture \"" + Printable(path) +
                           "\" is not UTF-8 without control characters: rename it");
  }
  RETURN_IF_ERROR(Annotate(CheckAnnotations(image.annotations, image.tags),
                           "picture \"" + Printable(path) + "\""));
  return path;
}

AnnotatedImage FormatWriter::Reduced(const AnnotatedImage& image) {
  AnnotatedImage kept = image;
  const auto lose_if = [&](bool lost, const char* what) {
    if (lost) Lose(what, image.path);
    return lost;
  };
  auto& boxes = kept.annotations.boxes;
  if (lose_if(!holds_.boxes && !boxes.empty(), "boxes")) boxes.clear();
  for (Box& box : boxes) {
    if (lose_if(!holds_.box_confidence && box.confidence.has_value(), "confidences of boxes")) {
      box.confidence.reset();
    }
    if (!holds_.box_ids) box.id.clear();
  }
  auto& classes = kept.annotations.classifications;
  std::erase_if(classes, [&](const Classification& one) {
    if (one.confidence.has_value()) return lose_if(!holds_.classifications, "classifications");
    if (holds_.plain_classifications) return false;
    if (holds_.tags) {
      Lose("classifications without confidence, written as tags", image.path);
      kept.tags.push_back(one.label);
      return true;
    }
    return lose_if(true, "classifications");
  });
  std::sort(kept.tags.begin(), kept.tags.end());
  kept.tags.erase(std::unique(kept.tags.begin(), kept.tags.end()), kept.tags.end());
  if (!holds_.tags && holds_.single_tag && kept.tags.size() > 1) {
    Lose("tags after the first", image.path);
    kept.tags.resize(1);
  } else if (lose_if(!holds_.tags && !holds_.single_tag && !kept.tags.empty(), "tags")) {
    kept.tags.clear();
  }
  if (lose_if(!holds_.splits && kept.split.has_value(), "sides of the split")) kept.split.reset();
  return kept;
}

void FormatWriter::Lose(const std::string& what, const std::string& path) {
  Loss& loss = losses_[what];
  if (loss.count++ == 0) loss.first = path;
}

void FormatWriter::ReportLosses() {
  for (const auto& [what, loss] : losses_) {
    problems_.push_back({Problem::Kind::kAnnotationChanged, loss.first, "",
                         "this format cannot hold " + what + ": " + std::to_string(loss.count) +
                             " in all, this picture is the first. docs/data-formats.md says which "
                             "formats can"});
  }
  losses_.clear();
}

std::string FormatWriter::Unused(const std::string& path) {
  std::string name = path;
  for (int number = 2; !used_.insert(std::hash<std::string>()(name)).second; ++number) {
    name =
        std::string(StemOf(path)) + "-" + std::to_string(number) + std::string(ExtensionOf(path));
  }
  return name;
}

std::string FormatWriter::Full(std::string_view relative) const {
  return JoinPath(options_.directory, relative);
}

absl::Status FormatWriter::MakeFolderOf(const std::string& relative) {
  std::string folder = ParentDirectory(Full(relative));
  if (folders_.contains(folder)) return absl::OkStatus();
  RETURN_IF_ERROR(files_.MakeDirectories(folder, kFolderPermissions));
  if (folders_.size() < kMaxFolders) folders_.insert(std::move(folder));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<OutputFile>> FormatWriter::CreateFile(const std::string& relative) {
  RETURN_IF_ERROR(MakeFolderOf(relative));
  return OutputFile::Create(files_, Full(relative));
}

absl::Status FormatWriter::WriteSmall(const std::string& relative, std::string_view bytes) {
  RETURN_IF_ERROR(MakeFolderOf(relative));
  const std::string path = Full(relative);
  if (const auto there = ReadFile(files_, path, bytes.size()); there.ok() && *there == bytes) {
    return absl::OkStatus();
  }
  const std::string part = path + ".part";
  ASSIGN_OR_RETURN(const auto file,
                   files_.OpenForWriting(part, WriteMode::kTruncate, kFilePermissions));
  absl::Status written = file->Append(bytes);
  if (written.ok()) written = file->Close();
  if (written.ok()) written = files_.Rename(part, path);
  if (!written.ok()) files_.Remove(part).IgnoreError();
  return written;
}

}  // namespace bowerbird::annotation
