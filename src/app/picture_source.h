// SPDX-License-Identifier: Apache-2.0
//
// Files and folders given to a command, as pictures: a picture file is one frame, a video file
// many.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "image/picture.h"

namespace bowerbird::app {

// A file stands for itself, a folder for its pictures (not its subfolders), sorted by name.
// NOT_FOUND and INVALID_ARGUMENT name the argument and say what is wanted.
absl::StatusOr<std::vector<std::string>> FilesOf(const std::string& argument);

using FrameFunction =
    std::function<absl::Status(int64_t frame, std::shared_ptr<const image::Picture> picture)>;

// Calls `use` with every `every`-th frame of a file, until it returns an error. JPEG, PNG and BMP
// are read here, whatever else through ffmpeg. Errors name the file.
absl::Status ForEachFrame(const std::string& path, int64_t every, const FrameFunction& use);

}  // namespace bowerbird::app
