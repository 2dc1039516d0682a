// SPDX-License-Identifier: Apache-2.0
//
// Results drawn into the picture that they were found in.
#pragma once

#include <span>

#include "image/image.h"
#include "vision/detection.h"

namespace bowerbird::vision {

// A box in the colour of its class and "label 0.87" at its upper left corner. kRgb8 only. Line and
// letters grow with the picture, so that a 12-megapixel photo is as readable as a small one.
void DrawDetections(image::Image& image, std::span<const Detection> detections);

// One line each, from the top, in the order given.
void DrawClassifications(image::Image& image, std::span<const Classification> classifications);

}  // namespace bowerbird::vision
