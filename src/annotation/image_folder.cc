// SPDX-License-Identifier: Apache-2.0
//
// A folder a class: the folder that a picture lies in is its tag. Folders train, val (valid,
// validation, dev) and test are sides of the split; pictures in them or in the root have no tag.
#include <utility>

#include "annotation/file_walk.h"
#include "annotation/folder.h"
#include "annotation/formats.h"
#include "annotation/other_files.h"
#include "annotation/output.h"
#include "annotation/raw_image.h"
#include "base/status.h"

namespace bowerbird::annotation {
namespace {

class ImageFolderReader : public QueueReader {
 public:
  explicit ImageFolderReader(std::unique_ptr<Input> input) : input_(std::move(input)) {}

 protected:
  absl::StatusOr<bool> Advance() override {
    ASSIGN_OR_RETURN(const auto file, input_->Next());
    for (Problem& problem : input_->TakeProblems()) events_.emplace_back(std::move(problem));
    if (!file.has_value()) return false;
    if (!IsPictureName(*file)) {
      if (auto problem = ProblemOfOther(input_->folder(), *file)) {
        events_.emplace_back(*std::move(problem));
      }
      return true;
    }
    RawImage raw{.file = *file, .picture = *file, .found = true};
    raw.split = SplitOfPath(*file);
    const std::string_view folder = BaseOf(DirectoryOf(*file));
    if (!folder.empty() && !SplitOf(folder).has_value()) raw.tags.emplace_back(folder);
    Deliver(input_->pictures(), std::move(raw), events_);
    return true;
  }

 private:
  std::unique_ptr<Input> input_;
};

bool CanBeFolder(const std::string& tag) {
  return tag.find('/') == std::string::npos && !tag.starts_with('.') && tag != "__MACOSX" &&
         !SplitOf(tag).has_value();
}

class ImageFolderWriter : public FormatWriter {
 public:
  ImageFolderWriter(FileSystem& files, const WriterOptions& options)
      : FormatWriter(files, options, kHoldsOneTag) {}

  absl::StatusOr<std::string> Add(const AnnotatedImage& given) override {
    ASSIGN_OR_RETURN(const std::string path, Check(given));
    AnnotatedImage image = Reduced(given);
    if (!image.tags.empty() && !CanBeFolder(image.tags[0])) {
      Lose("tags that cannot be names of folders", path);
      image.tags.clear();
    }
    std::string folder(image.split.has_value() ? NameOf(*image.split) : "");
    if (!image.tags.empty()) folder = JoinPath(folder, image.tags[0]);
    // The picture's own folders would be taken for tags.
    std::string flat;
    for (const char c : path) flat += c == '/' ? "__" : std::string(1, c);
    return Unused(JoinPath(folder, flat));
  }

  absl::Status Finish() override {
    RETURN_IF_ERROR(files_.MakeDirectories(options_.directory, 0755));
    ReportLosses();
    return absl::OkStatus();
  }
};

}  // namespace

std::string DetectImageFolder(const Probe& probe) {
  for (const std::string& file : probe.files()) {
    if (IsPictureName(file)) return file + " is a picture, and no other format's files are there";
  }
  return "";
}

OpenedReader OpenImageFolder(FileSystem& files, const ReaderOptions& options) {
  ReaderOptions own = options;
  if (!own.pictures.empty()) own.directory = own.pictures;
  ASSIGN_OR_RETURN(auto input, Input::Open(files, own, {}));
  return std::make_unique<ImageFolderReader>(std::move(input));
}

CreatedWriter CreateImageFolder(FileSystem& files, const WriterOptions& options) {
  return std::make_unique<ImageFolderWriter>(files, options);
}

}  // namespace bowerbird::annotation
