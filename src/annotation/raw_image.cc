// SPDX-License-Identifier: Apache-2.0
#include "annotation/raw_image.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "annotation/numbers.h"
#include "base/status.h"
#include "base/utf8.h"

namespace bowerbird::annotation {
namespace {

constexpr double kSilentPixels = 1.0 / 16;
constexpr double kSilentFraction = 1e-6;  // where the size is not known
constexpr double kShapeTolerance = 0.02;
constexpr double kMaxSide = 1e6;  // pixels: more is no size of a picture

struct Frame {
  double width = 0, height = 0;  // what pixels of the file are fractions of; 0: not known
  int turned = 1;                // EXIF orientation that boxes have to follow
  image::Size upright;
};

std::string SizeText(double width, double height) {
  return NumberText(width) + "x" + NumberText(height);
}

bool SameShape(double width, double height, image::Size size) {
  const double ratio = (width * size.height) / (height * size.width);
  return std::abs(ratio - 1) <= kShapeTolerance;
}

absl::StatusOr<Frame> FrameOf(const RawImage& raw, const std::optional<PictureFacts>& facts) {
  const bool stated =
      raw.width >= 1 && raw.height >= 1 && raw.width <= kMaxSide && raw.height <= kMaxSide;
  if (!facts.has_value()) {
    Frame frame{raw.width, raw.height, 1, {}};
    if (!stated) frame.width = frame.height = 0;
    frame.upright = {static_cast<int>(frame.width), static_cast<int>(frame.height)};
    return frame;
  }
  const image::Size upright = facts->upright;
  const Frame as_seen{static_cast<double>(upright.width), static_cast<double>(upright.height), 1,
                      upright};
  if (!stated || (raw.width == upright.width && raw.height == upright.height)) return as_seen;
  if (raw.width == facts->stored.width && raw.height == facts->stored.height) {
    return Frame{raw.width, raw.height, facts->orientation, upright};
  }
  if (SameShape(raw.width, raw.height, upright)) return Frame{raw.width, raw.height, 1, upright};
  if (raw.boxes.empty()) return as_seen;
  return InvalidArgument("the annotations are of a picture of " + SizeText(raw.width, raw.height) +
                         " pixels, \"" + Printable(raw.picture) + "\" has " +
                         SizeText(upright.width, upright.height) +
                         ": they belong to another picture, or its size is stated wrongly");
}

// A box of the stored picture as a person sees it.
void Turn(Box& box, int orientation) {
  const Box b = box;
  const auto set = [&](double x0, double y0, double x1, double y1) {
    box.x_min = x0;
    box.y_min = y0;
    box.x_max = x1;
    box.y_max = y1;
  };
  switch (orientation) {
    case 2:
      return set(1 - b.x_max, b.y_min, 1 - b.x_min, b.y_max);
    case 3:
      return set(1 - b.x_max, 1 - b.y_max, 1 - b.x_min, 1 - b.y_min);
    case 4:
      return set(b.x_min, 1 - b.y_max, b.x_max, 1 - b.y_min);
    case 5:
      return set(b.y_min, b.x_min, b.y_max, b.x_max);
    case 6:
      return set(1 - b.y_max, b.x_min, 1 - b.y_min, b.x_max);
    case 7:
      return set(1 - b.y_max, 1 - b.x_max, 1 - b.y_min, 1 - b.x_min);
    case 8:
      return set(b.y_min, 1 - b.x_max, b.y_max, 1 - b.x_min);
    default:
      return;
  }
}

std::string Corners(const RawBox& raw) {
  return "box \"" + Printable(raw.label) + "\" from (" + NumberText(raw.x_min) + ", " +
         NumberText(raw.y_min) + ") to (" + NumberText(raw.x_max) + ", " + NumberText(raw.y_max) +
         ")";
}

// Cuts at the edges; whether more was cut than rounding explains.
bool Cut(Box& box, const Frame& frame) {
  const bool sized = frame.width > 0;
  const double across = sized ? kSilentPixels / frame.width : kSilentFraction;
  const double down = sized ? kSilentPixels / frame.height : kSilentFraction;
  const bool far =
      box.x_min < -across || box.y_min < -down || box.x_max > 1 + across || box.y_max > 1 + down;
  for (double* corner : {&box.x_min, &box.y_min, &box.x_max, &box.y_max}) {
    *corner = std::clamp(*corner, 0.0, 1.0);
  }
  return far;
}

class Builder {
 public:
  Builder(const RawImage& raw, const Frame& frame, std::deque<Event>& events)
      : raw_(raw), frame_(frame), events_(events) {}

