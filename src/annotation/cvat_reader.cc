// SPDX-License-Identifier: Apache-2.0
//
// CVAT for images 1.1: one XML file with an <image> for each picture, read as it comes. Polygons,
// points and lines are taken as the boxes around them, with a report; masks are left out.
#include <algorithm>
#include <utility>

#include "annotation/formats.h"
#include "annotation/numbers.h"
#include "annotation/raw_image.h"
#include "annotation/text_file.h"
#include "annotation/xml_parser.h"
#include "base/status.h"

namespace bowerbird::annotation {
namespace {

class CvatHandler : public XmlHandler {
 public:
  CvatHandler(const Pictures& pictures, std::string file, std::deque<Event>& events)
      : pictures_(pictures), file_(std::move(file)), events_(events) {}

  void set_parser(const XmlParser& parser) { parser_ = &parser; }

  absl::Status Start(const std::string& path, const Attributes& attributes) override {
    if (path.find('/') == std::string::npos && path != "annotations") {
      return InvalidArgument("the document begins with <" + Printable(path) +
                             ">, not with <annotations>: it is of another format");
    }
    if (path == "annotations/track") {
      Skip(Problem::Kind::kAnnotationSkipped,
           "tracks of videos are not read: export \"CVAT for images\" instead");
    } else if (path == "annotations/image") {
      StartImage(attributes);
    } else if (path == kBox) {
      StartBox(attributes);
    } else if (path == kTag) {
      tag_ = {.id = "", .label = std::string(AttributeOf(attributes, "label")), .confidence = {}};
    } else if (path == "annotations/image/polygon" || path == "annotations/image/polyline" ||
               path == "annotations/image/points") {
      AddOutline(attributes);
    } else if (path == "annotations/image/mask" || path == "annotations/image/skeleton" ||
               path == "annotations/image/cuboid" || path == "annotations/image/ellipse") {
      Skip(Problem::Kind::kAnnotationSkipped,
           "a <" + std::string(BaseOf(path)) + "> is no box: draw one around it");
    } else if (path.ends_with("/attribute")) {
      attribute_ = AttributeOf(attributes, "name");
    }
    return absl::OkStatus();
  }

  absl::Status End(const std::string& path, std::string_view text) override {
    if (path == "annotations/image/box/attribute" && attribute_ == "confidence") {
      box_.confidence = ParseNumber(text);
    } else if (path == "annotations/image/tag/attribute" && attribute_ == "confidence") {
      tag_.confidence = ParseNumber(text);
    } else if (path == kBox && box_is_whole_) {
      Keep(box_);
    } else if (path == kTag) {
      if (tag_.confidence.has_value()) {
        raw_.classifications.push_back(tag_);
      } else {
        raw_.tags.push_back(tag_.label);
      }
    } else if (path == "annotations/image") {
      Deliver(pictures_, std::move(raw_), events_);
      raw_ = RawImage();
    }
    return absl::OkStatus();
  }

 private:
  static constexpr std::string_view kBox = "annotations/image/box";
  static constexpr std::string_view kTag = "annotations/image/tag";

  std::string Place() const { return "line " + std::to_string(parser_->line()); }

  void Skip(Problem::Kind kind, std::string what) {
    events_.emplace_back(Problem{kind, file_, Place(), std::move(what)});
  }

  void Keep(RawBox box) {
    if (raw_.boxes.size() <= kMaxBoxesOfPicture) raw_.boxes.push_back(std::move(box));
  }

  void StartImage(const Attributes& attributes) {
    raw_ = RawImage{.file = file_, .place = Place()};
    raw_.picture = AttributeOf(attributes, "name");
    raw_.width = ParseNumber(AttributeOf(attributes, "width")).value_or(0);
    raw_.height = ParseNumber(AttributeOf(attributes, "height")).value_or(0);
    raw_.split = SplitOf(AttributeOf(attributes, "subset"));
  }

  void StartBox(const Attributes& attributes) {
    box_ = RawBox{.place = Place()};
    box_.label = AttributeOf(attributes, "label");
    box_is_whole_ = true;
    for (const auto& [name, corner] :
         {std::pair("xtl", &box_.x_min), std::pair("ytl", &box_.y_min),
          std::pair("xbr", &box_.x_max), std::pair("ybr", &box_.y_max)}) {
      const auto number = ParseNumber(AttributeOf(attributes, name));
      if (number.has_value()) {
        *corner = *number;
      } else if (std::exchange(box_is_whole_, false)) {
        Skip(Problem::Kind::kAnnotationSkipped,
             std::string(name) + " of a box \"" + Printable(box_.label) + "\" is \"" +
                 Printable(AttributeOf(attributes, name)) + "\": give a finite number");
      }
    }
    if (ParseNumber(AttributeOf(attributes, "rotation")).value_or(0) != 0) {
      Skip(Problem::Kind::kAnnotationChanged,
           "a rotated box was taken without its rotation: look whether it is right");
    }
  }

