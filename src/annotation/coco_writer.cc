// SPDX-License-Identifier: Apache-2.0
//
// COCO: annotations/instances.json, or one file a side of the split (instances_train.json),
// pictures under images/. Boxes are written to a file of their own first and moved behind the
// pictures at the end. Tags and classifications are members of a picture that other tools do not
// look at.
#include <array>
#include <utility>

#include "annotation/folder.h"
#include "annotation/formats.h"
#include "annotation/json_elements.h"
#include "annotation/numbers.h"
#include "annotation/output.h"
#include "base/status.h"

namespace bowerbird::annotation {
namespace {

// One document; a dataset has one for each side of the split.
struct Document {
  std::unique_ptr<OutputFile> pictures, boxes;
  uint64_t picture_count = 0, box_count = 0;
};

class CocoWriter : public FormatWriter {
 public:
  CocoWriter(FileSystem& files, const WriterOptions& options)
      : FormatWriter(files, options, kHoldsAllButIds), labels_(options.labels) {}

  absl::StatusOr<std::string> Add(const AnnotatedImage& given) override {
    ASSIGN_OR_RETURN(const std::string path, Check(given));
    if (given.width <= 0 || given.height <= 0) {
      return InvalidArgument("picture \"" + Printable(path) +
                             "\" has no known size: COCO's boxes are in pixels");
    }
    const AnnotatedImage image = Reduced(given);
    ASSIGN_OR_RETURN(Document * document, DocumentOf(image.split));
    const uint64_t id = ++document->picture_count;
    RETURN_IF_ERROR(document->pictures->Append(PictureText(image, path, id)));
    for (const Box& box : image.annotations.boxes) {
      RETURN_IF_ERROR(document->boxes->Append(BoxText(image, box, id, ++document->box_count)));
    }
    return "images/" + path;
  }

  absl::Status Finish() override {
    if (documents_[0].pictures == nullptr && documents_[1].pictures == nullptr &&
        documents_[2].pictures == nullptr && documents_[3].pictures == nullptr) {
      RETURN_IF_ERROR(DocumentOf(std::nullopt).status());
    }
    std::string categories = "\n],\n\"categories\": [";
    for (size_t i = 0; i < labels_.labels().size(); ++i) {
      categories += i == 0 ? "\n" : ",\n";
      categories += "{\"id\": " + std::to_string(i + 1) +
                    ", \"name\": " + JsonString(labels_.labels()[i]) + ", \"supercategory\": \"\"}";
    }
    categories += "\n]\n}\n";
    for (Document& document : documents_) {
      if (document.pictures == nullptr) continue;
      RETURN_IF_ERROR(document.pictures->Append("\n],\n\"annotations\": ["));
      RETURN_IF_ERROR(document.boxes->MoveInto(*document.pictures));
      RETURN_IF_ERROR(document.pictures->Append(categories));
      RETURN_IF_ERROR(document.pictures->Commit());
    }
    ReportLosses();
    return absl::OkStatus();
  }

 private:
  absl::StatusOr<Document*> DocumentOf(std::optional<Split> split) {
    Document& document = documents_[split.has_value() ? static_cast<size_t>(*split) + 1 : 0];
    if (document.pictures != nullptr) return &document;
    std::string name = "annotations/instances";
    if (split.has_value()) name.append("_").append(NameOf(*split));
    name += ".json";
    ASSIGN_OR_RETURN(document.boxes, CreateFile(name + ".boxes"));
    ASSIGN_OR_RETURN(document.pictures, CreateFile(name));
    RETURN_IF_ERROR(document.pictures->Append("{\n\"images\": ["));
    return &document;
  }

  static std::string PictureText(const AnnotatedImage& image, const std::string& path,
                                 uint64_t id) {
    std::string text = id == 1 ? "\n" : ",\n";
    text += "{\"id\": " + std::to_string(id) + ", \"file_name\": " + JsonString(path) +
            ", \"width\": " + std::to_string(image.width) +
            ", \"height\": " + std::to_string(image.height);
    if (!image.tags.empty()) text += ", \"tags\": " + Json(image.tags).dump();
    if (!image.annotations.classifications.empty()) {
      text += ", \"classifications\": [";
      for (size_t i = 0; i < image.annotations.classifications.size(); ++i) {
        const Classification& one = image.annotations.classifications[i];
        text += i == 0 ? "" : ", ";
        text += "{\"label\": " + JsonString(one.label);
        if (one.confidence.has_value()) text += ", \"confidence\": " + NumberText(*one.confidence);
        text += '}';
      }
      text += ']';
    }
    return text + "}";
  }

  std::string BoxText(const AnnotatedImage& image, const Box& box, uint64_t picture, uint64_t id) {
    const double x = box.x_min * image.width, y = box.y_min * image.height;
    const double width = box.x_max * image.width - x, height = box.y_max * image.height - y;
    std::string text = id == 1 ? "\n" : ",\n";
    text += "{\"id\": " + std::to_string(id) + ", \"image_id\": " + std::to_string(picture) +
            ", \"category_id\": " + std::to_string(labels_.NumberOf(box.label) + 1) +
            ", \"bbox\": [" + PixelText(x) + ", " + PixelText(y) + ", " + PixelText(width) + ", " +
            PixelText(height) + "], \"area\": " + PixelText(width * height) + ", \"iscrowd\": 0";
    if (box.confidence.has_value()) text += ", \"score\": " + NumberText(*box.confidence);
    return text + "}";
  }

  LabelNumbers labels_;
  std::array<Document, 4> documents_;  // without a side, then by side
};

}  // namespace

CreatedWriter CreateCoco(FileSystem& files, const WriterOptions& options) {
  return std::make_unique<CocoWriter>(files, options);
}

}  // namespace bowerbird::annotation
