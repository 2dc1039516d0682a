// SPDX-License-Identifier: Apache-2.0
//
// Label Studio's JSON: an array of tasks, each with a picture and results of people ("annotations")
// and of models ("predictions"). Rectangles are percents of the picture; a rotated one is taken as
// the box around it. Choices are tags, or classifications where a model gave them a score. What has
// a confidence is written as a prediction.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include "annotation/folder.h"
#include "annotation/formats.h"
#include "annotation/json_elements.h"
#include "annotation/numbers.h"
#include "annotation/output.h"
#include "annotation/raw_image.h"
#include "base/status.h"

namespace bowerbird::annotation {
namespace {

// "/data/local-files/?d=a/b.jpg": "a/b.jpg"; "/data/upload/1/0a1b2c3d-x.jpg": what was uploaded.
std::string PictureOf(const std::string& url) {
  const size_t local = url.find("?d=");
  if (local != std::string::npos) return url.substr(local + 3);
  const std::string_view base = BaseOf(url);
  const bool upload =
      url.find("/data/upload/") != std::string::npos && base.size() > 9 && base[8] == '-' &&
      base.substr(0, 8).find_first_not_of("0123456789abcdef") == std::string_view::npos;
  return upload ? std::string(base.substr(9)) : url;
}

class TaskReader {
 public:
  TaskReader(const std::string& file, const std::string& place, std::deque<Event>& events)
      : events_(events), raw_{.file = file, .place = place} {}

  absl::StatusOr<RawImage> Read(const Json& task) {
    const Json* data = Member(task, "data");
    if (data == nullptr || !data->is_object()) {
      return InvalidArgument("the task has no \"data\": it is not of Label Studio's format");
    }
    for (const auto& [name, value] : data->items()) {
      const auto text = StringOf(&value);
      if (!text.has_value()) continue;
      if (name == "split") {
        raw_.split = SplitOf(*text);
      } else if (raw_.picture.empty() || name == "image") {
        raw_.picture = PictureOf(*text);
      }
    }
    if (raw_.picture.empty()) return InvalidArgument("\"data\" names no picture: name it");
    raw_.width = NumberOf(Member(*data, "width")).value_or(0);
    raw_.height = NumberOf(Member(*data, "height")).value_or(0);
    ReadSets(Member(task, "annotations"), "/annotations", false);
    ReadSets(Member(task, "predictions"), "/predictions", true);
    return std::move(raw_);
  }

 private:
  void Say(Problem::Kind kind, const std::string& place, std::string what) {
    events_.emplace_back(Problem{kind, raw_.file, place, std::move(what)});
  }

  void ReadSets(const Json* sets, const char* name, bool predicted) {
    if (sets == nullptr || !sets->is_array()) return;
    for (size_t i = 0; i < sets->size(); ++i) {
      const Json* cancelled = Member((*sets)[i], "was_cancelled");
      if (cancelled != nullptr && cancelled->is_boolean() && cancelled->get<bool>()) continue;
      const Json* results = Member((*sets)[i], "result");
      if (results == nullptr || !results->is_array()) continue;
      for (size_t j = 0; j < results->size() && raw_.boxes.size() <= kMaxBoxesOfPicture; ++j) {
        const std::string place =
            raw_.place + name + "/" + std::to_string(i) + "/result/" + std::to_string(j);
        ReadResult((*results)[j], (*sets)[i], place, predicted);
      }
    }
  }

  void ReadResult(const Json& result, const Json& set, const std::string& place, bool predicted) {
    const Json* value = Member(result, "value");
    const std::string type = StringOf(Member(result, "type")).value_or("");
    auto score = NumberOf(Member(result, "score"));
    if (!score.has_value() && predicted) score = NumberOf(Member(set, "score"));
    if (value == nullptr || !value->is_object()) {
      return Say(Problem::Kind::kAnnotationSkipped, place, "the result has no \"value\"");
    }
    if (type == "rectanglelabels" || type == "rectangle") {
      ReadRectangle(result, *value, score, place);
    } else if (type == "choices") {
      ReadChoices(*value, score);
    } else {
      Say(Problem::Kind::kAnnotationSkipped, place,
          "a result of type \"" + Printable(type) + "\" is neither rectangle nor choice: left out");
    }
  }

  void ReadChoices(const Json& value, const std::optional<double>& score) {
    const Json* choices = Member(value, "choices");
    if (choices == nullptr || !choices->is_array()) return;
    for (const Json& choice : *choices) {
      const std::string label = StringOf(&choice).value_or("");
      if (score.has_value()) {
        raw_.classifications.push_back({.id = "", .label = label, .confidence = score});
      } else {
        raw_.tags.push_back(label);
      }
    }
  }

