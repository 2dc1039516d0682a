// SPDX-License-Identifier: Apache-2.0
//
// How much of a picture's resolution is worth decoding for a model.
#pragma once

#include "image/image.h"

namespace bowerbird::vision {

// What to ask Picture::Decoded for when a model takes `needed` pixels: half as many again on each
// axis. With less the filter has nothing left to average, and results drift from those of the whole
// picture; more costs time and changes nothing (docs/vision.md has the figures).
constexpr image::Size DecodeSize(image::Size needed) {
  return {needed.width + (needed.width + 1) / 2, needed.height + (needed.height + 1) / 2};
}

}  // namespace bowerbird::vision
