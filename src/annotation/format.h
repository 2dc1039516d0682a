// SPDX-License-Identifier: Apache-2.0
//
// The formats of datasets that can be imported and exported, by name, and telling which one a
// folder holds. docs/data-formats.md describes each.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "annotation/reader.h"
#include "annotation/writer.h"
#include "base/file_system.h"

namespace bowerbird::annotation {

// What comes back unchanged after writing and reading. The picture's path may change (a format may
// want its own folders), ids of boxes are kept where the column says so.
struct Capabilities {
  bool boxes = false;
  bool box_confidence = false;
  bool box_ids = false;
  bool tags = false;                   // any number of them
  bool single_tag = false;             // exactly one, or none
  bool classifications = false;        // that have a confidence
  bool plain_classifications = false;  // that have none: not the same as tags
  bool splits = false;
  bool empty_images = false;  // pictures about which nothing is said
};

class Probe;

struct Format {
  std::string_view name;         // "coco"
  std::string_view description;  // one line for people
  Capabilities holds;
  // A sentence that says why the folder looks like this format, or "".
  std::string (*detect)(const Probe& probe);
  absl::StatusOr<std::unique_ptr<Reader>> (*open)(FileSystem& files, const ReaderOptions& options);
  absl::StatusOr<std::unique_ptr<Writer>> (*create)(FileSystem& files,
                                                    const WriterOptions& options);
};

// In the order in which detection asks them.
std::span<const Format> Formats();

// NOT_FOUND lists the names there are.
absl::StatusOr<const Format*> FindFormat(std::string_view name);

struct Detection {
  const Format* format = nullptr;
  std::string explanation;  // "data.yaml and labels/ are there: YOLO. It could also be csv: ..."
};

// Looks at a bounded number of files. NOT_FOUND says what was looked for.
absl::StatusOr<Detection> DetectFormat(FileSystem& files, const std::string& directory);

// Both keep a reference to `files`, which must outlive what they return.
absl::StatusOr<std::unique_ptr<Reader>> OpenReader(const Format& format, FileSystem& files,
                                                   const ReaderOptions& options);
absl::StatusOr<std::unique_ptr<Writer>> CreateWriter(const Format& format, FileSystem& files,
                                                     const WriterOptions& options);

}  // namespace bowerbird::annotation