  void ReadRectangle(const Json& result, const Json& value, const std::optional<double>& score,
                     const std::string& place) {
    std::array<double, 5> numbers{};
    constexpr std::array<const char*, 5> kNames{"x", "y", "width", "height", "rotation"};
    for (size_t i = 0; i < numbers.size(); ++i) {
      const auto number = NumberOf(Member(value, kNames[i]));
      if (!number.has_value() && i < 4) {
        return Say(Problem::Kind::kAnnotationSkipped, place,
                   std::string(kNames[i]) + " of the rectangle is no finite number: correct it");
      }
      numbers[i] = number.value_or(0);
    }
    const double width = NumberOf(Member(result, "original_width")).value_or(0);
    const double height = NumberOf(Member(result, "original_height")).value_or(0);
    if (raw_.width == 0 && width > 0 && height > 0) {
      raw_.width = width;
      raw_.height = height;
    }
    const Json* labels = Member(value, "rectanglelabels");
    if (labels == nullptr || !labels->is_array() || labels->empty()) {
      return Say(Problem::Kind::kAnnotationSkipped, place, "the rectangle has no label");
    }
    RawBox box{.pixels = false, .confidence = score, .place = place};
    box.x_min = numbers[0] / 100;
    box.y_min = numbers[1] / 100;
    box.x_max = (numbers[0] + numbers[2]) / 100;
    box.y_max = (numbers[1] + numbers[3]) / 100;
    if (numbers[4] != 0) {
      Rotate(box, numbers[4], width > 0 && height > 0 ? width / height : 1);
      Say(Problem::Kind::kAnnotationChanged, place,
          "a rotated rectangle was taken as the box around it");
    }
    for (const Json& label : *labels) {
      box.label = StringOf(&label).value_or("");
      raw_.boxes.push_back(box);
    }
  }

  // Rectangles turn around their top left corner, in pixels.
  static void Rotate(RawBox& box, double degrees, double aspect) {
    const double angle = degrees * std::numbers::pi / 180;
    const double width = (box.x_max - box.x_min) * aspect, height = box.y_max - box.y_min;
    const std::array<double, 4> x{0, width * std::cos(angle), -height * std::sin(angle),
                                  width * std::cos(angle) - height * std::sin(angle)};
    const std::array<double, 4> y{0, width * std::sin(angle), height * std::cos(angle),
                                  width * std::sin(angle) + height * std::cos(angle)};
    const auto [left, right] = std::minmax_element(x.begin(), x.end());
    const auto [top, bottom] = std::minmax_element(y.begin(), y.end());
    box.x_max = box.x_min + *right / aspect;
    box.x_min += *left / aspect;
    box.y_max = box.y_min + *bottom;
    box.y_min += *top;
  }

  std::deque<Event>& events_;
  RawImage raw_;
};

class LabelStudioReader : public QueueReader {
 public:
  explicit LabelStudioReader(std::unique_ptr<Input> input) : input_(std::move(input)) {}

 protected:
  absl::StatusOr<bool> Advance() override {
    if (tasks_ == nullptr) return NextFile();
    const absl::Status read = ReadTask();
    if (!read.ok()) {
      Report(Problem::Kind::kFileSkipped, file_, "",
             MessageOf(read) + ": what follows was left out");
      tasks_ = nullptr;
    }
    return true;
  }

 private:
  absl::StatusOr<bool> NextFile() {
    ASSIGN_OR_RETURN(const auto file, input_->Next());
    for (Problem& problem : input_->TakeProblems()) events_.emplace_back(std::move(problem));
    if (!file.has_value()) return false;
    auto opened = input_->folder().Open(*file);
    if (!opened.ok()) {
      Report(Problem::Kind::kFileSkipped, *file, "", MessageOf(opened.status()));
      return true;
    }
    file_ = *file;
    tasks_ = std::make_unique<JsonElements>(*std::move(opened));
    return true;
  }

  absl::Status ReadTask() {
    ASSIGN_OR_RETURN(const auto element, tasks_->Next());
    if (!element.has_value()) {
      tasks_ = nullptr;
      return absl::OkStatus();
    }
    if (!element->in_array || !element->key.empty()) {
      return InvalidArgument("the document is an object, not an array of tasks");
    }
    const std::string place = element->Pointer();
    const auto task = ParseJson(element->text);
    auto raw = task.ok() ? TaskReader(file_, place, events_).Read(*task)
                         : absl::StatusOr<RawImage>(task.status());
    if (!raw.ok()) {
      Report(Problem::Kind::kImageSkipped, file_, place, MessageOf(raw.status()));
    } else {
      Deliver(input_->pictures(), *std::move(raw), events_);
    }
    return absl::OkStatus();
  }