  // points="x,y;x,y"
  void AddOutline(const Attributes& attributes) {
    RawBox box{.x_min = 1e300, .y_min = 1e300, .x_max = -1e300, .y_max = -1e300, .place = Place()};
    box.label = AttributeOf(attributes, "label");
    std::string_view points = AttributeOf(attributes, "points");
    while (!points.empty()) {
      const std::string_view point = points.substr(0, points.find(';'));
      points.remove_prefix(std::min(point.size() + 1, points.size()));
      const size_t comma = std::min(point.find(','), point.size());
      const auto x = ParseNumber(point.substr(0, comma));
      const auto y = ParseNumber(point.substr(std::min(comma + 1, point.size())));
      if (!x.has_value() || !y.has_value()) {
        return Skip(Problem::Kind::kAnnotationSkipped,
                    "point \"" + Printable(point) + "\" is no pair of numbers: correct it");
      }
      box.x_min = std::min(box.x_min, *x);
      box.y_min = std::min(box.y_min, *y);
      box.x_max = std::max(box.x_max, *x);
      box.y_max = std::max(box.y_max, *y);
    }
    if (box.x_min > box.x_max) {
      return Skip(Problem::Kind::kAnnotationSkipped, "an outline without points: take it out");
    }
    Skip(Problem::Kind::kAnnotationChanged, "an outline was taken as the box around it");
    Keep(std::move(box));
  }

  const Pictures& pictures_;
  std::string file_;
  std::deque<Event>& events_;
  const XmlParser* parser_ = nullptr;
  RawImage raw_;
  RawBox box_;
  bool box_is_whole_ = false;
  Classification tag_;
  std::string attribute_;
};

class CvatReader : public QueueReader {
 public:
  explicit CvatReader(std::unique_ptr<Input> input) : input_(std::move(input)) {}

 protected:
  absl::StatusOr<bool> Advance() override {
    if (parser_ == nullptr) {
      ASSIGN_OR_RETURN(const auto file, input_->Next());
      for (Problem& problem : input_->TakeProblems()) events_.emplace_back(std::move(problem));
      if (!file.has_value()) return false;
      Begin(*file);
      return true;
    }
    const absl::Status read = ReadPiece();
    if (!read.ok()) {
      Report(Problem::Kind::kFileSkipped, file_, "", MessageOf(read));
      parser_ = nullptr;
    }
    return true;
  }

 private:
  // So much at a time: what it holds is in memory at once.
  static constexpr size_t kPieceBytes = size_t{16} << 10;

  void Begin(const std::string& file) {
    auto opened = input_->folder().Open(file);
    if (!opened.ok()) {
      return Report(Problem::Kind::kFileSkipped, file, "", MessageOf(opened.status()));
    }
    file_ = file;
    text_ = std::make_unique<TextFile>(*std::move(opened));
    handler_ = std::make_unique<CvatHandler>(input_->pictures(), file, events_);
    parser_ = std::make_unique<XmlParser>(*handler_);
    handler_->set_parser(*parser_);
  }

  absl::Status ReadPiece() {
    ASSIGN_OR_RETURN(const std::string_view bytes, text_->Peek());
    const std::string_view piece = bytes.substr(0, kPieceBytes);
    RETURN_IF_ERROR(parser_->Feed(piece, piece.empty()));
    text_->Take(piece.size());
    if (piece.empty()) parser_ = nullptr;
    return absl::OkStatus();
  }

  std::unique_ptr<Input> input_;
  std::string file_;
  std::unique_ptr<TextFile> text_;
  std::unique_ptr<CvatHandler> handler_;
  std::unique_ptr<XmlParser> parser_;
};

}  // namespace

std::string DetectCvat(const Probe& probe) {
  for (const std::string& file : probe.WithExtension(".xml", 20)) {
    const std::string head = probe.Head(file);
    if (head.find("<annotations>") != std::string::npos) {
      return file + " is XML whose first element is <annotations>";
    }
  }
  return "";
}

OpenedReader OpenCvat(FileSystem& files, const ReaderOptions& options) {
  ASSIGN_OR_RETURN(auto input, Input::Open(files, options, {".xml"}));
  return std::make_unique<CvatReader>(std::move(input));
}

}  // namespace bowerbird::annotation
