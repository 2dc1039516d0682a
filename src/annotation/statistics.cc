// SPDX-License-Identifier: Apache-2.0
#include "annotation/statistics.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace bowerbird::annotation {
namespace {

constexpr double kSmallArea = 32.0 * 32.0;
constexpr double kMediumArea = 96.0 * 96.0;
constexpr uint64_t kAdvisedImages = 10;  // of each label, before training makes sense
constexpr double kAdvisedImbalance = 3;

std::string Counted(uint64_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

std::vector<std::string> RemarksOn(const Statistics& statistics) {
  std::vector<std::string> remarks;
  if (statistics.images == 0) return {"There are no pictures."};
  if (statistics.labels.empty()) {
    return {"No picture has a label: add tags or boxes before training."};
  }
  if (statistics.unlabeled_images * 5 > statistics.images) {
    remarks.push_back(Counted(statistics.unlabeled_images, "picture") + " of " +
                      std::to_string(statistics.images) +
                      " have no label: more than a fifth. Label them, or take out those that are "
                      "not meant as counter-examples.");
  }
  const auto by_images = [](const LabelStatistics& a, const LabelStatistics& b) {
    return a.images < b.images;
  };
  for (const LabelStatistics& label : statistics.labels) {
    if (label.images >= kAdvisedImages) continue;
    remarks.push_back("Label \"" + label.label + "\" has " + Counted(label.images, "picture") +
                      ": at least " + std::to_string(kAdvisedImages) + " are advised.");
  }
  if (statistics.imbalance > kAdvisedImbalance) {
    const auto [least, most] =
        std::minmax_element(statistics.labels.begin(), statistics.labels.end(), by_images);
    remarks.push_back("Label \"" + most->label + "\" has " + Counted(most->images, "picture") +
                      ", \"" + least->label + "\" only " + std::to_string(least->images) +
                      ": more than 3 to 1. Collect more of the rare one.");
  }
  return remarks;
}

}  // namespace

void StatisticsBuilder::Add(const Annotations& annotations, std::span<const std::string> tags,
                            int width, int height) {
  ++counts_.images;
  counts_.boxes += annotations.boxes.size();
  std::set<std::string_view> here(tags.begin(), tags.end());
  for (const Classification& one : annotations.classifications) here.insert(one.label);
  for (const Box& box : annotations.boxes) {
    here.insert(box.label);
    ++labels_[box.label].boxes;
    if (width <= 0 || height <= 0) continue;
    const double area = (box.x_max - box.x_min) * width * ((box.y_max - box.y_min) * height);
    ++(area < kSmallArea    ? counts_.small_boxes
       : area < kMediumArea ? counts_.medium_boxes
                            : counts_.large_boxes);
  }
  if (here.empty()) ++counts_.unlabeled_images;
  for (const std::string_view label : here) ++labels_[std::string(label)].images;
}

void StatisticsBuilder::Add(const AnnotatedImage& image) {
  Add(image.annotations, image.tags, image.width, image.height);
}

Statistics StatisticsBuilder::Finish() const {
  Statistics statistics = counts_;
  uint64_t most = 0, least = UINT64_MAX;
  for (const auto& [name, label] : labels_) {
    statistics.labels.push_back({name, label.images, label.boxes});
    most = std::max(most, label.images);
    least = std::min(least, label.images);
  }
  if (!labels_.empty()) {
    statistics.imbalance = static_cast<double>(most) / static_cast<double>(least);
  }
  statistics.remarks = RemarksOn(statistics);
  return statistics;
}

}  // namespace bowerbird::annotation
