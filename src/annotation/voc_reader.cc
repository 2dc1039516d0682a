// SPDX-License-Identifier: Apache-2.0
//
// Pascal VOC and ImageNet: one XML file a picture. Corners are taken as they stand, not as pixels
// counted from 1: that is what the tools that write these files today mean.
#include <array>
#include <utility>

#include "annotation/formats.h"
#include "annotation/numbers.h"
#include "annotation/raw_image.h"
#include "annotation/text_file.h"
#include "annotation/xml_parser.h"
#include "base/status.h"

namespace bowerbird::annotation {
namespace {

class VocHandler : public XmlHandler {
 public:
  explicit VocHandler(RawImage& raw) : raw_(raw) {}

  void set_parser(const XmlParser& parser) { parser_ = &parser; }

  absl::Status Start(const std::string& path, const Attributes& /*attributes*/) override {
    if (path == "annotation") is_annotation_ = true;
    if (!is_annotation_) {
      return InvalidArgument("the document begins with <" + Printable(path) +
                             ">, not with <annotation>: it is of another format");
    }
    if (path == "annotation/object") {
      box_ = RawBox();
      box_.place = "line " + std::to_string(parser_->line());
      corners_ = {};
      has_corners_ = false;
    }
    if (path == "annotation/object/bndbox") has_corners_ = true;
    return absl::OkStatus();
  }

  absl::Status End(const std::string& path, std::string_view text) override {
    if (path == "annotation/filename") {
      raw_.picture = text;
    } else if (path == "annotation/size/width") {
      raw_.width = ParseNumber(text).value_or(0);
    } else if (path == "annotation/size/height") {
      raw_.height = ParseNumber(text).value_or(0);
    } else if (path == "annotation/object/name") {
      box_.label = text;
    } else if (path.starts_with(kCornerPath)) {
      for (size_t i = 0; i < kCornerNames.size(); ++i) {
        if (std::string_view(path).substr(kCornerPath.size()) == kCornerNames[i])
          corners_[i] = text;
      }
    } else if (path == "annotation/object") {
      EndObject();
    }
    return absl::OkStatus();
  }

  std::vector<Problem>& problems() { return problems_; }

 private:
  static constexpr std::string_view kCornerPath = "annotation/object/bndbox/";
  static constexpr std::array<std::string_view, 4> kCornerNames{"xmin", "ymin", "xmax", "ymax"};

  void EndObject() {
    if (!has_corners_) return Skip("object \"" + Printable(box_.label) + "\" has no <bndbox>");
    const std::array<double*, 4> values{&box_.x_min, &box_.y_min, &box_.x_max, &box_.y_max};
    for (size_t i = 0; i < values.size(); ++i) {
      const auto number = ParseNumber(corners_[i]);
      if (!number.has_value()) {
        return Skip(std::string(kCornerNames[i]) + " of \"" + Printable(box_.label) + "\" is \"" +
                    Printable(corners_[i]) + "\": give a finite number");
      }
      *values[i] = *number;
    }
    if (raw_.boxes.size() <= kMaxBoxesOfPicture) raw_.boxes.push_back(box_);
  }

  void Skip(std::string what) {
    problems_.push_back(
        {Problem::Kind::kAnnotationSkipped, raw_.file, box_.place, std::move(what)});
  }

  RawImage& raw_;
  const XmlParser* parser_ = nullptr;
  bool is_annotation_ = false, has_corners_ = false;
  RawBox box_;
  std::array<std::string, 4> corners_;
  std::vector<Problem> problems_;
};

class VocReader : public QueueReader {
 public:
  VocReader(std::unique_ptr<Input> input, SplitList splits)
      : input_(std::move(input)), splits_(std::move(splits)) {}

 protected:
  absl::StatusOr<bool> Advance() override {
    ASSIGN_OR_RETURN(const auto file, input_->Next());
    for (Problem& problem : input_->TakeProblems()) events_.emplace_back(std::move(problem));
    if (!file.has_value()) return false;
    const absl::Status read = ReadXml(*file);
    if (!read.ok()) Report(Problem::Kind::kFileSkipped, *file, "", MessageOf(read));
    return true;
  }

 private:
  absl::Status ReadXml(const std::string& file) {
    ASSIGN_OR_RETURN(auto opened, input_->folder().Open(file));
    TextFile text(std::move(opened));
    RawImage raw{.file = file};
    VocHandler handler(raw);
    XmlParser parser(handler);
    handler.set_parser(parser);
    while (true) {
      ASSIGN_OR_RETURN(const std::string_view bytes, text.Peek());
      RETURN_IF_ERROR(parser.Feed(bytes, bytes.empty()));
      if (bytes.empty()) break;
      text.Take(bytes.size());
    }
    if (raw.picture.empty()) raw.picture = StemOf(BaseOf(file));
    raw.split = splits_.Find(raw.picture);
    if (!raw.split.has_value()) raw.split = SplitOfPath(file);
    for (Problem& problem : handler.problems()) events_.emplace_back(std::move(problem));
    Deliver(input_->pictures(), std::move(raw), events_);
    return absl::OkStatus();
  }

  std::unique_ptr<Input> input_;
  SplitList splits_;
};

// The first file that has <annotation> as its first element.
std::string VocFile(const Probe& probe) {
  for (const std::string& file : probe.WithExtension(".xml", 20)) {
    const std::string head = probe.Head(file);
    if (head.find("<annotation>") != std::string::npos ||
        head.find("<annotation ") != std::string::npos) {
      return file;
    }
  }
  return "";
}

}  // namespace

std::string DetectVoc(const Probe& probe) {
  const std::string file = VocFile(probe);
  return file.empty() ? "" : file + " is XML whose first element is <annotation>";
}

std::string DetectImageNet(const Probe& probe) {
  const std::string file = VocFile(probe);
  const std::string sets = probe.Named("default.txt");
  if (file.empty() || sets.find("ImageSets/") == std::string::npos) return "";
  return file + " is XML whose first element is <annotation>, and " + sets + " is there";
}

OpenedReader OpenVoc(FileSystem& files, const ReaderOptions& options) {
  ASSIGN_OR_RETURN(auto input, Input::Open(files, options, {".xml"}));
  std::vector<std::string> lists{"ImageSets/Main"};
  const auto names = input->folder().List("");
  if (names.ok()) {
    for (const std::string& name : *names) lists.push_back(name + "/ImageSets/Main");
  }
  ASSIGN_OR_RETURN(auto splits, ReadSplitLists(input->folder(), lists));
  return std::make_unique<VocReader>(std::move(input), std::move(splits));
}

}  // namespace bowerbird::annotation
