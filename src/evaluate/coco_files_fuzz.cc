// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as ground truth, as detections, as both: a set whose numbers are in range, or an error.
// What is a set gives figures within 0..1.
#include "evaluate/coco_files.h"

#include "annotation/fuzz_dataset.h"
#include "evaluate/coco_ap.h"
#include "evaluate/voc_ap.h"

namespace bowerbird::evaluate {
namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

void CheckFigure(const std::optional<double>& figure) {
  if (figure.has_value()) Check(*figure >= 0 && *figure <= 1 + 1e-9);
}

void Read(annotation::MemoryFileSystem& files) {
  const auto coco = ReadCocoFiles(files, {"/truth.json", "/found.json"});
  if (!coco.ok()) return;
  const DetectionSet& set = coco->set;
  for (const TruthBox& box : set.truth) {
    Check(box.picture < set.pictures && box.category < set.categories.size());
  }
  for (const FoundBox& box : set.found) {
    Check(box.picture < set.pictures && box.category < set.categories.size());
  }
  const CocoResult result = CocoAveragePrecision(set);
  CheckFigure(result.all.ap);
  CheckFigure(result.all.ar100);
  CheckFigure(VocAveragePrecision(set, {}).every_point);
  CheckFigure(VocAveragePrecision(set, {.pixel_corners = true}).eleven_points);
}

}  // namespace
}  // namespace bowerbird::evaluate

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static bowerbird::annotation::MemoryFileSystem files;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  files.contents["/truth.json"] = bytes;
  files.contents["/found.json"] = bytes;
  bowerbird::evaluate::Read(files);
  files.contents["/found.json"] = R"([{"image_id":1,"category_id":2,"bbox":[1,2,9,9],"score":1}])";
  bowerbird::evaluate::Read(files);
  return 0;
}
