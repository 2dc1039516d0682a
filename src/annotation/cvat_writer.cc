// SPDX-License-Identifier: Apache-2.0
//
// CVAT for images 1.1: annotations.xml, pictures under images/.
#include <utility>

#include "annotation/formats.h"
#include "annotation/numbers.h"
#include "annotation/output.h"
#include "annotation/xml_parser.h"
#include "base/status.h"

namespace bowerbird::annotation {
namespace {

std::string Attribute(std::string_view name, std::string_view value) {
  std::string text = " ";
  return text.append(name).append("=\"").append(XmlText(value)).append("\"");
}

// The end of an element that may have a confidence.
std::string Ending(std::string_view name, const std::optional<double>& confidence) {
  if (!confidence.has_value()) return "/>\n";
  std::string text = "><attribute name=\"confidence\">" + NumberText(*confidence);
  return text.append("</attribute></").append(name).append(">\n");
}

class CvatWriter : public FormatWriter {
 public:
  CvatWriter(FileSystem& files, const WriterOptions& options)
      : FormatWriter(files, options, kHoldsLabels) {}

  absl::Status Begin() {
    ASSIGN_OR_RETURN(file_, CreateFile("annotations.xml"));
    return file_->Append(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<annotations>\n"
        "  <version>1.1</version>\n");
  }

  absl::StatusOr<std::string> Add(const AnnotatedImage& given) override {
    ASSIGN_OR_RETURN(const std::string path, Check(given));
    if (given.width <= 0 || given.height <= 0) {
      return InvalidArgument("picture \"" + Printable(path) +
                             "\" has no known size: CVAT's boxes are in pixels");
    }
    const AnnotatedImage image = Reduced(given);
    std::string text = "  <image" + Attribute("id", std::to_string(count_++)) +
                       Attribute("name", path) + Attribute("width", std::to_string(image.width)) +
                       Attribute("height", std::to_string(image.height));
    if (image.split.has_value()) text += Attribute("subset", NameOf(*image.split));
    text += ">\n";
    for (const Box& box : image.annotations.boxes) {
      text += "    <box" + Attribute("label", box.label) + Attribute("occluded", "0") +
              Attribute("xtl", PixelText(box.x_min * image.width)) +
              Attribute("ytl", PixelText(box.y_min * image.height)) +
              Attribute("xbr", PixelText(box.x_max * image.width)) +
              Attribute("ybr", PixelText(box.y_max * image.height)) + Attribute("z_order", "0") +
              Ending("box", box.confidence);
    }
    for (const std::string& tag : image.tags) {
      text += "    <tag" + Attribute("label", tag) + Ending("tag", {});
    }
    for (const Classification& one : image.annotations.classifications) {
      text += "    <tag" + Attribute("label", one.label) + Ending("tag", one.confidence);
    }
    RETURN_IF_ERROR(file_->Append(text + "  </image>\n"));
    return "images/" + path;
  }

  absl::Status Finish() override {
    RETURN_IF_ERROR(file_->Append("</annotations>\n"));
    RETURN_IF_ERROR(file_->Commit());
    ReportLosses();
    return absl::OkStatus();
  }

 private:
  std::unique_ptr<OutputFile> file_;
  uint64_t count_ = 0;
};

}  // namespace

CreatedWriter CreateCvat(FileSystem& files, const WriterOptions& options) {
  auto writer = std::make_unique<CvatWriter>(files, options);
  RETURN_IF_ERROR(writer->Begin());
  return writer;
}

}  // namespace bowerbird::annotation