  std::unique_ptr<Input> input_;
  std::unique_ptr<JsonElements> tasks_;
  std::string file_;
};

class LabelStudioWriter : public FormatWriter {
 public:
  LabelStudioWriter(FileSystem& files, const WriterOptions& options)
      : FormatWriter(files, options, kHoldsLabels) {}

  absl::Status Begin() {
    ASSIGN_OR_RETURN(file_, CreateFile("tasks.json"));
    return file_->Append("[");
  }

  absl::StatusOr<std::string> Add(const AnnotatedImage& given) override {
    ASSIGN_OR_RETURN(const std::string path, Check(given));
    const AnnotatedImage image = Reduced(given);
    std::string drawn, predicted;
    const auto add = [&](bool is_predicted, const std::string& result) {
      std::string& list = is_predicted ? predicted : drawn;
      list += list.empty() ? "" : ", ";
      list += result;
    };
    for (const Box& box : image.annotations.boxes) {
      add(box.confidence.has_value(), Rectangle(image, box));
    }
    for (const std::string& tag : image.tags) add(false, Choice(tag, {}));
    for (const Classification& one : image.annotations.classifications) {
      add(true, Choice(one.label, one.confidence));
    }
    std::string text = count_ == 0 ? "\n" : ",\n";
    text += "{\"id\": " + std::to_string(++count_) +
            ", \"data\": {\"image\": " + JsonString("images/" + path);
    if (image.width > 0 && image.height > 0) {
      text += ", \"width\": " + std::to_string(image.width) +
              ", \"height\": " + std::to_string(image.height);
    }
    if (image.split.has_value()) text += ", \"split\": " + JsonString(NameOf(*image.split));
    text += "}, \"annotations\": [{\"result\": [" + drawn + "]}], \"predictions\": [";
    if (!predicted.empty()) text += "{\"result\": [" + predicted + "]}";
    RETURN_IF_ERROR(file_->Append(text + "]}"));
    return "images/" + path;
  }

  absl::Status Finish() override {
    RETURN_IF_ERROR(file_->Append("\n]\n"));
    RETURN_IF_ERROR(file_->Commit());
    ReportLosses();
    return absl::OkStatus();
  }

 private:
  static std::string Score(const std::optional<double>& confidence) {
    return confidence.has_value() ? ", \"score\": " + NumberText(*confidence) : "";
  }

  static std::string Rectangle(const AnnotatedImage& image, const Box& box) {
    std::string text =
        "{\"type\": \"rectanglelabels\", \"from_name\": \"label\", \"to_name\": \"image\", ";
    if (image.width > 0 && image.height > 0) {
      text += "\"original_width\": " + std::to_string(image.width) +
              ", \"original_height\": " + std::to_string(image.height) + ", ";
    }
    return text + "\"value\": {\"x\": " + NumberText(box.x_min * 100) +
           ", \"y\": " + NumberText(box.y_min * 100) +
           ", \"width\": " + NumberText((box.x_max - box.x_min) * 100) +
           ", \"height\": " + NumberText((box.y_max - box.y_min) * 100) +
           ", \"rotation\": 0, \"rectanglelabels\": [" + JsonString(box.label) + "]}" +
           Score(box.confidence) + "}";
  }

  static std::string Choice(const std::string& label, const std::optional<double>& confidence) {
    return "{\"type\": \"choices\", \"from_name\": \"tag\", \"to_name\": \"image\", \"value\": "
           "{\"choices\": [" +
           JsonString(label) + "]}" + Score(confidence) + "}";
  }

  std::unique_ptr<OutputFile> file_;
  uint64_t count_ = 0;
};

}  // namespace

std::string DetectLabelStudio(const Probe& probe) {
  for (const std::string& file : probe.WithExtension(".json", 20)) {
    const std::string head = probe.Head(file, 64 << 10);
    const size_t first = head.find_first_not_of(" \r\n\t\xEF\xBB\xBF");
    if (first != std::string::npos && head[first] == '[' &&
        head.find("\"data\"") != std::string::npos &&
        (head.find("\"annotations\"") != std::string::npos ||
         head.find("\"predictions\"") != std::string::npos)) {
      return file + " is JSON with an array of tasks";
    }
  }
  return "";
}

OpenedReader OpenLabelStudio(FileSystem& files, const ReaderOptions& options) {
  ASSIGN_OR_RETURN(auto input, Input::Open(files, options, {".json"}));
  return std::make_unique<LabelStudioReader>(std::move(input));
}

CreatedWriter CreateLabelStudio(FileSystem& files, const WriterOptions& options) {
  auto writer = std::make_unique<LabelStudioWriter>(files, options);
  RETURN_IF_ERROR(writer->Begin());
  return writer;
}

}  // namespace bowerbird::annotation
