// SPDX-License-Identifier: Apache-2.0
//
// The pictures that a dataset's annotations are about: finding the file that a name means, and the
// size that a person sees. Internal to this room.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "annotation/folder.h"
#include "annotation/reader.h"
#include "annotation/values.h"
#include "image/image.h"

namespace bowerbird::annotation {

struct PictureFacts {
  image::Size stored;   // as the file has it
  image::Size upright;  // as a person sees it
  int orientation = 1;  // EXIF
};

class Pictures {
 public:
  Pictures(FileSystem& files, const ReaderOptions& options, const std::string& dataset_root)
      : folder_(files, options.pictures.empty() ? dataset_root : options.pictures),
        must_exist_(options.pictures_must_exist) {}

  const Folder& folder() const { return folder_; }
  bool must_exist() const { return must_exist_; }

  // The picture that `name` means in the file of annotations at `annotations` (relative to the
  // dataset). Looked at in this order: beside it; in the folders that go with its folder
  // (Annotations -> JPEGImages, images; labels -> images); in the root; in images, JPEGImages, data
  // and, if `split` is known, in the folders of the split below them. Each as it stands and,
  // without extension, with the usual ones. Of absolute names and URLs the end that is there
  // counts. NOT_FOUND says where it was looked for, INVALID_ARGUMENT what is wrong with the name.
  absl::StatusOr<std::string> Find(std::string_view name, std::string_view annotations,
                                   std::optional<Split> split) const;

  absl::StatusOr<PictureFacts> FactsOf(const std::string& path) const;

 private:
  std::optional<std::string> FindIn(const std::vector<std::string>& directories,
                                    const std::string& name) const;

  Folder folder_;
  bool must_exist_;
};

// The folders that go with a folder of annotations: its own, those that its name is exchanged for.
std::vector<std::string> PictureDirectories(std::string_view annotations,
                                            std::optional<Split> split);

}  // namespace bowerbird::annotation