  std::optional<Box> BoxOf(const RawBox& from) {
    Box box{from.id, from.label, from.x_min, from.y_min, from.x_max, from.y_max, from.confidence};
    if (!std::isfinite(from.x_min + from.y_min + from.x_max + from.y_max)) {
      return Skip(from, Corners(from) + ": corners must be finite numbers");
    }
    if (from.x_min >= from.x_max || from.y_min >= from.y_max) {
      return Skip(from, Corners(from) + " has no area: draw it again or take it out");
    }
    if (from.pixels) {
      if (frame_.width <= 0) {
        return Skip(from, Corners(from) +
                              " is in pixels and the picture's size is not known: state it, or add "
                              "the picture");
      }
      box.x_min /= frame_.width;
      box.x_max /= frame_.width;
      box.y_min /= frame_.height;
      box.y_max /= frame_.height;
    }
    if (box.x_min >= 1 || box.y_min >= 1 || box.x_max <= 0 || box.y_max <= 0) {
      return Skip(from, Corners(from) + " lies outside the picture" + OfSize() +
                            ": draw it again or take it out");
    }
    if (Cut(box, frame_)) {
      Say(Problem::Kind::kAnnotationChanged, from.place,
          Corners(from) + " reaches over the edge of the picture" + OfSize() +
              ": it was cut there, look whether it is right");
    }
    Turn(box, frame_.turned);
    if (const absl::Status checked = CheckBox(box); !checked.ok()) {
      return Skip(from, MessageOf(checked));
    }
    return box;
  }

  void Say(Problem::Kind kind, const std::string& place, std::string what) {
    events_.emplace_back(
        Problem{kind, raw_.file, place.empty() ? raw_.place : place, std::move(what)});
  }

 private:
  std::optional<Box> Skip(const RawBox& from, std::string what) {
    Say(Problem::Kind::kAnnotationSkipped, from.place, std::move(what));
    return std::nullopt;
  }
  std::string OfSize() const {
    return frame_.width > 0 ? " of " + SizeText(frame_.width, frame_.height) + " pixels" : "";
  }

  const RawImage& raw_;
  const Frame& frame_;
  std::deque<Event>& events_;
};

void AddWhole(const RawImage& raw, Builder& builder, AnnotatedImage& image) {
  std::set<std::string> tags;
  for (const std::string& tag : raw.tags) {
    if (const absl::Status checked = CheckLabel(tag); !checked.ok()) {
      builder.Say(Problem::Kind::kAnnotationSkipped, "", MessageOf(checked));
    } else {
      tags.insert(tag);
    }
  }
  image.tags.assign(tags.begin(), tags.end());
  for (const Classification& one : raw.classifications) {
    if (const absl::Status checked = CheckClassification(one); !checked.ok()) {
      builder.Say(Problem::Kind::kAnnotationSkipped, "", MessageOf(checked));
    } else {
      image.annotations.classifications.push_back(one);
    }
  }
}

// Where the picture is and what is known of it.
absl::Status Locate(const Pictures& pictures, const RawImage& raw, AnnotatedImage& image,
                    std::optional<PictureFacts>& facts) {
  if (raw.found) {
    image.path = raw.picture;
  } else {
    ASSIGN_OR_RETURN(image.path, pictures.Find(raw.picture, raw.file, raw.split));
  }
  if (!IsUtf8(image.path)) {
    return InvalidArgument("the name of picture \"" + Printable(image.path) +
                           "\" is not UTF-8: rename it");
  }
  if (!pictures.must_exist() && !pictures.folder().HasFile(image.path)) return absl::OkStatus();
  ASSIGN_OR_RETURN(facts, pictures.FactsOf(image.path));
  return absl::OkStatus();
}

}  // namespace

void Deliver(const Pictures& pictures, RawImage raw, std::deque<Event>& events) {
  AnnotatedImage image;
  std::optional<PictureFacts> facts;
  const absl::Status located = Locate(pictures, raw, image, facts);
  const absl::StatusOr<Frame> frame =
      located.ok() ? FrameOf(raw, facts) : absl::StatusOr<Frame>(located);
  if (!frame.ok()) {
    events.emplace_back(
        Problem{Problem::Kind::kImageSkipped, raw.file, raw.place, MessageOf(frame.status())});
    return;
  }
  Builder builder(raw, *frame, events);
  image.width = frame->upright.width;
  image.height = frame->upright.height;
  image.split = raw.split;
  if (raw.boxes.size() > kMaxBoxesOfPicture) {
    builder.Say(Problem::Kind::kAnnotationSkipped, "",
                "the picture has " + std::to_string(raw.boxes.size()) +
                    " boxes: those after the first 100000 were left out");
    raw.boxes.resize(kMaxBoxesOfPicture);
  }
  for (const RawBox& box : raw.boxes) {
    if (auto made = builder.BoxOf(box)) image.annotations.boxes.push_back(*std::move(made));
  }
  AddWhole(raw, builder, image);
  events.emplace_back(std::move(image));
}

absl::StatusOr<std::optional<Event>> QueueReader::Next() {
  while (events_.empty()) {
    if (ended_) return std::nullopt;
    ASSIGN_OR_RETURN(const bool more, Advance());
    ended_ = !more;
  }
  std::optional<Event> event(std::move(events_.front()));
  events_.pop_front();
  // Names of files are bytes; reports are text.
  if (auto* problem = std::get_if<Problem>(&*event)) {
    for (std::string* text : {&problem->file, &problem->place, &problem->what}) {
      if (!IsUtf8(*text)) *text = Printable(*text, text->size() * 4);
    }
  }
  return event;
}

void QueueReader::Report(Problem::Kind kind, std::string file, std::string place,
                         std::string what) {
  events_.emplace_back(Problem{kind, std::move(file), std::move(place), std::move(what)});
}

}  // namespace bowerbird::annotation
