// SPDX-License-Identifier: Apache-2.0
//
// The files that a reader reads: those of one kind below a folder, or a single one. Internal to
// this room.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "annotation/file_walk.h"
#include "annotation/folder.h"
#include "annotation/pictures.h"
#include "annotation/reader.h"

namespace bowerbird::annotation {

class Input {
 public:
  // `extensions`: with dot, lower case; none: all files, and a problem for each hidden picture.
  // NOT_FOUND if the folder or file is not there.
  static absl::StatusOr<std::unique_ptr<Input>> Open(FileSystem& files,
                                                     const ReaderOptions& options,
                                                     std::vector<std::string> extensions);
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  // The next file; nullopt at the end.
  absl::StatusOr<std::optional<std::string>> Next();
  std::vector<Problem> TakeProblems() { return walk_.TakeProblems(); }

  const Folder& folder() const { return folder_; }
  const Pictures& pictures() const { return pictures_; }
  const ReaderOptions& options() const { return options_; }
  // The single file that was named, or "".
  const std::string& only() const { return only_; }

 private:
  Input(FileSystem& files, const ReaderOptions& options, const std::string& root, std::string only,
        std::vector<std::string> extensions);

  ReaderOptions options_;
  Folder folder_;
  Pictures pictures_;
  std::string only_;
  bool only_given_ = false;
  std::vector<std::string> extensions_;
  FileWalk walk_;
};

// A few of the files below a folder, to tell its format by: at most 200 of each of 200 folders, 5
// deep.
class Probe {
 public:
  static absl::StatusOr<Probe> Look(FileSystem& files, const std::string& directory);

  // The first file (relative) whose name is `name`, in any folder; "" if there is none.
  std::string Named(std::string_view name) const;
  std::vector<std::string> WithExtension(std::string_view extension, size_t limit) const;
  bool HasDirectory(std::string_view relative) const;
  const std::vector<std::string>& files() const { return files_; }
  // The first bytes of a file, "" if it cannot be read.
  std::string Head(const std::string& relative, size_t bytes = 4096) const;
  // The last ones.
  std::string Tail(const std::string& relative, size_t bytes) const;
  // As if this file alone were there.
  Probe Only(const std::string& file) const;

 private:
  explicit Probe(Folder folder) : folder_(std::move(folder)) {}
  Folder folder_;
  std::vector<std::string> files_, directories_;
};

// Which side pictures are on, by lists of names (ImageSets/Main/train.txt and such). Keeps 16 bytes
// a name: a hash.
class SplitList {
 public:
  // One name a line: what follows white space, folders and the extension do not count.
  absl::Status Add(const Folder& folder, const std::string& file, Split split);
  void Finish();
  std::optional<Split> Find(std::string_view picture) const;

 private:
  std::vector<std::pair<uint64_t, Split>> names_;
};

// The lists train.txt, val.txt, test.txt (and what SplitOf understands) of these folders.
absl::StatusOr<SplitList> ReadSplitLists(const Folder& folder,
                                         const std::vector<std::string>& directories);

// By a folder of the path that is named like a split ("images/val/a.jpg").
std::optional<Split> SplitOfPath(std::string_view path);

}  // namespace bowerbird::annotation
