// SPDX-License-Identifier: Apache-2.0
//
// YOLO: a text file a picture, a line a box: number of the class, centre, width and height as
// fractions of the picture. The folders of Darknet (obj_train_data), of Ultralytics (images/train,
// labels/train) and pictures and text files side by side. Outlines of segmentation are taken as the
// boxes around them.
#include <algorithm>
#include <array>
#include <utility>

#include "annotation/class_names.h"
#include "annotation/formats.h"
#include "annotation/numbers.h"
#include "annotation/raw_image.h"
#include "annotation/text_file.h"
#include "base/status.h"

namespace bowerbird::annotation {
namespace {

std::vector<std::string_view> Fields(std::string_view line) {
  std::vector<std::string_view> fields;
  while (true) {
    line = Trimmed(line);
    if (line.empty()) return fields;
    const size_t end = std::min(line.find_first_of(" \t"), line.size());
    fields.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

// Text files that are no labels: names of classes, lists of pictures, words for people.
bool IsOther(std::string_view path) {
  const std::string base = Lower(BaseOf(path));
  return base == "classes.txt" || base.starts_with("readme") || base.starts_with("license") ||
         base == "requirements.txt";
}

bool IsList(std::string_view head) {
  const std::string_view line = Trimmed(head.substr(0, head.find('\n')));
  return IsPictureName(line) && Fields(line).size() < 5;
}

class YoloReader : public QueueReader {
 public:
  YoloReader(std::unique_ptr<Input> input, std::vector<std::string> names, SplitList splits)
      : input_(std::move(input)),
        names_(std::move(names)),
        splits_(std::move(splits)),
        unlabeled_(input_->pictures().folder()) {}

 protected:
  absl::StatusOr<bool> Advance() override {
    if (labels_ended_) return NextUnlabeled();
    ASSIGN_OR_RETURN(const auto file, input_->Next());
    for (Problem& problem : input_->TakeProblems()) events_.emplace_back(std::move(problem));
    if (!file.has_value()) {
      labels_ended_ = true;
    } else if (!IsOther(*file)) {
      const absl::Status read = ReadLabels(*file);
      if (!read.ok()) Report(Problem::Kind::kFileSkipped, *file, "", MessageOf(read));
    }
    return true;
  }

 private:
  absl::Status ReadLabels(const std::string& file) {
    ASSIGN_OR_RETURN(auto opened, input_->folder().Open(file));
    TextFile text(std::move(opened));
    ASSIGN_OR_RETURN(const std::string_view head, text.Peek());
    if (IsList(head)) return absl::OkStatus();
    RawImage raw{.file = file, .picture = std::string(StemOf(BaseOf(file)))};
    for (uint64_t number = 1;; ++number) {
      ASSIGN_OR_RETURN(const auto line, text.Line());
      if (!line.has_value()) break;
      const auto fields = Fields(*line);
      if (fields.empty() || raw.boxes.size() > kMaxBoxesOfPicture) continue;
      const std::string place = "line " + std::to_string(number);
      const absl::Status added = AddBox(fields, place, raw);
      if (!added.ok()) Report(Problem::Kind::kAnnotationSkipped, file, place, MessageOf(added));
    }
    raw.split = SplitOfPath(file);
    if (!raw.split.has_value()) raw.split = splits_.Find(raw.picture);
    Deliver(input_->pictures(), std::move(raw), events_);
    return absl::OkStatus();
  }

  absl::Status AddBox(const std::vector<std::string_view>& fields, const std::string& place,
                      RawImage& raw) {
    const auto number = ParseWhole(fields[0]);
    if (!number.has_value()) {
      return InvalidArgument("class \"" + Printable(fields[0]) +
                             "\" is no whole number: correct it");
    }
    if (*number >= static_cast<int64_t>(names_.size())) {
      return InvalidArgument("class " + std::to_string(*number) + " has no name, there are " +
                             std::to_string(names_.size()) + " names: add it to the list of names");
    }
    std::vector<double> values;
    for (size_t i = 1; i < fields.size(); ++i) {
      const auto value = ParseNumber(fields[i]);
      if (!value.has_value()) {
        return InvalidArgument("field \"" + Printable(fields[i]) +
                               "\" is no finite number: correct it");
      }
      values.push_back(*value);
    }
    RawBox box{.label = names_[static_cast<size_t>(*number)], .pixels = false, .place = place};
    if (values.size() == 4 || values.size() == 5) {
      box.x_min = values[0] - values[2] / 2;
      box.y_min = values[1] - values[3] / 2;
      box.x_max = values[0] + values[2] / 2;
      box.y_max = values[1] + values[3] / 2;
      if (values.size() == 5) box.confidence = values[4];
    } else if (values.size() >= 6 && values.size() % 2 == 0) {
      Outline(values, box);
      Report(Problem::Kind::kAnnotationChanged, raw.file, place,
             "an outline was taken as the box around it");
    } else {
      return InvalidArgument("the line has " + std::to_string(fields.size()) +
                             " fields: class, x, y, width, height are needed");
    }
    raw.boxes.push_back(std::move(box));
    return absl::OkStatus();
  }

  static void Outline(const std::vector<double>& points, RawBox& box) {
    box.x_min = box.x_max = points[0];
    box.y_min = box.y_max = points[1];
    for (size_t i = 2; i < points.size(); i += 2) {
      box.x_min = std::min(box.x_min, points[i]);
      box.x_max = std::max(box.x_max, points[i]);
      box.y_min = std::min(box.y_min, points[i + 1]);
      box.y_max = std::max(box.y_max, points[i + 1]);
    }
  }

  // Pictures that have no text file are pictures without boxes. Only among the dataset's own
  // pictures: a folder that was named apart may hold those of many datasets.
  absl::StatusOr<bool> NextUnlabeled() {
    if (!input_->options().pictures.empty() || !input_->only().empty()) return false;
    ASSIGN_OR_RETURN(auto path, unlabeled_.Next());
    unlabeled_.TakeProblems();  // the walk over the text files reported them
    if (!path.has_value()) return false;
    if (!IsPictureName(*path) || HasLabels(*path)) return true;
    RawImage raw{.file = *path, .picture = *path, .found = true};
    raw.split = SplitOfPath(*path);
    if (!raw.split.has_value()) raw.split = splits_.Find(*path);
    Deliver(input_->pictures(), std::move(raw), events_);
    return true;
  }

  bool HasLabels(const std::string& picture) const {
    const std::string text = std::string(StemOf(picture)) + ".txt";
    if (input_->folder().HasFile(text)) return true;
    const std::string_view directory = DirectoryOf(picture);
    const std::string base(BaseOf(text));
    if (input_->folder().HasFile("obj_train_data/" + base)) return true;
    for (const std::string_view labels : {"labels", "obj_train_data"}) {
      if (input_->folder().HasFile(JoinPath(labels, text))) return true;
      // a/images/b -> a/labels/b, for each folder of that name
      for (size_t at = directory.find("images"); at != std::string_view::npos;
           at = directory.find("images", at + 1)) {
        const std::string exchanged = std::string(directory.substr(0, at)) + std::string(labels) +
                                      std::string(directory.substr(at + 6));
        if (input_->folder().HasFile(JoinPath(exchanged, base))) return true;
      }
    }
    return false;
  }

  std::unique_ptr<Input> input_;
  std::vector<std::string> names_;
  SplitList splits_;
  FileWalk unlabeled_;
  bool labels_ended_ = false;
};

}  // namespace

std::string DetectYolo(const Probe& probe) {
  for (const char* name : {"data.yaml", "data.yml", "obj.data", "obj.names", "classes.txt"}) {
    const std::string found = probe.Named(name);
    if (!found.empty()) return found + " is there";
  }
  for (const std::string& file : probe.WithExtension(".yaml", 10)) {
    if (probe.Head(file).find("names:") != std::string::npos) return file + " names classes";
  }
  return "";
}

OpenedReader OpenYolo(FileSystem& files, const ReaderOptions& options) {
  ASSIGN_OR_RETURN(auto input, Input::Open(files, options, {".txt"}));
  ASSIGN_OR_RETURN(auto names, FindClassNames(input->folder()));
  ASSIGN_OR_RETURN(auto splits, ReadSplitLists(input->folder(), {"", "data"}));
  return std::make_unique<YoloReader>(std::move(input), std::move(names), std::move(splits));
}

}  // namespace bowerbird::annotation
