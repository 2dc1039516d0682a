// SPDX-License-Identifier: Apache-2.0
//
// How much of a picture's resolution is worth decoding for a model.
#pragma once

#include "image/image.h"

namespace bowerbird::vision {

// What to ask Picture::Decoded for when `needed` pixels of `picture` are wanted: a half, a quarter
// or an eighth where that leaves one and a half times what is needed on both axes, else {0, 0}, the
// whole. Less would leave the filter nothing to average, and results drift from those of the whole
// picture; libjpeg's other fractions (5/8 ...) have no SIMD code and cost more than the whole
// (docs/vision.md has the figures).
image::Size DecodeSize(image::Size picture, image::Size needed);

}  // namespace bowerbird::vision
