// SPDX-License-Identifier: Apache-2.0
#include "annotation/format.h"

#include <algorithm>
#include <array>

#include "annotation/formats.h"
#include "base/status.h"

namespace bowerbird::annotation {
namespace {

constexpr std::array<Format, 11> kFormats{{
    {"viam", "Viam's export: data/ and metadata/*.json", kHoldsAllButSplits, DetectExportLayout,
     OpenExportLayout, CreateExportLayout},
    {"jsonl", "Viam's dataset: dataset.jsonl, pictures in data/", kHoldsEverything, DetectJsonLines,
     OpenJsonLines, CreateJsonLines},
    {"yolo", "YOLO: labels/*.txt, images/, data.yaml (or obj.names, classes.txt)", kHoldsBoxes,
     DetectYolo, OpenYolo, CreateYolo},
    {"cvat", "CVAT for images 1.1: annotations.xml", kHoldsLabels, DetectCvat, OpenCvat,
     CreateCvat},
    {"imagenet", "ImageNet: Annotations/*.xml, Data/, ImageSets/", kHoldsBoxes, DetectImageNet,
     OpenVoc, CreateImageNet},
    {"voc", "Pascal VOC: Annotations/*.xml, JPEGImages/, ImageSets/Main/", kHoldsBoxes, DetectVoc,
     OpenVoc, CreateVoc},
    {"coco", "COCO: annotations/*.json, images/ (also results of detectors)", kHoldsAllButIds,
     DetectCoco, OpenCoco, CreateCoco},
    {"labelstudio", "Label Studio: tasks.json", kHoldsLabels, DetectLabelStudio, OpenLabelStudio,
     CreateLabelStudio},
    {"openimages", "Open Images: tables with ImageID and LabelName", kHoldsLabels, DetectOpenImages,
     OpenOpenImages, CreateOpenImages},
    {"csv", "tables with a row a box or tag: filename, width, height, class, xmin, ...",
     kHoldsAllButIds, DetectCsv, OpenCsv, CreateCsv},
    {"folders", "a folder a class", kHoldsOneTag, DetectImageFolder, OpenImageFolder,
     CreateImageFolder},
}};

std::string Names() {
  std::string names;
  for (const Format& format : kFormats) names.append(names.empty() ? "" : ", ").append(format.name);
  return names;
}

}  // namespace

std::span<const Format> Formats() { return kFormats; }

absl::StatusOr<const Format*> FindFormat(std::string_view name) {
  // What other tools call it.
  if (name == "image-folder" || name == "imagefolder") name = "folders";
  const auto found = std::find_if(kFormats.begin(), kFormats.end(),
                                  [&](const Format& format) { return format.name == name; });
  if (found == kFormats.end()) {
    return NotFound("there is no format \"" + Printable(name) + "\": there are " + Names());
  }
  return &*found;
}

absl::StatusOr<Detection> DetectFormat(FileSystem& files, const std::string& directory) {
  ASSIGN_OR_RETURN(const Probe probe, Probe::Look(files, directory));
  Detection detection;
  for (const Format& format : kFormats) {
    const std::string sign = format.detect(probe);
    if (sign.empty()) continue;
    if (detection.format == nullptr) {
      detection.format = &format;
      detection.explanation = std::string(format.name) + ": " + sign;
    } else if (format.name != "folders" &&
               !(detection.format->name == "imagenet" && format.name == "voc") &&
               !(detection.format->name == "openimages" && format.name == "csv")) {
      detection.explanation += ". It could also be " + std::string(format.name) + ": " + sign;
    }
  }
  if (detection.format == nullptr) {
    return NotFound("folder \"" + Printable(directory) +
                    "\" looks like none of the formats that are read (" + Names() +
                    "): name the folder that holds the annotations, and the format");
  }
  return detection;
}

absl::StatusOr<std::unique_ptr<Reader>> OpenReader(const Format& format, FileSystem& files,
                                                   const ReaderOptions& options) {
  return format.open(files, options);
}

absl::StatusOr<std::unique_ptr<Writer>> CreateWriter(const Format& format, FileSystem& files,
                                                     const WriterOptions& options) {
  if (options.directory.empty()) return InvalidArgument("name the folder to write to");
  return format.create(files, options);
}

absl::StatusOr<uint64_t> SkipEvents(Reader& reader, uint64_t events) {
  for (uint64_t skipped = 0; skipped < events; ++skipped) {
    ASSIGN_OR_RETURN(const auto event, reader.Next());
    if (!event.has_value()) return skipped;
  }
  return events;
}

}  // namespace bowerbird::annotation
