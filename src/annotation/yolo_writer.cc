// SPDX-License-Identifier: Apache-2.0
//
// YOLO in the folders of Ultralytics: images/, labels/ (images/train, labels/train where a side of
// the split is known), data.yaml. Numbers have as many digits as they need: with the usual six,
// corners of pictures beyond 40,000 pixels would move.
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

class YoloWriter : public FormatWriter {
 public:
  YoloWriter(FileSystem& files, const WriterOptions& options)
      : FormatWriter(files, options, kHoldsBoxes), labels_(options.labels) {}

  absl::StatusOr<std::string> Add(const AnnotatedImage& given) override {
    ASSIGN_OR_RETURN(const std::string path, Check(given));
    const AnnotatedImage image = Reduced(given);
    const std::string side(image.split.has_value() ? NameOf(*image.split) : "");
    if (image.split.has_value()) sides_[static_cast<size_t>(*image.split)] = true;
    // a.jpg and a.png must not share a text file.
    const std::string stem = Unused(JoinPath(side, StemOf(path)));
    std::string text;
    for (const Box& box : image.annotations.boxes) {
      text += std::to_string(labels_.NumberOf(box.label)) + " " +
              NumberText((box.x_min + box.x_max) / 2) + " " +
              NumberText((box.y_min + box.y_max) / 2) + " " + NumberText(box.x_max - box.x_min) +
              " " + NumberText(box.y_max - box.y_min) + "\n";
    }
    RETURN_IF_ERROR(WriteSmall("labels/" + stem + ".txt", text));
    return "images/" + stem + std::string(ExtensionOf(path));
  }

  absl::Status Finish() override {
    const bool validation = sides_[static_cast<size_t>(Split::kValidation)];
    const bool training = sides_[static_cast<size_t>(Split::kTraining)];
    const bool test = sides_[static_cast<size_t>(Split::kTest)];
    std::string text = "path: .\n";
    text += training ? "train: images/train\n" : "train: images\n";
    text += validation ? "val: images/validation\n" : "val: images\n";
    if (test) text += "test: images/test\n";
    text += "nc: " + std::to_string(labels_.labels().size()) + "\nnames:";
    // Pictures without any box have no classes, which is not the same as a list that is missing.
    text += labels_.labels().empty() ? " []\n" : "\n";
    for (size_t i = 0; i < labels_.labels().size(); ++i) {
      text += "  " + std::to_string(i) + ": " + JsonString(labels_.labels()[i]) + "\n";
    }
    ASSIGN_OR_RETURN(const auto file, CreateFile("data.yaml"));
    RETURN_IF_ERROR(file->Append(text));
    RETURN_IF_ERROR(file->Commit());
    ReportLosses();
    return absl::OkStatus();
  }

 private:
  LabelNumbers labels_;
  std::array<bool, 3> sides_{};
};

}  // namespace

CreatedWriter CreateYolo(FileSystem& files, const WriterOptions& options) {
  return std::make_unique<YoloWriter>(files, options);
}

}  // namespace bowerbird::annotation
