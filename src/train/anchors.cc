// SPDX-License-Identifier: Apache-2.0
#include "train/anchors.h"

#include <algorithm>
#include <cmath>

namespace bowerbird::train {
namespace {

double Overlap(const LabeledBox& box, const vision::Anchor& anchor) {
  const double left = std::max<double>(box.x_min, anchor.x_center - anchor.width / 2);
  const double right = std::min<double>(box.x_max, anchor.x_center + anchor.width / 2);
  const double top = std::max<double>(box.y_min, anchor.y_center - anchor.height / 2);
  const double bottom = std::min<double>(box.y_max, anchor.y_center + anchor.height / 2);
  if (right <= left || bottom <= top) return 0;
  const double common = (right - left) * (bottom - top);
  const double area = (box.x_max - box.x_min) * (box.y_max - box.y_min);
  return common / (area + static_cast<double>(anchor.width) * anchor.height - common);
}

}  // namespace

std::array<float, 4> Encode(const LabeledBox& box, const vision::Anchor& anchor) {
  const double height = std::max(box.y_max - box.y_min, 1e-4);
  const double width = std::max(box.x_max - box.x_min, 1e-4);
  const double y = (box.y_min + box.y_max) / 2;
  const double x = (box.x_min + box.x_max) / 2;
  return {static_cast<float>(kCenterScale * (y - anchor.y_center) / anchor.height),
          static_cast<float>(kCenterScale * (x - anchor.x_center) / anchor.width),
          static_cast<float>(kSizeScale * std::log(height / anchor.height)),
          static_cast<float>(kSizeScale * std::log(width / anchor.width))};
}

LabeledBox Decode(std::span<const float, 4> code, const vision::Anchor& anchor) {
  const double y = code[0] / kCenterScale * anchor.height + anchor.y_center;
  const double x = code[1] / kCenterScale * anchor.width + anchor.x_center;
  const double height = std::exp(code[2] / kSizeScale) * anchor.height;
  const double width = std::exp(code[3] / kSizeScale) * anchor.width;
  return {.x_min = x - width / 2,
          .y_min = y - height / 2,
          .x_max = x + width / 2,
          .y_max = y + height / 2};
}

void MatchAnchors(std::span<const vision::Anchor> anchors, std::span<const LabeledBox> boxes,
                  const MatchOptions& options, std::span<int32_t> classes, std::span<float> codes) {
  std::vector<double> best(anchors.size(), 0);
  std::vector<int> owner(anchors.size(), -1);
  std::vector<size_t> favourite(boxes.size(), 0);
  for (size_t b = 0; b < boxes.size(); ++b) {
    double most = -1;
    for (size_t a = 0; a < anchors.size(); ++a) {
      const double overlap = Overlap(boxes[b], anchors[a]);
      if (overlap > most) {
        most = overlap;
        favourite[b] = a;
      }
      if (overlap > best[a]) {
        best[a] = overlap;
        owner[a] = static_cast<int>(b);
      }
    }
  }
  for (size_t b = 0; b < boxes.size(); ++b) {
    best[favourite[b]] = 1;
    owner[favourite[b]] = static_cast<int>(b);
  }
  std::ranges::fill(codes, 0.0F);
  for (size_t a = 0; a < anchors.size(); ++a) {
    classes[a] = best[a] >= options.ignored_overlap ? -1 : 0;
    if (best[a] < options.matched_overlap) continue;
    const LabeledBox& box = boxes[static_cast<size_t>(owner[a])];
    classes[a] = box.label + 1;
    std::ranges::copy(Encode(box, anchors[a]), codes.begin() + static_cast<ptrdiff_t>(4 * a));
  }
}

}  // namespace bowerbird::train
