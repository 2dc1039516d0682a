// SPDX-License-Identifier: Apache-2.0
//
// What a parser read about one picture, as it stands in the file, and making an AnnotatedImage of
// it: the one place where pixels become fractions, pictures are looked up, and what is wrong is
// found and reported. Internal to this room.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "annotation/pictures.h"
#include "annotation/reader.h"

namespace bowerbird::annotation {

// More boxes than this of one picture are no annotation: they would have to be in memory at once.
inline constexpr size_t kMaxBoxesOfPicture = 100'000;

struct RawBox {
  std::string label{}, id{};
  double x_min = 0, y_min = 0, x_max = 0, y_max = 0;
  bool pixels = true;  // otherwise fractions
  std::optional<double> confidence{};
  std::string place{};  // for reports: "line 12"
};

struct RawImage {
  std::string file{};            // of annotations, relative to the dataset
  std::string place{};           // in it
  std::string picture{};         // as the file names it; looked up by Pictures::Find
  bool found = false;            // `picture` is a path that exists already
  double width = 0, height = 0;  // as the file states them; 0: it does not
  std::vector<RawBox> boxes{};
  std::vector<Classification> classifications{};
  std::vector<std::string> tags{};
  std::optional<Split> split{};
};

// Appends the problems of the picture, then the picture itself unless it had to be skipped.
//
// Boxes in pixels are pixels of the stated size. Where that is the size of the file as stored and
// not as a person sees it (EXIF orientations 5 to 8), boxes are turned along. Where it is another
// size of the same shape (a resized copy was annotated), it is what they are fractions of; of
// another shape: the picture is skipped. Boxes that reach over the edge by up to 1/16 pixel are cut
// silently, others with a report; boxes without area, outside, or not finite are skipped with a
// report.
void Deliver(const Pictures& pictures, RawImage raw, std::deque<Event>& events);

// A Reader whose parts fill a queue.
class QueueReader : public Reader {
 public:
  absl::StatusOr<std::optional<Event>> Next() final;

 protected:
  // Appends to events_; false when there is nothing more.
  virtual absl::StatusOr<bool> Advance() = 0;
  void Report(Problem::Kind kind, std::string file, std::string place, std::string what);

  std::deque<Event> events_;

 private:
  bool ended_ = false;
};

}  // namespace bowerbird::annotation
