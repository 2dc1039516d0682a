// SPDX-License-Identifier: Apache-2.0
//
// The layout of Viam's export of binary data: data/FILE and, for each, metadata/NAME.json,
// protobuf's JSON of the file's metadata.
#include <utility>

#include "annotation/folder.h"
#include "annotation/formats.h"
#include "annotation/output.h"
#include "annotation/viam_json.h"
#include "base/status.h"

namespace bowerbird::annotation {
namespace {

constexpr uint64_t kMaxMetadataBytes = uint64_t{16} << 20;

class ExportReader : public QueueReader {
 public:
  explicit ExportReader(std::unique_ptr<Input> input) : input_(std::move(input)) {}

 protected:
  absl::StatusOr<bool> Advance() override {
    ASSIGN_OR_RETURN(const auto file, input_->Next());
    for (Problem& problem : input_->TakeProblems()) events_.emplace_back(std::move(problem));
    if (!file.has_value()) return false;
    // Other JSON below data/ may be what was captured.
    if (DirectoryOf(*file).starts_with("data")) return true;
    const absl::Status read = ReadMetadata(*file);
    if (!read.ok()) Report(Problem::Kind::kFileSkipped, *file, "", MessageOf(read));
    return true;
  }

 private:
  absl::Status ReadMetadata(const std::string& file) {
    ASSIGN_OR_RETURN(auto opened, input_->folder().Open(file));
    ASSIGN_OR_RETURN(const uint64_t size, opened->Size());
    if (size > kMaxMetadataBytes) return ResourceExhausted("metadata of more than 16 MiB");
    // The members one by one: that bounds their depth.
    JsonElements elements(std::move(opened));
    RawImage raw{.file = file};
    while (true) {
      ASSIGN_OR_RETURN(const auto member, elements.Next());
      if (!member.has_value()) break;
      if (member->in_array) continue;
      ASSIGN_OR_RETURN(const Json value, ParseJson(member->text));
      if (member->key == "fileName" || member->key == "file_name") {
        raw.picture = StringOf(&value).value_or("");
      } else if (member->key == "captureMetadata" || member->key == "capture_metadata") {
        ReadTags(Member(value, "tags"), "/captureMetadata/tags", raw, events_);
      } else if (member->key == "annotations") {
        ReadBoxes(Member(value, "bboxes"), kExportNames, "/annotations/bboxes", raw, events_);
        ReadClassifications(Member(value, "classifications"), kExportNames,
                            "/annotations/classifications", raw, events_);
      }
    }
    const std::string beside(StemOf(BaseOf(file)));
    if (raw.picture.empty()) raw.picture = beside;
    if (!input_->pictures().Find(raw.picture, file, std::nullopt).ok()) {
      // Exports name the metadata after the file; fileName may be what it was called at capture.
      if (input_->pictures().Find(beside, file, std::nullopt).ok()) raw.picture = beside;
    }
    if (!IsPictureName(raw.picture) && !ExtensionOf(raw.picture).empty() &&
        input_->folder().HasFile("data/" + raw.picture)) {
      return InvalidArgument("\"data/" + Printable(raw.picture) +
                             "\" is no picture (jpg, png, bmp): left out");
    }
    Deliver(input_->pictures(), std::move(raw), events_);
    return absl::OkStatus();
  }

  std::unique_ptr<Input> input_;
};

class ExportWriter : public FormatWriter {
 public:
  ExportWriter(FileSystem& files, const WriterOptions& options)
      : FormatWriter(files, options, kHoldsAllButSplits) {}

  absl::StatusOr<std::string> Add(const AnnotatedImage& given) override {
    ASSIGN_OR_RETURN(const std::string path, Check(given));
    const AnnotatedImage image = Reduced(given);
    std::string text = "{\n  \"fileName\": " + JsonString(path);
    text += ",\n  \"captureMetadata\": {";
    if (!image.tags.empty()) text += "\"tags\": " + Json(image.tags).dump();
    text += "},\n  \"annotations\": {";
    const auto list = [&](const char* name, const std::vector<std::string>& ones) {
      if (ones.empty()) return;
      if (text.back() != '{') text += ',';
      text.append("\n    \"").append(name).append("\": [");
      for (size_t i = 0; i < ones.size(); ++i) {
        text += i == 0 ? "\n      " : ",\n      ";
        text += ones[i];
      }
      text += "\n    ]";
    };
    std::vector<std::string> boxes;
    boxes.reserve(image.annotations.boxes.size());
    for (const Box& box : image.annotations.boxes) boxes.push_back(BoxText(box, kExportNames));
    std::vector<std::string> classes;
    classes.reserve(image.annotations.classifications.size());
    for (const Classification& one : image.annotations.classifications) {
      classes.push_back(ClassificationText(one, kExportNames));
    }
    list("bboxes", boxes);
    list("classifications", classes);
    RETURN_IF_ERROR(WriteSmall("metadata/" + path + ".json", text + "}\n}\n"));
    return "data/" + path;
  }

  absl::Status Finish() override {
    RETURN_IF_ERROR(files_.MakeDirectories(Full("data"), 0755));
    RETURN_IF_ERROR(files_.MakeDirectories(Full("metadata"), 0755));
    RETURN_IF_ERROR(files_.SyncDirectory(Full("metadata")));
    ReportLosses();
    return absl::OkStatus();
  }
};

}  // namespace

std::string DetectExportLayout(const Probe& probe) {
  if (!probe.HasDirectory("data") || !probe.HasDirectory("metadata")) return "";
  for (const std::string& file : probe.WithExtension(".json", 20)) {
    if (file.starts_with("metadata/")) return "data/ and metadata/ with JSON files are there";
  }
  return "";
}

OpenedReader OpenExportLayout(FileSystem& files, const ReaderOptions& options) {
  ASSIGN_OR_RETURN(auto input, Input::Open(files, options, {".json"}));
  return std::make_unique<ExportReader>(std::move(input));
}

CreatedWriter CreateExportLayout(FileSystem& files, const WriterOptions& options) {
  return std::make_unique<ExportWriter>(files, options);
}

}  // namespace bowerbird::annotation
