// SPDX-License-Identifier: Apache-2.0
//
// Viam's dataset JSONL: a JSON object a line, a line a picture; pictures under data/. Training
// scripts index both lists of annotations without asking, so both are always written; they take a
// tag for a classification, so tags are written as such, and once more under "tags", which tells
// them apart when they are read again.
#include <algorithm>
#include <utility>

#include "annotation/folder.h"
#include "annotation/formats.h"
#include "annotation/output.h"
#include "annotation/text_file.h"
#include "annotation/viam_json.h"
#include "base/status.h"

namespace bowerbird::annotation {
namespace {

class JsonLinesReader : public QueueReader {
 public:
  explicit JsonLinesReader(std::unique_ptr<Input> input) : input_(std::move(input)) {}

 protected:
  absl::StatusOr<bool> Advance() override {
    if (text_ == nullptr) return NextFile();
    const auto line = text_->Line();
    if (!line.ok()) {
      Report(Problem::Kind::kFileSkipped, file_, "line " + std::to_string(number_ + 1),
             MessageOf(line.status()) + ": the rest of the file was left out");
      text_ = nullptr;
    } else if (!line->has_value()) {
      text_ = nullptr;
    } else {
      ++number_;
      if ((*line)->find_first_not_of(" \t") != std::string_view::npos) ReadLine(**line);
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
    number_ = 0;
    text_ = std::make_unique<TextFile>(*std::move(opened));
    return true;
  }

  void ReadLine(std::string_view line) {
    const std::string place = "line " + std::to_string(number_);
    const auto object = ParseBounded(line);
    if (!object.ok()) {
      return Report(Problem::Kind::kImageSkipped, file_, place, MessageOf(object.status()));
    }
    RawImage raw{.file = file_, .place = place};
    const auto path = StringOf(Member(*object, "image_path"));
    if (!path.has_value()) {
      return Report(Problem::Kind::kImageSkipped, file_, place,
                    "there is no \"image_path\": name the picture");
    }
    raw.picture = *path;
    raw.width = NumberOf(Member(*object, "width")).value_or(0);
    raw.height = NumberOf(Member(*object, "height")).value_or(0);
    raw.split = SplitOf(StringOf(Member(*object, "split")).value_or(""));
    ReadBoxes(Member(*object, "bounding_box_annotations"), kLineNames,
              place + ", /bounding_box_annotations", raw, events_);
    ReadClassifications(Member(*object, "classification_annotations"), kLineNames,
                        place + ", /classification_annotations", raw, events_);
    SortOut(*object, place, raw);
    Deliver(input_->pictures(), std::move(raw), events_);
  }

  // What a line may be: an element of a document has the same bounds.
  static absl::StatusOr<Json> ParseBounded(std::string_view line) {
    int depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < line.size(); ++i) {
      const char c = line[i];
      if (quoted && c == '\\') ++i;
      if (c == '"') quoted = !quoted;
      if (quoted) continue;
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      if (depth > kMaxJsonDepth) return ResourceExhausted("nested more than 64 deep");
    }
    return ParseJson(line);
  }

  // Which classifications are tags: without "tags" all that have neither confidence nor id; with
  // "tags" one of each.
  void SortOut(const Json& object, const std::string& place, RawImage& raw) {
    const Json* tags = Member(object, "tags");
    const bool told = tags != nullptr && tags->is_array();
    ReadTags(tags, place + ", /tags", raw, events_);
    std::vector<std::string> open = raw.tags;
    std::erase_if(raw.classifications, [&](const Classification& one) {
      if (one.confidence.has_value() || !one.id.empty()) return false;
      const auto tag = std::find(open.begin(), open.end(), one.label);
      if (!told) {
        raw.tags.push_back(one.label);
      } else if (tag == open.end()) {
        return false;
      } else {
        open.erase(tag);
      }
      return true;
    });
  }

  std::unique_ptr<Input> input_;
  std::unique_ptr<TextFile> text_;
  std::string file_;
  uint64_t number_ = 0;
};

class JsonLinesWriter : public FormatWriter {
 public:
  JsonLinesWriter(FileSystem& files, const WriterOptions& options)
      : FormatWriter(files, options, kHoldsEverything) {}

  absl::Status Begin() {
    ASSIGN_OR_RETURN(lines_, CreateFile("dataset.jsonl"));
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Add(const AnnotatedImage& given) override {
    ASSIGN_OR_RETURN(const std::string path, Check(given));
    const AnnotatedImage image = Reduced(given);
    std::string text =
        "{\"image_path\": " + JsonString("data/" + path) + ", \"classification_annotations\": [";
    bool first = true;
    const auto add = [&](const std::string& one) {
      text += std::exchange(first, false) ? "" : ", ";
      text += one;
    };
    for (const std::string& tag : image.tags) {
      add(ClassificationText({.id = "", .label = tag, .confidence = {}}, kLineNames));
    }
    for (const Classification& one : image.annotations.classifications) {
      add(ClassificationText(one, kLineNames));
    }
    text += "], \"bounding_box_annotations\": [";
    first = true;
    for (const Box& box : image.annotations.boxes) add(BoxText(box, kLineNames));
    text += "], \"tags\": " + Json(image.tags).dump();
    if (image.width > 0 && image.height > 0) {
      text += ", \"width\": " + std::to_string(image.width) +
              ", \"height\": " + std::to_string(image.height);
    }
    if (image.split.has_value()) {
      text += ", \"split\": " + JsonString(NameOf(*image.split));
    }
    RETURN_IF_ERROR(lines_->Append(text + "}\n"));
    return "data/" + path;
  }

  absl::Status Finish() override {
    RETURN_IF_ERROR(lines_->Commit());
    ReportLosses();
    return absl::OkStatus();
  }

 private:
  std::unique_ptr<OutputFile> lines_;
};

}  // namespace

std::string DetectJsonLines(const Probe& probe) {
  for (const std::string& file : probe.WithExtension(".jsonl", 20)) {
    if (probe.Head(file).find("\"image_path\"") != std::string::npos) {
      return file + " has lines with \"image_path\"";
    }
  }
  return "";
}

OpenedReader OpenJsonLines(FileSystem& files, const ReaderOptions& options) {
  ASSIGN_OR_RETURN(auto input, Input::Open(files, options, {".jsonl", ".ndjson"}));
  return std::make_unique<JsonLinesReader>(std::move(input));
}

CreatedWriter CreateJsonLines(FileSystem& files, const WriterOptions& options) {
  auto writer = std::make_unique<JsonLinesWriter>(files, options);
  RETURN_IF_ERROR(writer->Begin());
  return writer;
}

}  // namespace bowerbird::annotation
