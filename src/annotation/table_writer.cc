// SPDX-License-Identifier: Apache-2.0
//
// Tables: annotations.csv with a row a box, tag, classification or empty picture; and OpenImages'
// three tables (boxes, labels of pictures, pictures).
#include <array>
#include <utility>

#include "annotation/folder.h"
#include "annotation/formats.h"
#include "annotation/numbers.h"
#include "annotation/output.h"
#include "annotation/text_file.h"
#include "base/status.h"

namespace bowerbird::annotation {
namespace {

std::string Confidence(const std::optional<double>& confidence) {
  return confidence.has_value() ? NumberText(*confidence) : "";
}

class CsvWriter : public FormatWriter {
 public:
  CsvWriter(FileSystem& files, const WriterOptions& options)
      : FormatWriter(files, options, kHoldsAllButIds) {}

  absl::Status Begin() {
    ASSIGN_OR_RETURN(table_, CreateFile("annotations.csv"));
    return table_->Append(
        "filename,width,height,class,xmin,ymin,xmax,ymax,confidence,kind,split\n");
  }

  absl::StatusOr<std::string> Add(const AnnotatedImage& given) override {
    ASSIGN_OR_RETURN(const std::string path, Check(given));
    if ((given.width <= 0 || given.height <= 0) && !given.annotations.boxes.empty()) {
      return InvalidArgument("picture \"" + Printable(path) +
                             "\" has no known size: the table's boxes are in pixels");
    }
    const AnnotatedImage image = Reduced(given);
    const std::string name = "images/" + path;
    const std::string head = CsvField(name) + "," + std::to_string(image.width) + "," +
                             std::to_string(image.height) + ",";
    const std::string split(image.split.has_value() ? NameOf(*image.split) : "");
    const auto row = [&](const std::string& middle, const char* kind) {
      return table_->Append(head + middle + "," + kind + "," + split + "\n");
    };
    for (const Box& box : image.annotations.boxes) {
      RETURN_IF_ERROR(
          row(CsvField(box.label) + "," + PixelText(box.x_min * image.width) + "," +
                  PixelText(box.y_min * image.height) + "," + PixelText(box.x_max * image.width) +
                  "," + PixelText(box.y_max * image.height) + "," + Confidence(box.confidence),
              "box"));
    }
    for (const std::string& tag : image.tags) RETURN_IF_ERROR(row(CsvField(tag) + ",,,,,", "tag"));
    for (const Classification& one : image.annotations.classifications) {
      RETURN_IF_ERROR(
          row(CsvField(one.label) + ",,,,," + Confidence(one.confidence), "classification"));
    }
    if (image.annotations.empty() && image.tags.empty()) RETURN_IF_ERROR(row(",,,,,", "image"));
    return name;
  }

  absl::Status Finish() override {
    RETURN_IF_ERROR(table_->Commit());
    ReportLosses();
    return absl::OkStatus();
  }

 private:
  std::unique_ptr<OutputFile> table_;
};

class OpenImagesWriter : public FormatWriter {
 public:
  OpenImagesWriter(FileSystem& files, const WriterOptions& options)
      : FormatWriter(files, options, kHoldsLabels) {}

  absl::Status Begin() {
    ASSIGN_OR_RETURN(boxes_, CreateFile("annotations-bbox.csv"));
    ASSIGN_OR_RETURN(labels_, CreateFile("image-labels.csv"));
    ASSIGN_OR_RETURN(pictures_, CreateFile("images.csv"));
    RETURN_IF_ERROR(
        boxes_->Append("ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,"
                       "IsTruncated,IsGroupOf,IsDepiction,IsInside\n"));
    RETURN_IF_ERROR(labels_->Append("ImageID,Source,LabelName,Confidence\n"));
    return pictures_->Append("ImageID,Subset,Width,Height\n");
  }

  absl::StatusOr<std::string> Add(const AnnotatedImage& given) override {
    ASSIGN_OR_RETURN(const std::string path, Check(given));
    const AnnotatedImage image = Reduced(given);
    const std::string id = CsvField(path);
    for (const Box& box : image.annotations.boxes) {
      RETURN_IF_ERROR(boxes_->Append(id + ",," + CsvField(box.label) + "," +
                                     Confidence(box.confidence) + "," + NumberText(box.x_min) +
                                     "," + NumberText(box.x_max) + "," + NumberText(box.y_min) +
                                     "," + NumberText(box.y_max) + ",,,,,\n"));
    }
    for (const std::string& tag : image.tags) {
      RETURN_IF_ERROR(labels_->Append(id + ",verification," + CsvField(tag) + ",1\n"));
    }
    for (const Classification& one : image.annotations.classifications) {
      RETURN_IF_ERROR(labels_->Append(id + ",machine," + CsvField(one.label) + "," +
                                      Confidence(one.confidence) + "\n"));
    }
    const std::string split(image.split.has_value() ? NameOf(*image.split) : "");
    RETURN_IF_ERROR(pictures_->Append(id + "," + split + "," + std::to_string(image.width) + "," +
                                      std::to_string(image.height) + "\n"));
    return "images/" + path;
  }

  absl::Status Finish() override {
    RETURN_IF_ERROR(boxes_->Commit());
    RETURN_IF_ERROR(labels_->Commit());
    RETURN_IF_ERROR(pictures_->Commit());
    ReportLosses();
    return absl::OkStatus();
  }

 private:
  std::unique_ptr<OutputFile> boxes_, labels_, pictures_;
};

template <typename W>
CreatedWriter CreateAndBegin(FileSystem& files, const WriterOptions& options) {
  auto writer = std::make_unique<W>(files, options);
  RETURN_IF_ERROR(writer->Begin());
  return writer;
}

}  // namespace

CreatedWriter CreateCsv(FileSystem& files, const WriterOptions& options) {
  return CreateAndBegin<CsvWriter>(files, options);
}

CreatedWriter CreateOpenImages(FileSystem& files, const WriterOptions& options) {
  return CreateAndBegin<OpenImagesWriter>(files, options);
}

}  // namespace bowerbird::annotation
