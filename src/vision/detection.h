// SPDX-License-Identifier: Apache-2.0
//
// What vision finds in a picture.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "image/image.h"

namespace bowerbird::vision {

struct Detection {
  std::string label;
  int class_id = -1;      // number of the class in the model; -1 where there is none
  double confidence = 0;  // 0..1
  // Whole pixels of the picture as a person sees it; min <= max, inside the picture.
  int x_min = 0, y_min = 0, x_max = 0, y_max = 0;
};

struct Classification {
  std::string label;
  int class_id = -1;
  double confidence = 0;
};

// A detection's corner as a share of the picture: pixels / width (or height).
struct NormalizedBox {
  double x_min = 0, y_min = 0, x_max = 0, y_max = 0;
};
NormalizedBox Normalize(const Detection& detection, image::Size size);

// Keeps the n best, best first, ties in the order given; n <= 0 keeps everything as it is.
void KeepTop(std::vector<Classification>& classifications, int n);

}  // namespace bowerbird::vision
