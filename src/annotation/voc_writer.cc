// SPDX-License-Identifier: Apache-2.0
//
// Pascal VOC: JPEGImages/, Annotations/, ImageSets/Main/ with a list for each side of the split.
// And ImageNet's: the same files, folders Data/ and Annotations/, lists in ImageSets/.
#include <array>
#include <utility>

#include "annotation/folder.h"
#include "annotation/formats.h"
#include "annotation/numbers.h"
#include "annotation/output.h"
#include "annotation/xml_parser.h"
#include "base/status.h"

namespace bowerbird::annotation {
namespace {

constexpr std::array<const char*, 4> kLists{"train", "val", "test", "default"};

struct Layout {
  std::string pictures;
  std::string everything;  // list of all pictures, "" for none
};

class VocWriter : public FormatWriter {
 public:
  VocWriter(FileSystem& files, const WriterOptions& options, Layout layout)
      : FormatWriter(files, options, kHoldsBoxes), layout_(std::move(layout)) {}

  absl::StatusOr<std::string> Add(const AnnotatedImage& given) override {
    ASSIGN_OR_RETURN(const std::string path, Check(given));
    if (given.width <= 0 || given.height <= 0) {
      return InvalidArgument("picture \"" + Printable(path) +
                             "\" has no known size: VOC's boxes are in pixels");
    }
    const AnnotatedImage image = Reduced(given);
    // Lists name pictures without folder and extension: these must tell them apart.
    const std::string stem = Unused(FlatName(StemOf(path)));
    const std::string name = stem + std::string(ExtensionOf(path));
    RETURN_IF_ERROR(WriteSmall("Annotations/" + stem + ".xml", TextOf(image, name)));
    if (image.split.has_value()) RETURN_IF_ERROR(List(static_cast<size_t>(*image.split), stem));
    if (!layout_.everything.empty()) RETURN_IF_ERROR(List(kLists.size() - 1, stem));
    return layout_.pictures + "/" + name;
  }

  absl::Status Finish() override {
    for (const auto& list : lists_) {
      if (list != nullptr) RETURN_IF_ERROR(list->Commit());
    }
    ReportLosses();
    return absl::OkStatus();
  }

 private:
  static std::string FlatName(std::string_view stem) {
    std::string flat;
    for (const char c : stem) flat += c == '/' || c == ' ' ? "__" : std::string(1, c);
    return flat;
  }

  absl::Status List(size_t list, const std::string& stem) {
    if (lists_[list] == nullptr) {
      ASSIGN_OR_RETURN(lists_[list],
                       CreateFile(std::string("ImageSets/Main/") + kLists[list] + ".txt"));
    }
    return lists_[list]->Append(stem + "\n");
  }

  static std::string Element(const char* indent, std::string_view name, std::string_view value) {
    std::string text = indent;
    text.append("<").append(name).append(">").append(value).append("</");
    return text.append(name).append(">\n");
  }

  std::string TextOf(const AnnotatedImage& image, const std::string& name) const {
    std::string text = "<annotation>\n";
    text += Element("  ", "folder", layout_.pictures);
    text += Element("  ", "filename", XmlText(name));
    text += "  <size>\n" + Element("    ", "width", std::to_string(image.width)) +
            Element("    ", "height", std::to_string(image.height)) +
            Element("    ", "depth", "3") + "  </size>\n" + Element("  ", "segmented", "0");
    for (const Box& box : image.annotations.boxes) {
      text += "  <object>\n" + Element("    ", "name", XmlText(box.label)) +
              Element("    ", "pose", "Unspecified") + Element("    ", "truncated", "0") +
              Element("    ", "difficult", "0") + "    <bndbox>\n" +
              Element("      ", "xmin", PixelText(box.x_min * image.width)) +
              Element("      ", "ymin", PixelText(box.y_min * image.height)) +
              Element("      ", "xmax", PixelText(box.x_max * image.width)) +
              Element("      ", "ymax", PixelText(box.y_max * image.height)) +
              "    </bndbox>\n  </object>\n";
    }
    return text + "</annotation>\n";
  }

  const Layout layout_;
  std::array<std::unique_ptr<OutputFile>, kLists.size()> lists_;
};

}  // namespace

CreatedWriter CreateVoc(FileSystem& files, const WriterOptions& options) {
  return std::make_unique<VocWriter>(files, options, Layout{"JPEGImages", ""});
}

CreatedWriter CreateImageNet(FileSystem& files, const WriterOptions& options) {
  return std::make_unique<VocWriter>(files, options, Layout{"Data", "default"});
}

}  // namespace bowerbird::annotation
