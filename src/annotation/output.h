// SPDX-License-Identifier: Apache-2.0
//
// What writers write with: files that have their name only when they are whole, and counting what a
// format cannot hold. Internal to this room.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "absl/status/statusor.h"
#include "annotation/format.h"
#include "annotation/writer.h"
#include "base/file_system.h"

namespace bowerbird::annotation {

// Written as PATH.part; without Commit it is removed.
class OutputFile {
 public:
  static absl::StatusOr<std::unique_ptr<OutputFile>> Create(FileSystem& files, std::string path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  absl::Status Append(std::string_view bytes);
  // Durable, and under its name.
  absl::Status Commit();
  // What was written so far, appended to another file in pieces; this one is removed.
  absl::Status MoveInto(OutputFile& other);

 private:
  OutputFile(FileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}
  absl::Status Flush();
  std::string PartPath() const { return path_ + ".part"; }

  FileSystem& files_;
  std::string path_;
  std::unique_ptr<WritableFile> file_;
  std::string buffer_;
};

// What all writers have in common.
class FormatWriter : public Writer {
 public:
  FormatWriter(FileSystem& files, const WriterOptions& options, const Capabilities& holds);

 protected:
  // The picture's path, if everything about it may be written.
  absl::StatusOr<std::string> Check(const AnnotatedImage& image) const;
  // Counts what the format does not hold, and takes it out of the copy.
  AnnotatedImage Reduced(const AnnotatedImage& image);
  void Lose(const std::string& what, const std::string& path);
  // Losses become problems.
  void ReportLosses();

  // The same name, or one with a number that none before had. Keeps 8 bytes a name.
  std::string Unused(const std::string& path);

  std::string Full(std::string_view relative) const;
  // Makes the folder of the file, once.
  absl::Status MakeFolderOf(const std::string& relative);
  absl::StatusOr<std::unique_ptr<OutputFile>> CreateFile(const std::string& relative);
  // A small file at once. One that is there with the same bytes stays as it is.
  absl::Status WriteSmall(const std::string& relative, std::string_view bytes);

  FileSystem& files_;
  const WriterOptions options_;
  const Capabilities holds_;

 private:
  struct Loss {
    uint64_t count = 0;
    std::string first;
  };
  std::map<std::string, Loss> losses_;
  std::unordered_set<uint64_t> used_;
  std::unordered_set<std::string> folders_;
};

// Numbers for labels: the given ones first, the others as they come.
class LabelNumbers {
 public:
  explicit LabelNumbers(const std::vector<std::string>& labels) {
    for (const std::string& label : labels) NumberOf(label);
  }
  size_t NumberOf(const std::string& label) {
    const auto [found, added] = numbers_.emplace(label, labels_.size());
    if (added) labels_.push_back(label);
    return found->second;
  }
  const std::vector<std::string>& labels() const { return labels_; }

 private:
  std::unordered_map<std::string, size_t> numbers_;
  std::vector<std::string> labels_;
};

}  // namespace bowerbird::annotation
