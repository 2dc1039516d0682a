// SPDX-License-Identifier: Apache-2.0
//
// What a detector found in a set of pictures, beside what is there. The measures of average
// precision (coco_ap.h, voc_ap.h) read it.
//
// Pictures and categories are numbered from 0, without gaps. Where two detections have the same
// score, the one in the picture with the lower number counts as the better one, then the one that
// comes first here: so pictures should be numbered by something that stays.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bowerbird::evaluate {

// Pixels, or any other unit that is the same for the whole set; min <= max.
struct Rectangle {
  double x_min = 0, y_min = 0, x_max = 0, y_max = 0;
  double Area() const { return (x_max - x_min) * (y_max - y_min); }
};

struct TruthBox {
  uint32_t picture = 0;
  uint32_t category = 0;
  Rectangle box{};
  // What decides between small, medium and large: of a segmentation where there is one, else the
  // box's own. Square pixels.
  double area = 0;
  // A region with many things that nobody counted: finding any of them is neither right nor wrong.
  // COCO's "iscrowd".
  bool crowd = false;
  // Neither a hit nor a miss: Pascal VOC's "difficult".
  bool difficult = false;
};

struct FoundBox {
  uint32_t picture = 0;
  uint32_t category = 0;
  Rectangle box{};
  double score = 0;
};

struct DetectionSet {
  uint32_t pictures = 0;
  std::vector<std::string> categories{};
  std::vector<TruthBox> truth{};
  std::vector<FoundBox> found{};
};

// The indices of one category, by picture.
struct CategoryBoxes {
  // truth[p] and found[p]: indices into the set, of picture p; found the best first.
  std::vector<std::vector<uint32_t>> truth, found;
};

// Element c is of category c. O(boxes log boxes); boxes of pictures or categories that the set does
// not have are left out.
std::vector<CategoryBoxes> ByCategory(const DetectionSet& set);

// Intersection over union, 0 where both are empty.
double IntersectionOverUnion(const Rectangle& a, const Rectangle& b);

// The same for boxes whose corners are the first and last pixel that belong to them, as the
// development kit of Pascal VOC has it: a box from 3 to 3 is one pixel wide.
double PixelIntersectionOverUnion(const Rectangle& a, const Rectangle& b);

}  // namespace bowerbird::evaluate
