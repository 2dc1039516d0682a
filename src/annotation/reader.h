// SPDX-License-Identifier: Apache-2.0
//
// Reads a dataset of any format, one picture at a time, in bounded memory.
//
//   ASSIGN_OR_RETURN(auto reader, OpenReader(*FindFormat("coco"), files, {.directory = "voc"}));
//   while (true) {
//     ASSIGN_OR_RETURN(std::optional<Event> event, reader->Next());
//     if (!event.has_value()) break;
//     ...
//   }
//
// What must hold: the same files give the same events in the same order, so an import is resumed by
// skipping as many events as were dealt with. Every picture that comes out exists, has annotations
// that pass CheckAnnotations, and a path that does not lead out of the pictures' folder; everything
// else comes out as a Problem. A picture comes out once for each file of annotations that is about
// it (tables: once). Problems are UTF-8. Memory does not grow with the number of pictures or boxes:
// formats that list boxes apart from pictures are sorted on disk.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "annotation/problem.h"
#include "annotation/values.h"
#include "base/file_system.h"

namespace bowerbird::annotation {

using Event = std::variant<AnnotatedImage, Problem>;

struct ReaderOptions {
  // The dataset's folder, or one file of annotations in it.
  std::string directory;
  // The folder that holds the pictures, which is what paths of AnnotatedImage are relative to.
  // Empty: `directory` (or the folder of the file).
  std::string pictures{};
  // Where sorting keeps what does not fit in memory. Empty: the system's folder for such files.
  std::string scratch{};
  uint64_t sort_memory = uint64_t{16} << 20;  // bytes
  // Off: pictures that are not there come out all the same, with the size that the annotations
  // state; boxes in pixels without any size are a Problem.
  bool pictures_must_exist = true;
};

// Not thread-safe.
class Reader {
 public:
  virtual ~Reader() = default;
  // nullopt at the end. An error ends the reading: the dataset as a whole cannot be read.
  virtual absl::StatusOr<std::optional<Event>> Next() = 0;
};

// Passes over `events` of them; how many there were, fewer only at the end.
absl::StatusOr<uint64_t> SkipEvents(Reader& reader, uint64_t events);

}  // namespace bowerbird::annotation
