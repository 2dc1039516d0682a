// SPDX-License-Identifier: Apache-2.0
//
// From shares of a model's input to whole pixels of the picture.
#pragma once

#include "image/resize.h"
#include "vision/candidate.h"
#include "vision/detection.h"

namespace bowerbird::vision {

// How one picture was laid into the model's input.
struct BoxMapping {
  image::Size picture;
  image::Size input;
  image::Fit fit = image::Fit::kStretch;
  image::Placement placement;
};

// The box of a detection; label and class are left to the caller. Corners are share * (extent - 1),
// rounded towards 0, as the reference machine computes them; put in order and into the picture.
Detection ToPixels(const Candidate& candidate, const BoxMapping& mapping);

}  // namespace bowerbird::vision
